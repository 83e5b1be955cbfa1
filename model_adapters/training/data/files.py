"""Dialogues as files: rows of JSON Lines, without doubles, with a card that says what they are."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, BinaryIO, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from cml.characters import not_utf_8
from cml.terminal.foreign import markdown_text
from interpreter.session import DecodingCosts
from interpreter.state import Settings
from model_adapters.hf.chat_tokens import HfTokenizer
from model_adapters.prompt import Message
from model_adapters.training.data.dialogues import Delivered, Dialogue
from model_adapters.training.data.ideal import Segment
from model_adapters.training.data.stories import Tale
from model_adapters.training.recipe.tokens import dialogue_tokens

DialogueFormat: TypeAlias = Literal["dialogues", "messages", "tokens"]
"""Rows with everything; chats as trainers read them; token ids with labels."""

IGNORED: Final = -100
"""The label of a token that is not learnt, as trainers write it."""


class DialogueFileError(Exception):
    """A file that holds no dialogues."""


class DialogueRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One dialogue in a file.

    Args:
        id: The seed that it was drawn with, the number of its box of tools, and its own in that.
        shape: What kind of story it is.
        facts: Names of what is called in the catalogue: by these the data are split.
        messages: The chat that the context begins with.
        segments: The context after it, by who wrote what; only what the model wrote is learnt.
        delivered: When each batch of interrupts went in, and by which rule.
        settings: What the host chose.
        costs: What decoding cost.
    """

    id: str
    shape: str
    facts: tuple[str, ...]
    messages: Annotated[tuple[Message, ...], Meta(min_length=1)]
    segments: tuple[Segment, ...]
    delivered: tuple[Delivered, ...] = ()
    settings: Settings = Settings()
    costs: DecodingCosts = DecodingCosts()


class Contents(msgspec.Struct):
    """What a file holds, counted while it is written.

    Args:
        dialogues: How many.
        doubles: How many were left out because they were there already.
        shapes: How many of each shape.
        calls: How many have so many calls.
        tools: How many offer so many tools.
        batches: Batches of interrupts; `midst` of them in the middle of a line of prose.
        midst: See there.
        takers: How many calls of each deed take the result of another call.
        facts: What is called.
        questions: What is asked, as hashes.
    """

    dialogues: int = 0
    doubles: int = 0
    shapes: Counter[str] = msgspec.field(default_factory=Counter)
    calls: Counter[int] = msgspec.field(default_factory=Counter)
    tools: Counter[int] = msgspec.field(default_factory=Counter)
    batches: int = 0
    midst: int = 0
    takers: Counter[str] = msgspec.field(default_factory=Counter)
    facts: set[str] = msgspec.field(default_factory=set)
    questions: set[bytes] = msgspec.field(default_factory=set)


def write_dialogues(
    file: BinaryIO,
    dialogues: Iterable[Dialogue],
    form: DialogueFormat,
    tokenizer: HfTokenizer | None = None,
) -> Contents:
    """Write dialogues, each but once; return what the file holds.

    Args:
        file: Where to.
        dialogues: What.
        form: How.
        tokenizer: The model's; needed for tokens.
    """
    contents = Contents()
    for dialogue in dialogues:
        if _count(contents, dialogue):
            file.write(msgspec.json.encode(_row(dialogue, form, tokenizer)) + b"\n")
    return contents


def without_doubles(dialogues: Iterable[Dialogue]) -> Iterator[Dialogue]:
    """Return dialogues, each but once."""
    seen: set[bytes] = set()
    for dialogue in dialogues:
        key = _fingerprint(dialogue)
        if key not in seen:
            seen.add(key)
            yield dialogue


def read_dialogues(lines: Iterable[bytes]) -> Iterator[DialogueRow]:
    """Read rows of the format `dialogues`.

    Raises:
        DialogueFileError: A line is none; the message says which.
    """
    decoder = msgspec.json.Decoder(DialogueRow)
    for number, line in enumerate(lines, start=1):
        if fault := not_utf_8(line):
            raise DialogueFileError(f"line {number}: {fault}")
        try:
            yield decoder.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise DialogueFileError(
                f"line {number}: no dialogue as `cml dataset` writes it: {error}"
            ) from None


def leaks(train: Contents, test: Contents) -> dict[str, int]:
    """Return what two files have in common: none of it should be there."""
    return {
        "facts and deeds that are called": len(train.facts & test.facts),
        "questions": len(train.questions & test.questions),
    }


