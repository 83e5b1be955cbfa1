"""Faults put into the drivers and the rules on purpose: what sessions do has to show each of them."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import driver_stories as stories
import pytest
from msgspec.structs import replace

from cml.text.grammar import specification
from interpreter import HostError, machine
from interpreter.drivers import driver
from interpreter.errors import Stuck
from interpreter.events import Expired, Rewind, Start
from interpreter.rules import RULES
from interpreter.rules.changes import with_call
from interpreter.rules.futures import resolve
from interpreter.rules.refusals import cancel_target
from interpreter.rules.settling import (
    settle_deliver,
    settle_drain,
    settle_start,
)
from interpreter.rules.symbols import step_cancel
from interpreter.state import CallState, Phase, Status
from interpreter.testing import check_ran
from interpreter.vectors import read_vector, run_vector

STORIES = range(5_000, 5_400)


def ignores_rewind(monkeypatch) -> None:
    perform = driver.Driver._perform
    monkeypatch.setattr(
        driver.Driver,
        "_perform",
        lambda self, effect: None if isinstance(effect, Rewind) else perform(self, effect),
    )


def takes_deadlines_first(monkeypatch) -> None:
    place = driver.priority
    monkeypatch.setattr(
        driver, "priority", lambda event: 1 if isinstance(event, Expired) else place(event)
    )


def takes_arrivals_as_they_come(monkeypatch) -> None:
    monkeypatch.setattr(driver, "priority", lambda _: 0)


def returns_before_the_last_effect(monkeypatch) -> None:
    monkeypatch.setattr(driver.Driver, "verbs_done", lambda _: None)


def forgets_an_interrupt(monkeypatch) -> None:
    batch = driver.batch_of
    monkeypatch.setattr(
        driver,
        "batch_of",
        lambda inject, profile: batch(replace(inject, interrupts=inject.interrupts[1:]), profile),
    )


def forgets_the_backslashes(monkeypatch) -> None:
    batch = driver.batch_of
    monkeypatch.setattr(
        driver, "batch_of", lambda inject, profile: batch(replace(inject, before=""), profile)
    )


def rule_is(old, new):
    """Return what puts a rule with a fault into the driver."""

    def put(monkeypatch) -> None:
        def swap(rules):
            return tuple(new if rule is old else rule for rule in rules)

        rules = replace(RULES, symbols=swap(RULES.symbols), settling=swap(RULES.settling))
        # Everywhere, so that it is what sessions do that shows it, not a comparison of rules.
        for function in (machine.instant, machine.step, machine.settle, machine.settle_one):
            monkeypatch.setattr(function, "__defaults__", (rules,))

    return put


def delivers_in_a_block(state):
    return settle_deliver(replace(state, block=None)) if state.block else settle_deliver(state)


def answers_twice(state):
    fired = settle_deliver(state)
    if not fired:
        return None
    after, (inject,) = fired
    return after, (replace(inject, interrupts=inject.interrupts * 2),)


def forgets_to_cancel_a_waiting_call(state, event, block):
    fired = step_cancel(state, event, block)
    if fired is None:
        return None
    target = cancel_target(block, state.settings.profile) or ""
    before = state.calls[target]
    return (
        (with_call(fired[0], target, before), fired[1])
        if before.status is Status.WAITING
        else fired
    )


def starts_early(state):
    for key, call in state.calls.items():
        if call.status is Status.WAITING and call.call:
            running = CallState(call.order, call.call, Status.RUNNING)
            return with_call(state, key, running), (
                Start(key, call.call.function, *resolve(call.call, state)),
            )
    return settle_start(state)


def drains_without(queue: bool, waiting: bool):
    def faulty(state):
        if state.phase is not Phase.ENDING:
            return None
        keys = tuple(k for k in state.unsettled if state.calls[k].status is Status.RUNNING)
        seen = replace(
            state,
            queue=() if queue else state.queue,
            unsettled=keys if waiting else state.unsettled,
        )
        fired = settle_drain(seen)
        return fired and (replace(fired[0], queue=state.queue, unsettled=state.unsettled), fired[1])

    return faulty


FAULTS = {
    "ignore Rewind": ignores_rewind,
    "take deadlines before returns": takes_deadlines_first,
    "take arrivals as they come": takes_arrivals_as_they_come,
    "return before the last effect": returns_before_the_last_effect,
    "forget an interrupt": forgets_an_interrupt,
    "forget the backslashes": forgets_the_backslashes,
    "deliver in a critical section": rule_is(settle_deliver, delivers_in_a_block),
    "answer twice": rule_is(settle_deliver, answers_twice),
    "forget to cancel a waiting call": rule_is(step_cancel, forgets_to_cancel_a_waiting_call),
    "start a future early": rule_is(settle_start, starts_early),
    "drain ignores waiting calls": rule_is(settle_drain, drains_without(queue=False, waiting=True)),
    "drain ignores the queue": rule_is(settle_drain, drains_without(queue=True, waiting=False)),
}


VECTORS = sorted(Path(str(specification())).joinpath("vectors", "runs").glob("*.json"))


def vectors_that_show() -> Iterator[str]:
    """The run vectors whose rows or context are not those that they state."""
    for path in VECTORS:
        vector = read_vector(path)
        try:
            if run_vector(vector) != (vector.rows, vector.context):
                yield vector.name
        except (HostError, Stuck, KeyError):
            yield vector.name


def stories_that_show(seeds: range) -> Iterator[str]:
    """The stories in which something is wrong."""
    for seed in seeds:
        try:
            check_ran(stories.play(stories.draw(seed)))
        except (AssertionError, HostError, Stuck):
            yield f"story {seed}"


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_shows_in_what_sessions_do(name, monkeypatch) -> None:
    FAULTS[name](monkeypatch)
    assert next(chain(vectors_that_show(), stories_that_show(STORIES)), None) is not None
