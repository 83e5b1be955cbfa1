"""What a model is told of a body that is no call: what was seen, and the one form to write."""

import json
import re

import pytest
from cml_strategies import FRAGMENTS, calls
from hypothesis import given
from hypothesis import strategies as st
from trying import tries

from cml import Body, Malformed, Profile, parse
from cml.printer import render_body
from cml.profile import Level, Limits
from cml.text.bodies import read_body
from cml.text.invocation import BodyError
from cml.vectors.runner import load_vectors

PROFILES = {body: Profile(body=body) for body in Body}

# A form that models write, by the name of its vector in `malformed`: what is told.
TOLD = {
    "form-assignment": "an assignment is no part of a body; write f(a=1)",
    "form-tag": "a tag is no part of a body; write f(a=1)",
    "form-bracket-around": "a bracket around it is no part of a body; write f(a=1)",
    "form-brace-around": "a bracket around it is no part of a body; write f(a=1)",
    "form-semicolon": "a semicolon is no part of a body; write f(a=1)",
    "form-sign-in-front": "a body begins with the name of a function, not with $; write f(a=1)",
    "form-curly-quotes": '“ is no quote that opens a string; write "x"',
    "form-curly-quotes-in-json": 'strings stand in " and ", no other quotes; write {"name": "f", '
    '"arguments": {}}',
    "form-await": "`await` is no part of a body; write f(a=1)",
    "form-return": "`return` is no part of a body; write f(a=1)",
    "form-fence": "a fence is no part of a body; write f(a=1)",
    "form-fence-with-await": "a fence and `await` are no part of a body; write f(a=1)",
    "form-list-of-calls": "a list is no part of a body; a block holds one call, so write one for "
    "each: f(a=1) and g(b=2)",
    "form-two-calls": "a block holds one call, so write one for each: f(a=1) and g(b=2)",
    "form-text-after-the-call": "nothing follows the call; write f(a=1)",
    "form-no-parentheses": "a call has parentheses; write f()",
    "form-open-bracket": "a bracket is not closed; write f(a=[1])",
    "form-json-in-python": "bodies are Python here, not JSON; write f(a=1)",
    "form-parameters-in-python": 'bodies are Python here, not JSON; write f(a="x")',
    "form-tool-calls-in-python": "bodies are Python here, not JSON; a block holds one call, so "
    "write one for each: f(a=1) and g()",
    "form-name-with-hyphen": 'a name has the letters a to z, digits and _; write get_weather(city="Rome")',
    "form-f-string": "nothing is evaluated, so there are no f-strings; write the finished text in "
    "plain quotes",
    "form-bytes": 'there are no bytes; write "x" without b',
    "form-nested-call": "an argument is no call; call g(…) in a block of its own first, and write "
    "the identifier of that call here",
    "form-attribute": 'write a["b"] for a part of a result',
    "form-attribute-of-a-part": 'a part of a result is written ["y"], not .y',
    "form-comment": "a body has no comments; leave it out",
    "form-continued-line": "a line goes on without a backslash; leave it out",
    "form-star": "there is no * and no **; write each argument out, as in x=1",
    "form-walrus": "write = between an argument and its value; write f(x=1)",
    "form-ellipsis": "... is no value; write the value itself",
    "form-set": "there are no sets; write a list: [1, 2]",
    "form-number-as-key": 'a key is a string; write "1"',
    "form-name-as-key": 'a key is a string; write "k"',
    "form-colon": "an argument is written with =: k=1",
    "form-suffix": "10L is no number; write digits, or quotes around it",
    "form-date": 'nothing is calculated; text stands in quotes: "2024-01-02"',
    "form-operator": "nothing is calculated, so there are no operators; write the value itself",
    "form-two-signs": "a sign stands once, directly before its digits, as in -1",
    "form-comprehension": "nothing is evaluated, so there is no `for` here; write the value itself",
    "form-not": "nothing is evaluated, so there is no `not` here; write the value itself",
    "form-text-without-quotes": 'text stands in quotes; write "New York"',
    "form-words": "this is no call; write one, as in f(x=1)",
    "form-nothing": "the body is empty; write one call, as in f(x=1)",
    "form-leading-zero": "007 has a leading zero; write 7",
    "form-windows-path": r"\U needs 8 hexadecimal digits; for a backslash write \\",
    "form-half-pair": r"\ud83d is half of a surrogate pair; write the character itself",
    "form-two-empty-places": "a comma stands between two values; write f(1, 2)",
    "form-argument-twice": "the argument x is given twice; write it once",
    "form-positional-after-named": "an argument without a name stands after one with; write its "
    "name, as in x=1",
    "form-apostrophe": 'a quote inside a string ends it; write "O\'Brien"',
    "form-quotes": "a quote inside a string ends it; write 'say \"hi\" now'",
    "form-doubled-quote": r"strings are joined where a space parts them; inside a string write \' "
    "for a quote",
    "form-line-break": r'the string "one is not closed on its line; write "one\ntwo"',
    "form-triple-quotes": r'the string """one is not closed on its line; write "one\ntwo"',
    "form-code": r'the string "def f(): is not closed on its line; write a line break in it as \n, '
    'and close it with "',
    "form-backslash-at-the-end": "the CALL block has no END marker: the text ended, and the string "
    r'"C:\dir\") [END] [CALL] b [HE… is not closed on its line; a backslash before a quote takes '
    r'it along: write "C:\\dir\\"',
    "form-no-end": "the CALL block has no END marker: another block opened; write END where the "
    "block ends",
    "form-python-in-json": 'bodies are JSON here, not Python; write {"name": "f", "arguments": '
    '{"a": 1}}',
    "form-positional-in-json": 'bodies are JSON here, not Python; write {"name": "f", "arguments": '
    "{…}}, each argument with its name",
    "form-parameters": 'the arguments stand under "arguments", not "parameters"; write {"name": '
    '"f", "arguments": {"a": 1}}',
    "form-function-key": 'the function stands under "name", not "function"; write {"name": "f", '
    '"arguments": {"a": 1}}',
    "form-arguments-in-a-string": '"arguments" is an object, not a string; write {"name": "f", '
    '"arguments": {"a": 1}}',
    "form-null-arguments": '"arguments" is an object, not null; write {"name": "f", "arguments": '
    "{}}",
    "form-no-arguments": '"arguments" is missing; write {"name": "f", "arguments": {}}',
    "form-further-key": 'a body has the keys "name" and "arguments" alone; write {"name": "f", '
    '"arguments": {"a": 1}}',
    "form-list-in-json": "a body is one object, not an array; a block holds one call, so write "
    'one for each: {"name": "f", "arguments": {}} and {"name": "g", "arguments": {}}',
    "form-python-literals": 'JSON has strings in ", the words true, false and null, and no comma '
    'at the end; write {"name": "f", "arguments": {"a": true}}',
    "form-comma-at-the-end": 'JSON has strings in ", the words true, false and null, and no comma '
    'at the end; write {"name": "f", "arguments": {"a": 1}}',
    "form-line-break-in-json": r"a line break in a string is written \n; write "
    r'{"name": "f", "arguments": {"a": "one\ntwo"}}',
    "form-quotes-in-json": r'a quote inside a string ends it; write "O\"Brien"',
    "form-backslash-in-json": r'a backslash in a string is written \\; write {"name": "f", '
    r'"arguments": {"a": "\\d"}}',
    "form-open-bracket-in-json": 'a bracket is not closed; write {"name": "f", "arguments": '
    '{"a": 1}}',
    "form-after-the-object": 'nothing follows the object; write {"name": "f", "arguments": {}}',
    "form-words-before": "a word before the call is no part of a body; write f(a=1)",
    "form-quotes-around": "a pair of quotes is no part of a body; write f(a=1)",
    "form-name-with-umlaut": "a name has the letters a to z, digits and _; write grosse(a=1)",
    "form-name-with-digit-first": "a name has the letters a to z, digits and _; write _2fa(a=1)",
    "form-argument-with-hyphen": "a name has the letters a to z, digits and _; write f(user_id=1)",
    "form-full-width": "brackets, commas and the like are those of ASCII; write f(a=1, b=2)",
    "form-no-comma": 'a comma is missing; write f(a="x", b="y")',
    "form-no-brackets": "a call has parentheses; write f(a=1)",
    "form-square-brackets": "a call has parentheses; write f(a=1)",
    "form-other-bracket": "a bracket is closed by its own kind; write f(a=[1, 2])",
    "form-two-equals": "write = between an argument and its value; write f(a=1)",
    "form-placeholder": "the result of an earlier call is named alone, in no brackets and with no sign; write f(a=b)",
    "form-escaped-quotes": 'quotes stand without a backslash; write f(a="x")',
    "form-escaped-line-break": "a line break outside of a string is not written; write f(a=1)",
    "form-grouped-digits": "digits stand without commas; write f(a=1000)",
    "form-percent": 'text stands in quotes; write "10%"',
    "form-version": 'text stands in quotes; write "1.2.3"',
    "form-price": 'text stands in quotes; write "$5"',
    "form-no-value": "the argument a has no value; write one, or leave it out",
    "form-function-tag": "bodies are Python here, not JSON; write f(a=1)",
    "form-parameter-tags": 'bodies are Python here, not JSON; write f(a=1, b="x y")',
    "form-tag-around-json": "a tag is no part of a body; bodies are Python here, not JSON; write f(a=1)",
    "form-name-before-object": "bodies are Python here, not JSON; write f(a=1)",
    "form-function-as-key": "bodies are Python here, not JSON; write f(a=1)",
    "form-fence-in-json": 'a fence is no part of a body; write {"name": "f", "arguments": {"a": 1}}',
    "form-tag-in-json": 'a tag is no part of a body; write {"name": "f", "arguments": {"a": 1}}',
    "form-string-in-json": 'a pair of quotes is no part of a body; quotes stand without a backslash; write {"name": "f", "arguments": {"a": 1}}',
    "form-bare-keys-in-json": 'keys stand in "; write {"name": "f", "arguments": {"a": 1}}',
    "form-no-comma-in-json": 'a comma is missing; write {"name": "f", "arguments": {"a": 1}}',
    "form-name-before-object-in-json": 'the function stands inside the object, under "name"; write {"name": "f", "arguments": {"a": 1}}',
    "form-object-argument-in-json": 'bodies are JSON here, not Python; write {"name": "f", "arguments": {"a": 1}}',
    "form-reference-in-json": 'JSON has strings in ", the words true, false and null, and no comma at the end; write {"name": "f", "arguments": {"a": {"$ref": "b"}}}',
    "form-arguments-beside-the-name": '"arguments" is missing; write {"name": "f", "arguments": {"a": 1}}',
    "form-identifier": "'job-1' is not an identifier; write one of letters, digits and _: job_1",
    "form-trap-with-and": "'a and b' is not an identifier; calls are waited for with commas "
    "between: a, b",
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_told_of_a_form(name: str) -> None:
    vector = load_vectors()[f"malformed/{name}"]
    text = "".join(map(str, vector.input.chunks()))
    [fault, *_] = (i.fault for i in parse(text, vector.profile).items if isinstance(i, Malformed))
    assert fault.message == TOLD[name]


def test_every_form_has_a_message_and_every_message_a_form() -> None:
    prefix = "malformed/form-"
    named = {name.removeprefix("malformed/") for name in load_vectors() if name.startswith(prefix)}
    assert named == set(TOLD)


WRAPPERS = [
    "```python\n{}\n```",
    "```{}```",
    "`{}`",
    "x = {}",
    "x: int = {}",
    "await {}",
    "return {}",
    "[{}]",
    "{};",
    "{} please",
    "call: {}",
    "'{}'",
    "<tool_call>\n{}\n</tool_call>",
    "[TOOL_CALLS]{}",
    "```py\nresult = await {}\n```",
]


@given(calls(Body.PYTHON), st.sampled_from(WRAPPERS))
def test_what_stands_around_a_call_is_taken_off(call, wrapper) -> None:
    body = render_body(call, PROFILES[Body.PYTHON])
    if len(body) > 100 or ("'" in wrapper and "'" in body):  # which quote is it that closes?
        return
    with pytest.raises(BodyError) as refused:
        read_body(wrapper.format(body), PROFILES[Body.PYTHON])
    assert str(refused.value).endswith(f"write {body}")


def no_references(value: object) -> bool:
    return '"$ref"' not in json.dumps(value, default=lambda _: {"$ref": ""})


@given(calls(Body.JSON), st.sampled_from(["parameters", "args", "arguments"]), st.booleans())
def test_other_shapes_of_json_are_told_in_both_languages(call, key, as_text) -> None:
    if not (call.kwargs and no_references(call.kwargs) and call.function):
        return
    arguments = json.dumps(call.kwargs) if as_text else call.kwargs
    body = json.dumps({"name": call.function, key: arguments, "id": 1})
    with pytest.raises(BodyError) as refused:
        read_body(body, PROFILES[Body.JSON])
    form = str(refused.value).split("write ", 1)[1]
    if form.endswith("…") or form.startswith("it as in"):
        return
    read = read_body(form, PROFILES[Body.JSON])
    assert (read.function, read.kwargs) == (call.function, call.kwargs)


@tries(250)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=16).map("".join), st.sampled_from(list(Body)))
def test_something_short_is_told_of_anything(body: str, language: Body) -> None:
    try:
        read_body(body.strip(" \t\r\n"), PROFILES[language])
    except BodyError as error:
        told = str(error)
    else:
        return
    assert 0 < len(told) < 700
    assert "\n" not in told


