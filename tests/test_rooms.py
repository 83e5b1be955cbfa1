"""Where things are: no circle of imports, no crowded room, every room on the page."""

from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from rooms import modules, rooms
from sources import PACKAGES, ROOT

MOST_DOORS = 16
ROOMS = sorted(
    path.parent for package in PACKAGES for path in (ROOT / package).rglob("__init__.py")
)


def test_no_module_imports_itself_by_way_of_others() -> None:
    order = list(TopologicalSorter(modules()).static_order())
    assert order.index("cml.text.lexer") < order.index("cml.parser")
    assert order.index("interpreter.machine") < order.index("interpreter.drivers.driver")


@pytest.mark.parametrize("folder", ROOMS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_room_is_crowded(folder: Path) -> None:
    doors = [
        path
        for path in folder.iterdir()
        if (path.suffix == ".py" and not path.name.startswith("__"))
        or (path / "__init__.py").exists()
    ]
    assert len(doors) <= MOST_DOORS + (6 if folder.parent == ROOT else 0)


@pytest.mark.parametrize("package", PACKAGES)
def test_folders_of_tests_are_named_after_the_rooms_that_they_test(package: str) -> None:
    folders = (path for path in (ROOT / "tests" / package).iterdir() if path.is_dir())
    named = {path.name for path in folders if path.name != "__pycache__"}
    assert sorted(name for name in named if not (ROOT / package / name).is_dir()) == []


def test_every_room_is_on_the_page() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert [room for room in rooms() if f"| `{room}` |" not in page] == []
