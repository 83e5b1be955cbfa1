"""Metrics and spans are a view of the rows: each is held against the run that was read from them."""

import asyncio
import re
from collections import Counter
from pathlib import Path

import pytest
from driver_stories import FUNCTIONS, draw, session_of
from extras import from_extra

from interpreter import Runtime, ScriptedSession, Sessions, Settings
from interpreter.drivers.telemetry import Telemetry
from interpreter.events import Inject
from interpreter.runs import read_run
from interpreter.scripted import pieces_of

metrics = from_extra("otel", "opentelemetry.sdk.metrics")
export = from_extra("otel", "opentelemetry.sdk.metrics.export")
trace = from_extra("otel", "opentelemetry.sdk.trace")
spans = from_extra("otel", "opentelemetry.sdk.trace.export")
memory = from_extra("otel", "opentelemetry.sdk.trace.export.in_memory_span_exporter")

DURATIONS = "gen_ai.client.operation.duration"


class Kept:
    """A telemetry that keeps what it is told in memory."""

    def __init__(self) -> None:
        self.reader = export.InMemoryMetricReader()
        self.exporter = memory.InMemorySpanExporter()
        tracers = trace.TracerProvider()
        tracers.add_span_processor(spans.SimpleSpanProcessor(self.exporter))
        meters = metrics.MeterProvider([self.reader])
        self.telemetry = Telemetry(meters=meters, tracers=tracers, provider="scripted")

    def points(self) -> dict[str, list]:
        data = self.reader.get_metrics_data()
        return {
            metric.name: list(metric.data.data_points)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def counts(self, name: str, attribute: str) -> Counter:
        """How often, by the value of an attribute."""
        found: Counter = Counter()
        for point in self.points().get(name, []):
            found[point.attributes[attribute]] += point.value
        return found

    def times(self, name: str, operation: str | None = None) -> tuple[int, float]:
        """How many times a histogram holds, and their sum in seconds."""
        points = [
            point
            for point in self.points().get(name, [])
            if point.attributes.get("gen_ai.operation.name") == operation
        ]
        return sum(point.count for point in points), sum(point.sum for point in points)

    def spans(self, operation: str) -> list:
        return [
            span
            for span in self.exporter.get_finished_spans()
            if span.attributes["gen_ai.operation.name"] == operation
        ]


def play(seed: int, kept: Kept) -> tuple[Settings, list]:
    """Run a random story under observation."""
    story, rows = draw(seed), []
    write = kept.telemetry.journal(FUNCTIONS, story.settings, rows.extend)
    with Runtime(session_of(story), FUNCTIONS, story.settings, journal=write) as runtime:
        list(runtime.run())
    return runtime.settings, rows


@pytest.mark.parametrize("seed", range(40))
def test_metrics_and_spans_say_what_the_rows_say(seed) -> None:
    kept = Kept()
    settings, rows = play(seed, kept)
    run = read_run(settings, rows)
    settled = [call for call in run.calls if call.returned_us is not None]
    ran = [call for call in settled if call.started_us is not None]
    told = [i for row in rows for e in row.effects if isinstance(e, Inject) for i in e.interrupts]
    [written], [happened] = kept.points()["cml.rows"], kept.points()["cml.events"]
    assert written.value == len(rows)
    assert happened.value == sum(row.event is not None for row in rows)
    outcomes = Counter(interrupt.outcome.kind.value for interrupt in told)
    assert kept.counts("cml.interrupts", "cml.outcome") == outcomes
    assert kept.counts("cml.calls", "cml.outcome") == Counter(call.outcome for call in settled)
    tools = kept.spans("execute_tool")
    assert sorted(
        (span.attributes["gen_ai.tool.call.id"], span.end_time - span.start_time) for span in tools
    ) == sorted((call.call, 1_000 * call.execute_us) for call in ran)
    delivered = [c.delivered_us - c.returned_us for c in settled if c.delivered_us is not None]
    check_times(kept.times("cml.safe_point.wait"), delivered)
    check_times(kept.times(DURATIONS, "execute_tool"), [call.execute_us for call in ran])
    check_times(kept.times(DURATIONS, "invoke_agent"), [rows[-1].at_us - rows[0].at_us])


def check_times(found: tuple[int, float], expected_us: list[int]) -> None:
    assert found[0] == len(expected_us)
    assert abs(found[1] - sum(expected_us) / 1e6) < 1e-6


def test_spans_of_calls_are_below_their_turn_and_follow_the_conventions() -> None:
    kept = Kept()

    def finds(city: str) -> str:
        if city == "Oslo":
            raise LookupError(city)
        return city

    script = '[CALL] a [HEAD] finds(city="Rome") [END][CALL] b [HEAD] finds(city="Oslo") [END]'
    session = ScriptedSession(pieces_of(f"{script} [TRAP] all [END] ok"))
    functions = {"finds": finds}
    write = kept.telemetry.journal(functions, conversation="c7", model="m")
    with Runtime(session, functions, journal=write) as runtime:
        list(runtime.run())
    [turn], tools = kept.spans("invoke_agent"), kept.spans("execute_tool")
    assert dict(turn.attributes) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "scripted",
        "gen_ai.conversation.id": "c7",
        "gen_ai.request.model": "m",
        "gen_ai.response.finish_reasons": ("stop",),
    }
    assert [event.name for event in turn.events] == ["cml.interrupt", "cml.interrupt"]
    assert {span.name for span in tools} == {"execute_tool finds"}
    assert all(span.parent.span_id == turn.context.span_id for span in tools)
    by_call = {span.attributes["gen_ai.tool.call.id"]: span for span in tools}
    assert "error.type" not in by_call["a"].attributes
    assert by_call["b"].attributes["error.type"] == "failed"
    assert [by_call[name].status.is_ok for name in ("a", "b")] == [True, False]


