"""The printer: a tree in, its canonical text out (spec/1-syntax.md, section 7).

Printed text has no marker inside content: prose escapes it with a backslash, bodies and values
with an escape of their string.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from cml.ast import (
    Call,
    Context,
    Interrupt,
    Item,
    Malformed,
    OutcomeKind,
    Reference,
    Text,
    Trap,
    Value,
)
from cml.json_values import write_json
from cml.literals import write_python_string
from cml.profile import Body, Profile
from cml.symbols import MARKER_PATTERN

_MARKER: Final = re.compile(MARKER_PATTERN)


class PrintError(ValueError):
    """A tree that cannot be written in this profile; the message says why."""


def render(context: Context | Iterable[Item], profile: Profile | None = None) -> str:
    """Return the canonical text of a context.

    Raises:
        PrintError: A call has positional arguments, and the bodies are JSON.
    """
    items = context.items if isinstance(context, Context) else tuple(context)
    used = profile or Profile()
    following = [*items[1:], None]
    return "".join(_item(item, after, used) for item, after in zip(items, following, strict=False))


def render_item(item: Item, profile: Profile | None = None) -> str:
    """Return the canonical text of one item that stands alone.

    Raises:
        PrintError: A call has positional arguments, and the bodies are JSON.
    """
    return _item(item, None, profile or Profile())


def escape(prose: str, *, before_marker: bool) -> str:
    """Write prose so that it holds no marker (Syntax/escape).

    A run of backslashes directly before a marker's spelling is doubled, and one is added; directly
    before a real marker it is doubled.
    """
    return _respell(
        prose, lambda run: 2 * run + 1, (lambda run: 2 * run) if before_marker else None
    )


def unescape(prose: str, *, before_marker: bool) -> str:
    """Undo `escape`: each run of backslashes directly before a marker is halved (Syntax/escape)."""
    return _respell(prose, lambda run: run // 2, (lambda run: run // 2) if before_marker else None)


def _respell(prose: str, inside: Callable[[int], int], at_end: Callable[[int], int] | None) -> str:
    """Change the length of each run of backslashes before a marker, and of the run at the end."""
    if "\\" not in prose and "[" not in prose:
        return prose
    parts: list[str] = []
    position = 0
    for marker in _MARKER.finditer(prose):
        parts += _with_run(prose[position : marker.start()], inside)
        parts.append(marker[0])
        position = marker.end()
    parts += _with_run(prose[position:], at_end or (lambda run: run))
    return "".join(parts)


def _with_run(text: str, length: Callable[[int], int]) -> tuple[str, str]:
    plain = text.rstrip("\\")
    return plain, "\\" * length(len(text) - len(plain))


def _item(item: Item, following: Item | None, profile: Profile) -> str:
    match item:
        case Text():
            before_marker = following is not None and not isinstance(following, Text)
            return escape(item.text, before_marker=before_marker)
        case Call():
            head = "" if item.id is None else f" {item.id} [HEAD]"
            return f"[CALL]{head} {render_body(item, profile)} [END]"
        case Interrupt():
            outcome = "" if item.outcome is OutcomeKind.RETURNED else f" {item.outcome.value}"
            return f"[INTR] {item.id}{outcome} [HEAD] {write_json(item.value)} [END]"
        case Trap():
            return _trap(item)
        case Malformed():
            return item.source


def _trap(trap: Trap) -> str:
    match trap.wait:
        case None:
            return "[TRAP][END]"
        case "all":
            return "[TRAP] all [END]"
        case names:
            return f"[TRAP] {', '.join(names)} [END]"


def render_body(call: Call, profile: Profile) -> str:
    """Return the canonical body of a call.

    Raises:
        PrintError: It has positional arguments, and the bodies are JSON.
    """
    match profile.body:
        case Body.PYTHON:
            named = [f"{name}={_python(value)}" for name, value in call.kwargs.items()]
            return f"{call.function}({', '.join([*map(_python, call.args), *named])})"
        case Body.JSON:
            if call.args:
                raise PrintError(f"{call.function}: a JSON body has no positional arguments")
            arguments = {name: _json(value) for name, value in call.kwargs.items()}
            return write_json({"name": call.function, "arguments": arguments})


def _python(value: Value) -> str:
    match value:
        case str():
            return write_python_string(value)
        case list():
            return f"[{', '.join(map(_python, value))}]"
        case dict():
            entries = (f"{write_python_string(k)}: {_python(v)}" for k, v in value.items())
            return f"{{{', '.join(entries)}}}"
        case Reference():
            return value.ref + "".join(
                f"[{write_python_string(s) if isinstance(s, str) else s}]" for s in value.path
            )
        case _:
            return repr(value)


def _json(value: Value) -> object:
    match value:
        case Reference(ref, path):
            return {"$ref": ref, "path": list(path)} if path else {"$ref": ref}
        case list():
            return [_json(entry) for entry in value]
        case dict():
            return {key: _json(entry) for key, entry in value.items()}
        case _:
            return value
