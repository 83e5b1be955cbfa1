"""Metrics and spans of sessions by OpenTelemetry, read from their rows (docs/reliability.md).

Nothing in the machine or in a driver knows of it: it is a journal before the journal, and a view of
`interpreter.runs`. What the conventions for generative AI name (`gen_ai.…`, of
https://github.com/open-telemetry/semantic-conventions-genai) has their names, units and bounds; all other
names begin with `cml.`.
"""

import time
from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import Final

from cml.ast import OutcomeKind
from interpreter.drivers.driver import Journal, forget
from interpreter.errors import missing_extra
from interpreter.events import Began, Delivery, Finish, Inject, Row, Start
from interpreter.journals.past import Past
from interpreter.runs import RunCall, RunReader
from interpreter.state import Phase, Settings
from interpreter.tools.offer import offer, offered_settings
from interpreter.tools.signature import Function

try:
    from opentelemetry import metrics, trace
except ImportError as error:
    raise missing_extra("otel", error) from None

_SCOPE: Final = "cml"
_FAULTS: Final = frozenset({"forged", "pending"})
"""Ends of a turn that are errors: the host forbids what the model did."""


class Telemetry:
    """Measures sessions. One for a process, as a rule.

    Metrics: `cml.sessions.open`, `cml.rows`, `cml.events`, `cml.calls` (by tool and outcome),
    `cml.interrupts` (by outcome), and as histograms in seconds `cml.safe_point.wait` (how long what
    came back waited until it went in), `gen_ai.invoke_agent.duration` of turns and
    `gen_ai.execute_tool.duration` of calls.
    Spans: `invoke_agent` for a turn, with `execute_tool` below it for each call that was started.

    Args:
        meters: Where metrics go; the provider of the process by default.
        tracers: Where spans go; the provider of the process by default.
        provider: Who decodes, for `gen_ai.provider.name`.

    Raises:
        MissingExtraError: At the import of this module: OpenTelemetry is not installed.
    """

    def __init__(
        self,
        *,
        meters: metrics.MeterProvider | None = None,
        tracers: trace.TracerProvider | None = None,
        provider: str = "cml",
    ) -> None:
        self.provider = provider
        self.tracer = trace.get_tracer(_SCOPE, tracer_provider=tracers)
        self.meter = meter = metrics.get_meter(_SCOPE, meter_provider=meters)
        self.rows = meter.create_counter("cml.rows", "{row}", "rules that fired")
        self.events = meter.create_counter("cml.events", "{event}", "what happened outside")
        self.calls = meter.create_counter("cml.calls", "{call}", "calls that are settled")
        self.interrupts = meter.create_counter(
            "cml.interrupts", "{interrupt}", "interrupts that went into a context"
        )
        self.wait = meter.create_histogram(
            "cml.safe_point.wait",
            "s",
            "from the outcome of a call until its interrupt goes in",
            explicit_bucket_boundaries_advisory=_doubled(0.001, 17),
        )
        self.turn = meter.create_histogram(
            "gen_ai.invoke_agent.duration",
            "s",
            "how long turns took",
            explicit_bucket_boundaries_advisory=_doubled(0.1, 13),
        )
        self.call = meter.create_histogram(
            "gen_ai.execute_tool.duration",
            "s",
            "how long calls ran",
            explicit_bucket_boundaries_advisory=_doubled(0.01, 14),
        )

    def watch(self, sessions: Sized) -> None:
        """Tell how many sessions are open, as `cml.sessions.open`.

        Args:
            sessions: `Sessions`, or whatever else has as many.
        """

        def observe(_: metrics.CallbackOptions) -> list[metrics.Observation]:
            return [metrics.Observation(len(sessions))]

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
        before = past.rows if past else ()
        measure = self.view(settings, conversation=conversation, model=model, before=before)

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
        measured = _Measured(
            self, settings, zero_ns, before, conversation=conversation, model=model
        )
        return measured.take


