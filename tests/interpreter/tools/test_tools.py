"""Tools made from Python functions: their schemas, their arguments, and what a model is told."""

# Functions that are typed wrongly or not at all are what some of these tests are about.
# mypy: disable-error-code="no-untyped-def, type-arg, name-defined, valid-type, misc, attr-defined"

import datetime as dt
import functools
import json
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, Optional, TypedDict
from uuid import UUID

import annotated_types
import jsonschema
import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cml.profile import Body
from interpreter.tools.calling import call_function
from interpreter.tools.declared import Tool, ToolError, tool, tool_from_json
from interpreter.tools.describing import describe_tool
from interpreter.tools.names import argument_names, function_names, spelled_tools
from interpreter.tools.signature import tool_of

if TYPE_CHECKING:
    from pandas import DataFrame


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Mixed(Enum):
    NAME = "name"
    NUMBER = 2


@dataclass
class Address:
    street: str
    zip: str = "0000"


@dataclass
class Node:
    value: int
    next: Optional["Node"] = None


@dataclass
class Trip:
    to: Address
    mode: Literal[Colour.RED]
    at: dt.datetime
    notes: list[Mixed] = field(default_factory=list)


class Options(TypedDict):
    depth: int
    path: NotRequired[Path]


class Person(pydantic.BaseModel):
    name: str
    age: int = pydantic.Field(ge=0, description="In years.")
    friends: list["Person"] = []


class Point(msgspec.Struct):
    x: int
    y: int = 0


def schema_of(hint: object) -> dict[str, Any]:
    def function(x): ...

    function.__annotations__ = {"x": hint}
    root = tool_of(function).parameters
    jsonschema.Draft202012Validator.check_schema(root)
    found = root["properties"]["x"]
    return {**found, "$defs": root["$defs"]} if "$defs" in root else found


def given_as(hint: object, value: object) -> object:
    """What a function gets for a value of JSON; the message, where it gets nothing."""
    kept = []

    def function(x):
        kept.append(x)

    function.__annotations__ = {"x": hint}
    outcome = call_function(function, (), {"x": value})
    return kept[0] if kept else outcome.value["message"]


ADDRESS = {"street": "Elm"}
NOW = dt.datetime(2026, 1, 31, 14, 30)  # noqa: DTZ001  as it is written in a body


@pytest.mark.parametrize(
    ("hint", "schema", "value", "result"),
    [
        (str, {"type": "string"}, "a", "a"),
        (float, {"type": "number"}, 1, 1.0),
        (int, {"type": "integer"}, 3.0, 3),
        (bool, {"type": "boolean"}, True, True),
        (Literal[3], {"enum": [3]}, 3.0, 3),
        (list, {"type": "array"}, [1], [1]),
        (typing.List, {"type": "array"}, [1], [1]),  # noqa: UP006
        (object, {}, {"a": 1}, {"a": 1}),
        (Colour, {"enum": ["red", "blue"]}, "red", Colour.RED),
        (Level, {"enum": [1, 2]}, 2, Level.HIGH),
        (Mixed, {"enum": ["name", 2]}, 2, Mixed.NUMBER),
        (Literal[Colour.RED], {"enum": ["red"]}, "red", Colour.RED),
        (Literal["a", 1, None], {"enum": ["a", 1, None]}, None, None),
        (Literal[True, 1], {"enum": [True, 1]}, 1, 1),
        (
            Optional[int],  # noqa: UP045
            {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            None,
            None,
        ),
        (set[int], {"type": "array", "items": {"type": "integer"}}, [1, 1, 2], {1, 2}),
        (
            Sequence[str],
            {"type": "array", "items": {"type": "string"}},
            ["a"],
            ["a"],
        ),
        (
            dict[int, str],
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"1": "a"},
            {1: "a"},
        ),
        (
            tuple[int, str],
            {
                "type": "array",
                "minItems": 2,
                "maxItems": 2,
                "prefixItems": [{"type": "integer"}, {"type": "string"}],
                "items": False,
            },
            [1, "a"],
            (1, "a"),
        ),
        (dt.date, {"type": "string", "format": "date"}, "2026-01-31", NOW.date()),
        (dt.datetime, {"type": "string", "format": "date-time"}, "2026-01-31T14:30:00", NOW),
        (dt.datetime, {"type": "string", "format": "date-time"}, "2026-01-31T14:30", NOW),
        (dt.time, {"type": "string", "format": "time"}, "14:30", NOW.time()),
        (Decimal, {"type": "string", "format": "decimal"}, "12.50", Decimal("12.50")),
        (UUID, {"type": "string", "format": "uuid"}, str(UUID(int=7)), UUID(int=7)),
        (Path, {"type": "string", "format": "path"}, "/a", Path("/a")),
        (list[Path], {"type": "array", "items": {"type": "string", "format": "path"}}, [], []),
    ],
    ids=repr,
)
def test_a_hint_has_a_schema_and_a_value_of_it_becomes_what_is_asked_for(
    hint, schema, value, result
) -> None:
    assert schema_of(hint) == schema
    found = given_as(hint, value)
    assert (found, type(found)) == (result, type(result))


