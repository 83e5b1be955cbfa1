"""The rooms of the schedules: imports between them make no circle, and none is crowded."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from sources import tree_of

import interpreter.schedule

HOUSE = Path(interpreter.schedule.__file__).parent
PREFIX = "interpreter.schedule."
MOST_DOORS = 15
"""Rooms and files at the top."""


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PREFIX):
            yield str(node.module).removeprefix(PREFIX)


def rooms() -> dict[str, set[str]]:
    """Each room, or file at the top, with those that it imports from."""
    arrows: dict[str, set[str]] = {}
    for path in HOUSE.rglob("*.py"):
        room = path.relative_to(HOUSE).parts[0].removesuffix(".py")
        if room != "__init__":
            arrows.setdefault(room, set()).update(name.partition(".")[0] for name in imported(path))
    return {room: others - {room} for room, others in arrows.items()}


def test_imports_between_rooms_make_no_circle() -> None:
    order = list(TopologicalSorter(rooms()).static_order())
    assert order.index("plan") < order.index("models") < order.index("policies")
    assert order.index("simulate") < order.index("studies") < order.index("commands")


def test_no_room_is_crowded() -> None:
    assert len(rooms()) <= MOST_DOORS
    for room in HOUSE.iterdir():
        if room.is_dir():
            assert len(list(room.glob("*.py"))) <= 12