def card(name: str, parts: Mapping[str, Contents], how: str) -> str:
    """Return the card of the data: what they are, in Markdown.

    Args:
        name: Of the data.
        parts: What each file holds.
        how: The command that makes them.
    """
    lines = [
        f"# {markdown_text(name)}",
        "",
        "Dialogues of an ideal model that calls functions asynchronously in CML, played by the reference",
        "machine under its virtual clock. Everything in them is made up: tools, names, results, people.",
        "Every dialogue is valid, replays to the same rows, and its calls fit their tools.",
        "Interrupts are in the contexts and are never to be learnt. Licence: Apache-2.0.",
        "",
        f"Made by {markdown_text(how)}; the same command gives the same bytes.",
        "",
    ]
    for part, contents in parts.items():
        lines += [f"## {part}", "", *_counted(contents), ""]
    if len(parts) == 2:
        common = leaks(*parts.values())
        told = ", ".join(f"{count} {what}" for what, count in common.items())
        lines += ["## In common", "", f"{told}.", ""]
    return "\n".join(lines)


def _counted(contents: Contents) -> Iterator[str]:
    yield f"{contents.dialogues} dialogues; {contents.doubles} doubles were left out."
    yield f"{contents.batches} batches of interrupts, {contents.midst} of them inside a line of prose."
    yield ""
    yield "| shape | dialogues |"
    yield "|---|--:|"
    yield from (f"| {shape} | {count} |" for shape, count in contents.shapes.most_common())
    yield ""
    yield f"Calls: {_spread(contents.calls)}. Tools offered: {_spread(contents.tools)}."
    takers = (f"{name} in {count}" for name, count in contents.takers.most_common())
    yield f"Calls that take the result of another: {', '.join(takers) or 'none'}."


def _spread(counter: Counter[int]) -> str:
    return ", ".join(f"{number} in {count}" for number, count in sorted(counter.items()))


def _count(contents: Contents, dialogue: Dialogue) -> bool:
    """Count a dialogue; false for one that is there already."""
    key = _fingerprint(dialogue)
    if key in contents.questions:
        contents.doubles += 1
        return False
    contents.questions.add(key)
    contents.dialogues += 1
    contents.shapes[dialogue.shape] += 1
    contents.calls[len(dialogue.story.wishes)] += 1
    contents.tools[len(dialogue.tools)] += 1
    contents.facts.update(dialogue.story.facts)
    contents.takers.update(_takers(dialogue.story))
    texts = [segment.text for segment in dialogue.segments]
    contents.batches += len(dialogue.delivered)
    pairs = zip(dialogue.segments, texts[1:], strict=False)
    contents.midst += sum(_is_midst(segment.by, segment.text, after) for segment, after in pairs)
    return True


def _takers(story: Tale) -> Iterator[str]:
    """Return what is called with the result of another call."""
    for name, wish in zip(story.facts, story.wishes, strict=False):
        if wish.needs | wish.names:
            yield name


def _fingerprint(dialogue: Dialogue) -> bytes:
    text = "\n".join((*(message.content for message in dialogue.messages), dialogue.answer))
    return hashlib.sha256(text.encode()).digest()[:12]


def _is_midst(by: str, text: str, after: str) -> bool:
    return by == "model" and after.startswith("\n[INTR]") and not text.endswith(("]", "."))


def _row(
    dialogue: Dialogue, form: DialogueFormat, tokenizer: HfTokenizer | None
) -> DialogueRow | dict[str, object]:
    match form:
        case "dialogues":
            return DialogueRow(
                dialogue.id,
                dialogue.shape,
                dialogue.story.facts,
                dialogue.messages,
                dialogue.segments,
                dialogue.delivered,
                dialogue.settings,
                dialogue.costs,
            )
        case "messages":
            return {"messages": [*dialogue.messages, Message("assistant", dialogue.answer)]}
        case "tokens":
            if tokenizer is None:
                raise ValueError("tokens need a tokenizer")
            tokens = dialogue_tokens(tokenizer, dialogue.messages, dialogue.segments)
            pairs = zip(tokens.ids, tokens.learn, strict=True)
            labels = [token if learnt else IGNORED for token, learnt in pairs]
            return {"input_ids": tokens.ids, "labels": labels}
