"""Signatures of Python functions, as a model is told of them."""

# Functions that are typed wrongly or not at all are what some of these tests are about.
# mypy: disable-error-code="no-untyped-def, type-arg, name-defined, valid-type"

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpreter.tools.python import ToolError, load_functions
from interpreter.tools.signature import (
    Choice,
    Integer,
    ListOf,
    Number,
    OrNone,
    Parameter,
    ParameterType,
    Text,
    ToolSignature,
    Truth,
    describe_signature,
    describe_type,
    signature_of,
)

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
SIMPLE: dict[type, ParameterType] = {str: Text(), int: Integer(), float: Number(), bool: Truth()}

simple = st.sampled_from(list(SIMPLE.items()))
constants = st.lists(st.text(max_size=5) | st.integers() | st.none(), min_size=1, unique=True)
choices = constants.map(lambda values: (Literal[tuple(values)], Choice(tuple(values))))
hints = st.recursive(
    simple | choices,
    lambda inner: (
        inner.map(lambda pair: (list[pair[0]], ListOf(pair[1])))
        | simple.map(lambda pair: (pair[0] | None, OrNone(pair[1])))
    ),
    max_leaves=3,
)


def function_with(hint: object) -> Callable[..., object]:
    def tool(value):
        return value

    tool.__annotations__ = {"value": hint}
    return tool


@given(hints)
def test_every_supported_type_is_read(pair: tuple[object, ParameterType]) -> None:
    hint, expected = pair
    assert signature_of(function_with(hint)) == ToolSignature(
        "tool", (Parameter("value", expected),)
    )


@given(hints)
def test_a_described_type_reads_as_itself(pair: tuple[object, ParameterType]) -> None:
    spelled = eval(describe_type(pair[1]), {"Literal": Literal})
    assert signature_of(function_with(spelled)).parameters[0].type == pair[1]


def test_a_whole_signature() -> None:
    def forecast(
        city: str,
        *,
        days: int = 3,
        unit: Literal["C", "F"] = "C",
        near: Optional[str] = None,  # noqa: UP045  the older spelling is another type
    ) -> str:
        """Tell the weather of the next days.

        More about it.
        """
        return f"{city} {days} {unit} {near}"

    signature = signature_of(forecast)
    assert signature.description == "Tell the weather of the next days."
    assert [(p.name, p.required) for p in signature.parameters] == [
        ("city", True),
        ("days", False),
        ("unit", False),
        ("near", False),
    ]
    assert (
        describe_signature(signature)
        == "forecast(city: str, days: int = ..., unit: Literal['C', 'F'] = ..., near: str | None = ...)"
    )


def untyped(city): ...
def packed(**options: str): ...
def spread(*values: str): ...
def positional(city: str, /): ...
def mapping(options: dict[str, str]): ...
def either(value: int | str): ...
def either_or_none(value: int | str | None): ...
def bare(values: list): ...
def data(values: list[bytes]): ...
def literal_bytes(value: Literal[b"a"]): ...
def unknown(value: "Missing"): ...  # noqa: F821
def größe(value: int): ...  # noqa: PLC2401
def umlaut(größe: int): ...  # noqa: PLC2401
def END(value: int): ...


@pytest.mark.parametrize(
    ("function", "named", "advice"),
    [
        (untyped, "untyped: the parameter 'city'", "annotate it with str"),
        (packed, "packed: the parameter 'options'", "ordinary parameter"),
        (spread, "spread: the parameter 'values'", "ordinary parameter"),
        (positional, "positional: the parameter 'city'", "ordinary parameter"),
        (mapping, "mapping: the parameter 'options'", "expected str"),
        (either, "either: the parameter 'value'", "expected str"),
        (either_or_none, "either_or_none: the parameter 'value'", "expected str"),
        (bare, "bare: the parameter 'values'", "expected str"),
        (data, "data: the parameter 'values' has the type bytes", "expected str"),
        (literal_bytes, "literal_bytes: the parameter 'value'", "expected str"),
        (unknown, "unknown: its annotations", "Missing"),
        (größe, "the function 'größe'", "ASCII"),
        (umlaut, "umlaut: the parameter 'größe'", "ASCII"),
        (END, "the function 'END'", "not like a marker"),
    ],
)
def test_what_cannot_be_offered_says_why(
    function: Callable[..., object], named: str, advice: str
) -> None:
    with pytest.raises(ToolError) as caught:
        signature_of(function)
    assert named in str(caught.value)
    assert advice in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_example_tools_have_signatures() -> None:
    functions = load_functions(EXAMPLES / "travel_tools.py")
    signatures = [signature_of(function) for function in functions.values()]
    assert [describe_signature(signature) for signature in signatures] == [
        "get_weather(city: str)",
        "get_time(city: str)",
        "get_price(city: str)",
    ]
    assert all(signature.description for signature in signatures)
