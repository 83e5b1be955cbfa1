"""Simulated and real runs as timelines: a row for the model, then one for each call."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from cml.wording import counted
from interpreter.runs import Run, RunCall, RunMessage
from interpreter.schedule.charts.charts import (
    Bar,
    BarKind,
    TimelinePanel,
    Timelines,
    TimeUnit,
    time_unit,
)
from interpreter.schedule.models.timing import WAITING_MODELS
from interpreter.schedule.narration.lives import call_lives
from interpreter.schedule.narration.narrations import Narration
from interpreter.schedule.narration.spans import Kind, TimeSpan

MODEL_ROW: Final = "model"

_KINDS: Final[dict[Kind, BarKind]] = {
    "generate": "writing",
    "round": "round",
    "execute": "running",
    "trap": "trap",
    "wait": "waiting",
    "request": "request",
    "deliver": "delivering",
    "answer": "answer",
}


def simulated_timelines(narrations: list[Narration]) -> Timelines:
    """Return simulated runs of one workload, one above the other.

    Args:
        narrations: The runs, at least one; of a model that knows no policy the first is shown.
    """
    shown = {_what_ran(narration): narration for narration in reversed(narrations)}
    narrations = [narration for narration in narrations if shown[_what_ran(narration)] is narration]
    unit = time_unit(max(narration.makespan_us for narration in narrations))
    return Timelines(
        narrations[0].workload,
        tuple(_simulated_timeline(narration, unit) for narration in narrations),
    )


def _simulated_timeline(narration: Narration, unit: TimeUnit) -> TimelinePanel:
    lives = call_lives(narration.spans)
    bars = [
        Bar(0, _KINDS[span.kind], span.start_us, span.end_us, (_name(narration, span),))
        for span in narration.spans
        if span.kind != "execute"
    ]
    for row, life in enumerate(lives, start=1):
        moments = (life.written_us, life.start_us, life.end_us, life.delivered_us)
        bars += _life(row, narration.ids[life.call], moments, "running", unit)
    return TimelinePanel(
        title=f"{_what_ran(narration)}: {unit.text(narration.makespan_us)}",
        rows=(MODEL_ROW, *(narration.ids[life.call] for life in lives)),
        bars=tuple(bars),
        total_us=narration.makespan_us,
    )


def _what_ran(narration: Narration) -> str:
    return (
        narration.model
        if narration.model in WAITING_MODELS
        else f"{narration.model} · {narration.policy}"
    )


def _name(narration: Narration, span: TimeSpan) -> str:
    return _KINDS[span.kind] if span.call is None else narration.ids[span.call]


def _life(
    row: int,
    name: str,
    life: tuple[int, int, int, int],
    kind: BarKind,
    unit: TimeUnit,
) -> Iterator[Bar]:
    """Yield the bars of one call that was written, started, returned and delivered at some times."""
    written_us, start_us, end_us, delivered_us = life
    text = (
        name,
        f"written at {unit.text(written_us)}",
        f"waited {unit.text(start_us - written_us)} to start",
        f"ran {unit.text(end_us - start_us)}",
        f"its result waited {unit.text(delivered_us - end_us)} for the model",
    )
    pieces: tuple[tuple[BarKind, int, int], ...] = (
        ("queued", written_us, start_us),
        (kind, start_us, end_us),
        ("returned", end_us, delivered_us),
    )
    for piece, begin_us, until_us in pieces:
        if until_us > begin_us:
            yield Bar(row, piece, begin_us, until_us, text)


def recorded_timelines(run: Run, title: str) -> Timelines:
    """Return a real run.

    Args:
        run: The run.
        title: What it shows.
    """
    unit = time_unit(run.total_us)
    bars = [
        Bar(0, "text", begin_us, end_us, ("text",))
        for begin_us, end_us in _apart(run.decoding, run.calls)
    ]
    bars += [
        Bar(0, "reading", begin_us, end_us, ("the prompt",)) for begin_us, end_us in run.reading
    ]
    bars += list(_model_waits(run))
    bars += [_said(row, message, run.total_us) for row, message in enumerate(run.messages, start=1)]
    names = [MODEL_ROW, *(message.id for message in run.messages)]
    for row, call in enumerate(run.calls, start=len(names)):
        # What the model was writing at that time is seen in its own row.
        bars.append(
            Bar(0, "writing", call.opened_us, call.written_us, (f"{call.call}: {call.function}",))
        )
        kind: BarKind = "running" if call.outcome in ("returned", "running") else "failed"
        name = f"{call.call}: {call.function} ({call.outcome})"
        bars += _life(row, name, call.life(run.total_us), kind, unit)
    panel = TimelinePanel(
        title=f"{counted(len(run.calls), 'call')}, {unit.text(run.total_us)}",
        rows=(*names, *(f"{call.call} {call.function}" for call in run.calls)),
        bars=tuple(bars),
        total_us=run.total_us,
    )
    return Timelines(title, (panel,), run.answer)


def _said(row: int, message: RunMessage, total_us: int) -> Bar:
    read_us = total_us if message.read_us is None else message.read_us
    return Bar(row, "said", message.said_us, read_us, (message.text,))


def _apart(
    decoding: tuple[tuple[int, int], ...], calls: tuple[RunCall, ...]
) -> Iterator[tuple[int, int]]:
    """Yield the decoding that wrote no call. Blocks follow each other, and so do times of decoding."""
    blocks = sorted((call.opened_us, call.written_us) for call in calls)
    ends_us = [written_us for _, written_us in blocks]
    for begin_us, end_us in decoding:
        at_us = begin_us
        for place in range(bisect_right(ends_us, begin_us), len(blocks)):
            opened_us, written_us = blocks[place]
            if opened_us >= end_us:
                break
            if opened_us > at_us:
                yield at_us, opened_us
            at_us = max(at_us, written_us)
        if at_us < end_us:
            yield at_us, end_us


def _model_waits(run: Run) -> Iterator[Bar]:
    at_us = 0
    busy = sorted((*run.reading, *run.decoding))
    for begin_us, end_us in (*busy, (run.total_us, run.total_us)):
        if begin_us > at_us:
            yield Bar(0, "waiting", at_us, begin_us, ("not decoding",))
        at_us = end_us
