"""The mask allows the language of the tools, all of it and nothing else."""

import json
import sys

import pytest
from extras import from_extra
from hypothesis import assume, given
from hypothesis import strategies as st
from tool_texts import MARKER, NODE, TOOLS, any_prose, contexts, faults, parameters, tools, walk
from trying import tries

from cml import Body, Call, Interrupt, Lexer, Malformed, Trap, parse, validate
from cml.diagnostics import Severity
from cml.profile import Level, Profile
from cml.text.monitor import interruptible
from interpreter.errors import MissingExtraError
from interpreter.events import Delivery, Outcome
from interpreter.tools.declared import Tool
from interpreter.tools.names import spelled_tools
from interpreter.tools.schema import Schema
from model_adapters.constraint.constraint import Constraint, Vocabulary, vocabulary
from model_adapters.constraint.following import AUTO, ToolChoice
from model_adapters.errors import AdapterError
from model_adapters.hf.chat_tokens import content_ids
from model_adapters.hf.model import HfModel

llguidance = from_extra("hf", "llguidance")

_BYTE_TOKENIZER = llguidance.LLTokenizer("byte")
BYTES = Vocabulary(_BYTE_TOKENIZER, _BYTE_TOKENIZER.vocab_size)
BYTE_END = _BYTE_TOKENIZER.eos_token


def accepts(constraint: Constraint, tokens: list[int], end: int) -> bool:
    """Whether a model may write these tokens and then end."""
    for token in tokens:
        if not constraint.mask()[token]:
            return False
        constraint.accept(token)
    return bool(constraint.mask()[end])


def told(text: str) -> list[Delivery]:
    """The interrupts of a text, as a session is given them."""
    items = (item for item in parse(text).items if isinstance(item, Interrupt))
    return [Delivery(item.id, Outcome(item.outcome, item.value)) for item in items]


def writes(text: str, choice: ToolChoice = AUTO, tools: tuple[Tool, ...] = TOOLS) -> bool:
    return accepts(Constraint(BYTES, tools, choice), list(text.encode()), BYTE_END)


# ------------------------------------------------------------------------------------- prose


@given(any_prose)
def test_prose_is_any_text_without_a_marker(text: str) -> None:
    assert writes(text, tools=()) == (MARKER.search(text) is None)


@given(any_prose)
def test_plain_prose_has_no_brackets(text: str) -> None:
    assert writes(text, ToolChoice(brackets=False), ()) == (not set("[\\") & set(text))


# ------------------------------------------------------------------------------------ blocks


@given(contexts())
def test_whatever_fits_the_tools_may_be_written(context: tuple[int, str]) -> None:
    required, text = context
    assert writes(text, ToolChoice(required))


@given(contexts(), st.data())
def test_one_changed_character_is_accepted_only_where_the_text_still_fits(
    context: tuple[int, str], data: st.DataObject
) -> None:
    required, text = context
    at = data.draw(st.integers(0, len(text)))
    changed = text[:at] + data.draw(st.sampled_from('[]\\"(),= x7\n')) + text[at + 1 :]
    if writes(changed, ToolChoice(required)):
        assert_fits(changed, required)


@tries(60)
@given(seed=st.integers(0, 2**32), length=st.integers(1, 150), required=st.integers(0, 2))
def test_walks_of_bytes_fit_the_tools(seed: int, length: int, required: int) -> None:
    text, done = walk(Constraint(BYTES, TOOLS, ToolChoice(required, 5)), BYTES, seed, length)
    assume(done)
    assert_fits(text, required)


@pytest.mark.model
@tries(25)
@given(seed=st.integers(0, 2**32), length=st.integers(1, 60), required=st.integers(0, 2))
def test_walks_of_tokens_fit_the_tools(
    words: Vocabulary, seed: int, length: int, required: int
) -> None:
    text, done = walk(Constraint(words, TOOLS, ToolChoice(required, 5)), words, seed, length)
    assume(done)
    assert_fits(text, required)


