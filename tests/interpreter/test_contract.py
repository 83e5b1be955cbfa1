"""The clauses of spec/5-embedding.md: a host that breaks one is told which."""

import re
from collections import Counter
from pathlib import Path

import pytest

import interpreter
import model_adapters
from cml import Level, Limits, Profile, Symbol
from cml.ast import OutcomeKind
from cml.text.grammar import specification
from interpreter import HostError, Settings, State, advance, instant, step
from interpreter.events import Began, Decoded, Ended, Expired, Outcome, Returned, Said, Stopped

BEGUN, _ = instant(State(), 1, [Began()])
STOPPED, _ = instant(BEGUN, 2, [Stopped()])
CORE = State(Settings(Profile(level=Level.CORE)))
NARROW = State(Settings(Profile(limits=Limits(block_characters=60))))
RETURNED = Outcome(OutcomeKind.RETURNED, 1)


@pytest.mark.parametrize(
    ("clause", "state", "event"),
    [
        ("Embed/begin", BEGUN, Began()),
        ("Embed/decode", State(), Decoded(Symbol("x"))),
        ("Embed/decode", State(), Ended("stop")),
        ("Embed/offset", BEGUN, Decoded(Symbol("x", 7))),
        ("Embed/return", BEGUN, Returned("a", RETURNED)),
        ("Embed/return", BEGUN, Expired("a")),
        ("Embed/message", CORE, Said("hello")),
        ("Embed/message", NARROW, Said("x" * 100)),
        ("Embed/message", BEGUN, Said("hello", "critic1")),
        ("Embed/message", BEGUN, Said("hello", "a critic")),
        ("Embed/message", BEGUN, Said("hello", "c" * 50)),
        ("Embed/message", BEGUN, Said("hello", "critic", 16)),
        ("Embed/message", BEGUN, Said("hello", "critic", -1)),
        ("Embed/message", BEGUN, Said("hello", "", 1)),
        ("Embed/stop", STOPPED, Said("hello")),
        ("Embed/stop", STOPPED, Stopped()),
    ],
)
def test_a_broken_clause_is_named(clause, state, event) -> None:
    with pytest.raises(HostError) as found:
        step(state, event)
    assert found.value.clause == clause


def test_time_does_not_go_back() -> None:
    with pytest.raises(HostError, match="Embed/time"):
        advance(BEGUN, 0)


def test_a_message_that_can_be_told_is_taken() -> None:
    for said in (Said("hello"), Said("hello", "c" * 49, 15), Said("hello", "_")):
        assert step(BEGUN, said)[0] == "Step/message"


def test_every_clause_is_defined_once_and_the_code_names_no_other() -> None:
    text = (specification() / "5-embedding.md").read_text(encoding="utf-8")
    defined = Counter(re.findall(r"\*\*(Embed/[a-z-]+)\*\*", text))
    assert set(defined.values()) == {1}
    sources = [
        path.read_text(encoding="utf-8")
        for package in (interpreter, model_adapters)
        for path in Path(package.__path__[0]).rglob("*.py")
    ]
    named = {name for source in sources for name in re.findall(r"Embed/[a-z-]+", source)}
    assert named - set(defined) == set()
