"""What a schema's patterns and references cost, and what they say."""

from typing import TYPE_CHECKING

import pytest
from extras import from_extra

from cml.profile import Body
from interpreter.tools.arguments import argument_faults, is_allowed, noun
from interpreter.tools.declared import Tool, ToolError, tool_from_json
from interpreter.tools.describing import describe_tool
from interpreter.tools.patterns import matches
from interpreter.tools.schema import Schema, resolved

if TYPE_CHECKING:
    from cml.ast import Json

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


HOSTILE: list[Schema] = [
    {"$ref": "#"},
    {"$ref": "x"},
    {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
    {"properties": {"a": {"$ref": "#/properties/a"}}},
    {"allOf": [{"$ref": "#"}]},
    {"anyOf": [{"$ref": "#"}, {"type": "object"}]},
    {"not": {"$ref": "#"}},
    {"$dynamicRef": "#"},
    {"$id": "http://[x", "$ref": "#"},
    {"properties": {"a": {"anyOf": [{"$ref": "#/properties/a"}, {"type": "integer"}]}}},
    {"properties": {"a": {"oneOf": [{"$ref": "#/properties/a"}, {"const": 1}]}}},
    {"$ref": 5},
    {"properties": 5},
    {"type": "nonsense"},
    {"properties": {"a": {"type": 5, "enum": 3, "anyOf": 3, "minimum": "x", "multipleOf": 0}}},
    {"required": 5, "enum": 5, "additionalProperties": 5},
]


@pytest.mark.parametrize("schema", HOSTILE, ids=str)
@pytest.mark.parametrize("body", Body)
def test_a_schema_that_says_nothing_or_leads_back_to_itself_is_no_fault_of_ours(
    schema: Schema, body: Body
) -> None:
    from_extra("hf", "llguidance")
    from model_adapters.constraint.value_grammar import ValueGrammar

    described = tool_from_json({"name": "f", "inputSchema": schema})
    assert describe_tool(described, body).startswith("f(")
    assert noun(schema, schema)
    for arguments in ({}, {"a": 1}, {"a": {"a": [1]}}):
        argument_faults(arguments, schema)  # type: ignore[arg-type]
    ValueGrammar(body, None, lambda _: True).value(schema, schema)


def test_what_such_a_schema_does_say_is_held() -> None:
    schema: Schema = {
        "properties": {"a": {"allOf": [{"$ref": "#/properties/a"}, {"type": "integer"}]}},
        "required": ["a"],
        "maxProperties": "x",
    }
    assert argument_faults({"a": 1}, schema) == ()
    assert argument_faults({}, schema) == ("a is missing; it is a whole number",)
    assert argument_faults({"a": "x"}, schema) == ('a: "x" is not a whole number',)


def test_a_tree_is_held_to_its_schema_at_every_depth() -> None:
    """References are followed once for each value, and not once in all."""
    schema: Schema = {
        "properties": {"tree": {"$ref": "#/$defs/node"}},
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "n": {"type": "integer"},
                    "left": {"$ref": "#/$defs/node"},
                    "right": {"$ref": "#/$defs/node"},
                },
            }
        },
    }
    assert argument_faults({"tree": {"n": 1, "left": {"right": {"n": 2}}}}, schema) == ()
    found = argument_faults({"tree": {"left": {"right": {"n": "x"}}, "right": 3}}, schema)
    assert found == (
        'tree.left.right.n: "x" is not a whole number',
        "tree.right: 3 is not an object",
    )


@pytest.mark.timeout(30)  # two to the power of sixty takes longer
def test_references_in_twos_take_no_power_of_two() -> None:
    node: Schema = {"anyOf": [{"$ref": "#/$defs/n"}, {"$ref": "#/$defs/n", "title": "x"}]}
    schema: Schema = {"properties": {"a": node}, "$defs": {"n": {"properties": {"a": node}}}}
    value: Json = 1
    for _ in range(60):
        value = {"a": value}
    assert is_allowed(value, schema)


