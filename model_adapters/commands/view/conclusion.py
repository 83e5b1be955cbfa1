"""How a run ended, told to a person or to a program, and as an exit status."""

from collections.abc import Callable
from typing import Final

import msgspec
from rich.console import Console

from cml.terminal.foreign import visible
from cml.terminal.output import name_of, print_json, print_text
from cml.wording import counted
from interpreter.commands.gantt import gantt
from interpreter.runs import Run
from interpreter.session import CONTEXT_LEFT, Session, able
from model_adapters.constraint.guarded import Guarded

NO_ANSWER: Final = 3
"""Exit status of a run that ended without a whole answer; 0, 1, 2 and 130 mean something else."""

FULL: Final = "stopped: the context is full"

_STATUS: Final = {"answered": 0, "length": NO_ANSWER, "no answer": NO_ANSWER, "stopped": 130}


class Conclusion(msgspec.Struct, frozen=True):
    """What is known of a run when it is over.

    Args:
        run: The run.
        max_tokens: The limit of what the model wrote.
        is_full: Whether the context has no room left.
        trace: Where the whole trace is, in words.
        printed: What the function of a call printed.
        mask: What the mask did, where there is one.
    """

    run: Run
    max_tokens: int
    is_full: bool
    trace: str | None
    printed: Callable[[str], str]
    mask: Guarded | None

    @property
    def status(self) -> int:
        """The exit status that says how it ended."""
        return _STATUS[self.run.ending]


def conclude(over: Conclusion, out: Console, *, as_json: bool) -> int:
    """Say how a run ended and what it took, and return the exit status that says the same."""
    words = _in_words(over)
    if as_json:
        print_json(_document(over, words))
    else:
        _show(over, out)
        out.print(words)
    return over.status


def tell_last(afterwards: Callable[[], str] | None, printed: str) -> None:
    """Say what is known when all is over, to people."""
    if afterwards:
        print_text(afterwards(), err=True, color="bright_black")
    if printed:
        print_text(f"printed outside of calls: {printed}", err=True)


def is_full(session: Session) -> bool:
    """Return whether a context has no room for another token, as far as the session tells."""
    telling = able(session, CONTEXT_LEFT)
    return telling is not None and telling.context_left <= 0


def _in_words(over: Conclusion) -> str:
    match over.run.ending:
        case "answered" | "no answer" as how:
            return how
        case "length":
            return FULL if over.is_full else f"stopped at {over.max_tokens} tokens"
        case "stopped":
            return "stopped by a person"


def _show(over: Conclusion, out: Console) -> None:
    run, mask = over.run, over.mask
    out.print()
    out.print(gantt(run, out.width))
    asynchronous, synchronous = run.total_us / 1e6, run.synchronous_us / 1e6
    if all(call.returned_us is not None for call in run.calls):
        out.print(
            f"asynchronous {asynchronous:.2f} s; the same without traps, one call after another"
            f" {synchronous:.2f} s: {synchronous / asynchronous:.2f}x",
            soft_wrap=True,
        )
    else:
        out.print(f"stopped after {asynchronous:.2f} s, calls still running")
    if mask:
        changed, forced = mask.changed, mask.forced
        out.print(
            f"of {counted(mask.tokens, 'token')} the mask changed {changed} and forced {forced}"
        )
    if over.trace is not None:
        out.print(f"trace: {visible(over.trace)}", soft_wrap=True)


def _document(over: Conclusion, words: str) -> dict[str, object]:
    run = over.run
    printed = {call.call: over.printed(call.call) for call in run.calls}
    return {
        "ending": words,
        "answer": run.answer or None,
        "total_us": run.total_us,
        "reading_us": run.reading_us,
        "decode_us": run.decode_us,
        "synchronous_us": run.synchronous_us,
        "calls": run.calls,
        "printed": {call: words for call, words in printed.items() if words},
        "mask": over.mask,
        "trace": None if over.trace is None else name_of(over.trace),
    }
