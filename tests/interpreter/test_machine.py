"""The machine through its own doors: what no run vector can show, for it is no row and no context."""

from pathlib import Path

import pytest

from cml import Profile, Symbol
from cml.ast import OutcomeKind
from cml.profile import Body
from cml.text.grammar import specification
from cml.text.lexer import Lexer
from interpreter import EndOfDecoding, HostError, Piece, ScriptedSession, Settings, State
from interpreter.drivers.virtual import run_virtual
from interpreter.errors import Stuck
from interpreter.events import (
    Began,
    Decoded,
    Expired,
    Outcome,
    Report,
    Returned,
    Said,
    Stopped,
    failure,
)
from interpreter.machine import advance, instant, settle_one, step, step_checked
from interpreter.rules import RULES, Rules
from interpreter.rules.host import step_begin
from interpreter.rules.settling import phases_of
from interpreter.vectors import read_vector

VECTORS = sorted(Path(str(specification())).joinpath("vectors", "runs").glob("*.json"))
ONE = Outcome(OutcomeKind.RETURNED, 1)


def after(text: str, settings: Settings | None = None) -> State:
    """The state of a session that wrote a text."""
    state, _ = instant(State(settings or Settings()), 1, [Began()])
    lexer = Lexer(generated=True)
    lexer.push(text)
    while symbol := lexer.pull():
        state, _ = instant(state, state.now_us + 1, [Decoded(symbol)])
    return state


def message(state: State, written: str) -> str:
    """What a session is told of what it writes next."""
    lexer = Lexer(generated=True)
    lexer.push(written)
    told = ""
    while symbol := lexer.pull():
        moved = Symbol(symbol.text, state.offset, symbol.marker)
        state, rows = instant(state, state.now_us + 1, [Decoded(moved)])
        reports = [e.message for row in rows for e in row.effects if isinstance(e, Report)]
        told = reports[0] if reports else told
    return told


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_exactly_one_rule_takes_each_event_and_settling_needs_no_phases(path) -> None:
    vector = read_vector(path)
    state = State(vector.settings)
    for row in vector.rows:
        before = advance(state, row.at_us)
        if row.event is None:
            first = next(rule for rule in RULES.settling if rule(before))
            assert before.phase in phases_of(first)
            fired = settle_one(before)
            assert fired is not None
            state, found = fired
            assert (found.rule, found.effects) == (row.rule, row.effects)
            assert first(before) == (state, row.effects)
        else:
            name, state, effects = step_checked(before, row.event)
            assert (name, effects) == (row.rule, row.effects)
            assert step(before, row.event) == (name, state, effects)


def test_no_rule_and_two_rules_are_faults_of_the_machine() -> None:
    for stepping in (step, step_checked):
        with pytest.raises(Stuck, match="no rule applies"):
            stepping(State(), Began(), Rules(begins=()))
    with pytest.raises(Stuck, match="not Step/begin, Step/begin"):
        step_checked(State(), Began(), Rules(begins=(step_begin, step_begin)))


def test_a_result_that_nobody_can_ask_for_is_not_kept() -> None:
    state = after("[CALL] f() [END]")
    returned, _ = instant(state, 100, [Returned("#1", ONE)])
    assert returned.calls["#1"].outcome == Outcome(OutcomeKind.RETURNED, None)
    failed = failure("E", "no")
    assert instant(state, 100, [Returned("#1", failed)])[0].calls["#1"].outcome == failed


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("[CALL] a [HEAD] g() [END][CALL] b [HEAD] f(a) [END]", "b"),
        ("[CALL] b [HEAD] f( [END]", "b"),
    ],
)
@pytest.mark.parametrize("event", [lambda key: Returned(key, ONE), Expired])
def test_what_was_not_started_does_not_come_back(written, key, event) -> None:
    with pytest.raises(HostError) as found:
        step(after(written), event(key))
    assert found.value.clause == "Embed/return"


def test_an_end_after_half_a_character_inside_a_block_is_a_safe_point() -> None:
    script = [Piece("[CALL] a [HEAD] f(", partial=True), EndOfDecoding("stop"), Piece("on")]
    session = ScriptedSession(script)
    rows = [row.rule for row in run_virtual(session, lambda _: [])]
    assert rows[rows.index("Step/truncated") :][:3] == [
        "Step/truncated",
        "Settle/drain",
        "Settle/deliver",
    ]


def test_a_turn_begins_as_if_none_had_been_before() -> None:
    first = instant(State(), 1, [Began()])[0]
    assert first.ending == State().ending
    over, _ = instant(first, 2, [Decoded(Symbol("x"))])
    assert over.ending == State().ending


# ----------------------------------------------------------------- what the model is told


def with_functions(count: int) -> State:
    return after("", Settings(functions=tuple(f"get_{number:02}" for number in range(count))))


def test_of_few_functions_all_are_named_and_of_many_the_nearest() -> None:
    asked = "[CALL] a [HEAD] get_070() [END]"
    few = message(with_functions(20), asked)
    assert (
        few
        == f"there is no function get_070; there are: {', '.join(f'get_{n:02}' for n in range(20))}"
    )
    many = message(with_functions(21), asked)
    beginning, _, near = many.partition("the nearest: ")
    assert beginning == "there is no function get_070; of the 21 that there are, "
    assert near.startswith("get_07, ")
    assert near.count(", ") == 19
    strange = message(with_functions(21), "[CALL] a [HEAD] zzz() [END]")
    assert strange.endswith(f"the nearest: {', '.join(f'get_{n:02}' for n in range(20))}")


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("", "cancel(a)"),
        ("[CALL] b [HEAD] f() [END]", "cancel(b)"),
        ("[CALL] b [HEAD] f() [END][CALL] f() [END]", "cancel(b)"),
        ("[CALL] b [HEAD] f() [END][CALL] c [HEAD] f() [END]", "cancel(c)"),
    ],
)
def test_how_to_cancel_is_told_of_a_call_that_there_is(written, form) -> None:
    told = message(after(written), "[CALL] k [HEAD] cancel(1) [END]")
    assert told == f"cancel takes one identifier; write {form}"


def test_how_to_cancel_is_told_in_the_language_of_the_session() -> None:
    state = after("", Settings(Profile(body=Body.JSON)))
    told = message(state, '[CALL] k [HEAD] {"name": "cancel", "arguments": {}} [END]')
    assert told.endswith('write {"name": "cancel", "arguments": {"id": "a"}}')


def test_what_was_meant_for_text_is_told_but_for_a_cancel() -> None:
    assert message(after(""), "[CALL] k [HEAD] f(x, y) [END]") == (
        'no earlier call has the identifier x, y; for text write "x"'
    )
    told = message(after(""), "[CALL] k [HEAD] cancel(x) [END]")
    assert told == "no earlier call has the identifier x"


@pytest.mark.parametrize("event", [Said("hello"), Stopped()])
def test_a_turn_that_was_stopped_takes_nothing_more(event) -> None:
    stopped, _ = instant(after("so"), 100, [Stopped()])
    with pytest.raises(HostError) as found:
        step(stopped, event)
    assert found.value.clause == "Embed/stop"
