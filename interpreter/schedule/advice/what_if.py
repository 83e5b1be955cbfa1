"""A real run played again by the simulator, with another order, other workers, or faster decoding."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal, get_args

import msgspec

from interpreter.schedule.advice.advice import observed_plan
from interpreter.schedule.advice.observed import Observation
from interpreter.schedule.models.asynchronous import run_async
from interpreter.schedule.models.timing import RunnablePolicy, Timing
from interpreter.schedule.narration.lives import call_lives
from interpreter.schedule.narration.spans import TimeSpan, narrate_async
from interpreter.schedule.plan import Plan
from interpreter.schedule.simulate import run_policy

CallOrder = Literal["as written", "best found"]
ORDERS: Final[tuple[CallOrder, ...]] = get_args(CallOrder)
TOKEN_PERCENTS: Final = (25, 50, 100, 200)
"""What a token may take, in hundredths of what it took."""
WORKERS: Final = (1, 2, 4)
MOST_CALLS: Final = 300
"""Of larger runs nothing is played: what is shown of one has to be carried along."""

SEARCHING: Final[tuple[RunnablePolicy, ...]] = ("auto",)
QUICK: Final[tuple[RunnablePolicy, ...]] = ("fan-tail", "lpt", "johnson")
MOST_SEARCHED: Final = 60
"""Of larger runs an order is not searched for: the best that a policy without search gives is taken."""


class PlayedCall(msgspec.Struct, frozen=True, array_like=True):
    """One call of a run that was played; times in microseconds.

    Args:
        call: Its place in `PlayedRuns.calls`.
        opened_us: When the model began to write it, or the prose before it.
        written_us: When it was written.
        start_us: When it started to run.
        return_us: When it returned.
        delivered_us: When its result went in.
    """

    call: int
    opened_us: int
    written_us: int
    start_us: int
    return_us: int
    delivered_us: int


class PlayedRun(msgspec.Struct, frozen=True):
    """A run as the simulator plays it; times in microseconds.

    Args:
        total_us: How long it takes.
        decoding: When the model decodes, as pairs of begin and end.
        trapped: When it waits at a trap.
        calls: Its calls.
    """

    total_us: int
    decoding: tuple[tuple[int, int], ...]
    trapped: tuple[tuple[int, int], ...]
    calls: tuple[PlayedCall, ...]


class PlayedRuns(msgspec.Struct, frozen=True):
    """What would have become of a run: it was played again in these ways.

    Args:
        reading_us: How long the model reads before it writes, which nothing changes; that of later turns
            comes before the first here.
        calls: Identifier and function of each call, as they were written.
        orders: The orders that were played.
        workers: The numbers of calls that run at once; 0 is without limit.
        token_percents: What a token takes, in hundredths of what it took.
        as_it_was: Places of what comes nearest to the run in these three.
        played: Each order with each number of workers with each token time, the last changing first.
    """

    reading_us: int
    calls: tuple[tuple[str, str], ...]
    orders: tuple[CallOrder, ...]
    workers: tuple[int, ...]
    token_percents: tuple[int, ...]
    as_it_was: tuple[int, int, int]
    played: tuple[PlayedRun, ...]


def what_if(observation: Observation, workers: int = 0) -> PlayedRuns | None:
    """Play a run again in other ways; None where it has no calls, or more than `MOST_CALLS`.

    Args:
        observation: The run.
        workers: How many calls could run at once; 0 is without limit.
    """
    size = len(observation.calls)
    if not 0 < size <= MOST_CALLS:
        return None
    limits = sorted({n for n in (*WORKERS, workers) if 0 < n < size})
    at_once = (*limits, 0)
    place = {call.id: number for number, call in enumerate(observation.calls)}
    places = [place.get(call.id, -1) for call in observation.written]
    reading_us = observation.run.reading_us
    plan = msgspec.structs.replace(observed_plan(observation, 0), start_us=reading_us)
    plans = [_with_token(plan, percent) for percent in TOKEN_PERCENTS]
    return PlayedRuns(
        reading_us=reading_us,
        calls=tuple((call.id, call.function) for call in observation.calls),
        orders=ORDERS,
        workers=at_once,
        token_percents=TOKEN_PERCENTS,
        as_it_was=(
            0,
            at_once.index(workers if workers in at_once else 0),
            TOKEN_PERCENTS.index(100),
        ),
        played=tuple(
            _play(msgspec.structs.replace(plan, workers=limit), order, places)
            for order in ORDERS
            for limit in at_once
            for plan in plans
        ),
    )


def _with_token(plan: Plan, percent: int) -> Plan:
    return msgspec.structs.replace(
        plan,
        generate_us=[took_us * percent // 100 for took_us in plan.generate_us],
        answer_us=plan.answer_us * percent // 100,
    )


def _play(plan: Plan, order: CallOrder, places: Sequence[int]) -> PlayedRun:
    timing = run_async(plan, list(range(plan.size)), fixed=True)
    if order == "best found":
        policies = SEARCHING if plan.size <= MOST_SEARCHED else QUICK
        found = [run_policy(plan, policy) for policy in policies]
        timing = min(timing, *found, key=_makespan)
    spans = narrate_async(plan, timing)
    model = [span for span in spans if span.kind != "execute"]
    return PlayedRun(
        total_us=timing.makespan_us,
        decoding=tuple(_joined([span for span in model if span.kind != "wait"])),
        trapped=tuple((span.start_us, span.end_us) for span in model if span.kind == "wait"),
        calls=tuple(
            PlayedCall(
                places[life.call],
                life.opened_us,
                life.written_us,
                life.start_us,
                life.end_us,
                life.delivered_us,
            )
            for life in call_lives(spans)
            if places[life.call] >= 0
        ),
    )


def _makespan(timing: Timing) -> int:
    return timing.makespan_us


def _joined(spans: Sequence[TimeSpan]) -> Iterator[tuple[int, int]]:
    """Yield begin and end of what goes on without a pause."""
    begin_us = end_us = -1
    for span in spans:
        if span.start_us != end_us:
            if end_us > begin_us:
                yield begin_us, end_us
            begin_us = span.start_us
        end_us = span.end_us
    if end_us > begin_us:
        yield begin_us, end_us
