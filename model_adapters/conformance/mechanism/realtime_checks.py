"""The realtime driver on a session: calls in threads, a trap that is waited at, a turn that is stopped."""

import asyncio
import threading
from collections.abc import Iterator
from itertools import takewhile
from typing import Final

from msgspec.structs import replace

from cml.ast import OutcomeKind
from interpreter.drivers.realtime import Runtime
from interpreter.events import Cancel, Effect, Finish, Returned, Row, Start
from interpreter.session import SUSPEND, Strategy, abilities_of
from interpreter.state import Settings
from interpreter.vectors.runs import ScriptedToken
from model_adapters.conformance.check import Check, checked
from model_adapters.conformance.mechanism.driven import CALL, TRAP, interrupts
from model_adapters.conformance.mechanism.outlook import fresh_outlook, outlook, require_alike
from model_adapters.conformance.subject import Subject
from model_adapters.testing.watched import same

_DEADLINE_US: Final = 50_000
_TOLD: Final = "[INTR] job1 [HEAD] 42 [END]"
_WORD: Final = " and so on"
_MOST_WORDS: Final = 50
_LONGEST_S: Final = 60.0
"""How long a function waits for what may never come, in seconds: a slow backend needs its time for some words."""
_TURN_S: Final = 0.01
_MANY_TURNS: Final = 50
_SOME_TURNS: Final = 5


@checked("realtime/in-place", "Settle/deliver", "Embed/start", "Embed/effects")
def in_place(subject: Subject) -> str | None:
    """In real time, with calls in threads, the context is the one of the virtual clock, and a call runs once."""
    runs: list[int] = []
    is_trapped = threading.Event()

    def f(number: int) -> int:
        runs.append(number)
        is_trapped.wait(_LONGEST_S)  # however long the model takes to come to its trap
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
            let_go.wait(_LONGEST_S)
        return number

    def script() -> Iterator[ScriptedToken]:
        """The model writes on until both have come back, more slowly with each word: there is no hurry."""
        yield from subject.script(CALL, " [CALL] job2 [HEAD] f(2) [END]")
        for number in range(_MANY_TURNS):
            if len(came_back) == 2:
                break
            threading.Event().wait(min(number, 10) * _TURN_S)
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
        return threading.get_ident() != driving and went_on.wait(_LONGEST_S)

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
        is_trapped.wait(
            _LONGEST_S
        )  # however long the model takes: then the driver has nothing else to do
        _comes(is_due)
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
        is_over.wait(_LONGEST_S)  # else it is left behind, and the log says so
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
                session.was_suspended.wait(_LONGEST_S)
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


@checked("realtime/abort", "Step/stop", "Embed/stop", "Embed/cancel")
def abort(subject: Subject) -> str | None:
    """A turn that is stopped ends: nothing more is decoded, and the call that runs is asked to stop."""
    running, released = threading.Event(), threading.Event()

    def f(number: int) -> int:
        running.set()
        released.wait(_LONGEST_S)
        return number

    def script() -> Iterator[ScriptedToken]:
        yield from _words(subject)
        released.set()  # nobody stopped it: so it comes to its own end

    try:
        with (
            subject.forced(script()) as session,
            subject.run(session, {"f": f}, Settings(subject.profile)) as runtime,
        ):
            done = _effects_until_stopped(running, runtime)
            same(done[-1], Finish("stopped"), "Step/stop", "how the turn ended")
            same(Cancel("job1") in done, True, "Embed/cancel", "whether the call was asked to stop")
            decodes = session.decodes
            released.set()
            _let_others_run()
            same(session.decodes, decodes, "Embed/stop", "how often was decoded after the stop")
    finally:
        released.set()
    return None


@checked("realtime/cancel", "Embed/cancel", "Step/stop")
def cancel(subject: Subject) -> str | None:
    """A coroutine that runs when the turn is stopped is cancelled."""
    running, was_asked = threading.Event(), threading.Event()

    async def f(number: int) -> int:
        running.set()
        try:
            await asyncio.sleep(_LONGEST_S)
        except asyncio.CancelledError:
            was_asked.set()
            raise
        return number

    with (
        subject.forced(_words(subject)) as session,
        subject.run(session, {"f": f}, Settings(subject.profile)) as runtime,
    ):
        _effects_until_stopped(running, runtime)
        same(_comes(was_asked), True, "Embed/cancel", "whether the coroutine was asked to stop")
    return None


@checked("realtime/two-turns", "Step/stop", "Embed/stop", "Step/late")
def two_turns(subject: Subject) -> str | None:
    """After a stop another turn goes on from there: it is told of the cancelled call, and not of what came late."""
    running, released = threading.Event(), threading.Event()

    def f(number: int) -> int:
        running.set()
        released.wait(_LONGEST_S)
        return number

    def script() -> Iterator[ScriptedToken]:
        """Words until the turn is over, however many; nothing is left of them for the next."""
        yield from takewhile(lambda _: not released.is_set(), _words(subject))
        yield from subject.script(" done.")

    try:
        with (
            subject.forced(script()) as session,
            subject.run(session, {"f": f}, Settings(subject.profile)) as runtime,
        ):
            _effects_until_stopped(running, runtime)
            released.set()
            _let_others_run()
            rows = list(runtime.run())
            same(rows[-1].effects[-1], Finish("stop"), "Embed/stop", "how the next turn ended")
            told = [(each.id, each.outcome) for each in interrupts(session.context)]
            expected = [("job1", OutcomeKind.CANCELLED)]
            same(told, expected, "Step/stop", "the interrupts of the context")
    finally:
        released.set()
    return None


def _words(subject: Subject) -> Iterator[ScriptedToken]:
    """A call, and then many words."""
    yield from subject.script(CALL)
    for _ in range(_MOST_WORDS):
        yield from subject.script(_WORD)


def _effects_until_stopped(running: threading.Event, runtime: Runtime) -> list[Effect]:
    """Run a turn of these words, and stop it when the call runs; return what was done in it."""
    done: list[Effect] = []
    for row in runtime.run():
        if _starts(row):
            running.wait(_LONGEST_S)  # however long a thread takes to begin
        elif running.is_set():
            runtime.stop()
        done += row.effects
    return done


def _starts(row: Row) -> bool:
    return any(isinstance(effect, Start) for effect in row.effects)


def _comes(event: threading.Event) -> bool:
    """Wait for what is due, many turns of this thread, and return whether it came.

    A turn takes the longer the busier the machine is, and so for all threads: what is due has its turns as well.
    """
    return any(event.wait(_TURN_S) for _ in range(_MANY_TURNS))


def _let_others_run() -> None:
    """Give what should not happen the time to happen."""
    for _ in range(_SOME_TURNS):
        threading.Event().wait(_TURN_S)


REALTIME_CHECKS: Final = (
    in_place,
    batch,
    meanwhile,
    deadline,
    _resuming("keep"),
    _resuming("swap"),
    _resuming("recompute"),
    abort,
    cancel,
    two_turns,
)
