"""What to do about what an audit found, in sentences."""

from collections.abc import Callable, Iterator
from typing import Final

from cml.symbols import MARKERS
from cml.wording import counted
from model_adapters.audit.findings import TokenizerAudit


def advice(found: TokenizerAudit) -> Iterator[str]:
    """Yield what follows for whoever uses this tokenizer; nothing stands here for figures that are usual."""
    for concerns, sentence in _ADVICE:
        if concerns(found):
            yield sentence(found)


def _saved(found: TokenizerAudit) -> str:
    text = sum(cost.text_tokens for cost in found.costs)
    token = sum(cost.token_tokens for cost in found.costs)
    return (
        f"a reserved token for each marker would save {text - token} of the {text} tokens of these "
        "blocks: worth it for a model that is trained to write them (--markers token)"
    )


_ADVICE: Final[
    tuple[tuple[Callable[[TokenizerAudit], bool], Callable[[TokenizerAudit], str]], ...]
] = (
    (
        lambda found: not found.keeps_text,
        lambda _: (
            "it changes text that is encoded, or appended in parts: a context would not be what the "
            "runtime wrote; use a model with a byte-level tokenizer"
        ),
    ),
    (
        lambda found: bool(found.unsafe_content),
        lambda found: (
            f"text becomes the control token {found.unsafe_content[0]} however it is encoded: give "
            "this model nothing from outside"
        ),
    ),
    (
        lambda found: found.naive_control.count > 0,
        lambda found: (
            f"encoded as it comes, text becomes {counted(found.naive_control.count, 'control token')}, "
            f"{found.naive_control.examples[0]} among them: cut text from outside inside their "
            "spellings, as this project's sessions do"
        ),
    ),
    (
        lambda found: found.fused.count > 0,
        lambda found: (
            f"a marker begins or ends inside {counted(found.fused.count, 'token')}: find markers in the "
            "characters, never in the ids"
        ),
    ),
    (
        lambda found: found.words.count > 0,
        lambda found: (
            f"words end as a marker does ({found.words.examples[0]!r} for one): compare a whole marker, "
            "with its `[`, and not its tail"
        ),
    ),
    (
        lambda found: found.mask.is_leaky,
        lambda found: (
            f"to ban what only [INTR] is encoded to ({', '.join(map(repr, found.mask.banned.examples))}) "
            "prevents nothing, for other tokens spell it; a fixed ban that holds takes every token over "
            f"one of its characters ({', '.join(map(repr, found.mask.needed.examples))}), wherever else "
            "it is wanted: use a mask that sees the text"
        ),
    ),
    (
        lambda found: len(found.markers_as_tokens) == len(MARKERS),
        lambda _: "it has a token for each marker: the token profile can be used as it is",
    ),
    (lambda found: len(found.markers_as_tokens) < len(MARKERS), _saved),
)
