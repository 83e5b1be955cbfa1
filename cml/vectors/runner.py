"""Test vectors: what goes in, what must come out; `asking` holds an implementation to them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.resources.abc import Traversable
from typing import Final, Literal, TypeAlias, get_args

import msgspec

from cml.diagnostics import Diagnostic, Severity
from cml.profile import Profile
from cml.symbols import Marker
from cml.text.grammar import specification
from cml.tools.documents import ItemDocument
from cml.wording import LONG, difference

FOLDERS: Final = ("syntax", "malformed", "invalid")
MarkerName: TypeAlias = Literal["CALL", "INTR", "TRAP", "HEAD", "END"]
MARKER_NAMES: Final[Mapping[Marker, MarkerName]] = {
    Marker[name]: name for name in get_args(MarkerName)
}


class ExpectedDiagnostic(msgspec.Struct, frozen=True):
    """A diagnostic that is expected, anywhere within a block.

    Args:
        code: Its code.
        rule: Its rule.
        severity: Its severity.
        within: Offsets of the first character and after the last one of what it is about.
    """

    code: str
    rule: str
    severity: Severity
    within: tuple[int, int]


class Token(msgspec.Struct, frozen=True, omit_defaults=True):
    """A token: either one that is reserved for a marker, or text.

    Args:
        marker: Name of the marker, such as CALL.
        text: What the token spells.
    """

    marker: MarkerName | None = None
    text: str = ""


class Expected(msgspec.Struct, frozen=True):
    """What must come out.

    Args:
        context: The items; none where the input is not UTF-8.
        diagnostics: All that is wrong, in order.
        canonical: The canonical text of the items; in the token profile their canonical tokens.
        interruptible: After each piece or token that can be read, whether an interrupt may be
            inserted there.
    """

    context: list[ItemDocument]
    diagnostics: list[ExpectedDiagnostic]
    canonical: str | list[Token]
    interruptible: list[bool]


class Input(msgspec.Struct, frozen=True, omit_defaults=True):
    """What goes in: one of these.

    Args:
        text: A whole text.
        pieces: A text in pieces, to be read in pieces by a reader that can.
        base64: Pieces as bytes; in JSON, in base64.
        tokens: Tokens, for the token profile.
    """

    text: str | None = None
    pieces: list[str] | None = None
    base64: list[bytes] | None = None
    tokens: list[Token] | None = None

    def chunks(self) -> list[str] | list[bytes]:
        """Return the pieces of a text; a whole text is one."""
        if self.base64 is not None:
            return self.base64
        return self.pieces if self.pieces is not None else [self.text or ""]


class Vector(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fault or one story.

    Args:
        description: What it shows.
        rules: The rules that it exercises.
        input: What goes in.
        expected: What must come out.
        profile: How the context is written.
    """

    description: str
    rules: list[str]
    input: Input
    expected: Expected
    profile: Profile = Profile()


class LanguageRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an implementation is asked, on one line."""

    id: str
    input: Input
    profile: Profile = Profile()


class LanguageAnswer(msgspec.Struct, frozen=True):
    """What an implementation answers, on one line; spec/answers.md says it field by field."""

    id: str
    context: list[ItemDocument]
    diagnostics: list[Diagnostic]
    canonical: str | list[Token]
    interruptible: list[bool]


class Question(msgspec.Struct, frozen=True):
    """A vector, of whatever category, as an implementation is asked it.

    Args:
        request: What goes in: a structure with the `id`.
        differences: What is wrong with an answer, a line of JSON; nothing means that it is right.
        about: What the vector shows.
        rules: The rules that it exercises.
    """

    request: msgspec.Struct
    differences: Callable[[bytes], Iterator[str]]
    about: str
    rules: tuple[str, ...]


class Identified(msgspec.Struct):
    """As much of a request or an answer as says which question it is of."""

    id: str


def vector_files(folder: str) -> dict[str, Traversable]:
    """Return the files of one category of vectors, by `category/name`."""
    files = (specification() / "vectors" / folder).iterdir()
    named = {f"{folder}/{file.name.removesuffix('.json')}": file for file in files}
    return {name: file for name, file in sorted(named.items()) if file.name.endswith(".json")}


def load_vectors(folders: Sequence[str] = FOLDERS) -> dict[str, Vector]:
    """Return the vectors of the language, by category and name.

    Raises:
        msgspec.DecodeError: A file is no vector.
    """
    return {
        name: msgspec.json.decode(file.read_bytes(), type=Vector)
        for folder in sorted(folders)
        for name, file in vector_files(folder).items()
    }


def questions(folder: str) -> dict[str, Question]:
    """Return what is asked of one category of the vectors of the language."""
    return {
        name: Question(
            LanguageRequest(name, v.input, v.profile),
            partial(_differences, v),
            v.description,
            tuple(v.rules),
        )
        for name, v in load_vectors((folder,)).items()
    }


def _differences(vector: Vector, line: bytes) -> Iterator[str]:
    return differences(vector, msgspec.json.decode(line, type=LanguageAnswer))


def differences(vector: Vector, answer: LanguageAnswer) -> Iterator[str]:
    """Yield what is wrong with an answer; nothing means that it is right."""
    expected = vector.expected
    yield from unequal("items", len(expected.context), len(answer.context))
    for number, (ours, theirs) in enumerate(
        zip(expected.context, answer.context, strict=False), start=1
    ):
        yield from unequal(f"item {number}", _text(ours), _text(theirs))
    yield from unequal(
        "diagnostics", [f.rule for f in expected.diagnostics], [d.rule for d in answer.diagnostics]
    )
    for finding, found in zip(expected.diagnostics, answer.diagnostics, strict=False):
        begin, end = found.span.start.offset, found.span.end.offset
        yield from unequal("code", (finding.code, finding.severity), (found.code, found.severity))
        if not finding.within[0] <= begin <= end <= finding.within[1]:
            yield f"{finding.rule}: expected a span within {finding.within}, found {(begin, end)}"
    yield from unequal("canonical form", expected.canonical, answer.canonical)
    yield from unequal("interruptible", expected.interruptible, answer.interruptible)


def unequal(what: str, expected: object, found: object) -> Iterator[str]:
    """Say that two things are not the same, if they are not; of long texts, from where they part."""
    if expected != found:
        told = f"expected {expected}, found {found}"
        yield f"{what}: {told if len(told) <= LONG else difference(expected, found)}"


def _text(item: ItemDocument) -> str:
    return msgspec.json.encode(item, order="deterministic").decode()
