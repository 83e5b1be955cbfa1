"""Metrics and spans are a view of the rows: each is held against the run that was read from them."""

import asyncio
import re
import time
from collections import Counter
from pathlib import Path

import pytest
from driver_stories import FUNCTIONS, draw, session_of
from extras import from_extra

from cml.ast import OutcomeKind
from interpreter import EndOfDecoding, Runtime, ScriptedSession, Sessions, Settings, run_virtual
from interpreter.events import Began, Inject, Outcome, Returned, Row, Start, Stopped
from interpreter.journals.past import past_of
from interpreter.runs import Run, read_run
from interpreter.scripted import pieces_of
from interpreter.trace import Header

metrics = from_extra("otel", "opentelemetry.sdk.metrics")
export = from_extra("otel", "opentelemetry.sdk.metrics.export")
trace = from_extra("otel", "opentelemetry.sdk.trace")
spans = from_extra("otel", "opentelemetry.sdk.trace.export")
memory = from_extra("otel", "opentelemetry.sdk.trace.export.in_memory_span_exporter")
Telemetry = from_extra("otel", "interpreter.drivers.telemetry").Telemetry

PAGE = (Path(__file__).parents[3] / "docs" / "reliability.md").read_text(encoding="utf-8")
WAIT, TURN, CALL = (
    "cml.safe_point.wait",
    "gen_ai.invoke_agent.duration",
    "gen_ai.execute_tool.duration",
)
ZERO_NS = 1_767_225_600_000_000_007


