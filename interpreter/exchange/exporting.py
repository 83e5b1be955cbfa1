"""Traces of ours in the formats of others: spans of OpenTelemetry, events of the Chrome trace viewer."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from interpreter.errors import missing_extra
from interpreter.events import Row
from interpreter.runs import read_run
from interpreter.schedule.charts.perfetto import encode_perfetto
from interpreter.schedule.narration.timelines import recorded_timelines
from interpreter.trace import Header

Export: TypeAlias = Callable[[Header, Iterable[Row], int, str], Iterator[bytes]]
"""Takes a header, its rows, when the session began (nanoseconds from 1970) and what to call it, and
gives the lines of a file."""


def spans(header: Header, rows: Iterable[Row], begin_ns: int, name: str) -> Iterator[bytes]:
    """Yield the spans of a session, one JSON object a line, as the SDK of OpenTelemetry writes them.

    They are those of `Telemetry`: `invoke_agent` for a turn that ended, `execute_tool` for a call.

    Raises:
        MissingExtraError: The SDK is not installed.
    """
    from interpreter.drivers.telemetry import Telemetry

    try:
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    except ImportError as error:
        raise missing_extra("otel", error) from None
    kept, tracers = InMemorySpanExporter(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(kept))
    measure = Telemetry(tracers=tracers).view(
        header.settings, conversation=name, model=header.model, zero_ns=begin_ns
    )
    for row in rows:
        measure((row,))
        for span in kept.get_finished_spans():
            yield span.to_json(indent=None).encode() + b"\n"
        kept.clear()


def trace_events(header: Header, rows: Iterable[Row], begin_ns: int, name: str) -> Iterator[bytes]:
    """Yield a session as events of the Chrome trace viewer; its times count from its beginning."""
    del begin_ns
    title = header.prompt or name
    yield encode_perfetto(recorded_timelines(read_run(header.settings, rows), title))


EXPORTS: Final[Mapping[str, Export]] = {"otel": spans, "perfetto": trace_events}
"""The formats that a trace can be exported to, by the words of the command line."""
