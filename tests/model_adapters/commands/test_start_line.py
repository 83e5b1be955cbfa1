"""What is shown while a model is loaded, and what a trace says of how it computes."""

import gc
import io
import logging
from pathlib import Path

import pytest
from extras import from_extra
from rich.console import Console

from cml.symbols import Symbol
from interpreter.events import Began, Decoded, Row
from model_adapters.commands.view.start_line import StartLine
from model_adapters.errors import AdapterError
from model_adapters.hf.model import load

SAID = logging.getLogger("cml.model")


def shown(*, is_terminal: bool) -> tuple[StartLine, io.StringIO]:
    out = io.StringIO()
    return StartLine(Console(file=out, force_terminal=is_terminal, width=80)), out


def test_what_is_being_done_is_shown_until_the_first_symbol_comes() -> None:
    rows = [Row(0, "Step/begin", Began()), Row(1, "Step/text", Decoded(Symbol("Hi")))]
    line, out = shown(is_terminal=True)
    with line:
        SAID.info("loading the weights of %s", "x")
        passed = []
        for row in line.until_decoded(rows):
            passed.append(row)
            SAID.info("said after %s", row.rule)
    assert passed == rows
    assert "loading the weights of x … 0 s" in out.getvalue()
    assert "said after Step/text" not in out.getvalue()
    assert out.getvalue().endswith("\x1b[2K")  # the line is taken away


def test_nothing_is_shown_where_nobody_looks_or_nothing_is_loaded() -> None:
    line, out = shown(is_terminal=False)
    with line:
        SAID.info("loading")
    quiet, silent = shown(is_terminal=True)
    with quiet:
        pass
    assert out.getvalue() == silent.getvalue() == ""


@pytest.mark.parametrize("is_terminal", [True, False])
def test_what_is_told_stays_above_it(*, is_terminal: bool) -> None:
    line, out = shown(is_terminal=is_terminal)
    with line:
        SAID.info("loading")
        line.tell("it is \x1b[31manother")
    assert out.getvalue().count("it is ␛[31manother\n") == 1


def test_a_model_may_say_what_it_likes_before_and_after() -> None:
    level = logging.getLogger("cml").level
    line, _ = shown(is_terminal=True)
    with pytest.raises(OSError, match="no model"), line:
        raise OSError("no model")
    assert logging.getLogger("cml").level == level
    assert line not in logging.getLogger("cml").handlers


def test_terminal_codes_in_the_name_of_a_model_do_nothing() -> None:
    line, out = shown(is_terminal=True)
    with line:
        SAID.info("loading the weights of %s", "\x1b]0;x\x07")
    assert "\x1b]0" not in out.getvalue()


def test_many_tokens_are_read_by_more_threads_than_one() -> None:
    torch = from_extra("hf", "torch")
    from model_adapters.hf.model import Threads

    threads = Threads(1, 2)
    before = torch.get_num_threads()
    try:
        found = []
        for tokens in (1, 63, 64, 357):
            threads.compute(tokens)
            found.append(torch.get_num_threads())
    finally:
        torch.set_num_threads(before)
    assert found == [1, 1, 2, 2]
    assert threads.in_words == "1 thread, 2 from 64 tokens on"
    assert Threads(4, 4).in_words == "4 threads"


def test_a_trace_says_on_what_and_how_a_model_computes(tiny) -> None:
    assert tiny.in_words == f"{tiny.name} on cpu in float32, as the caller chose"


@pytest.mark.parametrize("collects", [True, False])
def test_garbage_is_collected_as_before_once_a_model_is_loaded_or_is_none(
    tiny, tmp_path, collects: bool
) -> None:
    (tmp_path / "config.json").write_text("{}")
    if not collects:
        gc.disable()
    try:
        load(Path(tiny.tokenizer.name_or_path), device="cpu", dtype="float32")
        assert gc.isenabled() == collects
        with pytest.raises(AdapterError):
            load(tmp_path)
        assert gc.isenabled() == collects
    finally:
        gc.enable()
