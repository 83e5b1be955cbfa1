"""The rooms of the three packages, and who imports from whom, read from the sources."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sources import PACKAGES, ROOT, tree_of


def room_of(parts: tuple[str, ...]) -> str:
    """The room of a file or module: a folder in a package, or the package itself."""
    package, *inner = parts
    is_room = bool(inner) and (ROOT / package / inner[0]).is_dir()
    return f"{package}/{inner[0]}" if is_room else package


@cache
def imported(path: Path) -> tuple[str, ...]:
    """The modules of ours that a file imports: all sources are parsed but once."""
    return tuple(_imported(path))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def rooms() -> dict[str, set[str]]:
    """Each room with those that it imports from; what a package exports at its top counts as that."""
    arrows: dict[str, set[str]] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            room = room_of(path.relative_to(ROOT).with_suffix("").parts)
            used = arrows.setdefault(room, set())
            if path.name == "__init__.py" and path.parent.name in PACKAGES:
                continue  # what a package exports stands in its rooms
            names = (tuple(name.split(".")) for name in imported(path))
            used |= {room_of(parts) for parts in names if parts[0] in PACKAGES}
    return {room: others - {room} for room, others in arrows.items()}


def modules() -> dict[str, set[str]]:
    """Each module with those that it imports, but for what a package exports at its top."""
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }

    def module(name: str) -> str:
        while name and name not in files:
            name = name.rpartition(".")[0]
        return name

    arrows = {one: {module(name) for name in imported(path)} for one, path in files.items()}
    return {one: others - {one, "", *PACKAGES} for one, others in arrows.items()}


def drawn() -> str:
    """The rooms as a diagram. Everybody uses the top of the packages before, so no arrow says it."""
    lines = []
    all_rooms = rooms()
    for package in PACKAGES:
        lines.append(f"    subgraph {package}")
        inner = [room for room in all_rooms if room.startswith(f"{package}/")]
        lines += [f"        {_name(room)}[{room.partition('/')[2]}]" for room in inner]
        lines.append("    end")
    for room, others in all_rooms.items():
        arrows = [other for other in sorted(others) if "/" in other and "/" in room]
        lines += [f"    {_name(room)} --> {_name(other)}" for other in arrows]
    return "\n".join(["```mermaid", "flowchart LR", *lines, "```"])


def _name(room: str) -> str:
    return room.replace("/", "_")
