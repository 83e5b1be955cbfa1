"""Bodies: nothing is evaluated, hostile ones cost little, values are those of the language."""

import ast
import json
import math
from keyword import iskeyword
from typing import Any

import pytest
from cml_strategies import FRAGMENTS, argument_values, content
from hypothesis import example, given
from hypothesis import strategies as st

from cml import Body, Call, Limits, PrintError, Profile, Reference, render
from cml.bodies import BodyError, check_nesting, read_body
from cml.literals import LiteralError, read_python_string, write_python_string
from cml.printer import render_body

PYTHON, JSON = Profile(), Profile(body=Body.JSON)

HOSTILE = [
    "__import__('os').system('x')",
    "(lambda: f())()",
    "f(*a)",
    "f(**k)",
    "f([x for x in y])",
    "f(x for x in y)",
    'f(f"{x}")',
    "f(x := 1)",
    "f(a.b)",
    "f(1)(2)",
    "f(1); g(2)",
    "f(1)\ng(2)",
    "f(x=1, x=2)",
    "f(x=1, 2)",
    "f(1e999)",
    "f(+1)",
    "f(--1)",
    "f(1 + 1)",
    "f(not True)",
    "f(1 if x else 2)",
    "f(await g())",
    "f(b'x')",
    "f(r'x')",
    "f('a' 'b')",
    "f('''a''')",
    "f({1, 2})",
    "f({1: 2})",
    "f(1_000)",
    "f(0x10)",
    "f(1j)",
    "f(01)",
    "f(nan)[0]",
    "f(...)",
    "f(a[b])",
    "f(a[1:2])",
    "f(a[0.5])",
    "f(a['x'].y)",
    "f(True[0])",
    "f([END])",
    r"f('\N{DASH}')",
    r"f('\ud800')",
    r"f('\x4')",
    r"f('\U00110000')",
    "f('\n')",
    "f(é=1)",
    "f(١)",
    "f # comment",
    "f(1) # comment",
    "f(\\\n1)",
    "",
    "f",
    "f(",
    ")",
    "f(1,,2)",
    "f(,)",
]


@pytest.mark.parametrize("body", HOSTILE)
def test_hostile_body_is_refused(body: str) -> None:
    with pytest.raises(BodyError):
        read_body(body, PYTHON)


@pytest.mark.parametrize(
    "body",
    [
        "[1]",
        "{}",
        '{"name": "f"}',
        '{"name": "f", "arguments": []}',
        '{"name": "", "arguments": {}}',
        '{"name": "f", "arguments": {}, "id": 1}',
        '{"name": "f", "arguments": {"x": NaN}}',
        '{"name": "f", "arguments": {"x": 1e999}}',
        '{"name": "f", "arguments": {"x": 01}}',
        '{"name": "f", "arguments": {"x": 1, "x": 1}}',
        '{"name": "f", "arguments": {"x": {"$ref": 1}}}',
        '{"name": "f", "arguments": {"x": {"$ref": "a", "path": [true]}}}',
        '{"name": "f", "arguments": {"x": {"$ref": "a", "y": 1}}}',
        '{"name": "f", "arguments": {"x": "\\ud800"}}',
        "{'name': 'f', 'arguments': {}}",
        '{"name": "f", "arguments": {},}',
        "f(1)",
    ],
)
def test_json_body_of_another_shape_is_refused(body: str) -> None:
    with pytest.raises(BodyError):
        read_body(body, JSON)


@pytest.mark.parametrize("profile", [PYTHON, JSON])
def test_ten_thousand_brackets_are_refused_before_any_parser(profile: Profile) -> None:
    for opened in ("[" * 10_000, '{"a":' * 10_000, "f(" + "(" * 10_000):
        with pytest.raises(BodyError) as refused:
            read_body(opened, profile)
        assert refused.value.rule == "Valid/limit"


@given(st.integers(1, 128), st.integers(0, 140))
def test_nesting_is_bounded_exactly(nesting: int, depth: int) -> None:
    code = "[" * depth + '"[[["' + "]" * depth
    if depth <= nesting:
        check_nesting(code, '"', Limits(nesting=nesting))
    else:
        with pytest.raises(BodyError):
            check_nesting(code, '"', Limits(nesting=nesting))


def test_the_highest_limits_can_be_honoured() -> None:
    limits = Limits(block_characters=1_048_576, nesting=128, digits=4_000)
    for profile in (Profile(limits=limits), Profile(body=Body.JSON, limits=limits)):
        deep = "[" * 126 + "9" * 4_000 + "]" * 126
        python, as_json = f"f({deep})", f'{{"name":"f","arguments":{{"x":{deep}}}}}'
        call = read_body(python if profile.body is Body.PYTHON else as_json, profile)
        assert render_body(Call(None, call.function, call.args, call.kwargs), profile)


@pytest.mark.parametrize("wrong", [{"nesting": 0}, {"nesting": 129}, {"digits": 4_001}])
def test_limits_beyond_all_implementations_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="between 1 and"):
        Limits(**wrong)


