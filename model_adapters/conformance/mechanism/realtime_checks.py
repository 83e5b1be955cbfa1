"""The realtime driver on a session: calls in threads, a deadline, a trap that is waited at."""

import threading
from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from cml.ast import OutcomeKind
from interpreter.events import Returned
from interpreter.session import SUSPEND, Strategy, abilities_of
from interpreter.state import Settings
from interpreter.vectors.runs import ScriptedToken
from model_adapters.conformance.check import Check, checked
from model_adapters.conformance.mechanism.driven import CALL, TRAP, interrupts
from model_adapters.conformance.mechanism.outlook import fresh_outlook, outlook, require_alike
from model_adapters.conformance.mechanism.patience import LONGEST_S, MANY_TURNS, TURN_S, comes
from model_adapters.conformance.subject import Subject
from model_adapters.testing.watched import same

_DEADLINE_US: Final = 50_000
_TOLD: Final = "[INTR] job1 [HEAD] 42 [END]"


@checked("realtime/in-place", "Settle/deliver", "Embed/start", "Embed/effects")
def in_place(subject: Subject) -> str | None:
    """In real time, with calls in threads, the context is the one of the virtual clock, and a call runs once."""
    runs: list[int] = []
    is_trapped = threading.Event()

    def f(number: int) -> int:
        runs.append(number)
        is_trapped.wait(LONGEST_S)  # however long the model takes to come to its trap
        return 41 + number

    with (
        subject.forced(subject.script(CALL, TRAP, " done.")) as session,
        subject.run(session, {"f": f}, Settings(subject.profile)) as runtime,
    ):
        for row in runtime.run():
            if row.rule == "Step/trap":
                is_trapped.set()
        same(session.context, f"{CALL}{TRAP}{_TOLD} done.", "Embed/effects", "the context")
        same(runs, [1], "Embed/start", "the arguments that the function was called with")
    return None


@checked("realtime/batch", "Time/order", "Settle/deliver")
def batch(subject: Subject) -> str | None:
    """Results that came before the trap they wait for go in together, each once, in the order in which they came."""
    let_go, came_back = threading.Event(), list[str]()

    def f(number: int) -> int:
        if number == 1:
            let_go.wait(LONGEST_S)
        return number

    def script() -> Iterator[ScriptedToken]:
        """The model writes on until both have come back, more slowly with each word: there is no hurry."""
        yield from subject.script(CALL, " [CALL] job2 [HEAD] f(2) [END]")
        for number in range(MANY_TURNS):
            if len(came_back) == 2:
                break
            threading.Event().wait(min(number, 10) * TURN_S)
            yield from subject.script(" so")
        yield from subject.script(TRAP, " done.")

    settings = Settings(subject.profile, deliver="idle")
    with (
        subject.forced(script()) as session,
        subject.run(session, {"f": f}, settings) as runtime,
    ):
        for row in runtime.run():
            if isinstance(row.event, Returned):
                came_back.append(row.event.call)
                let_go.set()
        told = [(each.id, each.value) for each in interrupts(session.context)]
        same(told, [("job2", 2), ("job1", 1)], "Time/order", "the interrupts of the context")
        same(len(session.appended), 1, "Settle/deliver", "how many times something went in")
    return None


@checked("realtime/meanwhile", "Embed/start", "Embed/decode")
def meanwhile(subject: Subject) -> str | None:
    """While a call runs the model goes on: the call is in no one's way."""
    driving, went_on = threading.get_ident(), threading.Event()

    def f(_: int) -> bool:
        return threading.get_ident() != driving and went_on.wait(LONGEST_S)

    with (
        subject.forced(subject.script(CALL, " meanwhile", TRAP, " done.")) as session,
        subject.run(session, {"f": f}, Settings(subject.profile)) as runtime,
    ):
        for _ in runtime.run():
            if " meanwhile" in session.context:
                went_on.set()
        [told] = [each.value for each in interrupts(session.context)]
        same(told, True, "Embed/start", "whether the model went on while the call ran")
    return None


@checked("realtime/deadline", "Step/timeout", "Embed/start")
def deadline(subject: Subject) -> str | None:
    """A call that takes longer than its deadline comes back as a timeout, when it is due."""
    is_trapped, is_due, is_over = threading.Event(), threading.Event(), threading.Event()

    def f(number: int) -> int:
        # However long the model takes: at its trap the driver has nothing else to do.
        is_trapped.wait(LONGEST_S)
        comes(is_due)
        is_over.set()
        return number

    settings = Settings(subject.profile, deadline_us=_DEADLINE_US)
    with (
        subject.forced(subject.script(CALL, TRAP, " done.")) as session,
        subject.run(session, {"f": f}, settings) as runtime,
    ):
        for row in runtime.run():
            if row.rule == "Step/timeout":
                is_due.set()
            if is_due.is_set() or row.rule == "Step/trap":
                is_trapped.set()
        is_over.wait(LONGEST_S)  # else it is left behind, and the log says so
        told = [(each.id, each.outcome) for each in interrupts(session.context)]
        expected = [("job1", OutcomeKind.TIMEOUT)]
        same(told, expected, "Step/timeout", "the interrupts of the context")
    return None


def _resuming(strategy: Strategy) -> Check:
    def exercise(subject: Subject) -> str | None:
        request = replace(subject.request, at_trap=strategy)
        script = subject.script(CALL, TRAP, " done.")
        with subject.forced(script, request) as session:
            if SUSPEND not in abilities_of(session.watched.session):
                return "the session does not declare the ability 'suspend'"

            def f(number: int) -> int:
                session.was_suspended.wait(LONGEST_S)
                return 41 + number

            with subject.run(session, {"f": f}, Settings(subject.profile)) as runtime:
                list(runtime.run())
            is_suspended = session.was_suspended.is_set()
            same(is_suspended, True, "Embed/suspend", "whether it was suspended")
            same(session.context, f"{CALL}{TRAP}{_TOLD} done.", "Embed/suspend", "the context")
            expected = fresh_outlook(subject, session)
            if expected is None:
                return "the session tells no tokens: declare the ability 'tokens'"
            what = "what comes after a trap, compared with the same tokens and no trap"
            require_alike(outlook(session.watched), expected, "Embed/suspend", what)
        return None

    does = f"Tokens after a trap, waited at by the strategy {strategy}, are those without the trap."
    return Check(f"realtime/resume-{strategy}", does, ("Embed/suspend", "Step/trap"), exercise)


REALTIME_CHECKS: Final = (
    in_place,
    batch,
    meanwhile,
    deadline,
    _resuming("keep"),
    _resuming("swap"),
    _resuming("recompute"),
)
