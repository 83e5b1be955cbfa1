"""Files of tools: what counts as one, what is left out and why."""

import sys
from pathlib import Path

import pytest

from interpreter.tools.calling import call_function
from interpreter.tools.declared import ToolError
from interpreter.tools.python import load_tools
from interpreter.tools.signature import tool_of

EXAMPLES = Path(__file__).parents[3] / "examples"

FILE = """
from __future__ import annotations
import functools
import operator
from dataclasses import dataclass
from os.path import join
from typing import TYPE_CHECKING, List, NewType
from neighbour import shared, partial_of_shared
if TYPE_CHECKING:
    from nowhere import DataFrame

Names = List[str]
UserId = NewType("UserId", int)

@dataclass
class Address:
    street: str

class Service:
    def find(self, city: str) -> str:
        return city
    def __call__(self, city: str) -> str:
        return city

def plain(city: str) -> DataFrame:
    return city

def untyped(city):
    return city

def _private(): ...

@functools.lru_cache
def cached(city: str) -> str:
    return city

cheap = functools.partial(plain, city="Oslo")
find = Service().find
ask = Service()
again = shared
largest = max
get = operator.itemgetter(1)
make = functools.partial(Address, "Elm")
number = 3
if number:
    def inside(): ...
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "neighbour.py").write_text(
        "import functools\ndef shared(n: int): return n\n"
        "partial_of_shared = functools.partial(shared, 1)\n"
    )
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "neighbour", raising=False)
    return tmp_path


def load(folder, text):
    path = folder / "tools.py"
    path.write_text(text)
    return load_tools(path)


def test_what_a_file_defines_itself_is_taken_and_the_rest_is_told(folder) -> None:
    loaded = load(folder, FILE)
    assert list(loaded.functions) == [
        "plain",
        "untyped",
        "cached",
        "cheap",
        "find",
        "ask",
        "again",
        "inside",
    ]
    assert {*loaded.left_out} == {"largest", "get", "make"}
    assert all(loaded.left_out.values())
    for name in ("cached", "cheap", "find", "ask", "plain", "untyped"):
        assert call_function(loaded.functions[name], (), {"city": "Oslo"}).value == "Oslo"


def test_a_function_stands_for_a_module_that_cannot_be_imported(folder) -> None:
    other = "def get(n: int): return n"
    text = f"try:\n import no_such_module\nexcept ImportError:\n {other}\nelse:\n def put(): ...\n"
    assert list(load(folder, text).functions) == ["get"]


def test_a_file_may_say_how_it_is_encoded(folder) -> None:
    path = folder / "tools.py"
    path.write_bytes(b"# -*- coding: latin-1 -*-\ndef say(x: str = 'caf\xe9'): return x\n")
    assert load_tools(path).functions["say"]() == "café"


def test_a_declared_name_is_the_name(folder) -> None:
    loaded = load(
        folder,
        "from interpreter.tools.declared import tool\n"
        "@tool(name='get-weather')\ndef weather(city: str): ...\n"
        "@tool(name='get-weather')\ndef other(): ...\n",
    )
    assert list(loaded.functions) == ["get-weather"]
    assert "get-weather" in loaded.left_out["other"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from os.path import join\n", "defines no public function"),
        ("largest = max\n", "largest: its parameters cannot be read"),
        ("raise SystemExit(7)\n", "SystemExit"),
        ("import nowhere_at_all\n", "ModuleNotFoundError"),
        ("def f(:\n", "SyntaxError"),
    ],
)
def test_a_file_without_tools_is_refused_with_the_reason(folder, text, said) -> None:
    with pytest.raises(ToolError, match=said):
        load(folder, text)


def test_the_example_tools() -> None:
    functions = load_tools(EXAMPLES / "travel_tools.py").functions
    assert list(functions) == ["get_weather", "get_time", "get_price"]
    assert all(tool_of(function).description for function in functions.values())


def test_an_example_tool_says_what_its_result_has() -> None:
    functions = load_tools(EXAMPLES / "errand_tools.py").functions
    assert len(functions) == 8
    result = tool_of(functions["find_email"]).result
    assert result is not None
    assert "email" in str(result)
