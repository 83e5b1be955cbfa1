"""What a model is told."""

import re
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from cml import Call, Interrupt, Malformed, Trap, parse
from interpreter.tools.calling import call_function
from interpreter.tools.declared import ToolError
from interpreter.tools.python import load_tools
from interpreter.tools.signature import tool_of
from model_adapters.prompt import Example, Message, build_messages, examples_of

TRAVEL = Path(__file__).parent.parent.parent / "examples" / "travel_tools.py"


def square(number: int) -> int:
    """The square of a number."""
    return number * number


def test_a_chat_holds_the_tools_the_examples_and_the_question() -> None:
    system, *chat = build_messages([tool_of(square)], "7?", [Example("2?", "4.")])
    assert system.role == "system"
    assert "square(number: int)  # The square of a number." in system.content.splitlines()
    assert chat == [Message("user", "2?"), Message("assistant", "4."), Message("user", "7?")]


def test_without_tools_the_question_is_all() -> None:
    assert build_messages([], "7?", [Example("2?", "4.")]) == (Message("user", "7?"),)


def test_tools_without_examples_are_no_fault() -> None:
    assert examples_of([square]) == ()


@pytest.mark.parametrize("given", [7, ["ab"], [("a",)], [("a", 1)], [("a", "b", "c")]])
def test_examples_of_another_shape_are_refused(
    monkeypatch: pytest.MonkeyPatch, given: object
) -> None:
    module = ModuleType("shapes")
    module.EXAMPLES = given  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "shapes", module)
    exec("def tool(): ...", module.__dict__)
    with pytest.raises(ToolError, match="pairs of a question and its answer"):
        examples_of([module.tool])


def test_an_example_that_is_not_valid_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("faulty")
    module.EXAMPLES = [("a", "fine"), ("b", "[CALL] x [HEAD] tool( [END]")]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "faulty", module)
    exec("def tool(): ...", module.__dict__)
    with pytest.raises(ToolError, match=r"answer 2 is not a valid context: 1:\d+: error\[CML106\]"):
        examples_of([module.tool])


def city_of(call: Call) -> str:
    assert call.kwargs.keys() == {"city"}
    return str(call.kwargs["city"])


def test_the_examples_of_the_travel_tools_have_their_words_and_none_of_their_facts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A small model repeats what it was shown: nobody may take that for a result."""
    monkeypatch.setattr(time, "sleep", lambda _: None)  # they are slow, which changes no words
    functions = load_tools(TRAVEL).functions
    examples = examples_of(functions.values())
    assert examples
    for example in examples:
        items = parse(example.answer).items
        assert not [item for item in items if isinstance(item, Malformed)]
        calls = {item.id: item for item in items if isinstance(item, Call)}
        told = {item.id: str(item.value) for item in items if isinstance(item, Interrupt)}
        assert told.keys() == calls.keys()
        for name, value in told.items():
            call = calls[name]
            city = {"city": city_of(call)}
            returned = str(call_function(functions[call.function], (), city).value)
            subject, _, fact = value.partition(" is ")
            assert returned.startswith(f"{subject} is ")
            assert not re.search(r"\d:\d|euro|degree", fact)
        assert any(isinstance(item, Trap) for item in items)
        assert all(value in example.answer.rpartition("[END]")[2] for value in told.values())
