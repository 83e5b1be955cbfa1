"""Days of sessions under a virtual clock, with faults by chance: the same seed, the same days.

Functions are late by hours, come back twice or never, fail, give ten megabytes or markers, report too
often; people speak in between; the clock goes from one happening to the next. What must hold is
asked after each session (`check_ran`).
"""

import random
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Final, TypeAlias

import msgspec

from cml.ast import OutcomeKind
from cml.profile import Level, Profile
from interpreter.drivers.virtual import TimedOutcomes, run_virtual
from interpreter.events import Inject, Outcome, Row, Said, Start, failure
from interpreter.scripted import ScriptedSession
from interpreter.session import DecodingCosts
from interpreter.state import Settings
from interpreter.testing.functions import gives_markers, gives_too_much
from interpreter.testing.holding import Ran, check_ran
from interpreter.testing.scripts import random_pieces
from interpreter.tools.results import outcome_of
from interpreter.trace import encode_row

_S: Final = 1_000_000
_DAY_US: Final = 86_400 * _S
_HOUR_US: Final = 3_600 * _S
_TAKES: Final = ("quick", "slow", "slow", "odd")
_THINKING: Final = (("<think>", "</think>"),)

_Fault: TypeAlias = Callable[[random.Random], TimedOutcomes]


class Soaked(msgspec.Struct, frozen=True):
    """What a soak came to.

    Args:
        sessions: How many there were.
        virtual_us: How long they were, in microseconds of their own time.
        started: Calls that were started.
        answered: Interrupts that went in, by outcome.
        faults: What befell calls, by name.
        digest: Of all rows, in order: the same for the same seed, on every machine.
    """

    sessions: int
    virtual_us: int
    started: int
    answered: dict[str, int]
    faults: dict[str, int]
    digest: str


def soak(seed: int, days: float, first: int = 0) -> Soaked:
    """Run sessions until so many days have gone by.

    Args:
        seed: Of all that happens.
        days: Virtual days, of all sessions together.
        first: Which session to begin with: to repeat the one that failed.

    Raises:
        AssertionError: Something did not hold of a session; which, and how to repeat it, it says.
    """
    counts: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    digest = sha256()
    number, virtual_us = first, 0
    while virtual_us < days * _DAY_US:
        try:
            ran, befell = run_session(seed, number)
            check_ran(ran)
        except Exception as error:
            message = f"session {number} of seed {seed}: {error}; soak({seed}, 0.001, {number})"
            raise AssertionError(message) from error
        for row in ran.rows:
            digest.update(encode_row(row))
            counts.update(_counted(row))
        faults.update(befell)
        virtual_us += max(row.at_us for row in ran.rows)
        number += 1
    started = counts.pop("start", 0)
    return Soaked(
        number - first,
        virtual_us,
        started,
        dict(sorted(counts.items())),
        dict(sorted(faults.items())),
        digest.hexdigest(),
    )


def run_session(seed: int, number: int) -> tuple[Ran, list[str]]:
    """Run one session of a soak.

    Args:
        seed: Of the soak.
        number: Which.

    Returns:
        What came of it, and what befell its calls.
    """
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - drawn again, not kept secret
    level = chance.choice([Level.EXTENDED, Level.EXTENDED, Level.FUTURES, Level.CORE])
    settings = Settings(
        profile=Profile(level=level, regions=_THINKING if chance.random() < 0.2 else ()),
        functions=("odd", "quick", "slow"),
        end=chance.choice(["drain", "drain", "drain", "detach", "cancel", "fail"]),
        deliver=chance.choice(["any", "any", "word", "line", "idle"]),
        deadline_us=chance.choice([_S, 60 * _S, _HOUR_US, 24 * _HOUR_US]),
        workers=chance.choice([0, 0, 1, 2]),
    )
    pieces = random_pieces(chance, _TAKES)
    befell: list[str] = []

    def functions(start: Start) -> TimedOutcomes:
        name, fault = chance.choice(_FAULTS[start.function])
        befell.append(name)
        return fault(chance)

    is_spoken_to = level is Level.EXTENDED and chance.random() < 0.3
    times = [chance.randint(1, _HOUR_US) for _ in range(3)] if is_spoken_to else []
    session = ScriptedSession(pieces)
    costs = DecodingCosts(token_us=30_000, interrupt_token_us=300)
    planned = [(at_us, Said("hm")) for at_us in times]
    rows = list(run_virtual(session, functions, settings, costs, planned))
    return Ran(settings, rows, session.context, clock="virtual"), befell


def _counted(row: Row) -> list[str]:
    """What of a row is counted: calls that start, and outcomes that go in."""
    found: list[str] = []
    for effect in row.effects:
        match effect:
            case Start():
                found.append("start")
            case Inject(interrupts):
                found += [told.outcome.kind.value for told in interrupts]
            case _:
                pass
    return found


# ------------------------------------------------------------------------------- what befalls calls

_ONE: Final = Outcome(OutcomeKind.RETURNED, {"k": [1]})
_TOO_MUCH: Final = outcome_of(gives_too_much())
_MARKERS: Final = outcome_of(gives_markers())


def _comes(outcome: Outcome, most_us: int) -> _Fault:
    return lambda chance: [(chance.randint(0, most_us), outcome)]


def _twice(chance: random.Random) -> TimedOutcomes:
    """Delivered by two: the second may say otherwise, and come at the same time."""
    first_us = chance.randint(0, 2 * _S)
    second_us = first_us + chance.choice([0, 1, _HOUR_US])
    return [(first_us, _ONE), (second_us, failure("OSError", "twice"))]


def _never(_: random.Random) -> TimedOutcomes:
    return []


def _reports(chance: random.Random) -> TimedOutcomes:
    at_us = sorted(chance.randint(0, 60 * _S) for _ in range(9))
    reports = [(us, Outcome(OutcomeKind.PROGRESS, us)) for us in at_us[:-1]]
    return [*reports, (at_us[-1], chance.choice([_ONE, _MARKERS]))]


_FAULTS: Final[dict[str, tuple[tuple[str, _Fault], ...]]] = {
    "quick": (
        ("none", _comes(_ONE, 1_000)),
        ("none", _comes(_ONE, _S)),
        ("markers", _comes(_MARKERS, _S)),
    ),
    "slow": (
        ("delay", _comes(_ONE, 60 * _S)),
        ("delay", _comes(_ONE, 6 * _HOUR_US)),
        ("the clock jumps", _comes(_ONE, 48 * _HOUR_US)),
        ("duplicate", _twice),
        ("progress", _reports),
    ),
    "odd": (
        ("raise", _comes(failure("OSError", "no such file: \udcff"), _S)),
        ("exit", _comes(failure("SystemExit", "3"), _S)),
        ("too much", _comes(_TOO_MUCH, _S)),
        ("drop", _never),
        ("duplicate", _twice),
    ),
}
