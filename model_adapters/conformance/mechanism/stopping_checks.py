"""A turn that is stopped in real time: what becomes of its call, and the turn after it."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Final

from cml.ast import OutcomeKind
from interpreter.drivers.realtime import Runtime
from interpreter.events import Cancel, Effect, Finish, Row, Start
from interpreter.state import Settings
from interpreter.vectors.runs import ScriptedToken
from model_adapters.conformance.check import checked
from model_adapters.conformance.mechanism.driven import CALL, interrupts
from model_adapters.conformance.mechanism.patience import LONGEST_S, comes, let_others_run
from model_adapters.conformance.subject import Subject
from model_adapters.testing.watched import same

_WORD: Final = " and so on"
_MOST_WORDS: Final = 50


def _waits(running: threading.Event, released: threading.Event) -> Callable[[int], int]:
    """Return a function that says that it runs, and returns its number when it is released."""

    def f(number: int) -> int:
        running.set()
        released.wait(LONGEST_S)
        return number

    return f


@checked("realtime/abort", "Step/stop", "Embed/stop", "Embed/cancel")
def abort(subject: Subject) -> str | None:
    """A turn that is stopped ends: nothing more is decoded, and the call that runs is asked to stop."""
    running, released = threading.Event(), threading.Event()

    def script() -> Iterator[ScriptedToken]:
        yield from _words(subject)
        released.set()  # nobody stopped it: so it comes to its own end

    try:
        with (
            subject.forced(script()) as session,
            subject.run(
                session, {"f": _waits(running, released)}, Settings(subject.profile)
            ) as runtime,
        ):
            done = _effects_until_stopped(running, runtime)
            same(done[-1], Finish("stopped"), "Step/stop", "how the turn ended")
            same(Cancel("job1") in done, True, "Embed/cancel", "whether the call was asked to stop")
            decodes = session.decodes
            released.set()
            let_others_run()
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
            await asyncio.sleep(LONGEST_S)
        except asyncio.CancelledError:
            was_asked.set()
            raise
        return number

    with (
        subject.forced(_words(subject)) as session,
        subject.run(session, {"f": f}, Settings(subject.profile)) as runtime,
    ):
        _effects_until_stopped(running, runtime)
        same(comes(was_asked), True, "Embed/cancel", "whether the coroutine was asked to stop")
    return None


@checked("realtime/two-turns", "Step/stop", "Embed/stop", "Step/late")
def two_turns(subject: Subject) -> str | None:
    """After a stop another turn goes on from there: it is told of the cancelled call, and not of what came late."""
    running, released = threading.Event(), threading.Event()

    def script() -> Iterator[ScriptedToken]:
        """Words until the turn is over, however many; nothing is left of them for the next."""
        yield from takewhile(lambda _: not released.is_set(), _words(subject))
        yield from subject.script(" done.")

    try:
        with (
            subject.forced(script()) as session,
            subject.run(
                session, {"f": _waits(running, released)}, Settings(subject.profile)
            ) as runtime,
        ):
            _effects_until_stopped(running, runtime)
            released.set()
            let_others_run()
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
            running.wait(LONGEST_S)  # however long a thread takes to begin
        elif running.is_set():
            runtime.stop()
        done += row.effects
    return done


def _starts(row: Row) -> bool:
    return any(isinstance(effect, Start) for effect in row.effects)


STOPPING_CHECKS: Final = (abort, cancel, two_turns)
