"""The tags between which a model reasons: known ones that its tokenizer has tokens for."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from transformers import TokenizersBackend

Regions = tuple[tuple[str, str], ...]

_TAGS: Final[Regions] = (
    ("<think>", "</think>"),
    ("<seed:think>", "</seed:think>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("[THINK]", "[/THINK]"),
)


def regions_of(tokenizer: "TokenizersBackend") -> Regions:
    """Return what opens and what closes the reasoning of a model, in pairs (`Profile.regions`)."""
    own = tokenizer.get_added_vocab()
    return tuple(pair for pair in _TAGS if own.keys() >= set(pair))


def without_begun_region(prompt: str, regions: Regions) -> str:
    """Return a prompt that opens no region at its end, as the templates of some models do.

    What stands in a prompt is not read (Embed/provenance): the model has to open it.
    """
    text = prompt.rstrip()
    for opening, _ in regions:
        if text.endswith(opening):
            return text.removesuffix(opening)
    return prompt
