"""Breadth-first search of all interleavings, so that the first violation is a shortest one of those
that are tried.

Interleavings that cannot be told apart are tried once, unless the full search is asked for:

- *The order of the queue.* The rules see of the queue whether it is empty, whom it names and whether
  a person is among them, and put the whole of it in at once. No invariant looks at the order within
  a batch. So two states that differ in it only have the same future, and one of them is visited.
- *Moments.* Where there is nothing to settle after an event, whatever may come in the same moment
  may come in the next one and does the same, up to the order of the queue.
- *Blocks.* Inside a block nothing is tried but its symbols. What opens a block in prose, and what is
  inside it, reads and changes the block and the places in the text, and leaves nothing to settle but
  the next Decode. A return, a deadline or a message reads and changes calls and queue, and nothing
  goes in before the block is closed. So each of them leads to the same state inside the block, in one
  moment with a symbol of it, and before it opens, where it is possible as well: all that runs then,
  or can start by what comes then, is tried there. A stop takes back what is written, so it is
  another one inside a block: where the host may stop the session everything is tried everywhere.

All three hold for rules that keep to this. For a set of rules that may not, there is the full search; a
test shows that both find every fault that is seeded, and reach the same settled states.
"""

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

from interpreter.errors import HostError, Stuck
from interpreter.events import Event, Row
from interpreter.explore.invariants import Witness, check_row, check_settled, remember
from interpreter.explore.world import (
    Program,
    World,
    after_effects,
    after_event,
    first_world,
    key_of,
    next_events,
)
from interpreter.machine import advance, settle_one, step_checked
from interpreter.rules import RULES, Rules
from interpreter.state import Phase

DEFAULT_LIMIT: Final = 200_000
_SETTLING_LIMIT: Final = 1_000


class Violation(msgspec.Struct, frozen=True):
    """Something that must never happen, and the shortest way to it.

    Args:
        fault: What happened.
        rows: The rows that lead to it.
    """

    fault: str
    rows: tuple[Row, ...]


class Exploration(msgspec.Struct, frozen=True):
    """What a search found.

    Args:
        states: Distinct states.
        transitions: Events and settlings that lead from one to another.
        endings: Distinct states in which nothing more can happen.
        rules: The rules that fired.
        complete: Whether all states were reached within the limit.
        violation: The first fault found, or None.
    """

    states: int
    transitions: int
    endings: int
    rules: frozenset[str]
    complete: bool
    violation: Violation | None = None


class Node(msgspec.Struct, frozen=True):
    """A state on the way, with the rows that led to it from the state before."""

    world: World
    witness: Witness
    rows: tuple[Row, ...]
    parent: "Node | None"


class _FaultFound(Exception):
    def __init__(self, fault: str, rows: tuple[Row, ...]) -> None:
        super().__init__(fault)
        self.fault = fault
        self.rows = rows


def explore(
    program: Program, limit: int = DEFAULT_LIMIT, rules: Rules = RULES, *, full: bool = False
) -> Exploration:
    """Try every interleaving of a program.

    Args:
        program: The script and what can happen around it.
        limit: Most states to visit.
        rules: The rules of the machine; other than those of the specification to see what breaks.
        full: Whether to try also those that cannot be told from others.

    Returns:
        What was found; with a violation, the search ends there.
    """
    first = first_node(program)
    seen = {node_key(first, full=full)}
    queue = deque([first])
    fired: set[str] = set()
    transitions = endings = 0
    while queue and len(seen) <= limit:
        node = queue.popleft()
        successors = 0
        try:
            for successor in next_nodes(node, program, rules, full=full):
                successors += 1
                fired.update(row.rule for row in successor.rows)
                key = node_key(successor, full=full)
                if key not in seen:
                    seen.add(key)
                    queue.append(successor)
            if not successors:
                endings += 1
                _check_ending(node)
        except _FaultFound as found:
            path = (*_path(node), *found.rows)
            violation = Violation(found.fault, path)
            return Exploration(
                len(seen),
                transitions,
                endings,
                frozenset(fired),
                complete=False,
                violation=violation,
            )
        transitions += successors
    return Exploration(len(seen), transitions, endings, frozenset(fired), complete=not queue)


def first_node(program: Program) -> Node:
    """Return the state before anything has happened."""
    return Node(first_world(program), Witness(), (), None)


def node_key(node: Node, *, full: bool) -> tuple[object, ...]:
    """Return what tells two nodes of a search apart."""
    return key_of(node.world, full=full), node.witness


def _path(node: Node | None) -> tuple[Row, ...]:
    parts: list[tuple[Row, ...]] = []
    while node is not None:
        parts.append(node.rows)
        node = node.parent
    return tuple(row for part in reversed(parts) for row in part)


def next_nodes(node: Node, program: Program, rules: Rules, *, full: bool) -> Iterator[Node]:
    """Yield what can come next. Events of one moment come one after another before the machine
    settles, so after each event the session may settle or take another one.
    """
    world = node.world
    in_block = not full and not program.stops and world.state.block is not None
    if not world.settled:
        settled = _settled(node, rules)
        yield settled
        if in_block or not (full or settled.rows):
            return
    events = next_events(world, program)
    if in_block and world.state.decode_outstanding:
        events = islice(events, 1)
    for event in events:
        yield _stepped(node, event, rules)


def _stepped(node: Node, event: Event, rules: Rules) -> Node:
    world = node.world
    # A new moment begins with the first event after settling; within one, time stands still.
    state = advance(world.state, world.state.now_us + (1 if world.settled else 0))
    try:
        name, after, effects = step_checked(state, event, rules)
    except (HostError, Stuck) as error:
        raise _FaultFound(str(error), (Row(state.now_us, "", event),)) from None
    row = Row(state.now_us, name, event, effects)
    _judge(check_row(state, after, row, node.witness), (row,))
    return Node(
        after_event(world, event, after, effects), remember(node.witness, row), (row,), node
    )


def _settled(node: Node, rules: Rules) -> Node:
    world, witness = node.world, node.witness
    rows: list[Row] = []
    for _ in range(_SETTLING_LIMIT):
        fired = settle_one(world.state, rules)
        if fired is None:
            _judge(check_settled(world.state), tuple(rows))
            return Node(msgspec.structs.replace(world, settled=True), witness, tuple(rows), node)
        after, row = fired
        rows.append(row)
        _judge(check_row(world.state, after, row, witness), tuple(rows))
        world, witness = after_effects(world, after, row.effects), remember(witness, row)
    raise _FaultFound("settling does not end", tuple(rows))


def _check_ending(node: Node) -> None:
    phase = node.world.state.phase
    if phase is not Phase.ENDED:
        raise _FaultFound(f"nothing more can happen, but the session is {phase.value}", ())


def _judge(faults: Iterator[str], rows: tuple[Row, ...]) -> None:
    for fault in islice(faults, 1):
        raise _FaultFound(fault, rows)
