"""Metrics and spans of sessions by OpenTelemetry, read from their rows (docs/reliability.md).

Nothing in the machine or in a driver knows of it: it is a journal before the journal, and a view of
`interpreter.runs`. Names that the conventions for generative AI have are theirs (`gen_ai.…`), all
others begin with `cml.`.
"""

import time
from collections.abc import Iterable, Mapping, Sequence, Sized
from itertools import islice
from typing import TYPE_CHECKING, Final

from cml.ast import OutcomeKind
from interpreter.drivers.driver import Journal, forget
from interpreter.errors import missing_extra
from interpreter.events import Finish, Inject, Row
from interpreter.journals.past import Past
from interpreter.runs import RunCall, RunReader
from interpreter.state import Phase, Settings
from interpreter.tools.offer import offer, offered_settings
from interpreter.tools.signature import Function

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

_SCOPE: Final = "cml"
_US: Final = 1e-6


class Telemetry:
    """Measures sessions. One for a process, as a rule.

    Metrics: `cml.sessions.open`, `cml.rows`, `cml.events`, `cml.calls` (by tool and outcome),
    `cml.interrupts` (by outcome), and as histograms in seconds `cml.safe_point.wait` (how long what
    came back waited until it went in) and `gen_ai.client.operation.duration` of turns and calls.
    Spans: `invoke_agent` for a turn, with `execute_tool` below it for each call that was started.

    Args:
        meters: Where metrics go; the provider of the process by default.
        tracers: Where spans go; the provider of the process by default.
        provider: Who decodes, for `gen_ai.provider.name`.

    Raises:
        MissingExtraError: OpenTelemetry is not installed.
    """

    def __init__(
        self,
        *,
        meters: "MeterProvider | None" = None,
        tracers: "TracerProvider | None" = None,
        provider: str = "cml",
    ) -> None:
        try:
            from opentelemetry import metrics, trace
        except ImportError as error:
            raise missing_extra("otel", error) from None
        self.provider = provider
        self.meter = metrics.get_meter(_SCOPE, meter_provider=meters)
        self.tracer = trace.get_tracer(_SCOPE, tracer_provider=tracers)
        self.rows = self.meter.create_counter("cml.rows", "{row}", "rules that fired")
        self.events = self.meter.create_counter("cml.events", "{event}", "what happened outside")
        self.calls = self.meter.create_counter("cml.calls", "{call}", "calls that are settled")
        self.interrupts = self.meter.create_counter(
            "cml.interrupts", "{interrupt}", "interrupts that went into a context"
        )
        self.waits = self.meter.create_histogram(
            "cml.safe_point.wait", "s", "from the outcome of a call until its interrupt goes in"
        )
        self.durations = self.meter.create_histogram(
            "gen_ai.client.operation.duration", "s", "how long turns and calls took"
        )

    def watch(self, sessions: Sized) -> None:
        """Tell how many sessions are open, as `cml.sessions.open`.

        Args:
            sessions: `Sessions`, or whatever else has as many.
        """
        from opentelemetry.metrics import CallbackOptions, Observation

        def observe(_: CallbackOptions) -> list[Observation]:
            return [Observation(len(sessions))]

        self.meter.create_observable_up_down_counter(
            "cml.sessions.open", [observe], "{session}", "sessions that are open"
        )

    def journal(
        self,
        functions: Mapping[str, Function],
        settings: Settings | None = None,
        journal: Journal = forget,
        *,
        conversation: str = "",
        model: str = "",
        past: Past | None = None,
    ) -> Journal:
        """Return a journal for one session, which measures what another one has written.

        Args:
            functions: As the session is given.
            settings: As the session is given.
            journal: Writes the rows first; what it raises ends the run.
            conversation: What tells this session from others in spans (`gen_ai.conversation.id`).
            model: What decodes (`gen_ai.request.model`).
            past: As the session is given: what happened before is known, and not measured again.
        """
        if past is None:
            settings = settings or Settings()
            settings = offered_settings(offer(functions, settings.profile.body), settings)
        else:
            settings = past.header.settings
        measure = self.view(
            settings, conversation=conversation, model=model, before=past.rows if past else ()
        )

        def write(rows: Sequence[Row]) -> None:
            journal(rows)
            measure(rows)

        return write

    def view(
        self,
        settings: Settings,
        *,
        conversation: str = "",
        model: str = "",
        zero_ns: int | None = None,
        before: Iterable[Row] = (),
    ) -> Journal:
        """Return what measures the rows of a session, as they come or from its trace.

        Args:
            settings: Those of the session, as in the header of its trace.
            conversation: As in `journal`.
            model: As in `journal`.
            zero_ns: When the session began, in nanoseconds from 1970; None for one that runs now.
            before: Rows that came before and are not measured.
        """
        attributes = {"gen_ai.conversation.id": conversation, "gen_ai.request.model": model}
        known = {name: value for name, value in attributes.items() if value}
        measured = _Measured(self, RunReader(settings), known, zero_ns)
        measured.pass_over(before)
        return measured.take


