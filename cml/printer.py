"""The printer: a tree in, its canonical text out (spec/1-syntax.md, section 7).

Printed text has no marker inside content: prose escapes it with a backslash, bodies and values
with an escape of their string.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from cml.arguments import take_items, take_profile
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
from cml.profile import Body, Profile, Spelling
from cml.symbols import MARKER_PATTERN, MARKERS, Marker, Symbol
from cml.text.json_values import write_json
from cml.text.literals import LiteralError, write_python_string

_MARKER: Final = re.compile(MARKER_PATTERN)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DOTTED_NAME: Final = re.compile(rf"{_NAME.pattern}(?:\.{_NAME.pattern})*")


class PrintError(ValueError):
    """A tree that cannot be written in this profile; the message says why."""


def render(context: Context | Iterable[Item], profile: Profile | None = None) -> str:
    """Return the canonical text of a context, in the text profile (Syntax/canonical).

    Args:
        context: The context, or its items in their order.
        profile: How bodies are written; None for the default one.

    Raises:
        PrintError: A name is no name, a value is none of CML's, or the body language cannot say it:
            JSON has no positional arguments, Python no argument names that are not names.
        TypeError: There are no items in it.
    """
    used = take_profile(profile)
    items = _merged(take_items(context))
    following = [*items[1:], None]
    return "".join(
        escape(item.text, before_marker=after is not None)
        if isinstance(item, Text)
        else "".join(_block(item, used))
        for item, after in zip(items, following, strict=False)
    )


def render_symbols(
    context: Context | Iterable[Item], profile: Profile | None = None
) -> tuple[Symbol, ...]:
    """Return a context as the canonical symbols of the token profile (Syntax/canonical-tokens).

    Raises:
        PrintError: As `render`; or a malformed block was read in the text profile, so that nothing
            says what of it is reserved tokens.
        TypeError: There are no items in it.
    """
    used = profile or Profile(markers=Spelling.TOKEN)
    symbols: list[Symbol] = []
    offset = 0
    for item in _merged(take_items(context)):
        for text, marker in _spelled(item, used):
            if text:
                symbols.append(Symbol(text, offset, marker))
                offset += len(text)
    return tuple(symbols)


def _spelled(item: Item, profile: Profile) -> Iterator[tuple[str, Marker | None]]:
    """Yield the tokens of an item, each with the marker that it is reserved for."""
    match item:
        case Text():
            yield item.text, None
        case Malformed(markers=()):
            message = "a malformed block of the text profile cannot be written in the token profile"
            raise PrintError(message)
        case Malformed():
            ends = [item.source.index("]", begin) + 1 for begin in item.markers]
            nexts = [*item.markers[1:], len(item.source)]
            for begin, end, following in zip(item.markers, ends, nexts, strict=True):
                yield item.source[begin:end], MARKERS[item.source[begin:end]]
                yield item.source[end:following], None
        case _:
            for part in _block(item, profile):
                yield part, MARKERS.get(part)


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


def _merged(items: Iterable[Item]) -> list[Item]:
    """Join neighbouring texts: a backslash or a `[` may stand at the end of one."""
    merged: list[Item] = []
    for item in items:
        before = merged[-1] if merged else None
        if isinstance(item, Text) and isinstance(before, Text):
            merged[-1] = Text(before.text + item.text)
        elif not isinstance(item, Text) or item.text:
            merged.append(item)
    return merged


def _block(item: Call | Interrupt | Trap | Malformed, profile: Profile) -> tuple[str, ...]:
    """Return the parts of a block, each marker a part of its own."""
    match item:
        case Call(id=None):
            return "[CALL]", f" {render_body(item, profile)} ", "[END]"
        case Call():
            return (
                "[CALL]",
                f" {_name(item.id)} ",
                "[HEAD]",
                f" {render_body(item, profile)} ",
                "[END]",
            )
        case Interrupt():
            word = "" if item.outcome is OutcomeKind.RETURNED else f"{item.outcome.value} "
            return (
                "[INTR]",
                f" {_name(item.id)} {word}",
                "[HEAD]",
                f" {_write(item.value)} ",
                "[END]",
            )
        case Trap():
            return "[TRAP]", _wait(item), "[END]"
        case Malformed():
            return (item.source,)


def _wait(trap: Trap) -> str:
    match trap.wait:
        case None:
            return ""
        case "all":
            return " all "
        case names:
            return f" {', '.join(map(_name, names))} "


def render_body(call: Call, profile: Profile) -> str:
    """Return the canonical body of a call.

    Raises:
        PrintError: As `render`.
    """
    match profile.body:
        case Body.PYTHON:
            if not _DOTTED_NAME.fullmatch(call.function):
                raise PrintError(f"{call.function!r} is not the dotted name of a function")
            named = [f"{_name(name)}={_python(value)}" for name, value in call.kwargs.items()]
            return f"{call.function}({', '.join([*map(_python, call.args), *named])})"
        case Body.JSON:
            if not call.function:
                raise PrintError("the name of a function is not empty")
            if call.args:
                raise PrintError(f"{call.function}: a JSON body has no positional arguments")
            arguments = {name: _json(value) for name, value in call.kwargs.items()}
            return _write({"name": call.function, "arguments": arguments})


def _name(name: str | None) -> str:
    if name is None or not _NAME.fullmatch(name):
        raise PrintError(f"{name!r} is not a name; write letters, digits and _ only")
    return name


def _write(value: object) -> str:
    try:
        return write_json(value)
    except LiteralError as error:
        raise PrintError(str(error)) from None


def _python(value: Value) -> str:
    match value:
        case str():
            return _python_string(value)
        case list():
            return f"[{', '.join(map(_python, value))}]"
        case dict():
            entries = (f"{_python_string(_key(k))}: {_python(v)}" for k, v in value.items())
            return f"{{{', '.join(entries)}}}"
        case Reference():
            return _name(value.ref) + "".join(
                f"[{_python_string(s) if isinstance(s, str) else _number(s)}]" for s in value.path
            )
        case bool() | None:
            return repr(value)
        case int() | float():
            return _number(value)


def _number(value: int | float) -> str:
    try:
        text = repr(value)
    except ValueError:
        raise PrintError("an integer has more digits than any profile allows") from None
    if text.strip("-") in {"inf", "nan"}:
        raise PrintError(f"{value} is not a value; numbers are finite")
    return text


def _python_string(value: str) -> str:
    try:
        return write_python_string(value)
    except LiteralError as error:
        raise PrintError(str(error)) from None


def _key(key: str) -> str:
    if key == "$ref":
        raise PrintError("the key `$ref` is kept for the JSON form of a future")
    return key


def _json(value: Value) -> object:
    match value:
        case Reference(ref, path):
            return {"$ref": _name(ref), "path": list(path)} if path else {"$ref": _name(ref)}
        case list():
            return [_json(entry) for entry in value]
        case dict():
            return {_key(key): _json(entry) for key, entry in value.items()}
        case _:
            return value
