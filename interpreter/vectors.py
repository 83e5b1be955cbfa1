"""Run vectors: what a session does, as language-neutral JSON (spec/vectors/runs).

A vector gives everything that comes from outside: what the model writes and how long each step
takes, what functions come back with, what people say. It states the rows and the context that must
follow. `python -m interpreter.vectors FILE…` writes the rows that this interpreter finds, for a
person to review.
"""

import sys
from collections import Counter
from pathlib import Path
from typing import Final, Literal

import msgspec

from interpreter.events import Began, Outcome, Row, Said, Start, Stopped
from interpreter.scripted import ScriptedSession
from interpreter.session import EndOfDecoding, Piece
from interpreter.state import Settings
from interpreter.virtual import Answers, DecodingCosts, run_virtual


class Written(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One decoding step of the model.

    Args:
        text: What it writes.
        took_us: How long it takes; by the costs if absent.
        end: That it ends here instead, in no time: an end token, or the limit of its output.
    """

    text: str = ""
    took_us: int | None = None
    end: Literal["stop", "length"] | None = None


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
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
    script: tuple[Written, ...]
    context: str
    rows: tuple[Row, ...]
    settings: Settings = Settings()
    costs: DecodingCosts = DecodingCosts()
    functions: dict[str, tuple[tuple[Answer, ...], ...]] = {}
    planned: tuple[Planned, ...] = ()


_DECODER: Final = msgspec.json.Decoder(RunVector)


def read_vector(path: Path) -> RunVector:
    """Read a vector.

    Raises:
        msgspec.DecodeError: The file is no vector; the message says where.
    """
    return _DECODER.decode(path.read_bytes())


def run_vector(vector: RunVector) -> tuple[tuple[Row, ...], str]:
    """Run a vector under the virtual clock.

    Returns:
        The rows, and the context in the end.

    Raises:
        HostError: The story breaks off: something is waited for that never comes.
    """
    session = ScriptedSession(map(_step, vector.script))
    calls: Counter[str] = Counter()

    def functions(start: Start) -> Answers:
        stories = vector.functions[start.function]
        story = stories[min(calls[start.function], len(stories) - 1)]
        calls[start.function] += 1
        return [(answer.after_us, answer.outcome) for answer in story]

    planned = [(p.at_us, p.event) for p in vector.planned]
    rows = tuple(run_virtual(session, functions, vector.settings, vector.costs, planned))
    return rows, session.context


def _step(written: Written) -> Piece | EndOfDecoding:
    if written.end is not None:
        return EndOfDecoding(written.end)
    return Piece(written.text, took_us=written.took_us)


def write_vector(path: Path) -> None:
    """Fill in the rows and the context that this interpreter finds."""
    draft = msgspec.json.decode(path.read_bytes())
    vector = msgspec.convert({"rows": [], "context": "", **draft}, RunVector)
    rows, context = run_vector(vector)
    found = msgspec.structs.replace(vector, rows=rows, context=context)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        write_vector(Path(name))