def test_a_schema_that_nests_too_deep_is_refused_where_it_is_read() -> None:
    deep: Json = {"type": "integer"}
    for _ in range(70):
        deep = {"anyOf": [deep]}
    with pytest.raises(ToolError, match="f: its schema nests deeper than 64"):
        tool_from_json({"name": "f", "parameters": deep})


@pytest.mark.timeout(30)  # a hundred to the power of four types take longer
def test_a_type_of_wide_schemas_is_told_only_as_deep_as_fits() -> None:
    node: Json = {
        "type": "object",
        "properties": {f"p{number}": {"$ref": "#/$defs/n"} for number in range(100)},
    }
    wide = tool_from_json(
        {
            "name": "f",
            "parameters": {"properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": node}},
        }
    )
    for body in Body:
        told = describe_tool(wide, body)
        assert '"p99"?: ' in told
        assert len(told) < 5_000


@pytest.mark.timeout(30)  # twenty to the power of seven types take longer
@pytest.mark.parametrize(
    ("names", "told"),
    [
        (1, 'f(a: {"a0"?: {"a0"?: {"a0"?: {"a0"?: dict}}}} = ...)'),
        (20, "f(a: {" + ", ".join(f'"a{name}"?: dict' for name in range(20)) + "} = ...)"),
    ],
)
def test_a_union_of_objects_that_lead_back_to_it_is_told_once(names: int, told: str) -> None:
    """All of its members are told alike: short as it is, there are many ways through it."""
    kinds: list[Json] = [
        {
            "type": "object",
            "title": f"kind {kind}",
            "properties": {f"a{name}": {"$ref": "#/$defs/n"} for name in range(names)},
        }
        for kind in range(20)
    ]
    schema: Schema = {
        "properties": {"a": {"$ref": "#/$defs/n"}},
        "$defs": {"n": {"anyOf": kinds}},
    }
    assert describe_tool(Tool("f", "", schema), Body.PYTHON) == told


@pytest.mark.timeout(30)
def test_references_that_lead_on_and_on_are_followed_so_far() -> None:
    """A chain as long as no list of tools may be in brackets, and a union of itself, thousands of times."""
    links: Schema = {
        f"d{number}": {"allOf": [{"$ref": f"#/$defs/d{number + 1}"}]} for number in range(3_000)
    }
    circle: Json = {"anyOf": [{"$ref": "#/$defs/u"}] * 20_000}
    schema: Schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/d0"}, "u": {"$ref": "#/$defs/u"}},
        "$defs": {**links, "u": circle},
    }
    tool = tool_from_json({"name": "f", "parameters": schema})
    assert describe_tool(tool, Body.PYTHON) == "f(a: any = ..., u: any = ...)"
    assert argument_faults({"a": 1, "u": 1}, schema) == ()
    assert noun({"$ref": "#/$defs/d0"}, schema) == "any value"


def test_what_stands_beside_a_reference_counts_with_it() -> None:
    schema: Schema = {"$defs": {"n": {"type": "integer", "maximum": 9}}}
    beside: Schema = {"$ref": "#/$defs/n", "maximum": 5, "allOf": [{"minimum": 1}]}
    assert resolved(beside, schema) == {"type": "integer", "minimum": 1, "maximum": 5}


@pytest.mark.parametrize("name", ["it's", 'say "x"', "a\nb", "größe", "c:\\d", ""])
def test_a_property_of_any_name_is_missed_by_it(name: str) -> None:
    schema: Schema = {"properties": {name: {"type": "integer"}}, "required": [name]}
    assert argument_faults({}, schema) == (f"{name} is missing; it is a whole number",)


def test_only_properties_that_are_not_allowed_are_told_as_none() -> None:
    schema: Schema = {
        "properties": {"a": {}},
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }
    told = argument_faults({"x-1": 1, "b": 2, "c": 3}, schema)
    assert told == tuple(f"there is no argument {one}; the arguments are a" for one in "bc")


def test_properties_of_another_schema_are_none_of_one_that_allows_no_others() -> None:
    schema: Schema = {
        "allOf": [{"properties": {"a": {}}}],
        "properties": {"b": {}},
        "additionalProperties": False,
    }
    assert argument_faults({"a": 1}, schema) == ("there is no argument a; the arguments are b",)