@pytest.mark.parametrize(
    "body",
    [
        "f(" + ")" * 60_000,
        "f" * 60_000,
        " " * 60_000 + "x",
        "`" * 60_000,
        "x" + " " * 60_000 + "y",
        "f('" + "'" * 60_000,
        "f(" + "'a'" * 20_000 + ")",
        "{" + '"a": 1, ' * 8_000,
        "f(1);" * 12_000,
        "f(x='a\n" + "b" * 60_000,
        "a." * 30_000,
        "f(" + "a b " * 15_000,
        "ä" * 19_000,
        "f(" + "ä-" * 9_000,
        "a " * 9_000 + "f(",
        "f(" + "1,000" * 3_000,
        "f(" + "$" * 19_000,
        "f(" + "," * 19_000,
        "<a" * 9_000,
        "<function=f>" + "<parameter=a>" * 1_000,
        "f{" + "[" * 10_000,
    ],
    ids=range(21),
)
@pytest.mark.parametrize("language", list(Body))
def test_a_long_body_is_told_of_in_one_go(body: str, language: Body) -> None:
    """Whatever is looked for is looked for once: what is quadratic would not come back."""
    with pytest.raises(BodyError):
        read_body(body.strip(), PROFILES[language])


def told_of(body: str, profile: Profile = PROFILES[Body.PYTHON]) -> str:
    with pytest.raises(BodyError) as refused:
        read_body(body, profile)
    return str(refused.value)


