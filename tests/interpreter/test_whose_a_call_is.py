"""Whose a call is that no reader may keep whole: every reader says the same, however the text is cut."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from trying import tries

from cml import Limits, Malformed, Profile, parse, validate
from cml.vectors.runner import Input, LanguageAnswer, LanguageRequest
from interpreter import Settings
from interpreter.events import Inject, Outcome, OutcomeKind
from interpreter.vectors import answer as ours
from interpreter.vectors.runs import RunAnswer, RunRequest, ScriptedToken, TimedOutcome

LIMIT = 100
PROFILE = Profile(limits=Limits(block_characters=LIMIT, identifier_characters=16))
READ = re.compile(r"\[CALL\]\s*([A-Za-z_]\w{0,15})\s*\[HEAD\]", re.ASCII)
"""The call's own words in so many characters as the limit says: no other part of it is looked at."""
RETURNS = ((TimedOutcome(0, Outcome(OutcomeKind.RETURNED, None)),),)
WITNESS = Path(__file__).parents[2] / "examples" / "javascript" / "answer.js"
NODE = shutil.which("node")

spaces = st.integers(0, 8) | st.integers(LIMIT - 40, LIMIT + 10)
names = st.sampled_from(["a", "job1", "job12", "j" * 16, "j" * 17])


@st.composite
def calls(draw: st.DrawFn) -> str:
    """A call of which any part may lie beyond the limit, or across it."""
    before, after, inside = draw(spaces), draw(spaces), draw(spaces)
    head = " " * before + draw(names) + " " * after + draw(st.sampled_from(["[HEAD]", ""]))
    return f"[CALL]{head}f({' ' * inside}[END]"


@st.composite
def pieces(draw: st.DrawFn) -> list[str]:
    """Some calls, cut anywhere."""
    text = "".join(draw(st.lists(calls(), min_size=1, max_size=3)))
    at = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return [text[i:j] for i, j in zip([0, *at], [*at, len(text)], strict=True) if i < j]


def expected(text: str) -> list[str | None]:
    """The identifiers of the calls of a text."""
    found = [READ.match(call[:LIMIT]) for call in re.findall(r"\[CALL\].*?\[END\]", text)]
    return [read and read[1] for read in found]


def answered(identifiers: list[str | None]) -> list[str]:
    """Under which identifiers a session answers calls that have these, all of them at fault."""
    told: list[str] = []
    for identifier in identifiers:
        errors = sum(name.startswith("error") for name in told)
        own = identifier is not None and identifier not in told
        told.append(str(identifier) if own else f"error{errors + 1}")
    return told


def ask_both(ask: Callable[[msgspec.Struct], bytes], cut: list[str]) -> tuple[object, object]:
    """What an implementation reads, and under which identifiers its session answers."""
    request = LanguageRequest("malformed/x", Input(pieces=cut), PROFILE)
    read = msgspec.json.decode(ask(request), type=LanguageAnswer).context
    story = RunRequest("runs/x", tuple(map(ScriptedToken, cut)), Settings(profile=PROFILE))
    rows = msgspec.json.decode(ask(story), type=RunAnswer).rows
    injected = [effect for row in rows for effect in row.effects if isinstance(effect, Inject)]
    told = [delivery.id for inject in injected for delivery in inject.interrupts]
    return [item.id for item in read], told


def ask_ours(request: msgspec.Struct) -> bytes:
    return msgspec.json.encode(ours.answer(msgspec.json.encode(request)))


@pytest.fixture(scope="module")
def witness() -> Iterator[Callable[[msgspec.Struct], bytes]]:
    if NODE is None:
        pytest.skip("not run: node was not found")
    command = [NODE, str(WITNESS)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:

        def ask(request: msgspec.Struct) -> bytes:
            program.stdin.write(msgspec.json.encode(request) + b"\n")
            program.stdin.flush()
            return program.stdout.readline()

        yield ask
        program.stdin.close()


@given(pieces())
@example(["[CALL]" + " " * (LIMIT - 7) + "job12 [HEAD]f([END]"])
def test_every_reader_of_ours_says_the_same(cut: list[str]) -> None:
    text = "".join(cut)
    identifiers = expected(text)
    items = parse(text, PROFILE).items
    assert [item.id for item in items if isinstance(item, Malformed)] == identifiers
    assert ask_both(ask_ours, cut) == (identifiers, answered(identifiers))


@given(pieces(), names)
def test_a_reader_that_keeps_a_part_says_the_same(cut: list[str], name: str) -> None:
    """An interrupt that names a call shows whether a call has that name."""
    asked = f"[INTR] {name} [HEAD] 1 [END]"
    rules = [found.rule for found in validate([*cut, asked], PROFILE)]
    assert rules == [found.rule for found in validate("".join([*cut, asked]), PROFILE)]
    if len(name) <= PROFILE.limits.identifier_characters:
        assert ("Valid/answers-a-call" in rules) == (name not in expected("".join(cut)))


@tries(50)
@given(pieces())
def test_the_second_implementation_says_the_same(witness, cut: list[str]) -> None:
    identifiers = expected("".join(cut))
    assert ask_both(witness, cut) == (identifiers, answered(identifiers))