@pytest.mark.parametrize(
    ("hint", "value", "result"),
    [
        (Address, ADDRESS, Address("Elm")),
        (list[Address], [ADDRESS], [Address("Elm")]),
        (Mapping[str, Address], {"a": ADDRESS}, {"a": Address("Elm")}),
        (Node, {"value": 1, "next": {"value": 2}}, Node(1, Node(2))),
        (
            Trip,
            {
                "to": ADDRESS,
                "mode": "red",
                "at": "2026-01-31T14:30:00",
                "notes": ["name", 2],
            },
            Trip(Address("Elm"), Colour.RED, NOW, [Mixed.NAME, Mixed.NUMBER]),
        ),
        (Options, {"depth": 1, "path": "/a"}, {"depth": 1, "path": Path("/a")}),
        (Point, {"x": 1}, Point(1)),
        (Person, {"name": "A", "age": 1}, Person(name="A", age=1)),
        (
            list[Person] | None,
            [{"name": "A", "age": 1, "friends": [{"name": "B", "age": 2}]}],
            [Person(name="A", age=1, friends=[Person(name="B", age=2)])],
        ),
        (Address | Options, {"depth": 3}, {"depth": 3}),
        (Address | Options, ADDRESS, Address("Elm")),
        (list[int] | set[str], ["a"], {"a"}),
        (Address | Person | int, {"name": "A", "age": 1}, Person(name="A", age=1)),
    ],
    ids=repr,
)
def test_records_and_unions_of_all_libraries_are_read(hint, value, result) -> None:
    assert schema_of(hint)
    found = given_as(hint, value)
    assert (found, type(found)) == (result, type(result))


@pytest.mark.parametrize(
    ("hint", "value", "message"),
    [
        (Literal["c", "f"], "k", 'x: "k" is not one of "c", "f"'),
        (Colour, "green", 'x: "green" is not one of "red", "blue"'),
        (int, "3", 'x: "3" is not a whole number'),
        (int, True, "x: true is not a whole number"),
        (int | None, "a", 'x: "a" is not a whole number or null'),
        (list[int], [1, "a"], 'x[1]: "a" is not a whole number'),
        (dict[str, int], {"k": None}, "x.k: null is not a whole number"),
        (tuple[int, str], [1], "x: [1] has fewer than 2 entries"),
        (Address, {}, "x.street is missing; it is a string"),
        (Address, {"street": 1}, "x.street: 1 is not a string"),
        (list[Person], [{"name": "A", "age": -1}], "x[0].age: -1 is less than 0, the least"),
        (Address | int, {"street": 1}, "x.street: 1 is not a string"),
        (dt.date, "2026-02-31", 'x: "2026-02-31" is not a date such as "2026-01-31"'),
        (Decimal, "NaN", 'x: "NaN" is not a decimal number such as "12.50"'),
        (Annotated[int, msgspec.Meta(gt=3)], 3, "x: 3 is not more than 3"),
        (Annotated[int, annotated_types.Ge(3)], 2, "x: 2 is less than 3, the least"),
        (Annotated[int, annotated_types.Interval(ge=3, lt=5)], 5, "x: 5 is not less than 5"),
        (Annotated[int, pydantic.Field(multiple_of=5)], 7, "x: 7 is no multiple of 5"),
        (
            Annotated[str, annotated_types.MinLen(2)],
            "a",
            'x: "a" is shorter than 2 characters',
        ),
        (Annotated[list[int], annotated_types.Len(1, 2)], [], "x: [] has fewer than 1 entry"),
        (
            Annotated[str, pydantic.StringConstraints(pattern="^[a-z]+$")],
            "A",
            'x: "A" does not match the pattern ^[a-z]+$',
        ),
        (
            Annotated[Path, annotated_types.MaxLen(2)],
            "/abc",
            'x: "/abc" is longer than 2 characters',
        ),
    ],
    ids=repr,
)
def test_a_wrong_value_is_told_in_the_words_of_the_schema(hint, value, message) -> None:
    assert given_as(hint, value) == message


