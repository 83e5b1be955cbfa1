"""A context in short, a line an item, for people."""

from collections.abc import Iterator
from typing import Final

from cml.ast import Call, Context, Interrupt, Item, Malformed, Text, Trap
from cml.terminal.foreign import visible

_WIDTH: Final = 72


def outline(context: Context) -> str:
    """Return the items of a context, each with its line and column."""
    return "".join(_lines(context))


def _lines(context: Context) -> Iterator[str]:
    for item in context.items:
        start = item.span.start
        place = f"{start.line}:{start.column}"
        yield f"{place:>9}  {item.kind:<9}  {_short(_summary(item))}\n"


def _summary(item: Item) -> str:
    match item:
        case Text():
            return repr(item.text)
        case Call():
            return f"{item.id or '(nobody waits)'}: {item.body}"
        case Interrupt():
            return f"{item.id} {item.outcome.value}: {item.value!r}"
        case Trap():
            return _waits_for(item)
        case Malformed():
            return f"{item.fault.rule}: {item.source!r}"


def _waits_for(trap: Trap) -> str:
    match trap.wait:
        case None:
            return "until the next interrupt"
        case "all":
            return "until all have settled"
        case names:
            return f"until {', '.join(names)} have settled"


def _short(text: str) -> str:
    line = visible(text.replace("\n", " "))
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"
