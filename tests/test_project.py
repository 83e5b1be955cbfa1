"""What holds for the project as a whole: layers, purity, ceilings, names of rules."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from sources import PACKAGES, ROOT, SOURCES, tree_of

LAYERS = {package: layer for layer, package in enumerate(PACKAGES)}
PURE = [
    *(ROOT / "cml").glob("*.py"),
    *(ROOT / "cml" / "text").glob("*.py"),
    *(ROOT / "interpreter" / "rules").glob("*.py"),
    *(
        ROOT / "interpreter" / name
        for name in (
            "machine.py",
            "state.py",
            "events.py",
            "runs.py",
            "drivers/virtual.py",
            "drivers/timeline.py",
            "drivers/replay.py",
        )
    ),
]
BARRED = {"time", "random", "os", "asyncio", "datetime", "threading", "secrets", "uuid"}
LONG: dict[str, str] = {
    "interpreter/runs.py": "a run, and its one reader: what is read is what there is to see",
    "interpreter/drivers/driver.py": "an instant is taken, written and performed, on one state; a past is gone on from",
    "interpreter/trace.py": "one format: how a line is written, read, checked and followed",
    "model_adapters/tokens/session.py": "the one session of all engines that know their tokens, verb by verb",
    "cml/advice/python_bodies.py": "one table, of the forms that models write instead of a call",
}
"""Files of more than 300 lines, each looked at: why it is one idea."""
RULE = re.compile(r"\b(?:Syntax|Valid|Step|Settle|Time|Embed|Trace|Lint)/[a-z]+(?:-[a-z]+)*\b")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_import_points_up(path) -> None:
    own = LAYERS[path.relative_to(ROOT).parts[0]]
    assert all(LAYERS.get(name.partition(".")[0], 0) <= own for name in imports(path))


@pytest.mark.parametrize("path", PURE, ids=lambda p: str(p.relative_to(ROOT)))
def test_language_and_machine_know_no_clock_no_chance_and_no_system(path) -> None:
    assert not {name.partition(".")[0] for name in imports(path)} & BARRED


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_functions_stay_small(path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert (len(lines) > 300) == (str(path.relative_to(ROOT)) in LONG)
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = [line for line in ast.unparse(node.body).splitlines() if line]
            assert len(body) <= 40, f"{node.name} has {len(body)} lines"


def types(path: Path) -> Iterator[str]:
    """The classes of a file, and the names that it gives to other types."""
    for node in tree_of(path).body:
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)):
                if not name.isupper():
                    yield name


def test_no_name_means_two_types() -> None:
    places = defaultdict(list)
    for path in SOURCES:
        for name in types(path):
            if name[0].isupper():
                places[name].append(str(path.relative_to(ROOT)))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}
    assert places["World"] == ["interpreter/explore/world.py"]


def test_a_missing_extra_is_skipped_in_one_way() -> None:
    ways = re.compile(r"importorskip\(|find_spec\(")
    asking = [p.name for p in (ROOT / "tests").rglob("*.py") if ways.search(p.read_text("utf-8"))]
    assert asking == ["extras.py"]


def test_every_rule_that_code_names_is_in_the_specification() -> None:
    chapters = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "spec").glob("*.md"))
    specified = set(RULE.findall(chapters))
    named = {
        (rule, path.name) for path in SOURCES for rule in RULE.findall(path.read_text("utf-8"))
    }
    assert sorted((rule, name) for rule, name in named if rule not in specified) == []


def test_import_cml_is_light() -> None:
    code = "import sys, cml; print(sorted({'torch', 'transformers', 'rich', 'click'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
