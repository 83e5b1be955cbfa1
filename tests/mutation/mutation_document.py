"""The tables of docs/mutants_of_the_machine.md. `python tests/mutation/mutation_document.py` writes
all of them, in some minutes, or those of the modules that are named; it prints each mutant that is
neither found nor argued away.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

sys.path.append(str(Path(__file__).parents[1] / "reach"))

from judges import Vectors, tests_find
from mutation_reasons import AT_IMPORT, REASONS
from mutations import Mutant, mutants_of

PAGE: Final = Path(__file__).parents[2] / "docs" / "mutants_of_the_machine.md"
PART: Final = re.compile(r"(<!-- mutants: (\S+) -->\n).*?(<!-- end -->)", re.DOTALL)
COUNTS: Final = re.compile(r"^(\d+) mutants: (\d+) .*?, (\d+) .*?, (\d+) ", re.MULTILINE)

_MACHINE: Final = ("test_contract", "test_machine")
JUDGES: Final = {
    "rules": _MACHINE,
    "rules.changes": _MACHINE,
    "rules.failures": _MACHINE,
    "rules.futures": _MACHINE,
    "rules.host": _MACHINE,
    "rules.refusals": _MACHINE,
    "rules.settling": _MACHINE,
    "rules.symbols": _MACHINE,
    "machine": _MACHINE,
    "drivers.timeline": ("test_virtual",),
    "drivers.virtual": ("test_virtual", "test_what_functions_take"),
    "drivers.decoding": ("test_decoding",),
    "drivers.spoken": ("test_spoken",),
    "drivers.calls": ("test_realtime_calls",),
    "drivers.driver": ("test_realtime_core", "test_closing_in_a_signal"),
    "drivers.arrivals": ("test_realtime_core",),
    "drivers.verbs": ("test_realtime_core",),
    "drivers.waiting": ("test_realtime_core", "test_suspension"),
    "drivers.restoring": ("test_restoring",),
    "drivers.replay": ("test_replay", "test_traces"),
    "drivers.form": ("test_form", "test_turns", "test_cancelled_by_the_host", "test_async_ends"),
    "drivers.realtime": ("test_realtime",),
    "drivers.async_runtime": ("test_async_ends", "test_async_runtime", "test_sessions"),
    "drivers.sessions": ("test_sessions", "test_what_functions_take"),
    "drivers.telemetry": ("test_telemetry",),
    "agents.post": ("test_agents",),
}
"""The modules of `interpreter` that are mutated, and which of its tests are asked where no run vector
finds a mutant."""


class Judged(NamedTuple):
    """What became of a mutant: the vector or the tests that find it, or why it is no fault."""

    mutant: Mutant
    vector: str | None
    tests: str | None
    reason: str | None


def mutants(module: str) -> Iterator[Mutant]:
    """Yield the mutants of a module of `interpreter`, but of what runs at its import only."""
    for mutant in mutants_of(import_module(f"interpreter.{module}")):
        if mutant.function not in AT_IMPORT:
            yield mutant


def argued(mutant: Mutant) -> str | None:
    """Return why a mutant is no fault, if somebody has said so."""
    return next((why for why, places in REASONS.items() if mutant[:2] in places), None)


def judged(mutant: Mutant, vectors: Vectors, tests: tuple[str, ...]) -> Judged:
    """Return what becomes of a mutant; one that is argued away is not put to the tests."""
    vector = vectors.finds(mutant)
    reason = None if vector else argued(mutant)
    if vector or reason:
        return Judged(mutant, vector, None, reason)
    return Judged(mutant, None, tests_find(mutant, tests), None)


def told(module: str, vectors: Vectors) -> str:
    """Return what the page says of a module."""
    all_judged: list[Judged] = []
    for mutant in mutants(module):
        all_judged.append(found := judged(mutant, vectors, JUDGES[module]))
        if not any(found[1:]):
            print(f"{mutant[:2]!r},", flush=True)
    by_tests, reasons = _grouped(all_judged)
    counts = [sum(each[i] is not None for each in all_judged) for i in (1, 2, 3)]
    lines = [
        f"{len(all_judged)} mutants: {counts[0]} found by run vectors, {counts[1]} by tests only, "
        f"{counts[2]} argued away."
    ]
    for tests, changes in by_tests.items():
        lines += ["", f"Found by `{tests}` and by no vector:", "", *changes]
    for reason, changes in reasons.items():
        lines += ["", f"{reason}", "", *changes]
    return "\n".join(lines)


def _grouped(all_judged: list[Judged]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """The lines of what only tests find, by tests, and of what is argued away, by reason."""
    by_tests: defaultdict[str, list[str]] = defaultdict(list)
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for mutant, _, tests, reason in all_judged:
        line = f"- `{mutant.function}`: `` {mutant.change} ``"
        if tests:
            by_tests[tests].append(line)
        if reason:
            reasons[reason].append(line)
    return by_tests, reasons


def with_part(page: str, name: str, text: str) -> str:
    """Return the page with one of its parts exchanged."""

    def part(match: re.Match[str]) -> str:
        return f"{match[1]}{text}\n{match[3]}" if match[2] == name else match[0]

    return PART.sub(part, page)


def summed(page: str) -> str:
    """Return the page with its sum made anew of what it says of each module."""
    lines = ["| module | mutants | found by run vectors | by tests only | argued away |"]
    lines.append("|---|--:|--:|--:|--:|")
    rows = [
        (f"`{part[2]}`", *map(int, counts.groups()))
        for part in PART.finditer(page)
        if (counts := COUNTS.search(part[0]))
    ]
    rows.append(("all", *(sum(row[i] for row in rows) for i in range(1, 5))))
    lines += [f"| {' | '.join(map(str, row))} |" for row in rows]
    return with_part(page, "all", "\n".join(lines))


if __name__ == "__main__":
    known = Vectors()
    for chosen in sys.argv[1:] or JUDGES:
        words = told(chosen, known)
        before = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(summed(with_part(before, chosen, words)), encoding="utf-8")