class _Measured:
    """One session, as it goes on. A turn that is under way after what came before begins there."""

    def __init__(
        self,
        told: Telemetry,
        settings: Settings,
        zero_ns: int | None,
        before: Iterable[Row],
        *,
        conversation: str,
        model: str,
    ) -> None:
        self._told = told
        self._reader = RunReader(settings)
        self._model = _known("gen_ai.request.model", model)
        self._conversation = _known("gen_ai.conversation.id", conversation)
        self._given_zero_ns = zero_ns
        self._turn: trace.Span = trace.INVALID_SPAN
        self._began_us = 0
        self._turns_of: dict[str, trace.Span] = {}
        """The turn in which each call that runs was started: it may end before the call does."""
        for row in before:
            self._reader.take(row)
        state = self._reader.state
        self._zero_ns = self._zero_at(state.now_us)
        if state.phase not in {Phase.READY, Phase.ENDED}:
            self._begin(state.now_us)

    def take(self, rows: Sequence[Row]) -> None:
        """Measure the rows of an instant."""
        self._told.rows.add(len(rows))
        self._told.events.add(sum(row.event is not None for row in rows))
        for row in rows:
            if isinstance(row.event, Began):
                self._begin(row.at_us)
            for call in self._reader.take(row):
                self._settle(call, row.at_us)
            for effect in row.effects:
                match effect:
                    case Start(call=key):
                        self._turns_of[key] = self._turn
                    case Inject(interrupts):
                        for interrupt in interrupts:
                            self._inject(interrupt, row.at_us)
                    case Finish(reason):
                        self._end(reason, row.at_us)
                    case _:
                        pass

    def _begin(self, at_us: int) -> None:
        self._zero_ns = self._zero_at(at_us)
        self._began_us = at_us
        about = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": self._told.provider,
            **self._model,
            **self._conversation,
        }
        self._turn = self._told.tracer.start_span(
            "invoke_agent", attributes=about, start_time=self._at_ns(at_us)
        )

    def _end(self, reason: str, at_us: int) -> None:
        error = _known("error.type", reason if reason in _FAULTS else "")
        self._told.turn.record(_seconds(at_us - self._began_us), {**self._model, **error})
        self._turn.set_attribute("gen_ai.response.finish_reasons", (reason,))
        self._close(self._turn, error, at_us)

    def _inject(self, interrupt: Delivery, at_us: int) -> None:
        outcome = {"cml.outcome": interrupt.outcome.kind.value}
        self._told.interrupts.add(1, outcome)
        about = {"gen_ai.tool.call.id": interrupt.id, **outcome}
        self._turn.add_event("cml.interrupt", about, self._at_ns(at_us))
        call = self._reader.calls.get(interrupt.id)
        if call is not None and interrupt.outcome.kind is not OutcomeKind.PROGRESS:
            *_, returned_us, delivered_us = call.life(at_us)
            self._told.wait.record(_seconds(delivered_us - returned_us))

    def _settle(self, call: RunCall, at_us: int) -> None:
        tool = {"gen_ai.tool.name": call.function}
        self._told.calls.add(1, {**tool, "cml.outcome": call.outcome})
        if call.started_us is None:
            return
        error = _known("error.type", "" if call.outcome == "returned" else call.outcome)
        about = {**tool, "gen_ai.tool.type": "function"}
        self._told.call.record(_seconds(at_us - call.started_us), {**about, **error})
        span = self._told.tracer.start_span(
            f"execute_tool {call.function}",
            trace.set_span_in_context(self._turns_of.pop(call.call, self._turn)),
            attributes={
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.call.id": call.call,
                **about,
            },
            start_time=self._at_ns(call.started_us),
        )
        self._close(span, error, at_us)

    def _close(self, span: trace.Span, error: dict[str, str], at_us: int) -> None:
        if error:
            span.set_attributes(error)
            span.set_status(trace.StatusCode.ERROR)
        span.end(self._at_ns(at_us))

    def _zero_at(self, now_us: int) -> int:
        # Of a session that runs now each turn asks the clock anew, which may have been set meanwhile.
        given_ns = self._given_zero_ns
        return time.time_ns() - now_us * 1_000 if given_ns is None else given_ns

    def _at_ns(self, at_us: int) -> int:
        return self._zero_ns + at_us * 1_000


def _known(name: str, value: str) -> dict[str, str]:
    """Return an attribute, or none if nothing is known."""
    return {name: value} if value else {}


def _doubled(first: float, count: int) -> list[float]:
    """Return the bounds of a histogram, each twice the one before it."""
    return [first * 2**power for power in range(count)]


def _seconds(us: int) -> float:
    return us / 1_000_000
