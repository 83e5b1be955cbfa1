"""From what functions return to JSON: the usual form, or a clear failure (Embed/result)."""

import collections
import ipaddress
import types
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path

import numpy as np
import pydantic
import pytest

from cml.ast import OutcomeKind
from interpreter.tools.results import outcome_of


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "what it says of itself"


class Whole(int):
    pass


class Real(float):
    pass


class Colour(StrEnum):
    RED = "red"


class Pair(Enum):
    BOTH = ("a", 1)


class Person(pydantic.BaseModel):
    name: str
    born: Path = Path("/x")


@dataclass
class Row:
    cells: collections.deque


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (Text("a"), "a"),
        ([Whole(3), Real(0.5)], [3, 0.5]),
        (Colour.RED, "red"),
        (Pair.BOTH, ["a", 1]),
        (Person(name="A"), {"name": "A", "born": "/x"}),
        ({"all": [Person(name="A")]}, {"all": [{"name": "A", "born": "/x"}]}),
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.str_("a"), "a"),
        (np.bool_(True), True),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (collections.deque([1, 2]), [1, 2]),
        (Row(collections.deque([1])), {"cells": [1]}),
        (range(3), [0, 1, 2]),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.values(), [1]),
        ({"a": 1}.items(), [["a", 1]]),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (collections.ChainMap({"a": 1}), {"a": 1}),
        (Path("/a"), "/a"),
        (ipaddress.ip_address("::1"), "::1"),
        (types.SimpleNamespace(a=range(1)), {"a": [0]}),
        (Decimal("1.50"), "1.50"),
        (
            {1: "a", None: "b", False: "c", 2.5: "d"},
            {"1": "a", "null": "b", "false": "c", "2.5": "d"},
        ),
        ({Colour.RED: 2}, {"red": 2}),
        (frozenset([1]), [1]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_usual_form(value, form) -> None:
    outcome = outcome_of(value)
    assert (outcome.kind, outcome.value) == (OutcomeKind.RETURNED, form)
    assert repr(outcome.value) == repr(form)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({float("nan"): 1}, "nan is no JSON value"),
        (Decimal("NaN"), "NaN is no JSON value"),
        ([float("inf")], "not JSON compliant"),
        (np.array([np.nan]), "not JSON compliant"),
        (b"abc", "bytes have no JSON form"),
        ({"a": [bytearray(b"a")]}, "bytes have no JSON form"),
        (memoryview(b"a"), "bytes have no JSON form"),
        ({1: "a", "1": "b"}, "the same as text"),
        ({(1, 2): 3}, "a key of an object is text"),
        (1j, "a complex has no JSON form"),
        (object(), "a object has no JSON form"),
        (lambda: 1, "a function has no JSON form"),
        ((x for x in ()), "a generator has no JSON form"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_none_says_so(value, said) -> None:
    outcome = outcome_of(value)
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.value["type"] == "result"
    assert said in outcome.value["message"]
    assert "\n" not in outcome.value["message"]
