"""What must hold of every session, whatever its functions, its executor and its host do."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from cml.ast import Call, Interrupt, Item, Json, OutcomeKind
from cml.parser import parse
from cml.profile import Level
from cml.symbols import OPENERS
from cml.validity import references
from interpreter.drivers.replay import replay
from interpreter.events import (
    Decode,
    Decoded,
    Expired,
    Finish,
    Inject,
    Returned,
    Rewind,
    Row,
    Start,
)
from interpreter.interrupts import interrupt_text
from interpreter.rules.refusals import cancel_target
from interpreter.state import Settings
from interpreter.trace import Header, check_trace, encode_header, encode_row

_ENDS_A_BLOCK = {
    f"Step/{name}" for name in ("call", "cancel", "refused", "trap", "idle-trap", "truncated")
}


class Ran(msgspec.Struct, frozen=True):
    """What came of a session.

    Args:
        settings: Those of the runtime.
        rows: All its rows.
        context: What its context holds in the end.
        prompt: What the host put into the context before each turn; it stands nowhere else in it.
        clock: Where its times come from.
    """

    settings: Settings
    rows: Sequence[Row]
    context: str
    prompt: str = ""
    clock: str = "real"


def check_ran(ran: Ran) -> None:
    """Hold a session against everything that must be.

    The context holds what the rows say, and reads back as what went in; the trace is valid, and replays
    to the same bytes; each call is answered at most once and, where the session drains and came to
    its end, once; none starts before what it names has returned, or after it was cancelled.

    Raises:
        AssertionError: Something does not hold.
    """
    _require(ran.context == _context_of(ran), "the context holds what the rows say")
    _require(_read_anew(ran) == _went_in(ran), "the interrupts read back")
    lines = [encode_row(row) for row in ran.rows]
    header = encode_header(Header(1, ran.settings, "virtual" if ran.clock == "virtual" else "real"))
    faults = list(check_trace([header, *lines]))
    _require(not faults, f"the trace is valid: {faults[:1]}")
    again = [encode_row(row) for row in replay(ran.settings, ran.rows)]
    _require(again == lines, "a replay gives the same rows")
    _check_answers(ran)
    _check_order(ran)


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(f"it does not hold that {what}")


def _context_of(ran: Ran) -> str:
    """The context that the rows tell of."""
    written, prefix, is_open = "", "", False
    for row in ran.rows:
        if row.rule == "Step/begin":
            prefix, written = prefix + written + ran.prompt, ""
        is_open = _is_open_after(row, is_open)
        if isinstance(row.event, Decoded):
            written += row.event.symbol.text
        for effect in row.effects:
            match effect:
                case Inject():
                    _require(not is_open, "no interrupt goes into a block")
                    prefix += written + interrupt_text(effect, ran.settings.profile)
                    written = ""
                case Rewind(offset):
                    end = _offset_after(ran.rows, row)
                    written = written[: len(written) - (end - offset)]
                case _:
                    pass
    return prefix + written


def _is_open_after(row: Row, before: bool) -> bool:
    """Whether a block is under construction after a row."""
    if row.rule == "Step/malformed":
        return isinstance(row.event, Decoded) and row.event.symbol.marker in OPENERS
    if row.rule in {"Step/begin", "Step/stop", *_ENDS_A_BLOCK}:
        return False
    return before or row.rule == "Step/open"


def _offset_after(rows: Sequence[Row], row: Row) -> int:
    """How much the model had written, by the rows, when this one was fired."""
    if isinstance(row.event, Decoded):
        return row.event.symbol.offset + len(row.event.symbol.text)
    end = 0
    for earlier in rows[: next(i for i, other in enumerate(rows) if other is row)]:
        if isinstance(earlier.event, Decoded):
            end = earlier.event.symbol.offset + len(earlier.event.symbol.text)
        for effect in earlier.effects:
            if isinstance(effect, Rewind):
                end = effect.offset
    return end


def _went_in(ran: Ran) -> list[tuple[str, OutcomeKind, Json]]:
    """The interrupts of the rows, as they are written: below the extended level there are no outcomes."""
    is_extended = ran.settings.profile.level is Level.EXTENDED
    return [
        (told.id, told.outcome.kind if is_extended else OutcomeKind.RETURNED, told.outcome.value)
        for row in ran.rows
        for effect in row.effects
        if isinstance(effect, Inject)
        for told in effect.interrupts
    ]


def _read_anew(ran: Ran) -> list[tuple[str, OutcomeKind, Json]]:
    """The interrupts that a reader finds in each turn after its prompt."""
    return [(i.id, i.outcome, i.value) for i in _items_of(ran) if isinstance(i, Interrupt)]


def _items_of(ran: Ran) -> Iterator[Item]:
    turns = ran.context.split(ran.prompt) if ran.prompt else [ran.context]
    for turn in turns:
        yield from parse(turn, ran.settings.profile).items


def _check_order(ran: Ran) -> None:
    """A call starts after all that it names have returned; one that is cancelled never does."""
    returned: set[str] = set()
    started: list[str] = []
    named: dict[str, tuple[str, ...]] = {}
    cancelled: set[str] = set()
    calls = iter(item for item in _items_of(ran) if isinstance(item, Call))
    for row in ran.rows:
        if row.rule in {"Step/call", "Step/cancel", "Step/refused"}:
            call = next(calls)
            if row.rule == "Step/call":  # one that is refused may have the identifier of another
                named[call.id or ""] = references(call)
            if row.rule == "Step/cancel":
                cancelled |= {str(cancel_target(call, ran.settings.profile))} - set(started)
        event = row.event
        if row.rule == "Step/return" and isinstance(event, Returned):
            returned |= {event.call} if event.outcome.kind is OutcomeKind.RETURNED else set()
        for effect in row.effects:
            if isinstance(effect, Start):
                started.append(effect.call)
                _require(set(named.get(effect.call, ())) <= returned, "futures are there")
                _require(effect.call not in cancelled, "what is cancelled does not start")
    _require(len(started) == len(set(started)), "no call starts twice")


def _check_answers(ran: Ran) -> None:
    """Every call is answered at most once; under drain, in a turn that came to its end, once."""
    answers = [name for name, kind, _ in _went_in(ran) if kind is not OutcomeKind.PROGRESS]
    _require(len(answers) == len(set(answers)), "no call is answered twice")
    reasons = [e.reason for row in ran.rows for e in row.effects if isinstance(e, Finish)]
    in_region = any(row.rule == "Settle/withhold" for row in ran.rows)
    if ran.settings.end == "drain" and "stopped" not in reasons and not in_region:
        started = {e.call for row in ran.rows for e in row.effects if isinstance(e, Start)}
        missing = {call for call in started if call[0] != "#"} - set(answers)
        _require(not missing, f"each call is answered: {missing}")
        _require(_goes_on_after_the_last_answer(ran.rows), "the model hears of the last answer")
    settled = [row.event for row in ran.rows if row.rule in {"Step/return", "Step/timeout"}]
    calls = [event.call for event in settled if isinstance(event, Returned | Expired)]
    _require(len(calls) == len(set(calls)), "no call is settled twice")


def _goes_on_after_the_last_answer(rows: Iterable[Row]) -> bool:
    """Whether the model was asked for more after everything that it was told, unless the limit of
    its output was reached.
    """
    effects = [effect for row in rows for effect in row.effects]
    told = [i for i, effect in enumerate(effects) if isinstance(effect, Inject)]
    asked = [i for i, effect in enumerate(effects) if isinstance(effect, Decode)]
    stops = all(e.reason == "stop" for e in effects if isinstance(e, Finish))
    return not told or not stops or asked[-1] > told[-1]
