"""Public functions say in one sentence what they take, when they are given something else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cml
from cml.diagnostics import RULES, diagnose

WRONG = [
    (cml.parse, 12, "a context is text: str, or bytes of UTF-8, not an int"),
    (cml.parse, Path("x.cml"), "a context is text: str, or bytes of UTF-8, not a PosixPath"),
    (cml.parse, None, "a context is text: str, or bytes of UTF-8, not a NoneType"),
    (cml.validate, [1], "a context is text: str, or bytes of UTF-8, not an int"),
    (cml.render, "x", "what is printed is a cml.Context or its items, not a str"),
    (cml.render, None, "what is printed is a cml.Context or its items, not a NoneType"),
    (cml.render, [1], "an item is a Text, Call, Interrupt, Trap or Malformed, not an int"),
    (cml.Lexer().feed, 5, "a context is text: str, or bytes of UTF-8, not an int"),
]


@pytest.mark.parametrize(("function", "value", "said"), WRONG)
def test_something_else_is_named(function: Callable[..., object], value: object, said: str) -> None:
    with pytest.raises(TypeError) as caught:
        function(value)
    assert str(caught.value) == said


@pytest.mark.parametrize("value", [Path("x.cml"), 12, None])
def test_what_can_be_validated_is_named(value: object) -> None:
    validate: Callable[..., object] = cml.validate
    with pytest.raises(TypeError, match=r"str, bytes, an iterable of them, Context; not an? "):
        validate(value)


@pytest.mark.parametrize("function", [cml.parse, cml.validate, cml.render])
def test_a_profile_that_is_none(function: Callable[..., object]) -> None:
    with pytest.raises(TypeError, match=r"a profile is a cml\.Profile, not a str"):
        function(cml.parse("") if function is cml.render else "", "json")


@given(st.sampled_from(sorted(RULES)), st.integers(1, 99), st.integers(1, 99))
def test_a_diagnostic_reads_as_one_line(rule: str, line: int, column: int) -> None:
    place = cml.Position(line, column, 0)
    found = diagnose(rule, "expected something", cml.Span(place, place))
    severity, code = found.severity.value, found.code
    assert str(found) == f"{line}:{column}: {severity}[{code}]: expected something ({rule})"
