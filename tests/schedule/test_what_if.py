"""A real run played again in other ways: sound in itself, and the same as what `advise` says."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs_to_advise import LATE, run_rows
from schedule_strategies import workloads
from trying import tries

from interpreter.runs import Run
from interpreter.schedule.advice.advice import advise
from interpreter.schedule.advice.observed import Observation, ObservedCall, observe
from interpreter.schedule.advice.what_if import MOST_CALLS, PlayedRun, PlayedRuns, what_if
from interpreter.state import Settings


def observed(calls: list[ObservedCall]) -> Observation:
    return Observation(tuple(calls), 1_000, Run((), (), 0, 0))


def as_it_was(found: PlayedRuns) -> PlayedRun:
    order, workers, token = found.as_it_was
    at = (order * len(found.workers) + workers) * len(found.token_percents) + token
    return found.played[at]


@given(workload=workloads(), workers=st.integers(0, 4))
@tries(40)
def test_what_was_played_is_sound(workload, workers: int) -> None:
    # What a call needed was written before it.
    names = [call.id for call in workload.calls]
    calls = [
        ObservedCall(
            call.id,
            "f",
            1_000 * call.generate_tokens,
            0,
            0,
            call.execute_us,
            tuple(need for need in call.after if need in names[:at]),
        )
        for at, call in enumerate(workload.calls)
    ]
    seen = observed(calls)
    found = what_if(seen, workers)
    assert found is not None
    assert as_it_was(found).total_us == advise(seen, workers).played_us
    half = len(found.played) // 2
    for written, best in zip(found.played[:half], found.played[half:], strict=True):
        assert best.total_us <= written.total_us
    for played in found.played:
        assert sorted(call.call for call in played.calls) == list(range(len(calls)))
        for call in played.calls:
            times = msgspec.structs.astuple(call)[1:]
            assert list(times) == sorted(times)
            assert times[-1] <= played.total_us
        assert played.calls
        busy = sorted(((0, found.reading_us), *played.decoding, *played.trapped))
        assert all(one[1] <= other[0] for one, other in pairwise(busy))
        assert busy[-1][1] == played.total_us


def test_a_run_is_played_again_with_half_the_time_for_a_token() -> None:
    chosen = Settings()
    seen = observe(chosen, run_rows(LATE, settings=chosen))
    found = what_if(seen)
    assert found is not None
    assert found.calls == (("a", "weather"), ("b", "find"), ("c", "search"), ("d", "send"))
    assert as_it_was(found).total_us == seen.run.total_us
    order, workers, token = found.as_it_was
    assert (found.orders[order], found.workers[workers], found.token_percents[token]) == (
        "as written", 0, 100,
    )  # fmt: skip
    faster = found.played[workers * len(found.token_percents) + found.token_percents.index(50)]
    assert sum(end - begin for begin, end in faster.decoding) == seen.run.decode_us // 2


@pytest.mark.parametrize("size", [0, MOST_CALLS + 1])
def test_of_no_call_and_of_very_many_nothing_is_played(size: int) -> None:
    calls = [ObservedCall(f"c{at}", "f", 1, 0, 0, 1, ()) for at in range(size)]
    assert what_if(observed(calls)) is None
