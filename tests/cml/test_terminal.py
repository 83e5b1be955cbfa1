"""What reaches a terminal: foreign text made visible, signs spelt out, tables that keep their numbers."""

import codecs
import io
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from cml.terminal.foreign import visible, visible_lines
from cml.terminal.output import READABLE, spelt
from cml.terminal.styled import print_table
from cml.wording import counted

JOINERS = "\u200c\u200d"
ACTING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
hostile = st.text(
    st.one_of(st.characters(), st.sampled_from(f"\x1b\x07\x9b\x9d\x7f\r\t\n{BIDI}{JOINERS}\ufeff"))
)


@given(hostile)
@example("\x1b]0;title\x07 \x9b31m \u202e\u2066")
@example("\ud800")
def test_foreign_text_cannot_act_on_a_terminal(text: str) -> None:
    shown = visible(text)
    assert len(shown) == len(text)
    assert {c for c in shown if unicodedata.category(c) in ACTING} <= set(JOINERS)
    assert not set(shown) & set(BIDI)
    assert visible(shown) == shown


@given(hostile)
def test_lines_and_tabs_of_prose_stay_and_nothing_else(text: str) -> None:
    shown = visible_lines(text)
    assert len(shown) == len(text)
    assert [c in "\n\t" for c in shown] == [c in "\n\t" for c in text]
    assert visible(shown) == visible(
        shown.replace("\n", "\u240a").replace("\t", " ")
    )  # all else is seen


@given(st.text(st.characters(categories=("L", "N", "P", "Sm", "Mn"))))
def test_what_people_write_stays_as_it_is(text: str) -> None:
    blank = set("\u034f\u115f\u1160\u3164\uffa0")
    assert all(a == b or a in blank for a, b in zip(text, visible(text), strict=True))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("👩\u200d💻 می\u200cخواهم", "👩\u200d💻 می\u200cخواهم"),
        ("pass\u200dword \u200dx", "pass\ufffdword \ufffdx"),
        ("a\tb\u3000c\xa0d", "a b c d"),
        ("\x00\x1b\x7f\x85", "\u2400\u241b\u2421\ufffd"),
        ("\u3164", "\ufffd"),
    ],
)
def test_joiners_stay_where_scripts_need_them(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(hostile, st.sampled_from(["ascii", "latin-1", "utf-8"]))
def test_every_encoding_can_say_everything(text: str, encoding: str) -> None:
    codecs.register_error(READABLE, spelt)
    lacking = [c for c in text if c.encode(encoding, "ignore") == b""]
    written = text.encode(encoding, READABLE)
    assert len(written.decode(encoding)) >= len(text)
    assert all(spelt(UnicodeEncodeError(encoding, c, 0, 1, ""))[0].isascii() for c in lacking)


def test_our_signs_become_ascii_of_the_same_width() -> None:
    signs = "█▒·─│▶◀◁◆⏸⇥"
    words, _ = spelt(UnicodeEncodeError("ascii", signs, 0, len(signs), ""))
    assert words == "#=.-|><<*|>"
    assert spelt(UnicodeEncodeError("ascii", "日", 0, 1, ""))[0] == r"\u65e5"
    with pytest.raises(UnicodeDecodeError):
        spelt(UnicodeDecodeError("utf-8", b"\xff", 0, 1, ""))


def table() -> Table:
    made = Table(title="1 workload")
    for name in ("model", "policy", "mean makespan", "vs Sync"):
        made.add_column(name)
    made.add_row("sync-parallel", "longest-tail", "1,234,567.8 ms", "12.34x")
    return made


@pytest.mark.parametrize("columns", [20, 40, 60, 200])
def test_a_table_keeps_its_numbers_on_any_terminal(columns: int) -> None:
    file = io.StringIO()
    print_table(Console(file=file, width=columns), table())
    for cell in ("1 workload", "sync-parallel", "longest-tail", "1,234,567.8 ms", "12.34x"):
        assert cell in file.getvalue()


def test_one_thing_is_not_told_as_several() -> None:
    assert [counted(n, "row") for n in (0, 1, 2, 1_024)] == [
        "0 rows",
        "1 row",
        "2 rows",
        "1,024 rows",
    ]