NO_CALL = "this is no call; write one, as in f(x=1)"
A_LIST = "there are no sets; write a list, as in [1, 2]"
BACKSLASH = "a backslash before a quote takes it along: write "


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{}", NO_CALL),
        ("123", NO_CALL),
        ('"hello"', NO_CALL),
        ("(f(1))", "a bracket around it is no part of a body; write f(1)"),
        ("{ f(1) }", "a bracket around it is no part of a body; write f(1)"),
        ("<tool>f(x=1)</tool>", "a tag is no part of a body; write f(x=1)"),
        ("$f()", "a body begins with the name of a function, not with $; write f()"),
        ("@f(1)", "a body begins with the name of a function, not with @; write f(1)"),
        ("```python\nf(\n  x=1,\n)\n```", "a fence is no part of a body; write f(x=1)"),
        ("x = f(\n  a=1\n)", "an assignment is no part of a body; write f(a=1)"),
        ("[f(\n1)]", "a list is no part of a body; write f(1)"),
        ("f(\n1) please", "nothing follows the call; write f(1)"),
        ("f(x=[1,\n 2]", "a bracket is not closed; write f(x=[1, 2])"),
        ("await " * 1000 + "f(1)", "`await` is no part of a body; write f(1)"),
        ("f(x: [1, 2])", "an argument is written with =: x=[1, 2]"),
        ('f(x: {"a": 1, "b": 2})', 'an argument is written with =: x={"a": 1, "b": 2}'),
        ('f(x: "a, b")', 'an argument is written with =: x="a, b"'),
        ("f(x: g(1))", "an argument is written with =: x=1"),
        (r'f(b"a\"b")', r'there are no bytes; write "a\"b" without b'),
        (r'f(rb"\d")', r'there are no bytes; write "\\d" without rb'),
        ("f({g(1)})", A_LIST),
        ("f({x for x in y})", A_LIST),
        (r'f("a "b\" c")', """a quote inside a string ends it; write 'a "b" c'"""),
        (r'f(x="C:\temp\", y="b")', BACKSLASH + r'"C:\\temp\\"'),
        ("f(True.x)", "nothing is evaluated; write the value itself"),
        (
            "f(x=a.items())",
            "an argument is no call; call a.items(…) in a block of its own first, and write the "
            "identifier of that call here",
        ),
        ('f(r"\\x\ny")', r'the string "\x is not closed on its line; write "\\x\ny"'),
        ('f("\\\nfoo")', r'the string "\ is not closed on its line; write "foo"'),
        ("a:..(1)", "a name has letters, digits, _ and dots"),
        (
            '{"name": "True", "arguments": {"a": 1}}',
            "bodies are Python here, not JSON; write it as in f(x=1)",
        ),
        (
            '{"name": "f", "arguments": {"x": {"$ref": "y"}}}',
            "bodies are Python here, not JSON; write f(x=y)",
        ),
        ("f(name=“x”)", '“ is no quote that opens a string; write "x"'),
        ("f(name=‘x", "‘ is no quote that opens a string; write \" or ' around a text"),
        ("{“name”: “f”}", "bodies are Python here, not JSON; write f()"),
        ("-> f(x=1)", "a body begins with the name of a function, not with ->; write f(x=1)"),
        ("async f(1)", "a word before the call is no part of a body; write f(1)"),
        ("call: f(x=1)", "a word before the call is no part of a body; write f(x=1)"),
        ('f(x="a", y="b" z="c")', 'a comma is missing; write f(x="a", y="b", z="c")'),
        ("f(x=[1 2 3])", "a comma is missing; write f(x=[1, 2, 3])"),
        ("f(,x=1,,)", "a comma stands between two values; write f(x=1)"),
        ("get city=1", "a call has parentheses; write get(city=1)"),
        ("f(x=#ff0000)", 'text stands in quotes; write "#ff0000"'),
        ("None", "a call has parentheses; write f()"),
        (
            "[TOOL_CALLS]f{'a': True}",
            "a tag is no part of a body; bodies are Python here, not JSON; write f(a=True)",
        ),
        (
            '<invoke name="f"><parameter name="a">[1, 2]</parameter></invoke>',
            "bodies are Python here, not JSON; write f(a=[1, 2])",
        ),
        ('{"name": "f", "id": "x1", "a": 1}', "bodies are Python here, not JSON; write f(a=1)"),
    ],
    ids=lambda text: text[:30],
)
def test_what_is_told_in_python(body: str, told: str) -> None:
    assert told_of(body) == told


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("", 'the body is empty; write {"name": "…", "arguments": {…}} and nothing else'),
        (
            "{“name”: “f”}",
            'strings stand in " and ", no other quotes; write {"name": "f", "arguments": {}}',
        ),
        (
            '{"name": "f", "args": {"x": {"$ref": "y"}}}',
            'the arguments stand under "arguments", not "args"; '
            'write {"name": "f", "arguments": {"x": {"$ref": "y"}}}',
        ),
        (
            '{"name": "f", "arguments": {"x": NaN}}',
            "not JSON: NaN is not a JSON value; write null, or a text",
        ),
        (
            '{"name"： "f"， "arguments": {}}',
            'brackets, commas and the like are those of ASCII; write {"name": "f", "arguments": {}}',
        ),
        (
            "```\nf(x=1)\n```",
            "a fence is no part of a body; bodies are JSON here, not Python; "
            'write {"name": "f", "arguments": {"x": 1}}',
        ),
        (
            '{"x": 1}',
            'a body is one object with the keys "name" and "arguments"; '
            'write {"name": "…", "arguments": {…}} and nothing else',
        ),
    ],
)
def test_what_is_told_in_json(body: str, told: str) -> None:
    assert told_of(body, PROFILES[Body.JSON]) == told