@pytest.mark.model
@tries(50)
@given(context=contexts(), data=st.data())
def test_a_text_is_accepted_however_it_is_cut_into_tokens(
    model: HfModel, words: Vocabulary, context: tuple[int, str], data: st.DataObject
) -> None:
    required, drawn = context
    kept = {c: model.tokenizer.decode(content_ids(model.tokenizer, c)) == c for c in set(drawn)}
    text = "".join(c if kept[c] else "x" for c in drawn)  # some characters it cannot spell
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    tokens = [token for part in parts for token in content_ids(model.tokenizer, part)]
    constraint = Constraint(words, TOOLS, ToolChoice(required))
    for token in tokens:
        constraint.accept(token)
    assert constraint.mask()[min(model.end_tokens)]


# ------------------------------------------------------------------------------- any schema


@pytest.mark.parametrize("body", list(Body))
@tries(80)
@given(tool=tools(), seed=st.integers(0, 2**32), data=st.data())
def test_whatever_is_written_at_random_parses_and_is_accepted_by_the_tool(
    body: Body, tool: Tool, seed: int, data: st.DataObject
) -> None:
    level = data.draw(st.sampled_from(Level))
    profile = Profile(body=body, level=level)
    offered = spelled_tools([tool, Tool("now")], body)
    constraint = Constraint(BYTES, offered, ToolChoice(1, 4), profile)
    text, done = walk(constraint, BYTES, seed, data.draw(st.integers(1, 120)))
    assume(done)
    found = parse(text, profile)
    broken = [item for item in found.items if isinstance(item, Malformed | Interrupt)]
    # No grammar keeps the keys of an object with free keys from repeating.
    repeated = [item for item in found.diagnostics if "given twice" in item.message]
    assert len(broken) == len(repeated), found.diagnostics
    for item in found.items:
        assert not isinstance(item, Call) or faults(item, offered) == ()
    if not repeated:
        assert all(item.severity is not Severity.ERROR for item in found.diagnostics)


def allowed_values(schema: Schema, values: list[str], body: Body) -> list[str]:
    """Those of some values that a model may write for an argument of a schema."""
    root = {**parameters(["x"], x=schema), "$defs": {"Node": NODE}}
    head, tail = {
        Body.PYTHON: ("[CALL] job1 [HEAD] f(x=", ") [END]"),
        Body.JSON: ('[CALL] job1 [HEAD] {"name": "f", "arguments": {"x": ', "}} [END]"),
    }[body]
    offered = (Tool("f", "", root),)
    return [
        value
        for value in values
        if accepts(
            Constraint(BYTES, offered, AUTO, Profile(body=body)),
            list(f"{head}{value}{tail}".encode()),
            BYTE_END,
        )
    ]


