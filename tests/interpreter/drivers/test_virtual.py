"""The virtual driver and its timeline: what the run vectors do not ask of it."""

import pytest

from cml.ast import OutcomeKind
from cml.symbols import Symbol
from interpreter import DecodingCosts, HostError, ScriptedSession, Settings, run_virtual
from interpreter.drivers.timeline import Timeline
from interpreter.drivers.virtual import VirtualEnvironment
from interpreter.events import Began, Decoded, Outcome, Returned, Row, Said, Stopped

DONE = Outcome(OutcomeKind.RETURNED, 1)
FREE = DecodingCosts(token_us=0)
CALL_AND_TRAP = "[CALL] a [HEAD] f() [END][TRAP][END]"


def rules(rows: list[Row], at_us: int) -> list[str]:
    return [row.rule for row in rows if row.at_us == at_us and row.event is not None]


def test_a_call_that_never_returns_is_told() -> None:
    with pytest.raises(HostError, match=r"the session is trapped \(Embed/return\)"):
        list(run_virtual(ScriptedSession([CALL_AND_TRAP]), lambda start: []))


def test_after_a_stop_only_calls_and_further_turns_are_taken() -> None:
    session = ScriptedSession([CALL_AND_TRAP, "more"])
    planned = [(2, Stopped()), (3, Said("unheard")), (4, Stopped()), (6, Began()), (6, Said("on"))]
    rows = list(run_virtual(session, lambda start: [(5, DONE)], None, FREE, planned))
    assert [rules(rows, at_us) for at_us in (2, 3, 4)] == [["Step/stop"], [], []]
    assert rules(rows, 5) == ["Step/late"]
    assert rules(rows, 6)[:2] == ["Step/begin", "Step/message"]


def test_an_environment_says_when_something_happens_next() -> None:
    environment = VirtualEnvironment(ScriptedSession([]), Settings(), dict, FREE, [(3, Began())])
    assert environment.next_us == 3
    assert environment.moment() == (3, [Began()])
    assert environment.next_us is None


# ------------------------------------------------------------------------------------ the timeline


def test_the_next_moment_is_that_of_the_first_event() -> None:
    timeline = Timeline()
    assert timeline.next_us is None
    timeline.push(7, Began())
    timeline.push(5, Began())
    assert timeline.next_us == 5
    assert timeline.pop() == (5, [Began()])
    assert timeline.next_us == 7


def test_equal_events_come_as_they_were_planned_or_as_their_places_say() -> None:
    timeline = Timeline()
    first, second, third = (Returned(call, DONE) for call in "abc")
    for event in (first, second, third):
        timeline.push(1, event)
    assert timeline.pop() == (1, [first, second, third])
    for place, event in zip((3, 1, 2), (first, second, third), strict=True):
        timeline.push(1, event, place)
    assert timeline.pop() == (1, [second, third, first])


def test_what_is_left_when_a_symbol_is_dropped_is_in_order() -> None:
    timeline = Timeline()
    timeline.push(1, Decoded(Symbol("x", 0)))
    for when_us in (10, 2, 11):
        timeline.push(when_us, Began())
    timeline.drop_decoding()
    assert [timeline.pop() for _ in range(4)] == [*((us, [Began()]) for us in (2, 10, 11)), None]
