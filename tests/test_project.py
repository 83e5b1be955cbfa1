"""What holds for the project as a whole: layers, purity, ceilings, names of rules."""

import ast
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

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
"""Files of more than that, each looked at: why it is one idea."""
MOST_LINES, MOST_LINES_OF_A_FUNCTION = 300, 40
RULE = re.compile(r"\b(?:Syntax|Valid|Step|Settle|Time|Embed|Trace|Lint)/[a-z]+(?:-[a-z]+)*\b")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if function.body[-1].end_lineno - function.body[0].lineno < MOST_LINES_OF_A_FUNCTION:
        return 0  # as it stands it is small enough
    return sum(bool(line) for line in ast.unparse(function.body).splitlines())


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_no_import_points_up() -> None:
    up = [
        (named(path), name)
        for path in SOURCES
        for name in imports(path)
        if LAYERS.get(name.partition(".")[0], 0) > LAYERS[path.relative_to(ROOT).parts[0]]
    ]
    assert up == []


def test_language_and_machine_know_no_clock_no_chance_and_no_system() -> None:
    barred = [
        (named(path), name)
        for path in PURE
        for name in imports(path)
        if name.partition(".")[0] in BARRED
    ]
    assert barred == []


def test_files_stay_small() -> None:
    long = {
        named(path)
        for path in SOURCES
        if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }
    assert long == LONG.keys()


def test_functions_stay_small() -> None:
    long = [
        (named(path), node.name)
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and lines_of(node) > MOST_LINES_OF_A_FUNCTION
    ]
    assert long == []


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


def test_no_two_files_of_tests_have_one_name() -> None:
    """They are imported without their folders: the second would not be."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("*.py"))
    assert {name for name, count in names.items() if count > 1} <= {"conftest.py"}