@pytest.mark.parametrize("body", list(Body))
@pytest.mark.parametrize(
    ("schema", "allowed", "refused"),
    [
        ({"type": "integer"}, ["0", "-7", "123"], ["1.0", "01", '"1"', "1e3"]),
        ({"type": "integer", "minimum": 2, "maximum": 11}, ["2", "11"], ["1", "12"]),
        (
            {"type": "integer", "exclusiveMinimum": 2, "exclusiveMaximum": 4},
            ["3"],
            ["2", "4"],
        ),
        ({"type": "integer", "minimum": 3, "multipleOf": 3}, ["3", "9"], ["0", "4"]),
        ({"type": "integer", "minimum": 0.5}, ["1", "99"], ["0"]),
        ({"type": "number", "minimum": -1, "exclusiveMaximum": 1}, ["-1", "0.99"], ["-1.5", "1"]),
        ({"type": "string", "minLength": 1, "maxLength": 2}, ['"a"', '"é日"'], ['""', '"abc"']),
        ({"type": "string", "pattern": "^a+$"}, ['"aa"'], ['"ab"', '""']),
        (
            {"type": "string", "format": "date"},
            ['"2024-02-29"', '"2026-12-31"', '"2000-02-29"'],
            ['"2026-02-29"', '"1900-02-29"', '"2026-04-31"', '"2026-13-01"', '"x"'],
        ),
        ({"type": "string", "format": "time"}, ['"23:59:59"'], ['"24:00:00"', '"1:00:00"']),
        ({"enum": ["a", 'q"', 1, None]}, ['"a"', '"q\\""', "1"], ['"b"', "2", '"1"']),
        ({"const": {"k": [1, 2]}}, ['{"k": [1, 2]}'], ["{}", '{"k": [1,2]}']),
        ({"anyOf": [{"type": "integer"}, {"const": "all"}]}, ["3", '"all"'], ['"al"', "0.5"]),
        (
            {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2},
            ["[1]", "[1, 2]"],
            ["[]", "[1, 2, 3]", "[1,2]", '["a"]'],
        ),
        (
            {
                "type": "array",
                "prefixItems": [{"type": "integer"}, {"type": "string"}],
                "items": False,
                "minItems": 2,
            },
            ['[1, "a"]'],
            ["[1]", '["a", 1]', '[1, "a", 2]'],
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b-c": {"type": "string"}},
                "required": ["b-c"],
            },
            ['{"a": 1, "b-c": "x"}', '{"b-c": ""}'],
            ["{}", '{"a": 1}', '{"b-c": "x", "a": 1}', '{"b-c": "x", "z": 1}'],
        ),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            ["{}", '{"k": 1, "l": 2}'],
            ['{"k": "x"}', '{"$ref": 1}', "{k: 1}"],
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "integer"}},
                "additionalProperties": {"type": "string"},
            },
            ['{"a": 1, "b": "x"}', '{"b": "x"}'],
            ['{"a": "x"}', '{"b": "x", "a": 1}'],
        ),
        (
            {"type": "object", "propertyNames": {"enum": ["k", "l"]}},
            ['{"k": 1, "l": 2}', "{}"],
            ['{"k": 1, "k": 2}', '{"m": 1}'],
        ),
        (
            {"$ref": "#/$defs/Node"},
            ['{"value": 1, "next": {"value": 2, "all": [{"value": 3}]}}'],
            ['{"next": {"value": 2}}', '{"value": 1, "next": {}}'],
        ),
        ({}, ['[{"a": [1.5, "x"]}]', "{}", '"a"'], ["x", "{a: 1}", '{"$ref": 1}']),
        ({"type": ["integer", "null"]}, ["3"], ['"a"']),
        ({"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 4}]}, ["3", "4"], ["2", "5"]),
    ],
    ids=str,
)
def test_what_a_schema_allows_may_be_written_and_nothing_else(
    schema: Schema, allowed: list[str], refused: list[str], body: Body
) -> None:
    assert allowed_values(schema, [*allowed, *refused], body) == allowed


@pytest.mark.parametrize(
    ("body", "constants"),
    [(Body.PYTHON, ["True", "None"]), (Body.JSON, ["true", "null"])],
)
def test_constants_are_those_of_the_body(body: Body, constants: list[str]) -> None:
    values = ["True", "None", "true", "null", "1"]
    assert allowed_values({"type": ["boolean", "null"]}, values, body) == constants
    assert allowed_values({"enum": [True, None]}, values, body) == constants


def test_a_schema_without_values_leaves_its_tool_out() -> None:
    nothing = Tool("f", "", parameters(["x"], x={"type": "integer", "minimum": 2, "maximum": 1}))
    forever = Tool(
        "g",
        "",
        {**parameters(["x"], x={"$ref": "#/$defs/N"}), "$defs": {"N": {"$ref": "#/$defs/N"}}},
    )
    constraint = Constraint(BYTES, (nothing, Tool("now")), ToolChoice(required=1))
    assert accepts(constraint, list(b"[CALL] job1 [HEAD] now() [END]"), BYTE_END)
    assert not writes("[CALL] job1 [HEAD] f(x=1) [END]", tools=(nothing,))
    assert writes("Hi.", tools=(nothing,))
    assert Constraint(BYTES, (forever,)).mask().any()


FUTURES = [
    "f(x=job1)",
    'f(x=job1["a"][0])',
    "f(x=[job1, 2])",
]
FUTURES_JSON = [
    '{"name": "f", "arguments": {"x": {"$ref": "job1"}}}',
    '{"name": "f", "arguments": {"x": {"$ref": "job1", "path": ["a", 0]}}}',
]


def level_of(second: str, body: Body) -> Level | None:
    """The lowest level at which a second call, or a trap, may be written after a first call."""
    first = {Body.PYTHON: "f(x=1)", Body.JSON: '{"name": "f", "arguments": {"x": 1}}'}[body]
    offered = (Tool("f", "", parameters(["x"], x={})),)
    for level in Level:
        constraint = Constraint(BYTES, offered, AUTO, Profile(body=body, level=level))
        if accepts(
            constraint, list(f"[CALL] job1 [HEAD] {first} [END]{second}".encode()), BYTE_END
        ):
            return level
    return None


