"""What a person sees while a session runs: text as it is decoded, calls and interrupts between.

All of it was written by a model or a function: none of it acts on the terminal.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from cml.ast import OutcomeKind
from cml.terminal.foreign import visible, visible_lines
from cml.text.json_values import write_json
from cml.wording import counted
from interpreter.events import (
    Decoded,
    Effect,
    Expired,
    Inject,
    Outcome,
    Report,
    Returned,
    Row,
    Said,
    Start,
)
from model_adapters.commands.view.sheets import Sheet, sheet_for

_CALL: Final = "bold green"
_RETURN: Final = "green"
_INTERRUPT: Final = "bold yellow"
_NOTICE: Final = "red"
_NOTE: Final = "dim"
_SAID: Final = "bold blue"
_SHORTEST_VALUE: Final = 12
_TOLD_OTHERWISE: Final = frozenset({"Step/late"})


class Live:
    """Shows rows as they come.

    Args:
        withheld: Says how many reports of progress of a call that came back were not told.
        printed: Says what a call has printed by now.
        clock: Seconds, for how long a call runs by now.
    """

    def __init__(
        self,
        withheld: Callable[[str], int] = lambda _: 0,
        printed: Callable[[str], str] = lambda _: "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._withheld = withheld
        self._printed = printed
        self._clock = clock
        self._in_line = False
        self._is_broken = False  # a line of the model's was ended for a notice
        self._last = ""  # the character before, by which a joiner is judged
        self._running: dict[str, tuple[str, int]] = {}
        self._seen_s, self._at_us = clock(), 0

    def watch(self, rows: Iterable[Row], console: Console) -> Iterator[Row]:
        """Print rows on a console as they come, and pass them on; an error comes below what was written."""
        with sheet_for(console, self.running) as sheet:
            self._sheet = sheet
            try:
                for row in rows:
                    self.show(row, sheet)
                    yield row
            finally:
                self.end_line(sheet)

    def running(self) -> str:
        """Return the calls that run and how long they have, in words; at this moment."""
        return self._running_at(self._at_us + round((self._clock() - self._seen_s) * 1e6))

    def _running_at(self, at_us: int) -> str:
        told = (
            f"{call} {function} {(at_us - since_us) / 1e6:.1f} s"
            for call, (function, since_us) in self._running.items()
        )
        return visible("running: " + ", ".join(told)) if self._running else ""

    def show(self, row: Row, sheet: Sheet) -> None:
        """Show one row."""
        self._sheet, self._at_us, self._seen_s = sheet, row.at_us, self._clock()
        self._show_event(row)
        if row.rule == "Step/stop":
            for call in self._running:
                self._show_printed(row, call)
            self._running.clear()
        if row.rule == "Step/trap":
            self._show_trap(row)
        for effect in row.effects:
            self._show_effect(row, effect)

    def warn(self, words: str) -> None:
        """Tell an error while rows come, on a line of its own."""
        self._break_line()
        self._sheet.warn(words)

    def end_line(self, sheet: Sheet) -> None:
        """End the line that the model was in."""
        self._sheet = sheet
        self._break_line()

    def _show_trap(self, row: Row) -> None:
        running = self._running_at(row.at_us)
        waits = f"; {running}" if running else ""
        self._notice(row, _INTERRUPT, "⏸ trap: decoding waits for an interrupt" + waits)

    def _show_event(self, row: Row) -> None:
        match row.event:
            case Decoded(symbol) if row.rule != "Step/forged":
                self._write(symbol.text)
            case Returned(_, Outcome(OutcomeKind.CANCELLED)) if row.rule == "Step/late":
                pass  # it does as it was asked
            case Returned(call, outcome) if row.rule == "Step/late":
                late = f"{call} {outcome.kind.value} late, which the model is not told: "
                self._notice(row, _NOTE, f"  {late}", write_json(outcome.value))
            case Returned(call, Outcome(OutcomeKind.PROGRESS, value)):
                self._notice(row, _RETURN, f"◁ {call} progress ", write_json(value))
            case Returned(call, outcome):
                ended = f"◀ {call} {outcome.kind.value} after {self._ran_s(row, call):.3f} s "
                self._notice(row, _RETURN, ended, write_json(outcome.value))
                self._show_printed(row, call)
                if number := self._withheld(call):
                    self._notice(row, _NOTE, f"  {counted(number, 'report')} of progress not told")
            case Expired(call) if row.rule == "Step/timeout":
                ran = f"◀ {call} timed out: it ran for {self._ran_s(row, call):.3f} s"
                self._notice(row, _NOTICE, ran)
                self._show_printed(row, call)
            case Said(text, sender):
                who = f"agent {sender}" if sender else "a person"
                self._notice(row, _SAID, f"◆ {who} says: ", write_json(text))
            case _:
                pass

    def _show_printed(self, row: Row, call: str) -> None:
        """Tell what a call printed until it ended, on one line."""
        if printed := self._printed(call).strip():
            self._notice(row, _NOTE, f"  {call} printed: ", printed)

    def _ran_s(self, row: Row, call: str) -> float:
        """Take a call out of those that run, and return how long it has."""
        _, since_us = self._running.pop(call, ("", row.at_us))
        return (row.at_us - since_us) / 1e6

    def _show_effect(self, row: Row, effect: Effect) -> None:
        match effect:
            case Start(call, function, args, kwargs):
                values = [
                    *map(write_json, args),
                    *(f"{k}={write_json(v)}" for k, v in kwargs.items()),
                ]
                self._running[call] = (function, row.at_us)
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
        self._sheet.write(shown)
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
        at = f"{row.at_us / 1e6:7.3f} s  "
        room = max(_SHORTEST_VALUE, self._sheet.width - cell_len(at + words))
        line = Text.assemble((at, "dim"), (visible(words) + _shortened(value, room), style))
        self._sheet.line(line)

    def _break_line(self) -> None:
        if self._in_line:
            self._sheet.write("\n")
            self._in_line, self._is_broken = False, True


def _shortened(value: str, cells: int) -> str:
    """Return what fits of a value; only so much of it is looked at."""
    shown = visible(value[: cells + 1])
    return shown if cell_len(shown) <= cells else set_cell_size(shown, cells - 1) + "…"