@pytest.mark.parametrize(
    ("body", "language", "told"),
    [
        ("x = f(y)", Body.PYTHON, "write the call alone, as in f(x=1)"),
        ("f(a.b)", Body.PYTHON, "write the value itself"),
        ("f(g(1))", Body.PYTHON, "write the value"),
        ('f(x={"$ref": "y"})', Body.PYTHON, "write the value itself"),
        ("f(x=y)", Body.JSON, 'write it as in {"name": "f", "arguments": {"x": 1}}'),
    ],
)
def test_nothing_is_advised_that_the_level_refuses(body: str, language: Body, told: str) -> None:
    assert told_of(body, Profile(body=language, level=Level.CORE)).endswith(told)


def test_nothing_is_advised_that_the_limits_refuse() -> None:
    profile = Profile(limits=Limits(digits=5))
    assert told_of("x = f(1234567)", profile).endswith("write the call alone, as in f(x=1)")


DEEP = "[" * 900 + "]" * 900


@pytest.mark.parametrize(
    "body",
    [
        '{"name": "f", "arguments": "{\\"a\\": ' + DEEP + '}"}',
        f"""f(' , ", ',{DEEP}, "')""",
        f"""["x\n, '", {DEEP}, "'"]""",
        f"""["x\n, ", {DEEP}, "y"]""",
        "await " * 3000 + "f(1)",
        "```a " * 3000 + "f(1)" + "```" * 3000,
        "\ud800",
    ],
    ids=range(7),
)
@pytest.mark.parametrize("language", list(Body))
def test_no_body_is_too_deep_for_its_advice(body: str, language: Body) -> None:
    told_of(body, PROFILES[language]).encode()


