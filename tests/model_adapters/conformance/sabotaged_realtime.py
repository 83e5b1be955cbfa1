"""Drivers in real time that are sabotaged, each in one way."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from msgspec.structs import replace

from interpreter.drivers.calls import Calls
from interpreter.drivers.driver import Driver
from interpreter.drivers.realtime import Runtime
from interpreter.drivers.verbs import Verbs
from interpreter.errors import HostError
from interpreter.events import Cancel, Decode, Effect, Inject, Outcome, Returned, Start
from interpreter.session import Batch, Session
from interpreter.state import Settings, State
from interpreter.tools.calling import call_function
from interpreter.tools.signature import Function
from model_adapters.conformance.subject import RealtimeDrive


class SlowInject(Driver):
    """In real time an interrupt goes in one decode too late."""

    _late: Inject | None = None

    def _perform(self, effect: Effect) -> None:
        if isinstance(effect, Inject):
            self._late = effect
            return
        super()._perform(effect)
        if isinstance(effect, Decode) and self._late:
            late, self._late = self._late, None
            super()._perform(late)


class DoubleInject(Driver):
    """In real time an interrupt goes in twice."""

    def _perform(self, effect: Effect) -> None:
        super()._perform(effect)
        if isinstance(effect, Inject):
            super()._perform(effect)


class NoInject(Driver):
    """In real time an interrupt is lost on its way to the context."""

    def _perform(self, effect: Effect) -> None:
        if not isinstance(effect, Inject):
            super()._perform(effect)


class BackwardInject(Driver):
    """In real time the interrupts of a batch go in in the wrong order."""

    def _perform(self, effect: Effect) -> None:
        if isinstance(effect, Inject):
            effect = replace(effect, interrupts=effect.interrupts[::-1])
        super()._perform(effect)


class NoDeadline(Driver):
    """In real time a deadline never comes."""

    def _perform(self, effect: Effect) -> None:
        if isinstance(effect, Start):
            effect = replace(effect, deadline_us=None)
        super()._perform(effect)


class NoCancel(Driver):
    """A call is never asked to stop."""

    def _perform(self, effect: Effect) -> None:
        if not isinstance(effect, Cancel):
            super()._perform(effect)


class HearsWhatCameLate(Driver):
    """Does something where a call returns after its turn was stopped."""

    def _perform(self, effect: Effect) -> None:
        if isinstance(effect, Start):
            self.calls._returned = self._hears
        super()._perform(effect)

    def _hears(self, call: str, outcome: Outcome) -> None:
        self.put(Returned(call, outcome))
        if self.is_stopping:
            self.came_late(call, outcome)

    def came_late(self, call: str, outcome: Outcome) -> None:
        raise NotImplementedError


class DecodesAfterStop(HearsWhatCameLate):
    """After a turn was stopped a step is decoded yet."""

    def came_late(self, call: str, outcome: Outcome) -> None:
        with suppress(HostError):  # it was closed before
            self._verbs.decode()


class NeverStops(Driver):
    """A turn that is to be stopped goes on to its own end."""

    def stop(self) -> None:
        pass


class TellsWhatCameLate(HearsWhatCameLate):
    """What comes of a call after its turn was stopped goes in all the same."""

    def came_late(self, call: str, outcome: Outcome) -> None:
        self._verbs.append(Batch(f"[INTR] {call} [HEAD] {outcome.value} [END]"))


class StartsInTheCaller(Calls):
    """A function is called in the thread that drives, and all waits for it."""

    def start(self, start: Start) -> None:
        function = self._functions[start.function]
        progress = self._new_progress(function, start.call)
        outcome = call_function(function, start.args, start.kwargs, self._profile.body, progress)
        self._returned(start.call, outcome)


class StartsTwiceAtOnce(Calls):
    """In real time a function is called twice."""

    def start(self, start: Start) -> None:
        super().start(start)
        super().start(start)


class LosesAnOutcome(Calls):
    """What a function returns never comes back to the driver."""

    def start(self, start: Start) -> None:
        self._returned = lambda *_: None
        super().start(start)


class NeverSuspends(Verbs):
    """A session that could let go of its context at a trap is never told to."""

    def look(self, state: State) -> None:
        pass


class NeverResumes(Verbs):
    """A session that was suspended is asked to go on before it has its context back."""

    def _awake(self, verb: Callable[[], object]) -> None:
        self._do(verb)
        self._performed += 1


def _sabotaged(part: type[Driver | Calls | Verbs]) -> RealtimeDrive:
    """Return what makes a runtime one part of which is another."""

    def run(session: Session, functions: Mapping[str, Function], settings: Settings) -> Runtime:
        runtime = Runtime(session, functions, settings)
        driver = runtime._driver
        for own in (driver, driver.calls, driver._verbs):
            if issubclass(part, type(own)):
                own.__class__ = part
        return runtime

    return run


SABOTAGED_REALTIME: Final[dict[str, tuple[RealtimeDrive, str, str]]] = {
    each.__name__: (_sabotaged(each), check, (each.__doc__ or "").strip())
    for each, check in {
        SlowInject: "realtime/in-place",
        DoubleInject: "realtime/in-place",
        NoInject: "realtime/in-place",
        StartsTwiceAtOnce: "realtime/in-place",
        LosesAnOutcome: "realtime/in-place",
        BackwardInject: "realtime/batch",
        StartsInTheCaller: "realtime/meanwhile",
        NoDeadline: "realtime/deadline",
        NeverSuspends: "realtime/resume-keep",
        NeverResumes: "realtime/resume-swap",
        NeverStops: "realtime/abort",
        DecodesAfterStop: "realtime/abort",
        NoCancel: "realtime/cancel",
        TellsWhatCameLate: "realtime/two-turns",
    }.items()
}
"""Each with the check that is made for its fault, and what is wrong with it."""