@pytest.mark.parametrize(
    ("body", "second", "level"),
    [
        *((Body.PYTHON, f"[CALL] job2 [HEAD] {it} [END]", Level.FUTURES) for it in FUTURES),
        *((Body.JSON, f"[CALL] job2 [HEAD] {it} [END]", Level.FUTURES) for it in FUTURES_JSON),
        (Body.PYTHON, "[CALL] job2 [HEAD] f(x=job2) [END]", None),
        (Body.PYTHON, "[CALL] job2 [HEAD] f(x=job1[01]) [END]", None),
        (
            Body.JSON,
            '[CALL] job2 [HEAD] {"name": "f", "arguments": {"x": {"$ref": "a"}}} [END]',
            None,
        ),
        (Body.PYTHON, "[CALL] job2 [HEAD] cancel(job1) [END]", Level.EXTENDED),
        (
            Body.JSON,
            '[CALL] job2 [HEAD] {"name": "cancel", "arguments": {"id": {"$ref": "job1"}}} [END]',
            Level.EXTENDED,
        ),
        (Body.PYTHON, "[CALL] job2 [HEAD] cancel(job2) [END]", None),
        (Body.PYTHON, "[TRAP][END]", Level.CORE),
        (Body.PYTHON, "[TRAP] all [END]", Level.EXTENDED),
        (Body.JSON, "[TRAP] job1 [END]", Level.EXTENDED),
        (Body.PYTHON, "[TRAP] job2 [END]", None),
        (Body.PYTHON, "[TRAP] job1, job1 [END]", None),
    ],
)
def test_each_level_adds_what_it_has(body: Body, second: str, level: Level | None) -> None:
    assert level_of(second, body) is level


def test_a_call_that_failed_is_no_future_and_one_that_returned_is_nothing_to_wait_for() -> None:
    def after(interrupt: str) -> Constraint:
        constraint = Constraint(BYTES, (Tool("f", "", parameters(["x"], x={})),))
        for token in b"[CALL] job1 [HEAD] f(x=1) [END][CALL] job2 [HEAD] f(x=1) [END]":
            constraint.accept(token)
        constraint.appended(told(interrupt))
        return constraint

    failed = '[INTR] job1 failed [HEAD] {"type": "x", "message": "y"} [END]'
    future = "[CALL] job3 [HEAD] f(x=job1) [END]"
    assert ends_after(after("[INTR] job1 [HEAD] 1 [END]"), future)
    assert ends_after(after(failed), future.replace("job1", "job2"))
    assert not ends_after(after(failed), future)
    assert not ends_after(after(failed), "[TRAP] job1 [END]")
    assert ends_after(after(failed), "[TRAP] job2 [END]")
    assert ends_after(after("[INTR] job1 progress [HEAD] 1 [END]"), "[TRAP] job1, job2 [END]")


@tries(40)
@given(tool=tools(), seed=st.integers(0, 2**32))
def test_a_future_names_an_earlier_call_and_a_trap_one_that_is_pending(
    tool: Tool, seed: int
) -> None:
    offered = spelled_tools([tool], Body.PYTHON)
    text, done = walk(Constraint(BYTES, offered, ToolChoice(2, 6)), BYTES, seed, 150)
    assume(done)
    rules = {found.rule for found in validate(text)}
    assert not rules & {"Valid/known-identifier", "Valid/trap-wakes", "Valid/unique-identifier"}


# ------------------------------------------------------------ futures that go into results

PAIR: Schema = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "stops": {"type": "array", "items": {"$ref": "#/$defs/stop"}},
        "open": {"type": "object", "properties": {}, "additionalProperties": True},
    },
    "required": ["city"],
    "$defs": {"stop": {"anyOf": [{"type": "object", "properties": {"at": {}}}, {"type": "null"}]}},
}
WORD: Schema = {"type": "string"}