# Of a long value a message holds a part: what is asked for below is nothing that a value could say.
SAID = st.none() | st.integers() | st.text(st.sampled_from('xyz é日\x1f"\\'))


@given(st.recursive(SAID, st.lists, max_leaves=4))
def test_no_message_speaks_python(value) -> None:
    def function(unit: Literal["c", "f"], person: Person, to: Address | None, n: dict[str, int]):
        pytest.fail("none of these values fits")

    arguments = {"unit": value, "person": value, "to": value, "n": value}
    outcome = call_function(function, (), arguments)
    message = outcome.value["message"].replace(json.dumps(value, ensure_ascii=False), "")
    assert outcome.value["type"] == "arguments"
    assert not [word for word in ("Literal", "dict", "None", "<", "`", "typing") if word in message]


# -------------------------------------------------------------- what cannot be read checks nothing


def waits_for_types(frame: "DataFrame", n: int) -> "DataFrame":
    """Work on a frame."""
    return frame, n


class Unknown:
    pass


def test_arguments_in_one_object_are_to_be_written_each_by_itself() -> None:
    def flag(a: bool, b: int = 0) -> bool:
        return a and not b

    told = "the arguments stand in one object; write each by itself: a=…, b=…"
    assert call_function(flag, ({"a": True, "b": 1},), {}).value["message"] == told
    wrong = call_function(flag, ({"c": True},), {}).value["message"]
    assert wrong == 'a: {"c": true} is not true or false'


def test_an_object_that_a_parameter_takes_is_one() -> None:
    def keys(a: dict[str, int]) -> list[str]:
        return list(a)

    assert call_function(keys, ({"a": 1},), {}).value == ["a"]


def test_hints_that_cannot_be_read_check_nothing_and_cost_no_other() -> None:
    assert tool_of(waits_for_types).parameters["properties"] == {
        "frame": {},
        "n": {"type": "integer"},
    }
    assert call_function(waits_for_types, ([1], 2), {}).value == [[1], 2]
    assert call_function(waits_for_types, ([1], "a"), {}).value["message"] == (
        'n: "a" is not a whole number'
    )


@pytest.mark.parametrize("hint", [Unknown, Callable[[], int], "1/0", "Nowhere"])
def test_a_hint_without_a_json_form_allows_anything(hint) -> None:
    assert schema_of(hint) == {}
    assert given_as(hint, {"a": [1]}) == {"a": [1]}


