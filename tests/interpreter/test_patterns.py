"""What a schema's patterns and references cost, and what they say."""

import pytest

from interpreter.tools.arguments import argument_faults, is_allowed
from interpreter.tools.patterns import matches
from interpreter.tools.schema import Schema

SLOW = "^(a+)+$"
LONG = "a" * 60 + "!"


def of_text(**keywords: object) -> Schema:
    return {"type": "object", "properties": {"n": {"type": "string", **keywords}}}  # type: ignore[dict-item]


@pytest.mark.timeout(30)  # Python's `re` takes longer than there is time
@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({"n": LONG}, of_text(pattern=SLOW)),
        ({LONG: 1}, {"patternProperties": {SLOW: {}}, "additionalProperties": False}),
        ({LONG: 1}, {"patternProperties": {SLOW: {}}, "unevaluatedProperties": {"type": "null"}}),
        ({LONG: 1}, {"propertyNames": {"pattern": SLOW}}),
    ],
)
def test_no_pattern_keeps_the_process(value: dict[str, object], schema: Schema) -> None:
    is_held = "unevaluatedProperties" not in schema
    assert is_allowed(value, schema) is not is_held  # type: ignore[arg-type]


def test_a_pattern_is_held_and_told() -> None:
    schema = of_text(pattern="^[a-z]+$")
    assert argument_faults({"n": "abc"}, schema) == ()
    assert argument_faults({"n": "a1"}, schema) == ('n: "a1" does not match the pattern ^[a-z]+$',)
    assert argument_faults({"n": "a\n"}, schema)  # the end is the end, as in JSON Schema


@pytest.mark.parametrize("pattern", ["(", "(?=a)b", r"(a)\1", "^.{1,2000}$", "\ud800"])
def test_a_pattern_that_linear_time_cannot_tell_is_not_held(
    pattern: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert matches(pattern, "x") is None
    assert argument_faults({"n": "x"}, of_text(pattern=pattern)) == ()
    assert capfd.readouterr() == ("", "")


def test_half_a_character_is_no_fault_of_the_library() -> None:
    assert matches("^.$", "\ud800") is True


def test_names_that_a_pattern_allows_have_its_schema_and_are_no_others() -> None:
    schema: Schema = {
        "type": "object",
        "patternProperties": {"^n_": {"type": "integer"}},
        "additionalProperties": {"type": "string"},
    }
    assert argument_faults({"n_a": 1, "b": "c"}, schema) == ()
    assert argument_faults({"n_a": "x"}, schema) == ('n_a: "x" is not a whole number',)
    assert argument_faults({"b": 1}, schema) == ("b: 1 is not a string",)


def test_what_is_evaluated_is_held_where_no_pattern_decides_it() -> None:
    schema: Schema = {"properties": {"a": {}}, "unevaluatedProperties": False}
    assert is_allowed({"a": 1}, schema)
    assert not is_allowed({"b": 1}, schema)


@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
@pytest.mark.parametrize("reference", ["#/nope", "https://127.0.0.1:9/schema", "other#/a"])
def test_a_reference_that_leads_nowhere_says_nothing(keyword: str, reference: str) -> None:
    schema: Schema = {"properties": {"x": {keyword: reference}, "y": {"type": "null"}}}
    assert argument_faults({"x": 1, "y": None}, schema) == ()
    assert argument_faults({"x": 1, "y": 2}, schema) == ("y: 2 is not null",)
