"""Timelines in the Chrome trace event format, which ui.perfetto.dev and chrome://tracing load.

A panel becomes a process, a row a thread, a bar a complete event (`"ph": "X"`); times in that
format are microseconds, as ours are.
"""

from collections.abc import Iterator

import msgspec

from interpreter.schedule.charts.charts import BAR_STYLES, TimelinePanel, Timelines


def encode_perfetto(timelines: Timelines) -> bytes:
    """Write timelines as one JSON document of trace events."""
    events = [
        event
        for process, panel in enumerate(timelines.panels, start=1)
        for event in _events(process, panel)
    ]
    document = {
        "displayTimeUnit": "ms",
        "otherData": {"title": timelines.title},
        "traceEvents": events,
    }
    return msgspec.json.encode(document) + b"\n"


def _events(process: int, panel: TimelinePanel) -> Iterator[dict[str, object]]:
    yield _name("process_name", process, 0, panel.title)
    for row, name in enumerate(panel.rows):
        yield _name("thread_name", process, row + 1, name)
        yield {
            "ph": "M",
            "name": "thread_sort_index",
            "pid": process,
            "tid": row + 1,
            "args": {"sort_index": row},
        }
    for bar in sorted(panel.bars, key=lambda bar: (bar.start_us, bar.row, bar.end_us)):
        yield {
            "ph": "X",
            "name": bar.text[0] if bar.text else bar.kind,
            "cat": bar.kind,
            "pid": process,
            "tid": bar.row + 1,
            "ts": bar.start_us,
            "dur": bar.end_us - bar.start_us,
            "args": {"what": BAR_STYLES[bar.kind].meaning, "details": list(bar.text[1:])},
        }


def _name(kind: str, process: int, thread: int, name: str) -> dict[str, object]:
    return {"ph": "M", "name": kind, "pid": process, "tid": thread, "args": {"name": name}}
