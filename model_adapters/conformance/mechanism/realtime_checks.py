"""The realtime driver on a session: calls in threads, a trap that is waited at, a turn that is stopped."""

import threading
from typing import Final

from msgspec.structs import replace

from interpreter.drivers.realtime import Runtime
from interpreter.events import Cancel, Effect, Finish
from interpreter.session import SUSPEND, Strategy, abilities_of
from interpreter.state import Settings
from model_adapters.conformance.check import Check, checked
from model_adapters.conformance.mechanism.driven import CALL, TRAP
from model_adapters.conformance.mechanism.outlook import fresh_outlook, outlook, require_alike
from model_adapters.conformance.subject import Subject
from model_adapters.testing import SessionError
from model_adapters.testing.watched import same

_WAIT_S: Final = 0.05
_TOLD: Final = "[INTR] job1 [HEAD] 42 [END]"


def _f(number: int) -> int:
    """Take a moment."""
    threading.Event().wait(_WAIT_S)
    return 41 + number


@checked("realtime/in-place", "Settle/deliver", "Embed/start", "Embed/effects")
def in_place(subject: Subject) -> str | None:
    """In real time, with calls in threads, the context is the one of the virtual clock."""
    script = subject.script(CALL, TRAP, " done.")
    with (
        subject.forced(script) as session,
        Runtime(session, {"f": _f}, Settings(subject.profile)) as runtime,
    ):
        for _ in runtime.run():
            pass
        same(session.context, f"{CALL}{TRAP}{_TOLD} done.", "Embed/effects", "the context")
    return None


def _resuming(strategy: Strategy) -> Check:
    def exercise(subject: Subject) -> str | None:
        request = replace(subject.request, at_trap=strategy)
        script = subject.script(CALL, TRAP, " done.")
        with subject.forced(script, request) as session:
            if SUSPEND not in abilities_of(session.watched.session):
                return "the session does not declare the ability 'suspend'"
            with Runtime(session, {"f": _f}, Settings(subject.profile)) as runtime:
                for _ in runtime.run():
                    pass
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
        released.wait()
        return number

    words = " and so on" * 200
    try:
        with (
            subject.forced(subject.script(CALL, words)) as session,
            Runtime(session, {"f": f}, Settings(subject.profile)) as runtime,
        ):
            done: list[Effect] = []
            for row in runtime.run():
                if running.is_set():
                    runtime.stop()
                done += row.effects
            same(done[-1], Finish("stopped"), "Step/stop", "how the turn ended")
            same(Cancel("job1") in done, True, "Embed/cancel", "whether the call was asked to stop")
            decodes = session.decodes
            _require_still(session.context, words)
            released.set()
            threading.Event().wait(_WAIT_S)
            same(session.decodes, decodes, "Embed/stop", "how often was decoded after the stop")
    finally:
        released.set()
    return None


def _require_still(context: str, words: str) -> None:
    if context.endswith(words):
        raise SessionError("Step/stop: the turn went on to its own end after it was stopped")


REALTIME_CHECKS: Final = (
    in_place,
    _resuming("keep"),
    _resuming("swap"),
    _resuming("recompute"),
    abort,
)
