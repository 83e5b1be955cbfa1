"""What a person sees of a session while it runs."""

import io
import sys
import unicodedata
from collections.abc import Iterator
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cml import parse
from cml.ast import Interrupt, Json, OutcomeKind, Text
from cml.symbols import Symbol
from cml.terminal.styled import console
from interpreter import EndOfDecoding, ScriptedSession, Settings, run_virtual
from interpreter.commands.gantt import gantt
from interpreter.events import Decoded, Outcome, Report, Returned, Row, Said, Start, Stopped
from interpreter.runs import read_run
from interpreter.scripted import pieces_of
from model_adapters.commands.view.live import Live

CALLING = "Well. [CALL] a [HEAD] f(1) [END] and on. [TRAP][END] It is done."
HOSTILE = st.text(
    st.one_of(st.characters(), st.sampled_from("\x1b\x9b\x9d\x07\r\t\n\u202e\u2066\u200d\ufeff")),
    max_size=30,
)


def rows_of(
    script: str | list[str | EndOfDecoding],
    value: Json = 1,
    after_us: int = 100_000,
    settings: Settings | None = None,
) -> list[Row]:
    def functions(_: Start) -> list[tuple[int, Outcome]]:
        return [(after_us, Outcome(OutcomeKind.RETURNED, value))]

    pieces = pieces_of(script) if isinstance(script, str) else script
    return list(run_virtual(ScriptedSession(pieces), functions, settings or Settings()))


def shown(rows: list[Row], columns: int | None = 200, withheld: int = 0) -> str:
    file = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COLUMNS", raising=False)
        if columns is not None:
            patch.setenv("COLUMNS", str(columns))
        made = Console(file=file, highlight=False, markup=False, emoji=False)
        assert list(Live(lambda _: withheld).watch(rows, made)) == rows
    return file.getvalue()


def acts(text: str) -> set[str]:
    """The characters that control a terminal or turn directions, other than a line feed."""
    return {c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs"}} - {
        "\u200c",
        "\u200d",
    }


@given(HOSTILE, HOSTILE, HOSTILE)
def test_nothing_that_a_model_or_a_function_says_acts_on_the_terminal(
    prose: str, argument: str, result: str
) -> None:
    prose = prose.encode("utf-8", "replace").decode()
    result = result.encode("utf-8", "replace").decode()
    body = msgspec.json.encode(argument.encode("utf-8", "replace").decode()).decode()
    rows = rows_of([prose, f"[CALL] a [HEAD] f({body}) [END]", prose, "[TRAP][END]"], result)
    assert acts(shown(rows)) == set()
    assert acts(shown(rows, 40)) == set()


def test_lines_and_tabs_of_the_model_stay() -> None:
    assert shown(rows_of("one\ntwo\n\n  a\tb")).startswith("one\ntwo\n\n  a")
    assert "\nb" not in shown(rows_of("one\ntwo\n\n  a\tb"))


def test_a_notice_ends_the_line_that_the_model_is_in_once() -> None:
    text = shown(rows_of("Well. [CALL] a [HEAD] f(1) [END]\nNext. [TRAP][END]"))
    assert "\n\n" not in text.partition("decoding")[0]
    assert "\nNext. [TRAP]" in text


@pytest.mark.parametrize("is_terminal", [False, True])
def test_an_error_while_rows_come_has_a_line_of_its_own(
    capsys: pytest.CaptureFixture[str], *, is_terminal: bool
) -> None:
    console = Console(file=sys.stdout, force_terminal=is_terminal, width=80)
    live = Live()

    def rows() -> Iterator[Row]:
        yield Row(0, "Step/text", Decoded(Symbol("so we wait and")))
        live.warn("Error: the disk is full")

    list(live.watch(rows(), console))
    told = capsys.readouterr()
    assert "so we wait and\n" in told.out
    assert told.out.count("Error: the disk is full\n") == is_terminal  # above the foot
    assert told.err == "Error: the disk is full\n"


def test_a_deadline_is_told_when_it_passes_and_what_comes_later_is_a_note() -> None:
    told = shown(
        rows_of(CALLING + " word" * 200, "too late", 200_000, Settings(deadline_us=100_000))
    )
    timed_out, goes_in, late = (
        told.index(words)
        for words in (
            "◀ a timed out: it ran for 0.100 s",
            "⇥ interrupt a goes in",
            "a returned late",
        )
    )
    assert timed_out < goes_in < late
    assert '"too late"' in told
    assert "was settled before" not in told
    assert "◀ a returned" not in told


def test_progress_is_told_as_such_and_what_was_not_told_is_counted_once() -> None:
    def functions(_: Start) -> list[tuple[int, Outcome]]:
        halfway = Outcome(OutcomeKind.PROGRESS, 0.5)
        return [(9_000, halfway), (90_000, Outcome(OutcomeKind.RETURNED, 1))]

    script = pieces_of(CALLING.replace("[TRAP][END]", "[TRAP] all [END]"))
    rows = list(run_virtual(ScriptedSession(script), functions, Settings()))
    told = shown(rows, withheld=1)
    progress, returned = (
        told.index("⇥ progress of a goes in"),
        told.index("◀ a returned after 0.090 s 1"),
    )
    assert progress < returned < told.index("  1 report of progress not told\n")
    assert told.count("not told") == 1
    assert "not told" not in shown(rows)


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_a_narrow_terminal_shortens_values_and_never_our_words(columns: int) -> None:
    script = CALLING + " word" * 200
    value = "x" * 100_000
    told = shown(rows_of(script, value, 200_000, Settings(deadline_us=100_000)), columns)
    assert "◀ a timed out: it ran for 0.100 s\n" in told
    assert "a returned late, which the model is not told: " in told
    assert '"xxxxxxxx' in told
    assert "…" in told
    assert "x" * (columns + 1) not in told


