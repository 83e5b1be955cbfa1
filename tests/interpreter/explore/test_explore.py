"""Exhaustive exploration: the rules hold, and each seeded fault is found."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from trying import tries

from cml.profile import Profile
from cml.text.grammar import specification
from interpreter.events import Decoded, Inject, Returned, Start
from interpreter.explore import Program, explore
from interpreter.explore.search import first_node, next_nodes, node_key
from interpreter.explore.story import tell
from interpreter.rules import RULES, Rules
from interpreter.rules.changes import queue_interrupt, settle_call, with_call
from interpreter.rules.futures import resolve
from interpreter.rules.host import step_late, step_return
from interpreter.rules.settling import settle_deliver, settle_drain, settle_start, settle_wake
from interpreter.rules.symbols import step_idle_trap, step_refused, step_text, step_trap
from interpreter.state import CallState, Phase, Settings, Status
from interpreter.vectors import RunVector, read_vector

CALL_A = "[CALL] a [HEAD] f() [END]"
CALL_B = "[CALL] b [HEAD] g(x=a) [END]"
CALL_C = "[CALL] c [HEAD] h() [END]"
PROGRAMS = {
    "one call": Program(CALL_A + " on we go"),
    "future and trap": Program(CALL_A + CALL_B + " x [TRAP] all [END] done", failures=True),
    "deadline": Program(CALL_A + "x [TRAP][END] y" + CALL_C, Settings(deadline_us=5)),
    "cancel and message": Program(CALL_A + "[CALL] cancel(a) [END] x [TRAP][END] y", messages=1),
    "faults": Program(CALL_A + CALL_A + "[CALL] b [HEAD] f( [TRAP] x [END] [INTR] [END] z"),
    "traps that nothing wakes": Program(
        "[TRAP][END]" + CALL_A + "[TRAP] b, c [END] [TRAP] a [END]"
    ),
    "workers": Program(CALL_A + CALL_B + CALL_C + "[CALL] h() [END]", Settings(workers=1)),
    "stopped": Program(CALL_A + "x [TRAP][END] y", Settings(deadline_us=5), messages=1, stops=True),
    "detach": Program(CALL_A + CALL_B + "x", Settings(end="detach")),
    "cancel": Program(CALL_A + CALL_B + "x", Settings(end="cancel")),
    "fail": Program(CALL_A + CALL_B + "x", Settings(end="fail")),
    "idle delivery": Program(
        CALL_A + "word word" + CALL_C + "[TRAP][END]", Settings(deliver="idle")
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_interleaving_keeps_every_invariant(name) -> None:
    found = explore(PROGRAMS[name])
    assert found.violation is None
    assert found.complete
    assert found.endings > 0


calls = st.builds(
    "[CALL] {}f({}) [END]".format,
    st.sampled_from(["a [HEAD] ", "b [HEAD] ", "c [HEAD] ", "d [HEAD] ", "e [HEAD] ", ""]),
    st.sampled_from(["", "", "x=a", "x=b[0]", "x=[a, b]"]),
)
others = st.sampled_from(
    ["[TRAP][END]", "[TRAP] all [END]", "[TRAP] a, b [END]", "text", "[CALL] cancel(a) [END]"]
)


@given(
    st.lists(st.one_of(calls, others), min_size=2, max_size=5),
    st.sampled_from([None, 3]),
    st.integers(0, 1),
)
@tries(40)
def test_generated_programs_keep_every_invariant(parts, deadline_us, messages) -> None:
    found = explore(Program("".join(parts), Settings(deadline_us=deadline_us), messages), 20_000)
    assert found.violation is None


# ---------------------------------------------------------------------------------- seeded faults


def drops_an_interrupt(state):
    fired = settle_deliver(state)
    return fired and (fired[0], (Inject(fired[1][0].interrupts[:-1]),))


def delivers_in_a_block(state):
    return settle_deliver(replace(state, block=None)) if state.block else settle_deliver(state)


def delivers_while_decoding(state):
    return settle_deliver(replace(state, decode_outstanding=False))


def answers_twice(state):
    fired = settle_deliver(state)
    if not fired:
        return None
    twice = fired[1][0].interrupts * 2
    return fired[0], (Inject(twice),)


def never_wakes(state):
    return None if state.wait is None else settle_wake(state)


def starts_early(state):
    for key, call in state.calls.items():
        if call.status is Status.WAITING and call.call:
            running = CallState(call.order, call.call, Status.RUNNING)
            start = Start(key, call.call.function, *resolve(call.call, state))
            return with_call(state, key, running), (start,)
    return None


def shows_late_results(state, event):
    fired = step_late(state, event)
    call = state.calls[event.call]
    return fired and (queue_interrupt(state, event.call, event.outcome, call.order), ())


def settles_late_results(state, event):
    return step_late(state, event) and (settle_call(state, event.call, event.outcome), ())


def forgets_the_implicit_trap(state):
    del state


def traps_for_ever(state, event, block):
    fired = step_idle_trap(state, event, block)
    return fired and (replace(fired[0], phase=Phase.TRAPPED, wait=None), ())


def ignores_the_settling_of_a_call(state, event):
    fired = step_return(state, event)
    return fired and (replace(fired[0], queue=()), ())


def loses_text(state, event, block):
    fired = step_text(state, event, block)
    return fired and (replace(fired[0], phase=Phase.TRAPPED), ())


def swap(rules, old, new):
    return tuple(new if rule is old else rule for rule in rules)


FAULTS = {
    "drop an interrupt": (
        "one call",
        Rules(settling=swap(RULES.settling, settle_deliver, drops_an_interrupt)),
    ),
    "deliver inside a critical section": (
        "deadline",
        Rules(settling=swap(RULES.settling, settle_deliver, delivers_in_a_block)),
    ),
    "deliver with a Decode outstanding": (
        "one call",
        Rules(settling=swap(RULES.settling, settle_deliver, delivers_while_decoding)),
    ),
    "answer twice": (
        "one call",
        Rules(settling=swap(RULES.settling, settle_deliver, answers_twice)),
    ),
    "lose a wake-up": ("deadline", Rules(settling=swap(RULES.settling, settle_wake, never_wakes))),
    "start a future early": (
        "future and trap",
        Rules(settling=swap(RULES.settling, settle_start, starts_early)),
    ),
    "let a late result through": (
        "deadline",
        Rules(returns=swap(RULES.returns, step_late, shows_late_results)),
    ),
    "settle a call again": (
        "deadline",
        Rules(returns=swap(RULES.returns, step_late, settles_late_results)),
    ),
    "forget the implicit trap": (
        "one call",
        Rules(settling=swap(RULES.settling, settle_drain, forgets_the_implicit_trap)),
    ),
    "trap for ever": (
        "traps that nothing wakes",
        Rules(symbols=swap(RULES.symbols, step_idle_trap, traps_for_ever)),
    ),
    "forget an interrupt on return": (
        "one call",
        Rules(returns=swap(RULES.returns, step_return, ignores_the_settling_of_a_call)),
    ),
    "stop decoding at text": (
        "one call",
        Rules(symbols=swap(RULES.symbols, step_text, loses_text)),
    ),
    "leave out a rule": (
        "faults",
        Rules(symbols=tuple(r for r in RULES.symbols if r is not step_refused)),
    ),
    "let two rules apply": ("future and trap", Rules(symbols=(*RULES.symbols, step_trap))),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_seeded_fault_is_found_with_a_way_to_it(name) -> None:
    program, rules = FAULTS[name]
    found = explore(PROGRAMS[program], rules=rules)
    assert found.violation is not None
    assert found.violation.rows


# --------------------------------------------------- what is tried once stands for what is left out


def settled(program: Program, *, full: bool, limit: int = 4_000) -> set[tuple[object, ...]] | None:
    """The settled states that a search reaches, endings among them, the order of the queue aside;
    None if there are too many.
    """
    first = first_node(program)
    seen, waiting, found = {node_key(first, full=full)}, [first], set()
    while waiting and len(seen) <= limit:
        node = waiting.pop()
        if node.world.settled:
            found.add(node_key(node, full=False))
        for successor in next_nodes(node, program, RULES, full=full):
            if (key := node_key(successor, full=full)) not in seen:
                seen.add(key)
                waiting.append(successor)
    return None if waiting else found


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_full_search_reaches_the_same_states_by_the_same_rules(name) -> None:
    program = PROGRAMS[name]
    reduced, full = explore(program), explore(program, full=True)
    assert reduced.rules == full.rules
    assert reduced.states <= full.states
    assert settled(program, full=False) == settled(program, full=True, limit=50_000)


@given(
    st.lists(st.one_of(calls, others), min_size=1, max_size=3),
    st.sampled_from([None, 3]),
    st.sampled_from([0, 0, 1]),
    st.sampled_from([0, 0, 1]),
    st.sampled_from(["any", "idle", "word"]),
    st.booleans(),
)
@tries(60)
def test_the_full_search_of_generated_programs_reaches_the_same_states(
    parts, deadline_us, messages, workers, deliver, failures
) -> None:
    chosen = Settings(deadline_us=deadline_us, workers=workers, deliver=deliver)
    program = Program("".join(parts), chosen, messages, failures=failures)
    if (full := settled(program, full=True)) is not None:
        assert settled(program, full=False) == full


@pytest.mark.parametrize("name", FAULTS)
def test_the_full_search_finds_the_same_fault(name) -> None:
    program, rules = FAULTS[name]
    reduced = explore(PROGRAMS[program], rules=rules)
    full = explore(PROGRAMS[program], rules=rules, full=True)
    assert reduced.violation.fault == full.violation.fault


def test_calls_that_do_not_need_each_other_are_not_tried_in_every_order() -> None:
    script = "".join(f"[CALL] {name} [HEAD] f() [END]" for name in "abcd") + "[TRAP] all [END]"
    reduced = explore(Program(script))
    assert reduced.complete
    assert reduced.states < 1_000
    assert not explore(Program(script), 3 * reduced.states, full=True).complete


def test_the_way_to_a_fault_is_a_shortest_one() -> None:
    program, rules = FAULTS["answer twice"]
    violation = explore(PROGRAMS[program], rules=rules).violation
    events = [row.event for row in violation.rows if row.event is not None]
    # begin, the five symbols of the call, its return, and the symbol that was outstanding.
    assert len(events) == 8
    assert sum(isinstance(event, Returned) for event in events) == 1


VECTORS = sorted(Path(str(specification())).joinpath("vectors", "runs").glob("*.json"))


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_the_programs_of_the_run_vectors_keep_every_invariant(path) -> None:
    """Whatever order the events of a vector's story come in, nothing is broken."""
    vector = read_vector(path)
    script = "".join(written.text for written in vector.script)
    found = explore(Program(script, vector.settings), 1_500)
    assert found.violation is None