class _Measured:
    """One session, as it goes on."""

    def __init__(
        self,
        told: Telemetry,
        reader: RunReader,
        attributes: Mapping[str, str],
        zero_ns: int | None,
    ) -> None:
        self._told = told
        self._reader = reader
        self._attributes = attributes
        self._turn: Span | None = None
        self._began_us = 0
        self._seen = 0
        self._pending: list[RunCall] = []
        self._is_recorded = zero_ns is not None
        self._zero_ns = zero_ns or 0

    def pass_over(self, rows: Iterable[Row]) -> None:
        """Know rows without measuring them; a turn that is under way after them begins here."""
        for row in rows:
            self._reader.take(row)
        calls, state = self._reader.calls, self._reader.state
        self._seen = len(calls)
        self._pending = [call for call in calls.values() if call.returned_us is None]
        if state.phase not in {Phase.READY, Phase.ENDED}:
            self._begin(state.now_us)

    def take(self, rows: Sequence[Row]) -> None:
        """Measure the rows of an instant."""
        told = self._told
        told.rows.add(len(rows))
        told.events.add(sum(row.event is not None for row in rows))
        for row in rows:
            if row.rule == "Step/begin":
                self._begin(row.at_us)
            self._reader.take(row)
            for effect in row.effects:
                match effect:
                    case Inject():
                        self._injected(effect, row.at_us)
                    case Finish(reason):
                        self._settle()
                        self._end(row.at_us, reason)
                    case _:
                        pass
        self._settle()

    def _begin(self, at_us: int) -> None:
        if not self._is_recorded:
            self._zero_ns = time.time_ns() - at_us * 1_000
        self._began_us = at_us
        self._turn = self._told.tracer.start_span(
            "invoke_agent",
            attributes={**self._operation("invoke_agent"), **self._attributes},
            start_time=self._at_ns(at_us),
        )

    def _end(self, at_us: int, reason: str) -> None:
        attributes = self._operation("invoke_agent")
        self._told.durations.record((at_us - self._began_us) * _US, attributes)
        if self._turn is not None:
            self._turn.set_attribute("gen_ai.response.finish_reasons", (reason,))
            self._turn.end(self._at_ns(at_us))
            self._turn = None

    def _injected(self, effect: Inject, at_us: int) -> None:
        for interrupt in effect.interrupts:
            kind = {"cml.outcome": interrupt.outcome.kind.value}
            self._told.interrupts.add(1, kind)
            if self._turn is not None:
                about = {"gen_ai.tool.call.id": interrupt.id, **kind}
                self._turn.add_event("cml.interrupt", about, self._at_ns(at_us))
            call = self._reader.calls.get(interrupt.id)
            is_terminal = interrupt.outcome.kind is not OutcomeKind.PROGRESS
            if call is not None and call.returned_us is not None and is_terminal:
                self._told.waits.record((at_us - call.returned_us) * _US)

    def _settle(self) -> None:
        """Measure the calls that have come to be settled."""
        calls = self._reader.calls
        if len(calls) > self._seen:
            new = islice(reversed(calls.values()), len(calls) - self._seen)
            self._pending += reversed(list(new))
            self._seen = len(calls)
        for call in [call for call in self._pending if call.returned_us is not None]:
            self._pending.remove(call)
            self._settled(call)

    def _settled(self, call: RunCall) -> None:
        tool = {"gen_ai.tool.name": call.function}
        self._told.calls.add(1, {**tool, "cml.outcome": call.outcome})
        if call.started_us is None or call.returned_us is None:
            return
        error = {} if call.outcome == "returned" else {"error.type": call.outcome}
        about = {**self._operation("execute_tool"), **tool, **error}
        self._told.durations.record(call.execute_us * _US, about)
        span = self._told.tracer.start_span(
            f"execute_tool {call.function}",
            context=self._context(),
            attributes={**about, "gen_ai.tool.call.id": call.call, "gen_ai.tool.type": "function"},
            start_time=self._at_ns(call.started_us),
        )
        if error:
            from opentelemetry.trace import StatusCode

            span.set_status(StatusCode.ERROR, call.outcome)
        span.end(self._at_ns(call.returned_us))

    def _operation(self, name: str) -> dict[str, str]:
        return {"gen_ai.operation.name": name, "gen_ai.provider.name": self._told.provider}

    def _context(self) -> "Context | None":
        from opentelemetry.trace import set_span_in_context

        return None if self._turn is None else set_span_in_context(self._turn)

    def _at_ns(self, at_us: int) -> int:
        return self._zero_ns + at_us * 1_000