# After "write" comes a form, or one of these; each form is a call or a value.
PROSE = re.compile(
    r"it as in|it once|one\b|the |a (?:line|list)|text in|it in plain|each |digits|= between|END"
    r"|\\|\" or ' around|its name"
)
FORM = re.compile(r"(?:write (?:one for each: |a list: )?|with =: |quotes: )(.*)\Z", re.DOTALL)


def given_form(told: str) -> str | None:
    """The form that a message ends with, where it gives one that is whole."""
    found = FORM.search(told)
    if found is None or PROSE.match(form := found[1]) or "…" in form:
        return None
    return re.sub(r"(?: without \w+| for a part of a result)\Z", "", form)


def reads(form: str, profile: Profile) -> bool:
    in_value = (
        "f({})" if profile.body is Body.PYTHON else '{{"name": "f", "arguments": {{"x": {}}}}}'
    )
    for body in (form, in_value.format(form)):
        try:
            read_body(body, profile)
        except BodyError:
            continue
        return True
    return False


JOINTS = [
    *(
        "call ",
        ",,",
        "==",
        "${",
        "}",
        '\\"',
        "\\n",
        "ß",
        "-",
        "%",
        "$5",
        "，",
        "（",
        "<function=f>",
        "f{",
    ),
    *(
        "await ",
        "return ",
        "x = ",
        "```",
        "`",
        ";",
        " please",
        "<tool>",
        "</tool>",
        "“",
        "”",
        "x: ",
    ),
    *(
        'b"',
        "f'",
        'r"',
        ".y",
        ".y()",
        "True.",
        "{",
        "g(",
        "not ",
        "*",
        ":",
        "=",
        '"',
        "'",
        "\\",
        "\n",
    ),
]


@st.composite
def mutated_bodies(draw: st.DrawFn) -> str:
    """A body with a few edits at the joints where models go wrong."""
    language = draw(st.sampled_from(list(Body)))
    body = render_body(draw(calls(language)), PROFILES[language])
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(body)))
        end = draw(st.integers(begin, min(len(body), begin + 4)))
        body = body[:begin] + draw(st.sampled_from(["", *JOINTS, *FRAGMENTS])) + body[end:]
    return body.strip(" \t\r\n")


profiles = st.builds(Profile, body=st.sampled_from(list(Body)), level=st.sampled_from(list(Level)))
short_bodies = st.lists(st.sampled_from([*FRAGMENTS, *JOINTS]), max_size=10).map("".join)


@tries(250)
@given(mutated_bodies() | short_bodies.map(lambda body: body.strip(" \t\r\n")), profiles)
def test_every_form_that_is_given_reads_back(body: str, profile: Profile) -> None:
    try:
        read_body(body, profile)
    except BodyError as error:
        told = str(error)
    else:
        return
    form = given_form(told)
    if form is not None and not reads(form, profile):
        assert all(reads(one, profile) for one in form.split(" and ")), told