@pytest.mark.slow
@given(st.lists(st.one_of(calls, others), min_size=4, max_size=8), st.booleans())
@tries(10)
def test_larger_generated_programs_keep_every_invariant(parts, failures) -> None:
    chosen = Settings(deadline_us=3)
    found = explore(Program("".join(parts), chosen, messages=1, failures=failures), 20_000)
    assert found.violation is None


def test_a_violation_is_told_as_a_vector_with_the_same_events() -> None:
    program, rules = FAULTS["start a future early"]
    violation = explore(PROGRAMS[program], rules=rules).violation
    vector = tell("early", violation.fault, violation.rows, PROGRAMS[program].settings)
    read = msgspec.json.decode(msgspec.json.encode(vector), type=RunVector)
    assert read == vector
    assert "".join(w.text for w in vector.script) in PROGRAMS[program].script
    events = [row.event for row in violation.rows if isinstance(row.event, Decoded)]
    assert [event.symbol.text for event in events] == [w.text for w in vector.script]


def test_a_call_that_is_quoted_in_a_region_is_never_started() -> None:
    chosen = Settings(profile=Profile(regions=(("<think>", "</think>"),)))
    quoted = "<think>[CALL] a [HEAD] f() [END]</think> well"
    assert "Step/text" in explore(Program(quoted, chosen)).rules
    assert "Step/call" not in explore(Program(quoted, chosen)).rules
    assert "Step/call" in explore(Program(quoted, Settings())).rules