def test_without_pydantic_only_its_own_types_are_unread(monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pydantic", None)
    assert schema_of(Address | Options)["anyOf"]
    assert schema_of(Literal[Colour.BLUE]) == {"enum": ["blue"]}
    assert schema_of(Trip)["properties"]["at"] == {"type": "string", "format": "date-time"}
    assert schema_of(Person) == {}


# ---------------------------------------------------------------------- the kinds of parameters


def everything(a: int, /, b: str = "b", *rest: int, c: float = 0.5, **others: bool) -> object:
    return [a, b, list(rest), c, others]


@pytest.mark.parametrize(
    ("args", "kwargs", "expected"),
    [
        ((1,), {}, [1, "b", [], 0.5, {}]),
        ((), {"a": 1}, [1, "b", [], 0.5, {}]),
        ((1, "x", 2, 3), {"c": 1, "d": True}, [1, "x", [2, 3], 1, {"d": True}]),
        ((), {"a": 1, "rest": [2, 3]}, [1, "b", [2, 3], 0.5, {}]),
        ((1, "x", 2, "3"), {}, 'rest[1]: "3" is not a whole number'),
        ((1,), {"d": 1}, "d: 1 is not true or false"),
        ((), {"b": "x"}, "a is missing; it is a whole number"),
        ((1,), {"a": 2}, "a is given twice, once without its name"),
    ],
)
def test_all_five_kinds_of_parameters_are_called(args, kwargs, expected) -> None:
    value = call_function(everything, args, kwargs).value
    assert (value["message"] if isinstance(value, dict) else value) == expected


def test_the_five_kinds_in_a_schema() -> None:
    schema = tool_of(everything).parameters
    assert list(schema["properties"]) == ["a", "b", "rest", "c"]
    assert schema["properties"]["rest"] == {"type": "array", "items": {"type": "integer"}}
    assert schema["required"] == ["a"]
    assert schema["additionalProperties"] == {"type": "boolean"}


def test_what_there_is_too_much_of_is_named() -> None:
    def one(city: str): ...

    def none(): ...

    def fault(function, *args, **kwargs):
        return call_function(function, args, kwargs).value["message"]

    assert fault(one, "a", "b") == "2 arguments without a name; it takes 1: city"
    assert fault(one, "a", town="b") == "there is no argument town; the arguments are city"
    assert fault(none, town="b") == "there is no argument town; there are no arguments"


def test_a_default_of_none_allows_null() -> None:
    def old(x: int = None): ...  # noqa: RUF013

    assert given_as(int, None) == "x: null is not a whole number"
    assert call_function(old, (), {"x": None}).value is None


# --------------------------------------------------------------------------- what can be called


class Service:
    """A service."""

    def __init__(self) -> None:
        self.name = "s"

    def find(self, city: str) -> str:
        """Find a city."""
        return f"{self.name} {city}"

    def __call__(self, city: str) -> str:
        """Ask the service."""
        return city


class AsyncService:
    async def __call__(self, city: str) -> str:
        return city


async def asynchronous(city: str, n: int = 1) -> str:
    return city * n


@functools.lru_cache
def cached(city: str) -> str:
    """Cached."""
    return city


@functools.wraps(asynchronous)
def wrapped(*args, **kwargs):
    return asynchronous(*args, **kwargs)


def lambda_made(city: str):
    return asynchronous(city)


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (Service().find, "find"),
        (Service(), "Service"),
        (AsyncService(), "AsyncService"),
        (functools.partial(asynchronous, n=1), "asynchronous"),
        (functools.partial(Service().find), "find"),
        (cached, "cached"),
        (wrapped, "asynchronous"),
        (lambda_made, "lambda_made"),
        (functools.partial(functools.partial(everything, 1), "b"), "everything"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_can_be_called_is_read_and_what_can_be_awaited_is(function, name) -> None:
    found = tool_of(function)
    assert found.name == name
    if name == "everything":
        assert list(found.parameters["properties"]) == ["rest", "c"]
        return
    assert found.parameters["properties"]["city"] == {"type": "string"}
    assert "city: 3 is not a string" in str(call_function(function, (), {"city": 3}).value)
    assert "Oslo" in call_function(function, (), {"city": "Oslo"}).value


def test_what_has_no_signature_is_called_as_it_is() -> None:
    assert call_function(max, (1, 2), {}).value == 2
    assert call_function(dict, (), {"a": 1}).value == {"a": 1}


# ------------------------------------------------------------------------------------ docstrings

GOOGLE = """Tell the weather.

Args:
    city: The city,
        in words.
    *rest: More.
"""
NUMPY = """Tell the weather.

Parameters
----------
city : str
    The city,
    in words.
"""
REST = """Tell the weather.

:param city: The city,
    in words.
"""


@pytest.mark.parametrize("doc", [GOOGLE, NUMPY, REST])
def test_docstrings_of_three_styles_describe_arguments(doc) -> None:
    def weather(city: str): ...

    weather.__doc__ = doc
    found = tool_of(weather)
    assert found.description == "Tell the weather."
    assert found.parameters["properties"]["city"]["description"] == "The city, in words."


def test_a_tool_in_the_prompt() -> None:
    @tool(estimate_s=2)
    def forecast(
        city: str,
        unit: Literal["c", "f"] = "c",
        days: Annotated[int, annotated_types.Ge(1), "How many."] = 3,
        near: Address | None = None,
    ) -> Address:
        """Tell the weather."""

    told = tool_of(forecast)
    assert describe_tool(told, Body.PYTHON).splitlines() == [
        'forecast(city: str, unit: "c" | "f" = "c", days: int = 3, '
        'near: {"street": str, "zip"?: str} | None = None) -> {"street": str, "zip"?: str}'
        "  # Tell the weather. Takes about 2 s.",
        "    days: How many. (at least 1)",
    ]
    assert "near: {" in describe_tool(told, Body.JSON)
    assert "| null = null" in describe_tool(told, Body.JSON)


# ----------------------------------------------------------------------------------- declared


def test_a_declaration_counts_before_what_the_function_says() -> None:
    @tool(name="get-weather", description="D.", estimate_s=0.5, deadline_s=3, idempotent=True)
    def weather(city: str) -> str:
        """Of the docstring."""
        return city

    found = tool_of(weather)
    assert (found.name, found.description) == ("get-weather", "D.")
    assert (found.estimate_us, found.deadline_us, found.idempotent) == (500_000, 3_000_000, True)
    assert tool_of(tool(deadline_s=1)(Service().find)).deadline_us == 1_000_000


@pytest.mark.parametrize(
    "wrong", [{"estimate_s": 0}, {"deadline_s": -1}, {"progress_s": -1}, {"name": ""}]
)
def test_a_wrong_declaration_is_refused(wrong) -> None:
    with pytest.raises(ToolError):
        tool(**wrong)


SCHEMA = {
    "type": "object",
    "properties": {"user-id": {"type": "integer"}, "größe": {"enum": ["s", "m"]}},
    "required": ["user-id"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    "document",
    [
        {
            "name": "get-user",
            "description": "D.",
            "inputSchema": SCHEMA,
            "annotations": {"idempotentHint": True},
        },
        {
            "type": "function",
            "function": {"name": "get-user", "description": "D.", "parameters": SCHEMA},
        },
        {"type": "function", "name": "get-user", "description": "D.", "parameters": SCHEMA},
        {"name": "get-user", "description": "D.", "input_schema": SCHEMA},
    ],
    ids=["mcp", "openai chat", "openai responses", "anthropic"],
)
def test_descriptions_of_the_field_are_taken_as_they_are(document) -> None:
    found = tool_from_json(document)
    assert (found.name, found.description, found.parameters) == ("get-user", "D.", SCHEMA)
    assert found.idempotent == ("annotations" in document)


@pytest.mark.parametrize("document", [{}, {"name": ""}, {"name": "f", "inputSchema": 3}])
def test_a_description_that_is_none_is_refused(document) -> None:
    with pytest.raises(ToolError):
        tool_from_json(document)


async def remote(**arguments):
    return arguments


def test_a_declared_schema_is_checked_and_its_arguments_come_as_they_are() -> None:
    wrapped_tool = tool(name="get-user", parameters=SCHEMA)(remote)
    by_alias = {"user_id": 7, "grosse": "m"}
    assert call_function(wrapped_tool, (), by_alias).value == {"user-id": 7, "größe": "m"}
    assert call_function(wrapped_tool, (7,), {}).value == {"user-id": 7}
    as_is = {"user-id": 7, "größe": "m"}
    assert call_function(wrapped_tool, (), as_is, Body.JSON).value == as_is
    fault = call_function(wrapped_tool, (), {}).value["message"]
    assert fault == "user_id is missing; it is a whole number"
    fault = call_function(wrapped_tool, (), {"größe": "l"}, Body.JSON).value["message"]
    assert fault == 'user-id is missing; it is a whole number; größe: "l" is not one of "s", "m"'


# ------------------------------------------------------------------------------------- names


@given(
    st.lists(st.text(min_size=1, max_size=6) | st.sampled_from(["a-b", "a_b", "a b", "2", "_2"]))
)
def test_aliases_can_be_read_backwards(names) -> None:
    names = list(dict.fromkeys(names))
    for spell in (function_names, argument_names):
        aliases = spell(names, Body.PYTHON)
        assert list(aliases) == names
        assert len({*aliases.values()}) == len(names)
        assert all(alias.isascii() for alias in aliases.values())
        assert all(aliases[name] == name for name in names if name in aliases.values())
        assert spell(names, Body.JSON) == {name: name for name in names}


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("get-weather", "get_weather"),
        ("files/read", "files_read"),
        ("2fa", "_2fa"),
        ("größe", "grosse"),
        ("météo", "meteo"),
        ("from", "from"),
        ("a.b", "a.b"),
        ("f ", "f_"),
        ("天気", "__"),
    ],
)
def test_an_alias_looks_like_its_name(name, alias) -> None:
    assert function_names([name], Body.PYTHON) == {name: alias}


def test_the_prompt_tells_aliases() -> None:
    [found] = spelled_tools([Tool("get-user", "", SCHEMA)], Body.PYTHON)
    assert describe_tool(found, Body.PYTHON) == ('get_user(user_id: int, grosse: "s" | "m" = ...)')