@pytest.mark.parametrize(
    ("literal", "value"),
    [("-0", 0), ("-0.0", -0.0), ("1e3", 1000.0), ("1.", 1.0), (".5", 0.5), ("00.5", 0.5)],
)
def test_number(literal: str, value: float) -> None:
    read = read_body(f"f({literal})", PYTHON).args[0]
    assert read == value
    assert type(read) is type(value)
    assert math.copysign(1, read) == math.copysign(1, value)


def test_big_integers_keep_every_digit() -> None:
    assert read_body("f(" + "9" * 400 + ")", PYTHON).args == (10**400 - 1,)
    with pytest.raises(BodyError) as refused:
        read_body("f(" + "9" * 401 + ")", PYTHON)
    assert refused.value.rule == "Valid/limit"


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning")
@given(
    st.lists(st.sampled_from([f for f in FRAGMENTS if "[" not in f or "'" in f]), max_size=10)
    .map("".join)
    .map("f({})".format)
)
@example("f(True=0)")
def test_what_is_accepted_is_python_and_means_the_same(body: str) -> None:
    """`ast` is the witness; names that Python reserves are the one licence that CML takes."""
    try:
        call = read_body(body.strip(" \t\r\n"), PYTHON)
    except BodyError:
        return
    if "\x00" in body or any(map(iskeyword, call.kwargs)):
        return
    tree = ast.parse(body.strip(" \t\r\n"), mode="eval").body
    assert isinstance(tree, ast.Call)
    assert ast.unparse(tree.func) == call.function
    assert [_witness(argument) for argument in tree.args] == list(call.args)
    assert {k.arg: _witness(k.value) for k in tree.keywords} == call.kwargs


def _witness(node: ast.expr) -> object:
    match node:
        case ast.List(elts) | ast.Tuple(elts):
            return [_witness(e) for e in elts]
        case ast.Dict(keys, values):
            return {
                ast.literal_eval(k): _witness(v) for k, v in zip(keys, values, strict=True) if k
            }
        case ast.Name(name):
            return Reference(name)
        case ast.Subscript(value, ast.expr() as index):
            base = _witness(value)
            assert isinstance(base, Reference)
            return Reference(base.ref, (*base.path, ast.literal_eval(index)))
        case _:
            return ast.literal_eval(node)


@given(content)
def test_string_literals_are_those_of_python(value: str) -> None:
    literal = write_python_string(value)
    assert ast.literal_eval(literal) == value
    assert read_python_string(literal) == value


@given(st.text(st.characters(exclude_characters='"\r\n\x00', exclude_categories=["Cs"])))
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_escapes_are_those_of_python(inside: str) -> None:
    literal = f'"{inside}"'
    try:
        expected = ast.literal_eval(literal)
        expected.encode()
    except (SyntaxError, UnicodeEncodeError):
        return
    if "\\N" in inside.replace("\\\\", ""):
        with pytest.raises(LiteralError):
            read_python_string(literal)
    else:
        assert read_python_string(literal) == expected


@given(st.dictionaries(st.from_regex("[a-z]{1,4}", fullmatch=True), argument_values, max_size=3))
def test_both_body_languages_give_the_same_tree(kwargs: dict[str, Any]) -> None:
    call = Call("a", "f", (), kwargs)
    in_python = read_body(render_body(call, PYTHON), PYTHON)
    in_json = read_body(render_body(call, JSON), JSON)
    assert repr(in_python) == repr(in_json)


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, "\ud800", ["\udfff"], {"$ref": "a"}, 10**5_000],
    ids=["nan", "inf", "-inf", "surrogate", "nested", "$ref", "digits"],
)
@pytest.mark.parametrize("profile", [PYTHON, JSON])
def test_a_value_that_the_language_lacks_is_not_printed(value: Any, profile: Profile) -> None:
    with pytest.raises(PrintError):
        render([Call(None, "f", (), {"x": value})], profile)


@pytest.mark.parametrize(
    ("call", "profile"),
    [
        (Call("not a name", "f"), PYTHON),
        (Call(None, "f()"), PYTHON),
        (Call(None, "f", (), {"from-date": 1}), PYTHON),
        (Call(None, "f", (Reference("a b"),)), PYTHON),
        (Call(None, "f", (1,)), JSON),
    ],
)
def test_a_call_that_the_profile_cannot_say_is_not_printed(call: Call, profile: Profile) -> None:
    with pytest.raises(PrintError):
        render([call], profile)


def test_any_name_of_an_argument_can_be_said_in_json() -> None:
    body = read_body('{"name": "f", "arguments": {"from-date": 1, "": 2, "[END]": 3}}', JSON)
    assert body.kwargs == {"from-date": 1, "": 2, "[END]": 3}
    assert (
        json.loads(render_body(Call(None, "f", (), body.kwargs), JSON))["arguments"] == body.kwargs
    )
