"""Test vectors: what goes in, what must come out; and how an implementation is held to them.

An implementation reads one request a line on standard input and writes one answer a line on
standard output, in any order (spec/vectors/README.md).
"""

import subprocess
from base64 import b64decode
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources.abc import Traversable
from typing import Final

import msgspec

from cml.diagnostics import Diagnostic, Severity
from cml.documents import ItemDocument
from cml.grammar import specification
from cml.profile import Profile

FOLDERS: Final = ("syntax", "malformed", "invalid")


class Finding(msgspec.Struct, frozen=True):
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


class Expected(msgspec.Struct, frozen=True):
    """What must come out.

    Args:
        context: The items; none where the input is not UTF-8.
        diagnostics: All that is wrong, in order.
        canonical: The canonical text of the items; null in the token profile, and only there.
        interruptible: After each piece or token that can be read, whether an interrupt may be
            inserted there.
    """

    context: list[ItemDocument]
    diagnostics: list[Finding]
    canonical: str | None
    interruptible: list[bool]


class Token(msgspec.Struct, frozen=True, omit_defaults=True):
    """A token: either one that is reserved for a marker, or text.

    Args:
        marker: Name of the marker, such as CALL.
        text: What the token spells.
    """

    marker: str | None = None
    text: str = ""


class Input(msgspec.Struct, frozen=True, omit_defaults=True):
    """What goes in: one of these.

    Args:
        text: A whole text.
        pieces: A text in pieces, to be read in pieces by a reader that can.
        base64: Pieces as bytes, in base64.
        tokens: Tokens, for the token profile.
    """

    text: str | None = None
    pieces: list[str] | None = None
    base64: list[str] | None = None
    tokens: list[Token] | None = None

    def chunks(self) -> list[str] | list[bytes]:
        """Return the pieces of a text; a whole text is one."""
        if self.base64 is not None:
            return [b64decode(piece) for piece in self.base64]
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


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an implementation is asked, on one line."""

    id: str
    input: Input
    profile: Profile = Profile()


class Answer(msgspec.Struct, frozen=True):
    """What an implementation answers, on one line; spec/answers.md says it field by field."""

    id: str
    context: list[ItemDocument]
    diagnostics: list[Diagnostic]
    canonical: str | None
    interruptible: list[bool]


class ImplementationError(ValueError):
    """An implementation that does not answer as the protocol says."""


def load_vectors(folder: Traversable | None = None) -> dict[str, Vector]:
    """Return the vectors of the language, by folder and name.

    Raises:
        msgspec.DecodeError: A file is no vector.
    """
    root = folder or specification() / "vectors"
    files = sorted(
        (f"{name}/{file.name.removesuffix('.json')}", file)
        for name in FOLDERS
        for file in (root / name).iterdir()
        if file.name.endswith(".json")
    )
    return {name: msgspec.json.decode(file.read_bytes(), type=Vector) for name, file in files}


def ask(command: Sequence[str], vectors: dict[str, Vector], timeout_s: float) -> dict[str, Answer]:
    """Give all vectors to an implementation and return its answers.

    Args:
        command: The program and its arguments.
        vectors: What it is asked.
        timeout_s: Seconds that it may take for all.

    Raises:
        ImplementationError: It cannot be started, fails, takes too long, or writes something else.
    """
    requests = [Request(name, v.input, v.profile) for name, v in vectors.items()]
    lines = msgspec.json.Encoder().encode_lines(requests)
    try:
        done = subprocess.run(  # noqa: S603 - running this command is what was asked for
            command, input=lines, stdout=subprocess.PIPE, timeout=timeout_s, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ImplementationError(f"{command[0]}: {error}") from None
    return {answer.id: answer for answer in _answers(done.stdout.splitlines())}


def _answers(lines: Iterable[bytes]) -> Iterator[Answer]:
    for number, line in enumerate(lines, start=1):
        try:
            yield msgspec.json.decode(line, type=Answer)
        except msgspec.DecodeError as error:
            raise ImplementationError(f"line {number} of its output: {error}") from None


def differences(vector: Vector, answer: Answer | None) -> Iterator[str]:
    """Yield what is wrong with an answer; nothing means that it is right."""
    if answer is None:
        yield "no answer"
        return
    expected = vector.expected
    yield from _unequal("items", len(expected.context), len(answer.context))
    for number, (ours, theirs) in enumerate(
        zip(expected.context, answer.context, strict=False), start=1
    ):
        yield from _unequal(f"item {number}", _text(ours), _text(theirs))
    yield from _unequal(
        "diagnostics", [f.rule for f in expected.diagnostics], [d.rule for d in answer.diagnostics]
    )
    for finding, found in zip(expected.diagnostics, answer.diagnostics, strict=False):
        begin, end = found.span.start.offset, found.span.end.offset
        yield from _unequal("code", (finding.code, finding.severity), (found.code, found.severity))
        if not finding.within[0] <= begin <= end <= finding.within[1]:
            yield f"{finding.rule}: expected a span within {finding.within}, found {(begin, end)}"
    yield from _unequal("canonical text", expected.canonical, answer.canonical)
    yield from _unequal("interruptible", expected.interruptible, answer.interruptible)


def _unequal(what: str, expected: object, found: object) -> Iterator[str]:
    if expected != found:
        yield f"{what}: expected {expected}, found {found}"


def _text(item: ItemDocument) -> str:
    return msgspec.json.encode(item, order="deterministic").decode()