def test_a_pipe_without_a_width_gets_values_whole() -> None:
    assert "x" * 5_000 in shown(rows_of(CALLING, "x" * 5_000), None)
    assert "x" * 20_000 not in shown(rows_of(CALLING, "x" * 20_000), None)


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 200])
def test_bars_keep_names_and_numbers_on_any_terminal(columns: int) -> None:
    rows = rows_of(CALLING, after_us=123_456_789)
    file = io.StringIO()
    made = Console(file=file, width=columns)
    made.print(gantt(read_run(Settings(), rows), columns))
    text = file.getvalue()
    assert "123,457 ms" in text
    assert f"{rows[-1].at_us / 1000:,.0f} ms" in text
    assert all(len(line) <= columns for line in text.splitlines())


def test_the_signs_of_the_bars_are_explained_and_no_others() -> None:
    file = io.StringIO()
    Console(file=file, width=80).print(gantt(read_run(Settings(), rows_of(CALLING)), 80))
    *bars, legend = file.getvalue().splitlines()
    explained = {part[0] for part in legend.split("   ")}
    assert explained == {sign for sign in "╌█▒░·" if any(sign in line for line in bars)}
    assert explained >= {"╌", "█", "▒"}


def test_a_call_that_still_runs_is_not_told_to_have_taken_no_time() -> None:
    rows = rows_of(CALLING)
    cut = rows[: next(n for n, row in enumerate(rows) if row.rule == "Step/return")]
    file = io.StringIO()
    Console(file=file, width=80).print(gantt(read_run(Settings(), cut), 80))
    assert "f running" in file.getvalue()


STOP = EndOfDecoding("stop")
LENGTH = EndOfDecoding("length")


@pytest.mark.parametrize(
    ("script", "how", "answer"),
    [
        ([*pieces_of(CALLING), STOP], "answered", "It is done."),
        (["Paris.", STOP], "answered", "Paris."),
        (["Let me see. [CALL] a [HEAD] f(1) [END] ", "[TRAP][END]", STOP], "no answer", ""),
        (["Let me see. [CALL] a [HEAD] f(1) [END] soon.", STOP, STOP], "no answer", ""),
        ([STOP], "no answer", ""),
        (["Paris is ", LENGTH], "length", "Paris is"),
        (["Well. [CALL] a [HEAD] f(", LENGTH], "length", "Well."),
    ],
)
def test_an_ending_is_read_off_the_rows(
    script: list[str | EndOfDecoding], how: str, answer: str
) -> None:
    run = read_run(Settings(), rows_of(script))
    assert (run.ending, run.answer) == (how, answer)


WORDS = st.sampled_from(
    [
        "word ",
        "[CALL] ",
        "a ",
        "b ",
        "[HEAD] ",
        "f(1) ",
        "[END] ",
        "[TRAP]",
        "[INTR] ",
        "\n",
        "[TRAP][END] more ",
    ]
)


@given(st.lists(WORDS, max_size=25), st.sampled_from(["stop", "length"]))
def test_an_answer_is_the_prose_of_the_context_after_its_last_interrupt(
    pieces: list[str], reason: Literal["stop", "length"]
) -> None:
    session = ScriptedSession([*pieces, EndOfDecoding(reason)])
    returned = Outcome(OutcomeKind.RETURNED, 1)
    rows = list(run_virtual(session, lambda _: [(9_000, returned)], Settings()))
    items = parse(session.context).items
    last = max((n for n, item in enumerate(items) if isinstance(item, Interrupt)), default=-1)
    prose = "".join(item.text for item in items[last + 1 :] if isinstance(item, Text))
    assert read_run(Settings(), rows).answer == prose.strip()


def test_names_and_reports_of_foreign_traces_do_not_act_on_the_terminal() -> None:
    rows = [
        Row(1, "Settle/start", None, (Start("\x9bc", "\u202ef", (), {}),)),
        Row(2, "Step/return", Returned("\x9bc", Outcome(OutcomeKind.RETURNED, 1)), ()),
        Row(3, "Step/late", None, (Report("Step/other", "\x1b]0;x\x07 \u2066"),)),
    ]
    text = shown(rows)
    assert acts(text) == set()
    assert "c starts" in text


def test_a_stopped_session_is_stopped_whatever_it_said() -> None:
    session = ScriptedSession(pieces_of("One two three four five six seven eight."))
    rows = list(run_virtual(session, lambda _: [], Settings(), planned=[(10_000, Stopped())]))
    assert read_run(Settings(), rows).ending == "stopped"


def test_a_console_takes_nothing_for_markup() -> None:
    file = io.StringIO()
    made = console()
    made.file = file
    made.print("[red]x[/] :smile: 12")
    assert file.getvalue() == "[red]x[/] :smile: 12\n"


@pytest.mark.parametrize(("sender", "who"), [("", "a person"), ("critic", "agent critic")])
def test_who_says_something_is_seen(sender: str, who: str) -> None:
    script = [*pieces_of("One"), *pieces_of(" two")]
    said = [(1, Said("look \x1b[31m again", sender))]
    rows = list(run_virtual(ScriptedSession(script), lambda _: [], planned=said))
    assert f"◆ {who} says: " in shown(rows)
    assert acts(shown(rows)) == set()