class Kept(trace.SpanProcessor):
    """A telemetry that keeps what it is told in memory."""

    def __init__(self) -> None:
        self.reader = export.InMemoryMetricReader()
        self.exporter = memory.InMemorySpanExporter()
        self.tracers = trace.TracerProvider()
        self.tracers.add_span_processor(spans.SimpleSpanProcessor(self.exporter))
        self.tracers.add_span_processor(self)
        self.begun = 0
        self.meters = metrics.MeterProvider([self.reader])
        self.telemetry = Telemetry(meters=self.meters, tracers=self.tracers, provider="scripted")

    def on_start(self, span: object, parent_context: object = None) -> None:
        self.begun += 1

    def metrics(self) -> dict:
        data = self.reader.get_metrics_data()
        return {
            metric.name: metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def points(self, name: str) -> list:
        metric = self.metrics().get(name)
        return list(metric.data.data_points) if metric else []

    def counted(self, name: str) -> dict[tuple, int]:
        """A counter, by the values of its attributes."""
        return {tuple(p.attributes.items()): p.value for p in self.points(name)}

    def by_outcome(self, name: str) -> Counter:
        found: Counter = Counter()
        for point in self.points(name):
            found[point.attributes["cml.outcome"]] += point.value
        return found

    def times(self, name: str) -> tuple[int, float]:
        """How many times a histogram holds, and their sum in seconds."""
        points = self.points(name)
        return sum(point.count for point in points), sum(point.sum for point in points)

    def spans(self, operation: str) -> list:
        return [
            span
            for span in self.exporter.get_finished_spans()
            if span.attributes["gen_ai.operation.name"] == operation
        ]


# ------------------------------------------------------------------- a session, told word by word

SETTINGS = Settings(functions=("finds", "loses", "stays", "late"), end="detach", workers=3)
SCRIPT = (
    "[CALL] a [HEAD] finds() [END][CALL] b [HEAD] loses() [END][CALL] c [HEAD] stays() [END]"
    "[CALL] d [HEAD] finds() [END][CALL] e [HEAD] guesses() [END][TRAP] a [END]so."
)
SECOND_US = 36_000_000_000
"""When the second turn begins: ten hours are more than a test takes."""


def functions(start: Start) -> list[tuple[int, Outcome]]:
    """What calls do: `finds` reports and returns, `loses` fails, `stays` is there in the next turn."""
    failed = Outcome(OutcomeKind.FAILED, {"type": "LookupError", "message": "nowhere"})
    match start.function:
        case "finds":
            return [
                (10_000, Outcome(OutcomeKind.PROGRESS, "half")),
                (500_000, Outcome(OutcomeKind.RETURNED, 1)),
            ]
        case "loses":
            return [(100_000, failed)]
        case _:
            return [(SECOND_US, Outcome(OutcomeKind.RETURNED, 2))]


def two_turns() -> list[Row]:
    session = ScriptedSession([SCRIPT, EndOfDecoding("stop"), "[TRAP] c [END] That is all."])
    planned = [(SECOND_US, Began("And?"))]
    return list(run_virtual(session, functions, SETTINGS, planned=planned))


def told(rows: list[Row], zero_ns: int | None = ZERO_NS) -> tuple[Kept, Run]:
    kept = Kept()
    view = kept.telemetry.view(SETTINGS, conversation="c7", model="m", zero_ns=zero_ns)
    view(rows[:40])
    view(rows[40:])
    return kept, read_run(SETTINGS, rows)


def ns(at_us: int) -> int:
    return ZERO_NS + 1_000 * at_us


def test_a_turn_is_a_span() -> None:
    rows = two_turns()
    kept, _ = told(rows)
    began = [row.at_us for row in rows if isinstance(row.event, Began)]
    finished = [row.at_us for row in rows if row.rule in {"Settle/detach", "Settle/finish"}]
    first, second = kept.spans("invoke_agent")
    for span, begin_us, end_us in zip((first, second), began, finished, strict=True):
        assert (span.name, span.parent) == ("invoke_agent", None)
        assert (span.start_time, span.end_time) == (ns(begin_us), ns(end_us))
        assert dict(span.attributes) == {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.provider.name": "scripted",
            "gen_ai.conversation.id": "c7",
            "gen_ai.request.model": "m",
            "gen_ai.response.finish_reasons": ("stop",),
        }
        assert span.status.is_unset
        assert span.instrumentation_scope.name == "cml"
    [turns] = kept.points(TURN)
    assert dict(turns.attributes) == {"gen_ai.request.model": "m"}
    check_times(kept.times(TURN), [end - begin for begin, end in zip(began, finished, strict=True)])


def test_what_goes_in_is_an_event_of_the_turn() -> None:
    rows = two_turns()
    kept, _ = told(rows)
    found = [
        (event.name, event.timestamp, dict(event.attributes))
        for span in kept.spans("invoke_agent")
        for event in span.events
    ]
    went_in = [
        (row.at_us, interrupt)
        for row in rows
        for effect in row.effects
        if isinstance(effect, Inject)
        for interrupt in effect.interrupts
    ]
    assert found == [
        (
            "cml.interrupt",
            ns(at_us),
            {"gen_ai.tool.call.id": each.id, "cml.outcome": each.outcome.kind.value},
        )
        for at_us, each in went_in
    ]
    kinds = Counter(each.outcome.kind.value for _, each in went_in)
    assert kinds == {"progress": 2, "returned": 3, "failed": 2}
    assert kept.counted("cml.interrupts") == {
        (("cml.outcome", kind),): count for kind, count in kinds.items()
    }


def test_a_call_that_ran_is_a_span_of_the_turn_that_started_it() -> None:
    kept, run = told(two_turns())
    first, _ = kept.spans("invoke_agent")
    found = {span.attributes["gen_ai.tool.call.id"]: span for span in kept.spans("execute_tool")}
    assert found.keys() == set("abcd")  # e names no function that there is
    for call in run.calls:
        span = found[call.call]
        assert span.name == f"execute_tool {call.function}"
        assert span.parent.span_id == first.context.span_id
        assert (span.start_time, span.end_time) == (ns(call.started_us), ns(call.returned_us))
        error = {"error.type": "failed"} if call.call == "b" else {}
        assert dict(span.attributes) == {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.call.id": call.call,
            "gen_ai.tool.name": call.function,
            "gen_ai.tool.type": "function",
            **error,
        }
        assert span.status.is_unset == (not error)
        assert span.status.is_ok == (not error)
    assert {
        tuple(sorted(point.attributes.items())): point.count for point in kept.points(CALL)
    } == {
        (("gen_ai.tool.name", "finds"), ("gen_ai.tool.type", "function")): 2,
        (
            ("error.type", "failed"),
            ("gen_ai.tool.name", "loses"),
            ("gen_ai.tool.type", "function"),
        ): 1,
        (("gen_ai.tool.name", "stays"), ("gen_ai.tool.type", "function")): 1,
    }
    check_times(kept.times(CALL), [call.execute_us for call in run.calls])


def test_what_is_counted() -> None:
    rows = two_turns()
    kept, run = told(rows)
    assert kept.counted("cml.rows") == {(): len(rows)}
    assert kept.counted("cml.events") == {(): sum(row.event is not None for row in rows)}
    assert kept.counted("cml.calls") == {
        (("gen_ai.tool.name", "finds"), ("cml.outcome", "returned")): 2,
        (("gen_ai.tool.name", "loses"), ("cml.outcome", "failed")): 1,
        (("gen_ai.tool.name", "stays"), ("cml.outcome", "returned")): 1,
    }
    waits = [call.delivered_us - call.returned_us for call in run.calls]
    assert max(waits) > 0
    check_times(kept.times(WAIT), waits)


def test_what_is_begun_is_ended() -> None:
    kept, _ = told(two_turns())
    assert kept.begun == len(kept.exporter.get_finished_spans())


def test_a_stop_settles_every_call_and_ends_the_turn() -> None:
    script = "[CALL] a [HEAD] stays() [END][CALL] b [HEAD] stays() [END][TRAP][END]"
    rows = run_virtual(
        ScriptedSession([script]), functions, SETTINGS, planned=[(50_000, Stopped())]
    )
    kept, _ = told(list(rows))
    assert kept.by_outcome("cml.calls") == {"cancelled": 2}
    assert [span.attributes["error.type"] for span in kept.spans("execute_tool")] == [
        "cancelled",
        "cancelled",
    ]
    [turn] = kept.spans("invoke_agent")
    assert turn.attributes["gen_ai.response.finish_reasons"] == ("stopped",)
    assert "error.type" not in turn.attributes


def check_times(found: tuple[int, float], expected_us: list[int]) -> None:
    assert found[0] == len(expected_us)
    assert found[1] == pytest.approx(sum(expected_us) / 1e6, abs=1e-9)


def test_the_page_has_each_metric_and_each_has_its_unit() -> None:
    kept, _ = told(two_turns())
    kept.telemetry.watch([])
    units = {name: metric.unit for name, metric in kept.metrics().items()}
    assert units == {
        "cml.rows": "{row}",
        "cml.events": "{event}",
        "cml.calls": "{call}",
        "cml.interrupts": "{interrupt}",
        "cml.sessions.open": "{session}",
        WAIT: "s",
        TURN: "s",
        CALL: "s",
    }
    _, _, *table = PAGE[PAGE.index("| metric | what |") :].split("\n\n")[0].splitlines()
    assert units.keys() == {name for line in table for name in line.split("|")[1].split("`")[1::2]}


def test_histograms_have_the_bounds_of_the_conventions() -> None:
    kept, _ = told(two_turns())
    assert [list(kept.points(name)[0].explicit_bounds) for name in (TURN, CALL)] == [
        [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6],
        [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
    ]
    waits = kept.points(WAIT)[0].explicit_bounds
    assert (waits[0], len(waits)) == (0.001, 17)


@pytest.mark.parametrize(
    ("end", "limit", "reason", "fails"),
    [("fail", None, "pending", True), ("detach", "length", "length", False)],
)
def test_a_turn_that_ends_against_the_will_of_the_host_is_an_error(
    end, limit, reason, fails
) -> None:
    settings = Settings(end=end)
    session = ScriptedSession(["[CALL] a [HEAD] late() [END]", EndOfDecoding(limit or "stop")])
    kept = Kept()
    kept.telemetry.view(settings)(list(run_virtual(session, functions, settings)))
    [turn] = kept.spans("invoke_agent")
    error = {"error.type": reason} if fails else {}
    assert dict(turn.attributes) == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": "scripted",
        "gen_ai.response.finish_reasons": (reason,),
        **error,
    }
    assert turn.status.is_ok != fails
    assert [dict(point.attributes) for point in kept.points(TURN)] == [error]


def test_a_call_that_never_ran_is_counted_and_is_no_span() -> None:
    script = "[CALL] a [HEAD] loses() [END][CALL] b [HEAD] f(x=a) [END]"
    settings = Settings(functions=("loses", "f"))
    rows = run_virtual(ScriptedSession([script]), functions, settings)
    kept = Kept()
    kept.telemetry.view(settings)(list(rows))
    assert kept.by_outcome("cml.calls") == {"failed": 2}
    assert [span.name for span in kept.spans("execute_tool")] == ["execute_tool loses"]
    assert kept.times(WAIT)[0] == 2


def test_what_runs_now_has_the_time_of_the_clock() -> None:
    rows, before_ns = two_turns(), time.time_ns()
    kept, _ = told(rows, None)
    after_ns = time.time_ns()
    assert [before_ns <= span.start_time <= after_ns for span in kept.spans("invoke_agent")] == [
        True,
        True,
    ]


def test_whoever_decodes_is_called_cml_by_default() -> None:
    kept = Kept()
    Telemetry(meters=kept.meters, tracers=kept.tracers).view(SETTINGS)(two_turns())
    names = {span.attributes["gen_ai.provider.name"] for span in kept.spans("invoke_agent")}
    assert names == {"cml"}


# -------------------------------------------------------------------- a session that is gone on with


def test_a_turn_under_way_begins_where_it_is_gone_on_with() -> None:
    rows = two_turns()
    kept = Kept()
    settled = [n for n, row in enumerate(rows) if isinstance(row.event, Returned)]
    cut = settled[2]
    past = past_of(Header(1, SETTINGS, "real"), rows[:cut])
    kept.telemetry.journal({}, past=past)(rows[cut:])
    first, _ = kept.spans("invoke_agent")
    at_us = rows[cut - 1].at_us
    end_us = next(row.at_us for row in rows if row.rule == "Settle/detach")
    assert first.end_time - first.start_time == 1_000 * (end_us - at_us)
    calls = read_run(SETTINGS, rows).calls
    late = [call for call in calls if call.returned_us > at_us]
    spans = kept.spans("execute_tool")
    assert {s.attributes["gen_ai.tool.call.id"] for s in spans} == {call.call for call in late}
    assert kept.counted("cml.rows") == {(): len(rows) - cut}


def test_between_turns_no_turn_is_under_way() -> None:
    rows = two_turns()
    ended = next(n for n, row in enumerate(rows) if row.rule == "Settle/detach") + 1
    kept = Kept()
    kept.telemetry.view(SETTINGS, zero_ns=ZERO_NS, before=rows[:ended])(rows[ended:])
    [turn] = kept.spans("invoke_agent")
    between, within = kept.spans("execute_tool")  # d and c: the turn that started them is not told
    assert between.parent is None
    assert between.end_time == ns(rows[ended].at_us)
    assert within.parent.span_id == turn.context.span_id


@pytest.mark.parametrize("seed", range(40))
def test_what_came_before_is_known_and_not_measured_again(seed: int) -> None:
    whole, first, second = Kept(), Kept(), Kept()
    settings, rows = play(seed, whole)
    cut = max(1, len(rows) * (seed % 9 + 1) // 10)
    first.telemetry.view(settings)(rows[:cut])
    second.telemetry.view(settings, before=rows[:cut])(rows[cut:])
    for name in ("cml.calls", "cml.interrupts"):
        parts = first.by_outcome(name) + second.by_outcome(name)
        assert parts == whole.by_outcome(name)
    assert len(second.spans("invoke_agent")) == 1


# ------------------------------------------------------------------------------ sessions that run


def play(seed: int, kept: Kept) -> tuple[Settings, list[Row]]:
    """Run a random story under observation."""
    story, rows = draw(seed), []
    write = kept.telemetry.journal(FUNCTIONS, story.settings, rows.extend)
    with Runtime(session_of(story), FUNCTIONS, story.settings, journal=write) as runtime:
        list(runtime.run())
    return runtime.settings, rows


@pytest.mark.parametrize("seed", range(40))
def test_metrics_and_spans_say_what_the_rows_say(seed: int) -> None:
    kept = Kept()
    settings, rows = play(seed, kept)
    run = read_run(settings, rows)
    settled = [call for call in run.calls if call.returned_us is not None]
    ran = [call for call in settled if call.started_us is not None]
    interrupts = [
        i for row in rows for e in row.effects if isinstance(e, Inject) for i in e.interrupts
    ]
    assert kept.counted("cml.rows") == {(): len(rows)}
    assert kept.counted("cml.events") == {(): sum(row.event is not None for row in rows)}
    outcomes = Counter(interrupt.outcome.kind.value for interrupt in interrupts)
    assert kept.by_outcome("cml.interrupts") == outcomes
    assert kept.by_outcome("cml.calls") == Counter(call.outcome for call in settled)
    tools = kept.spans("execute_tool")
    assert sorted(
        (span.attributes["gen_ai.tool.call.id"], span.end_time - span.start_time) for span in tools
    ) == sorted((call.call, 1_000 * call.execute_us) for call in ran)
    delivered = [c.delivered_us - c.returned_us for c in settled if c.delivered_us is not None]
    check_times(kept.times(WAIT), delivered)
    check_times(kept.times(CALL), [call.execute_us for call in ran])
    check_times(kept.times(TURN), [rows[-1].at_us - rows[0].at_us])


def test_a_runtime_is_measured_by_its_journal() -> None:
    kept = Kept()

    def finds(city: str) -> str:
        if city == "Oslo":
            raise LookupError(city)
        return city

    script = '[CALL] a [HEAD] finds(city="Rome") [END][CALL] b [HEAD] finds(city="Oslo") [END]'
    session = ScriptedSession(pieces_of(f"{script} [TRAP] all [END] ok"))
    write = kept.telemetry.journal({"finds": finds}, conversation="c7", model="m")
    with Runtime(session, {"finds": finds}, journal=write) as runtime:
        list(runtime.run())
    [turn], tools = kept.spans("invoke_agent"), kept.spans("execute_tool")
    assert turn.attributes["gen_ai.conversation.id"] == "c7"
    assert turn.attributes["gen_ai.request.model"] == "m"
    assert {span.attributes["gen_ai.tool.call.id"]: span.status.is_ok for span in tools} == {
        "a": True,
        "b": False,
    }


def test_sessions_that_are_open_are_counted() -> None:
    async def main() -> tuple[int, int]:
        kept = Kept()
        async with Sessions() as sessions:
            kept.telemetry.watch(sessions)
            opened = [sessions.open(ScriptedSession([]), {}) for _ in range(3)]
            [three] = kept.points("cml.sessions.open")
            await opened[0].aclose()
            [two] = kept.points("cml.sessions.open")
            return three.value, two.value

    assert asyncio.run(main()) == (3, 2)


def test_the_example_of_the_page_runs() -> None:
    _, example, *_ = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

    async def main() -> int:
        kept, functions, rows = Kept(), {"f": lambda: 1}, []
        session = ScriptedSession(["[CALL] a [HEAD] f() [END]"])
        async with Sessions() as sessions:
            names = {"functions": functions, "settings": Settings(), "write": rows.extend}
            names |= {"Telemetry": lambda: kept.telemetry, "sessions": sessions, "session": session}
            exec(example, names)
            await names["opened"].complete()
        [written] = kept.points("cml.rows")
        return written.value - len(rows)

    assert asyncio.run(main()) == 0


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
    assert kept.metrics() == {}