def goes(path: str, result: Schema | None, choice: ToolChoice = AUTO) -> bool:
    """Whether a future may go so into a result that is declared so."""
    tool = Tool("f", "", parameters(["x"], x={}), result)
    steps = json.loads(f"[{path}]")
    written = {
        Body.PYTHON: ("f(x=1)", f"f(x=job1{''.join(f'[{json.dumps(step)}]' for step in steps)})"),
        Body.JSON: (
            '{"name": "f", "arguments": {"x": 1}}',
            '{"name": "f", "arguments": {"x": {"$ref": "job1"'
            + (f', "path": [{path}]' if steps else "")
            + "}}}",
        ),
    }
    allowed = set()
    for body, (first, second) in written.items():
        constraint = Constraint(BYTES, (tool,), choice, Profile(body=body))
        text = f"[CALL] job1 [HEAD] {first} [END][CALL] job2 [HEAD] {second} [END]"
        allowed.add(accepts(constraint, list(text.encode()), BYTE_END))
    [both] = allowed
    return both


@pytest.mark.parametrize(
    ("path", "result", "allowed", "by_who_guesses"),
    [
        ("", None, True, True),
        ('"a", 0, -1, "b"', None, True, False),
        ('"a", 0, -1, "b", 2', None, False, False),
        ("", WORD, True, True),
        ('"city"', WORD, False, False),
        ("0", WORD, False, False),
        ("", PAIR, True, True),
        ('"city"', PAIR, True, True),
        ('"town"', PAIR, False, False),
        ("0", PAIR, False, False),
        ('"city", "x"', PAIR, False, False),
        ('"stops"', PAIR, True, True),
        ('"stops", -1', PAIR, True, True),
        ('"stops", "at"', PAIR, False, False),
        ('"stops", 0, "at"', PAIR, True, True),
        ('"stops", 0, "at", "x"', PAIR, True, False),
        ('"open", "any", 1', PAIR, True, False),
        ('"open", 1', PAIR, False, False),
        ('"a"', {"type": "object"}, True, False),
        ("1", {"type": ["array", "null"], "prefixItems": [{}]}, True, False),
        ('"a"', {"enum": [{"a": 1}]}, False, False),
    ],
)
def test_a_future_goes_into_a_result_as_far_as_that_is_declared(
    path: str, result: Schema | None, allowed: bool, by_who_guesses: bool
) -> None:
    assert goes(path, result) is allowed
    assert goes(path, result, ToolChoice(undeclared=False)) is by_who_guesses


@pytest.mark.timeout(60)  # sixty-four to the power of four paths take longer
def test_a_wide_result_that_leads_back_to_itself_is_gone_through_once_for_each_depth() -> None:
    keys = {f"key{number}": {"$ref": "#/$defs/part"} for number in range(64)}
    part: Schema = {"type": "object", "properties": keys}
    result: Schema = {"$ref": "#/$defs/part", "$defs": {"part": part}}
    steps = ", ".join(f'"key{number}"' for number in (0, 63, 7, 7))
    assert goes(steps, result)
    assert not goes(f'{steps}, "key0"', result)


def assert_fits(text: str, required: int) -> None:
    items = parse(text).items
    calls = [item for item in items if isinstance(item, Call)]
    assert not [item for item in items if isinstance(item, Interrupt | Malformed)]
    assert [call.id for call in calls] == [f"job{n}" for n in range(1, len(calls) + 1)]
    assert not [fault for call in calls for fault in faults(call, TOOLS)]
    assert len(calls) >= required
    kinds = [type(item) for item in items if isinstance(item, Call | Trap)]
    assert kinds[:required] == [Call] * required
    assert [Trap, Trap] not in [kinds[n : n + 2] for n in range(len(kinds))]


# ---------------------------------------------------------------------------------- segments

WEATHER = 'get_weather(city="Oslo")'


def call(number: int) -> str:
    return f"[CALL] job{number} [HEAD] {WEATHER} [END]"


