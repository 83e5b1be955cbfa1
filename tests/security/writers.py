"""Everything that writes what people see, given one text of somebody else's in every place that it has."""

import io
import json
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec
from rich.console import Console

import cml
from cml.ast import OutcomeKind
from cml.profile import Body, Level, Profile
from cml.terminal.foreign import json_text
from cml.terminal.output import print_json, print_text
from cml.tools.outline import outline
from cml.tools.writers import WRITERS as FINDINGS_WRITERS
from cml.tools.writers import Findings
from interpreter import ScriptedSession, Settings, run_virtual, simulate
from interpreter.commands.gantt import gantt
from interpreter.events import Outcome, Row, Said, Start
from interpreter.page.document import page_file
from interpreter.page.shown import ShownTrace, page_parts
from interpreter.runs import Run, read_run
from interpreter.schedule import PRESETS
from interpreter.schedule.charts.charts import Columns, Curve, Curves
from interpreter.schedule.charts.draw import draw_image
from interpreter.schedule.charts.html import chart_page
from interpreter.schedule.charts.page import page, table
from interpreter.schedule.narration.timelines import recorded_timelines
from interpreter.schedule.paper.document import Heading, Items, write_document
from interpreter.schedule.workload import Workload, WorkloadCall
from interpreter.trace import Header
from model_adapters.backends import Request
from model_adapters.commands.view.conclusion import Conclusion, conclude
from model_adapters.commands.view.live import Live
from model_adapters.conformance.behaviour import Behaviour
from model_adapters.conformance.check import CheckResult
from model_adapters.conformance.circumstances import circumstances
from model_adapters.conformance.report import WRITERS as REPORT_WRITERS
from model_adapters.conformance.report import ConformanceReport, as_text
from model_adapters.training.data.files import Contents, card
from model_adapters.training.evaluation.report import Played, report_html, report_markdown
from model_adapters.training.evaluation.scoring import Score
from model_adapters.training.evaluation.shares import share
from model_adapters.training.recipe.plan import Recipe, TrainingProgress
from model_adapters.training.recipe.result import model_card

Form = Literal["terminal", "html", "xml", "markdown", "json"]


class Writer(NamedTuple):
    """What writes something that people see.

    Args:
        form: What it writes.
        write: Takes the foreign text.
        is_slow: Whether a picture is drawn for it.
    """

    form: Form
    write: Callable[[str], str]
    is_slow: bool = False


# ---------------------------------------------------------------- a session that says it everywhere


@cache
def told(text: str) -> tuple[Settings, tuple[Row, ...]]:
    """The rows of a session: prose, the names of functions and arguments, results, what people say."""
    settings = Settings(Profile(body=Body.JSON))
    body = json.dumps({"name": f"f{text}", "arguments": {f"a{text}": [text]}})
    failing = json.dumps({"name": f"g{text}", "arguments": {}})
    pieces = [
        f"{text} [CALL] job1 [HEAD] {body} [END]",
        f" [CALL] job2 [HEAD] {failing} [END] {text}",
        " [TRAP] all [END]",
        f" So {text}.",
    ]

    def functions(start: Start) -> list[tuple[int, Outcome]]:
        if start.function.startswith("g"):
            failed = {"type": text, "message": text}
            return [(2_000, Outcome(OutcomeKind.FAILED, failed))]
        return [
            (500, Outcome(OutcomeKind.PROGRESS, text)),
            (1_000, Outcome(OutcomeKind.RETURNED, {text: text})),
        ]

    events = [(700, Said(text)), (900, Said(text, "other"))]
    return settings, tuple(
        run_virtual(ScriptedSession(pieces), functions, settings, planned=events)
    )


def _run(text: str) -> Run:
    return read_run(*told(text))


def _terminal(show: Callable[[Console], object]) -> str:
    out = io.StringIO()
    show(Console(file=out, width=100, highlight=False, markup=False, emoji=False))
    return out.getvalue()


def _printed(show: Callable[[], object]) -> str:
    """What is printed, on both outputs."""
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, "utf-8", write_through=True)
    with redirect_stdout(out), redirect_stderr(out):
        show()
    return raw.getvalue().decode()


def _findings(form: str, text: str) -> str:
    def show() -> None:
        found = cml.validate(f"[CALL] {text} [END] {text} [INTR] [Call] {text}")
        FINDINGS_WRITERS[form]([Findings(text, iter(found), None)], sys.stdout)

    return _printed(show)


def _workloads(text: str) -> list[Workload]:
    first, second = f"a{text}", f"b{text}"
    return [
        Workload(
            id=f"w{text}",
            calls=(
                WorkloadCall(id=first, function=text, generate_tokens=3, execute_us=9_000),
                WorkloadCall(id=second, generate_tokens=3, execute_us=900, after=(first,)),
            ),
        )
    ]


def _report(text: str) -> ConformanceReport:
    results = tuple(
        CheckResult(f"check/{text}", text, (text,), ending, text, 0.1, text)
        for ending in ("fail", "not exercised")
    )
    about = circumstances(Request(text, text, {}), text, Level.CORE)
    behaved = Behaviour(1, {text: share([True])}, {text: share([False])}, f"broke off: {text}")
    return ConformanceReport(about, results, 1.0, behaved)