def test_sessions_that_are_open_are_counted() -> None:
    async def main() -> tuple[int, int]:
        kept = Kept()
        async with Sessions() as sessions:
            kept.telemetry.watch(sessions)
            opened = [sessions.open(ScriptedSession([]), {}) for _ in range(3)]
            [three] = kept.points()["cml.sessions.open"]
            await opened[0].aclose()
            [two] = kept.points()["cml.sessions.open"]
            return three.value, two.value

    assert asyncio.run(main()) == (3, 2)


def test_the_example_of_the_page_runs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reliability.md").read_text(encoding="utf-8")
    _, example, *_ = re.findall(r"```python\n(.*?)```", page, re.DOTALL)

    async def main() -> int:
        kept, functions, rows = Kept(), {"f": lambda: 1}, []
        session = ScriptedSession(["[CALL] a [HEAD] f() [END]"])
        async with Sessions() as sessions:
            names = {"functions": functions, "settings": Settings(), "write": rows.extend}
            names |= {"Telemetry": lambda: kept.telemetry, "sessions": sessions, "session": session}
            exec(example, names)
            await names["opened"].complete()
        [written] = kept.points()["cml.rows"]
        return written.value - len(rows)

    assert asyncio.run(main()) == 0


@pytest.mark.parametrize("seed", range(40))
def test_what_came_before_is_known_and_not_measured_again(seed: int) -> None:
    whole, first, second = Kept(), Kept(), Kept()
    settings, rows = play(seed, whole)
    cut = max(1, len(rows) * (seed % 9 + 1) // 10)
    first.telemetry.view(settings)(rows[:cut])
    second.telemetry.view(settings, before=rows[:cut])(rows[cut:])
    for name in ("cml.calls", "cml.interrupts"):
        parts = first.counts(name, "cml.outcome") + second.counts(name, "cml.outcome")
        assert parts == whole.counts(name, "cml.outcome")
    assert len(second.spans("invoke_agent")) == 1


def test_what_the_journal_raises_is_not_measured() -> None:
    kept = Kept()

    def full(_) -> None:
        raise OSError("no space left on device")

    write = kept.telemetry.journal({}, None, full)
    with (
        Runtime(ScriptedSession(["hi"]), {}, journal=write) as runtime,
        pytest.raises(OSError, match="no space"),
    ):
        list(runtime.run())
    assert kept.reader.get_metrics_data() is None
