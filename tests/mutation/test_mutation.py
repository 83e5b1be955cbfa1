"""The page of mutants says what comes out, and what it argues away is there."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "reach"))

from extras import from_extra
from judges import Vectors, committing
from mutation_document import JUDGES, PAGE, PART, argued, mutants, summed, told, with_part
from mutation_reasons import AT_IMPORT, REASONS
from mutations import changed, mutants_of

from interpreter import machine
from interpreter.events import Began
from interpreter.state import State

from_extra("otel", "opentelemetry.sdk.metrics")  # of a module that is mutated, and its tests
TEXT = PAGE.read_text(encoding="utf-8")
PARTS = {match[2]: match[0] for match in PART.finditer(TEXT)}
EVERY = 40
"""Of so many mutants one is put to the vectors in the default run."""
each_module = pytest.mark.parametrize("module", JUDGES)


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    return Vectors()


def changes(source: str) -> set[str]:
    return {words for words, _ in changed(source)}


def test_what_is_changed() -> None:
    assert changes("def f(a):\n return a < 1") == {
        "return a < 1 → return None",
        "a < 1 → a <= 1",
        "a < 1 → a >= 1",
        "1 → 2",
    }
    assert changes("def f(a, b):\n if a and b:\n  g(x=1)") >= {
        "if a and b → if True",
        "if a and b → if False",
        "a and b → a or b",
        "a and b → a",
        "a and b → b",
        "g(…) without x=1",
        "without g(x=1)",
    }
    assert changes("def f(a: int = 1) -> str:\n return f'{a} of 2'") == {
        "return f'{a} of 2' → return None"
    }
    assert changes("def f():\n say('two words', 'one')") == {
        "without say('two words', 'one')",
        "'one' → ''",
    }


def test_a_mutant_lasts_as_long_as_its_block() -> None:
    found = {mutant.change: mutant for mutant in mutants_of(machine)}
    mutant = found["return (rule_name(rule), *fired) → return None"]
    right = machine.step(State(), Began())
    with committing(mutant):
        assert machine.step(State(), Began()) is None
    assert machine.step(State(), Began()) == right


def test_what_is_argued_away_is_a_mutant_once() -> None:
    there = [mutant[:2] for module in JUDGES for mutant in mutants(module)]
    places = [place for places in REASONS.values() for place in places]
    assert [place for place in places if there.count(place) != 1] == []
    assert len(set(places)) == len(places)
    everything = [m.function for name in JUDGES for m in mutants_of(_module(name))]
    assert set(AT_IMPORT) <= set(everything)


def _module(name: str):
    return sys.modules[f"interpreter.{name}"]


def test_the_page_has_a_part_for_each_module_and_its_sum() -> None:
    assert list(PARTS) == ["all", *JUDGES]
    assert summed(TEXT) == TEXT


@each_module
def test_the_page_counts_the_mutants_and_has_those_that_are_argued_away(module) -> None:
    there = list(mutants(module))
    assert f"\n{len(there)} mutants: " in PARTS[module]
    lines = [line for line in PARTS[module].splitlines() if line.startswith("- ")]
    for mutant in there:
        line = f"- `{mutant.function}`: `` {mutant.change} ``"
        if argued(mutant):
            assert line in lines
            lines.remove(line)


@each_module
def test_some_mutants_are_found_or_the_page_has_them(module, vectors) -> None:
    for mutant in list(mutants(module))[::EVERY]:
        line = f"- `{mutant.function}`: `` {mutant.change} ``"
        assert (vectors.finds(mutant) is None) == (line in PARTS[module].splitlines())


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(3_600)
@each_module
def test_the_page_is_what_comes_out(module, vectors) -> None:
    assert with_part(TEXT, module, told(module, vectors)) == TEXT