def _model_card(text: str) -> str:
    before = {"how": text, "dialogues": text}
    return model_card(Recipe(), TrainingProgress(), f"b{text}", text, before)


def _played(text: str) -> list[Played]:
    score = Score(*([False] * len(Score.__struct_fields__)))
    return [Played(text, f"s{text}", text, 1, "async", score, 1_000, None, text)]


def _document(text: str, suffix: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        elements = (Heading(1, f"h{text}"), Items((f"i{text}",))) if suffix == "html" else (
            Heading(1, f"h{text}"),
        )  # fmt: skip
        files = write_document(Path(folder), "r", elements)
        return next(file for file in files if file.suffix == f".{suffix}").read_text("utf-8")


def _curves(text: str) -> Curves:
    return Curves(
        f"t{text}", text, "y", (Curve(text, (1.0, 2.0), (1.0, 3.0)),)
    )  # fmt: skip


def _columns(text: str) -> Columns:
    return Columns(f"t{text}", text, (text,), ((text, (1.0,)),))


def _page(text: str) -> str:
    settings, rows = told(text)
    shown = ShownTrace(text, Header(1, settings, prompt=text, model=text), rows, _run(text))
    return page_file(text, page_parts([shown]))


def _timelines(text: str) -> str:
    return chart_page(recorded_timelines(_run(text), text))


def _conclusion(text: str, *, as_json: bool) -> str:
    over = Conclusion(_run(text), 9, False, f"t{text}", lambda _: text, None)
    if as_json:
        return _printed(lambda: conclude(over, Console(), as_json=True))
    return _terminal(lambda out: conclude(over, out, as_json=False))


def _drawn(chart: Callable[[str], Curves | Columns], text: str) -> str:
    return draw_image(chart(text), "svg").decode()


def _notebook(text: str) -> str:
    return _run(text)._repr_html_()


def _notebook_of_schedules(text: str) -> str:
    return simulate(_workloads(text), PRESETS["gpt-4o"])._repr_html_()


WRITERS: Final[dict[str, Writer]] = {
    "lines for people": Writer("terminal", lambda text: _printed(lambda: print_text(text))),
    "the live view": Writer(
        "terminal", lambda text: _terminal(lambda out: list(Live(lambda _: 0, lambda _: text).watch(told(text)[1], out)))
    ),
    "the end of a run": Writer("terminal", lambda text: _conclusion(text, as_json=False)),
    "bars": Writer("terminal", lambda text: _terminal(lambda out: out.print(gantt(_run(text), 100)))),
    "the tree of a context": Writer("terminal", lambda text: outline(cml.parse(f"{text}[CALL] a [HEAD] f({json.dumps(text)}) [END]"))),
    "findings": Writer("terminal", lambda text: _findings("text", text)),
    "a conformance report, as text": Writer("terminal", lambda text: _printed(lambda: print_text(as_text(_report(text))))),
    "JSON": Writer("json", lambda text: _printed(lambda: print_json({text: [text]}))),
    "the end of a run, as JSON": Writer("json", lambda text: _conclusion(text, as_json=True)),
    "findings, as JSON": Writer("json", lambda text: _findings("json", text)),
    "findings, as SARIF": Writer("json", lambda text: _findings("sarif", text)),
    "a conformance report, as JSON": Writer("json", lambda text: REPORT_WRITERS[".json"](_report(text))),
    "a conformance report, as a page": Writer("html", lambda text: REPORT_WRITERS[".html"](_report(text))),
    "a conformance report, as JUnit": Writer("xml", lambda text: REPORT_WRITERS[".xml"](_report(text))),
    "a badge": Writer("xml", lambda text: REPORT_WRITERS[".svg"](_report(text))),
    "the page of a trace": Writer("html", _page),
    "a chart of a run": Writer("html", _timelines),
    "a chart of curves": Writer("html", lambda text: chart_page(_curves(text))),
    "a chart of columns": Writer("html", lambda text: chart_page(_columns(text))),
    "a table": Writer("html", lambda text: page(text, table((text,), [(text,)]))),
    "a run in a notebook": Writer("html", _notebook),
    "schedules in a notebook": Writer("html", _notebook_of_schedules),
    "a report of the paper, as a page": Writer("html", lambda text: _document(text, "html")),
    "a report of the paper, as Markdown": Writer("markdown", lambda text: _document(text, "md")),
    "a measure of a model, as a page": Writer("html", lambda text: report_html(text, _played(text))),
    "a measure of a model, as Markdown": Writer("markdown", lambda text: report_markdown(f"m{text}", _played(text))),
    "the card of data": Writer("markdown", lambda text: card(f"n{text}", {"train": Contents()}, text)),
    "the card of a model": Writer("markdown", _model_card),
    "curves, drawn": Writer("xml", lambda text: _drawn(_curves, text), is_slow=True),
    "columns, drawn": Writer("xml", lambda text: _drawn(_columns, text), is_slow=True),
}  # fmt: skip


def spelt_out(value: object) -> str:
    """The same value, as JSON that shows all of it."""
    return json_text(msgspec.json.encode(value))
