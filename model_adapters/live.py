"""What a person sees while a session runs: text as it is decoded, calls and interrupts between."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from cml.json_values import write_json
from interpreter.events import Decoded, Effect, Inject, Outcome, Report, Returned, Row, Start

_CALL = "bold green"
_RETURN = "green"
_INTERRUPT = "bold yellow"
_NOTICE = "red"


class Live:
    """Prints rows on a terminal.

    Args:
        console: Where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._in_line = False

    def watch(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Print rows as they come, and pass them on."""
        for row in rows:
            self._show(row)
            yield row
        self._break_line()

    def _show(self, row: Row) -> None:
        match row.event:
            case Decoded(symbol) if row.rule != "Step/forged":
                self._console.print(Text(symbol.text), end="")
                self._in_line = not symbol.text.endswith("\n")
            case Returned(call, outcome):
                self._notice(row, _RETURN, f"◀ {call} {outcome.kind.value} {_value(outcome)}")
            case _:
                pass
        if row.rule == "Step/trap":
            self._notice(row, _INTERRUPT, "⏸ trap: decoding waits for an interrupt")
        for effect in row.effects:
            self._show_effect(row, effect)

    def _show_effect(self, row: Row, effect: Effect) -> None:
        match effect:
            case Start(call, function, args, kwargs):
                values = [
                    *map(write_json, args),
                    *(f"{k}={write_json(v)}" for k, v in kwargs.items()),
                ]
                self._notice(row, _CALL, f"▶ {call} starts: {function}({', '.join(values)})")
            case Inject(interrupts):
                for delivery in interrupts:
                    self._notice(row, _INTERRUPT, f"⇥ interrupt {delivery.id} goes in")
            case Report(rule, message):
                self._notice(row, _NOTICE, f"! {message} ({rule})")
            case _:
                pass

    def _notice(self, row: Row, style: str, message: str) -> None:
        self._break_line()
        line = Text.assemble((f"{row.at_us / 1e6:7.3f} s  ", "dim"), (message, style))
        self._console.print(line, overflow="ellipsis", no_wrap=True, crop=True)

    def _break_line(self) -> None:
        if self._in_line:
            self._console.print()
            self._in_line = False


def _value(outcome: Outcome) -> str:
    return write_json(outcome.value)
