"""What a person sees while a session runs: text as it is decoded, calls and interrupts between.

All of it was written by a model or a function: none of it acts on the terminal.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from cml.ast import OutcomeKind
from cml.terminal.foreign import visible, visible_lines
from cml.text.json_values import write_json
from cml.tools.wording import counted
from interpreter.events import (
    Decoded,
    Effect,
    Expired,
    Inject,
    Report,
    Returned,
    Row,
    Start,
)

_CALL: Final = "bold green"
_RETURN: Final = "green"
_INTERRUPT: Final = "bold yellow"
_NOTICE: Final = "red"
_NOTE: Final = "dim"
_SHORTEST_VALUE: Final = 12
_TOLD_OTHERWISE: Final = frozenset({"Step/late"})


class Live:
    """Prints rows on a terminal.

    Args:
        console: Where to.
        withheld: Says how many reports of progress of a call that came back were not told.
    """

    def __init__(self, console: Console, withheld: Callable[[str], int] = lambda _: 0) -> None:
        self._console = console
        self._withheld = withheld
        self._in_line = False
        self._is_broken = False  # a line of the model's was ended for a notice
        self._last = ""  # the character before, by which a joiner is judged
        self._started_us: dict[str, int] = {}

    def watch(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Print rows as they come, and pass them on."""
        for row in rows:
            self._show(row)
            yield row
        self._break_line()

    def _show(self, row: Row) -> None:
        match row.event:
            case Decoded(symbol) if row.rule != "Step/forged":
                self._write(symbol.text)
            case Returned(call, outcome) if row.rule == "Step/late":
                late = f"{call} {outcome.kind.value} late, which the model is not told: "
                self._notice(row, _NOTE, f"  {late}", write_json(outcome.value))
            case Returned(call, outcome):
                self._notice(
                    row, _RETURN, f"◀ {call} {outcome.kind.value} ", write_json(outcome.value)
                )
                if outcome.kind is not OutcomeKind.PROGRESS and (number := self._withheld(call)):
                    self._notice(row, _NOTE, f"  {counted(number, 'report')} of progress not told")
            case Expired(call) if row.rule == "Step/timeout":
                ran_s = (row.at_us - self._started_us.get(call, 0)) / 1e6
                self._notice(row, _NOTICE, f"◀ {call} timed out: it ran for {ran_s:.3f} s")
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
                self._started_us[call] = row.at_us
                self._notice(row, _CALL, f"▶ {call} starts: ", f"{function}({', '.join(values)})")
            case Inject(interrupts):
                for delivery in interrupts:
                    is_last = delivery.outcome.kind is not OutcomeKind.PROGRESS
                    what = "interrupt" if is_last else "progress of"
                    self._notice(row, _INTERRUPT, f"⇥ {what} {delivery.id} goes in")
            case Report(rule, message) if rule not in _TOLD_OTHERWISE:
                self._notice(row, _NOTICE, f"! {message} ({rule})")
            case _:
                pass

    def _write(self, text: str) -> None:
        """Print what the model wrote: its lines and tabs as they are, all else visible."""
        shown = visible_lines(self._last + text)[len(self._last) :]
        if self._is_broken:  # that line has ended on the terminal already
            shown = shown.removeprefix("\n")
        self._is_broken = False
        self._console.print(Text(shown), end="", soft_wrap=True)
        self._last = text[-1:]
        self._in_line = not text.endswith("\n")

    def _notice(self, row: Row, style: str, words: str, value: str = "") -> None:
        """Print a line between what the model writes.

        Args:
            row: Its time is told.
            style: Of the words and the value.
            words: What happened; never shortened.
            value: With what; shortened to the line.
        """
        self._break_line()
        time = f"{row.at_us / 1e6:7.3f} s  "
        room = max(_SHORTEST_VALUE, self._console.width - cell_len(time + words))
        line = Text.assemble((time, "dim"), (visible(words) + _shortened(value, room), style))
        self._console.print(line, soft_wrap=True)

    def _break_line(self) -> None:
        if self._in_line:
            self._console.print()
            self._in_line, self._is_broken = False, True


def _shortened(value: str, cells: int) -> str:
    """Return what fits of a value; only so much of it is looked at."""
    shown = visible(value[: cells + 1])
    return shown if cell_len(shown) <= cells else set_cell_size(shown, cells - 1) + "…"
