"""What a driver does with a session that can let go of its context (Embed/suspend).

That rows and context are those of a session that cannot, whatever happens, is seen in the random
sessions of `driver_stories`, half of which let go.
"""

from collections.abc import Callable
from threading import Event

import pytest
from letting_go import LettingGo

from cml import Call
from interpreter import EndOfDecoding, Runtime, Settings, State
from interpreter.drivers.waiting import expected_wait_us
from interpreter.scripted import pieces_of
from interpreter.session import Suspended
from interpreter.state import CallState, Status, Wait
from interpreter.tools.declared import tool

CALLS = "[CALL] a [HEAD] quick() [END][CALL] b [HEAD] slow() [END]"


class Asked(LettingGo):
    """Opens a gate each time that it is asked to let go, for calls that wait for that."""

    def __init__(self, text: str | list[str | EndOfDecoding], again_us: int | None = None) -> None:
        super().__init__(pieces_of(text) if isinstance(text, str) else text, again_us=again_us)
        self.gates = [Event() for _ in range(3)]

    def suspend(self, wait_us: int | None) -> Suspended:
        told = super().suspend(wait_us)
        for gate in self.gates[: len(self.waits_us)]:
            gate.set()
        return told


def functions_of(session: Asked, unknown_after: int = 1) -> dict[str, Callable[[], str]]:
    """Each returns when the session was asked to let go so many times."""

    @tool(estimate_s=100)
    def quick() -> str:
        session.gates[0].wait(60)
        return "a"

    @tool(estimate_s=500)
    def slow() -> str:
        session.gates[1].wait(60)
        return "b"

    def unknown() -> str:
        session.gates[unknown_after - 1].wait(60)
        return "c"

    return {"quick": quick, "slow": slow, "unknown": unknown}


def run(session: Asked, unknown_after: int = 1) -> list[str]:
    with Runtime(session, functions_of(session, unknown_after)) as runtime:
        return [row.rule for row in runtime.run()]


@pytest.mark.parametrize(
    ("trap", "expected_us"), [("[TRAP][END]", 100_000_000), ("[TRAP] all [END]", 500_000_000)]
)
def test_at_a_trap_the_session_is_told_how_long_it_may_be(trap: str, expected_us: int) -> None:
    session = Asked(f"{CALLS} {trap} done")
    run(session)
    assert session.waits_us[0] is not None
    assert 0.5 * expected_us < session.waits_us[0] <= expected_us
    assert session.elsewhere is None
    assert " done" in session.context


def test_where_nobody_can_tell_how_long_nobody_does() -> None:
    session = Asked("[CALL] a [HEAD] unknown() [END][TRAP][END]")
    run(session)
    assert set(session.waits_us) == {None}


def test_the_choice_is_made_again_as_often_as_the_session_wants() -> None:
    text = "[CALL] a [HEAD] unknown() [END][TRAP][END]"
    often, once = Asked(text, again_us=3_000), Asked(text)
    assert run(often, unknown_after=3) == run(once)
    assert len(often.waits_us) > 2
    assert len(once.waits_us) == 1
    assert often.resumed == once.resumed == 1


def test_a_session_is_resumed_before_an_interrupt_goes_in_and_suspended_anew() -> None:
    session = Asked(f"{CALLS} [TRAP][END] one [TRAP][END] two")
    run(session)
    assert session.resumed == 2
    assert len(session.waits_us) >= 2


def test_a_session_without_a_trap_is_left_in_peace() -> None:
    session = Asked("[CALL] a [HEAD] quick() [END] and so on")
    with Runtime(session, functions_of(session), Settings(end="detach")) as runtime:
        list(runtime.run())
        assert session.waits_us == []
        session.gates[0].set()


def test_a_turn_that_is_stopped_at_a_trap_leaves_the_session_resumed() -> None:
    session = Asked(f"{CALLS} [TRAP][END]")
    gate = Event()
    with Runtime(session, dict.fromkeys(("quick", "slow"), lambda: gate.wait(60))) as runtime:
        for row in runtime.run():
            if row.rule == "Step/trap":
                runtime.stop()
        gate.set()
    assert session.elsewhere is None
    assert session.context == f"{CALLS} [TRAP][END]"


def test_what_a_session_raises_when_it_lets_go_is_raised() -> None:
    class Broken(Asked):
        def suspend(self, wait_us: int | None) -> Suspended:
            super().suspend(wait_us)
            self.gates[1].set()
            raise MemoryError("no room in the host")

    with pytest.raises(MemoryError, match="no room"):
        run(Broken(f"{CALLS} [TRAP] all [END]"))


def test_the_end_of_a_model_is_waited_over_as_a_trap_is() -> None:
    session = Asked([CALLS, EndOfDecoding("stop"), "done"])
    run(session)
    assert session.resumed >= 1
    assert "done" in session.context


# ------------------------------------------------------------------------- how long it may be


def state(wait: Wait, **calls: Status) -> State:
    known = {
        name: CallState(n, Call(name, f"f{name}"), status)
        for n, (name, status) in enumerate(calls.items())
    }
    unsettled = tuple(name for name, status in calls.items() if status is not Status.SETTLED)
    estimates = {"fa": 100, "fb": 500}
    return State(Settings(estimates_us=estimates), calls=known, unsettled=unsettled, wait=wait)


RUNS, WAITS, DONE = Status.RUNNING, Status.WAITING, Status.SETTLED


@pytest.mark.parametrize(
    ("wait", "calls", "expected_us"),
    [
        (None, {"a": RUNS, "b": RUNS}, 60),
        (None, {"b": RUNS, "c": RUNS}, 460),  # c has no estimate; b is the latest that it can be
        (None, {"c": RUNS}, None),
        ("all", {"a": RUNS, "b": RUNS}, 460),
        ("all", {"a": RUNS, "c": RUNS}, None),
        ("all", {"a": RUNS, "b": WAITS}, None),
        (("a",), {"a": RUNS, "c": RUNS}, 60),
        (("a", "b"), {"a": DONE, "b": RUNS}, 460),
        (("a", "b"), {"a": RUNS, "b": RUNS}, 460),
    ],
)
def test_the_expected_wait(wait: Wait, calls: dict[str, Status], expected_us: int | None) -> None:
    started_us = {name: 60 for name, status in calls.items() if status is not WAITS}
    assert expected_wait_us(state(wait, **calls), started_us, 100) == expected_us


def test_a_call_that_is_late_has_no_estimate_any_more() -> None:
    assert expected_wait_us(state(None, a=RUNS), {"a": 0}, 100) is None
    assert expected_wait_us(state(None, a=RUNS), {"a": 1}, 100) == 1
    assert expected_wait_us(state(None, a=RUNS, b=RUNS), {"a": 0, "b": 0}, 100) == 400
