"""Run vectors: what a session does, as language-neutral JSON (spec/vectors/README.md).

A vector gives everything that comes from outside: what the model writes and how long each step
takes, what functions come back with, what people say. It states the rows and the context that must
follow. `python -m interpreter.vectors FILE…` writes the rows that this interpreter finds, for a
person to review.
"""

from collections import Counter
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from cml.symbols import Marker
from cml.vectors.runner import MarkerName, vector_files
from interpreter.drivers.virtual import Drive, TimedOutcomes, run_virtual
from interpreter.events import Began, Outcome, Row, Said, Start, Stopped
from interpreter.scripted import ScriptedSession
from interpreter.session import DecodingCosts, EndOfDecoding, Piece, Session
from interpreter.state import Settings


class ScriptedToken(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One decoding step of the model: one token.

    Args:
        text: What it writes.
        took_us: How long it takes, in microseconds; by the costs if absent.
        end: That it ends here instead, in no time: an end token, or the limit of its output.
        marker: In the token profile, the marker that the token is reserved for, instead of text.
    """

    text: str = ""
    took_us: int | None = None
    end: Literal["stop", "length"] | None = None
    marker: MarkerName | None = None


class TimedOutcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing a call comes back with.

    Args:
        after_us: When, in microseconds from its start.
        outcome: What.
    """

    after_us: int
    outcome: Outcome


class Planned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that happens at a given time.

    Args:
        at_us: When, in microseconds from the beginning.
        event: What.
    """

    at_us: int
    event: Began | Said | Stopped


FunctionStories: TypeAlias = dict[str, tuple[tuple[TimedOutcome, ...], ...]]


class RunVector(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One story of a session, and what must come of it.

    Args:
        name: That of its file.
        about: The story in a sentence or two.
        rules: Rules of the specification that it exercises, each of which must fire.
        script: What the model writes, step by step.
        context: The whole context in the end, without the prompt.
        rows: The rows of the trace.
        settings: What the host chose.
        costs: The cost model of decoding.
        functions: For each function, for its first call, its second and so on (the last repeats),
            the answers.
        planned: What else happens.
    """

    name: str
    about: str
    rules: tuple[str, ...]
    script: tuple[ScriptedToken, ...]
    context: str
    rows: tuple[Row, ...]
    settings: Settings = Settings()
    costs: DecodingCosts = DecodingCosts()
    functions: FunctionStories = {}
    planned: tuple[Planned, ...] = ()


class RunRequest(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A story that an implementation is asked to run: the fields of a run vector that come from
    outside.
    """

    id: str
    script: tuple[ScriptedToken, ...]
    settings: Settings = Settings()
    costs: DecodingCosts = DecodingCosts()
    functions: FunctionStories = {}
    planned: tuple[Planned, ...] = ()


class RunAnswer(msgspec.Struct, frozen=True):
    """What came of a story: the rows of the trace, and the whole context without the prompt."""

    id: str
    rows: tuple[Row, ...]
    context: str


_DECODER: Final = msgspec.json.Decoder(RunVector)


def read_vector(path: Path) -> RunVector:
    """Read a vector.

    Raises:
        msgspec.DecodeError: The file is no vector; the message says where.
    """
    return _DECODER.decode(path.read_bytes())


def run_vectors() -> dict[str, RunVector]:
    """Return all run vectors, by category and name.

    Raises:
        msgspec.DecodeError: A file is no vector.
    """
    return {name: _DECODER.decode(file.read_bytes()) for name, file in vector_files("runs").items()}


def request_of(identifier: str, vector: RunVector) -> RunRequest:
    """Return what an implementation is asked of a vector."""
    return RunRequest(
        identifier,
        vector.script,
        vector.settings,
        vector.costs,
        vector.functions,
        vector.planned,
    )


def run(request: RunRequest) -> RunAnswer:
    """Run a story under the virtual clock.

    Raises:
        HostError: The story breaks off: something is waited for that never comes.
    """
    session = ScriptedSession(map(_step, request.script))
    return RunAnswer(request.id, play(request, session), session.context)


def play(request: RunRequest, session: Session, drive: Drive = run_virtual) -> tuple[Row, ...]:
    """Play a story with a session that writes its script; return the rows.

    Args:
        request: The story.
        session: The session.
        drive: The driver.

    Raises:
        HostError: The story breaks off: something is waited for that never comes.
    """
    calls: Counter[str] = Counter()

    def functions(start: Start) -> TimedOutcomes:
        stories = request.functions.get(start.function) or ((),)
        story = stories[min(calls[start.function], len(stories) - 1)]
        calls[start.function] += 1
        return [(answer.after_us, answer.outcome) for answer in story]

    planned = [(p.at_us, p.event) for p in request.planned]
    return tuple(drive(session, functions, request.settings, request.costs, planned))


def run_vector(vector: RunVector) -> tuple[tuple[Row, ...], str]:
    """Run a vector under the virtual clock.

    Returns:
        The rows, and the context in the end.

    Raises:
        HostError: The story breaks off: something is waited for that never comes.
    """
    found = run(request_of(vector.name, vector))
    return found.rows, found.context


def _step(written: ScriptedToken) -> Piece | EndOfDecoding:
    if written.end is not None:
        return EndOfDecoding(written.end)
    if written.marker is not None:
        marker = Marker[written.marker]
        return Piece(marker.value, took_us=written.took_us, marker=marker)
    return Piece(written.text, took_us=written.took_us)


def write_vector(path: Path) -> None:
    """Fill in the rows and the context that this interpreter finds."""
    draft = msgspec.json.decode(path.read_bytes())
    vector = msgspec.convert({"rows": [], "context": "", **draft}, RunVector)
    rows, context = run_vector(vector)
    found = msgspec.structs.replace(vector, rows=rows, context=context)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