@pytest.mark.parametrize(
    ("written", "allowed"),
    [
        (call(1), True),
        (call(2), False),
        (call(1) + call(2), True),
        (call(1) + call(1), False),
        (call(1) + call(2) + call(3) + call(4), False),
        ("[CALL] job1 [HEAD] now() [END]", True),
        ("[CALL] now() [END]", False),
        ("[CALL] job1 [HEAD] now(x=1) [END]", False),
        ("[CALL] job1 [HEAD] get_weather() [END]", False),
        ('[CALL] job1 [HEAD] get_weather("Oslo") [END]', False),
        ('[CALL] job1 [HEAD] get_weather(city="Oslo", days="3") [END]', False),
        ('[CALL] job1 [HEAD] get_weather(days=3, city="Oslo") [END]', False),
        ('[CALL] job1 [HEAD] get_weather(city="a [END] b [INTR]") [END]', True),
        ('[CALL] job1 [HEAD] get_weather(city="a\nb") [END]', False),
        ("[TRAP][END]", False),
        (call(1) + "[TRAP][END]", True),
        (call(1) + "[TRAP][END][TRAP][END]", False),
        (call(1) + "[INTR] job1 [HEAD] 1 [END]", False),
        (f"\\{call(1)}", False),
        (f"x {call(1)} [END]", False),
    ],
)
def test_examples(written: str, allowed: bool) -> None:
    assert writes(written, ToolChoice(at_most=3)) is allowed


def test_required_calls_come_first_and_the_end_after_them() -> None:
    choice = ToolChoice(required=2)
    assert not writes("", choice)
    assert not writes(f"Well, {call(1)}\n{call(2)}", choice)
    assert not writes(f"{call(1)}[TRAP][END]", choice)
    assert not writes(call(1), choice)
    assert writes(f"{call(1)}\n{call(2)} Done.", choice)


def test_the_end_may_come_outside_blocks_only() -> None:
    constraint, lexer = Constraint(BYTES, TOOLS), Lexer(generated=True)
    for character in f"Hi [x] {call(1)}\n[TRAP][END] Bye [CA":
        constraint.accept(ord(character))
        lexer.feed(character)
        assert constraint.mask()[BYTE_END] == interruptible(lexer.mode)


def test_an_interrupt_begins_a_segment_that_knows_what_came_before() -> None:
    constraint = Constraint(BYTES, TOOLS, ToolChoice(required=3, at_most=3))
    assert not ends_after(constraint, f"{call(1)}\n{call(2)}")
    constraint.appended(told("[INTR] job1 [HEAD] 7 [END]"))
    assert ends_after(constraint, call(3))
    constraint.appended(told("[INTR] job2 [HEAD] 7 [END][INTR] job3 progress [HEAD] 1 [END]"))
    assert ends_after(constraint, "[TRAP][END]")
    constraint.appended(told('[INTR] job3 failed [HEAD] {"type": "x", "message": "y"} [END]'))
    assert not ends_after(constraint, "[TRAP][END]")


def test_a_further_question_begins_to_count_calls_anew() -> None:
    constraint = Constraint(BYTES, TOOLS, ToolChoice(required=1, at_most=1))
    assert ends_after(constraint, call(1))
    constraint.appended(())
    assert not ends_after(constraint, call(2))
    constraint.prompted()
    constraint.appended(())
    assert not ends_after(constraint, "No call.")
    constraint.appended(())
    assert ends_after(constraint, call(2))


def ends_after(constraint: Constraint, text: str) -> bool:
    return accepts(constraint, list(text.encode()), BYTE_END)


@given(contexts(), st.data())
def test_a_rollback_restores_the_mask(context: tuple[int, str], data: st.DataObject) -> None:
    required, text = context
    constraint = Constraint(BYTES, TOOLS, ToolChoice(required))
    tokens = list(text.encode())
    back = data.draw(st.integers(0, len(tokens)))
    masks = []
    for token in tokens:
        masks.append(constraint.mask())
        constraint.accept(token)
    masks.append(constraint.mask())
    constraint.rollback(back)
    assert (constraint.mask() == masks[len(tokens) - back]).all()
    assert accepts(constraint, tokens[len(tokens) - back :], BYTE_END)


# ------------------------------------------------------------------------------------ errors


def test_a_token_against_the_mask_is_refused() -> None:
    constraint = Constraint(BYTES, TOOLS, ToolChoice(required=1))
    with pytest.raises(AdapterError, match="against the grammar"):
        constraint.accept(ord("x"))


def test_a_rollback_stays_in_its_segment() -> None:
    constraint = Constraint(BYTES, TOOLS)
    constraint.accept(ord("x"))
    constraint.appended(())
    with pytest.raises(AdapterError, match="cannot take 1 token back: 0 written since"):
        constraint.rollback(1)


def test_a_missing_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.partition(".")[0] == "llguidance"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r'pip install "cml-lang\[hf\]"'):
        vocabulary(object(), 1, ())  # type: ignore[arg-type]
