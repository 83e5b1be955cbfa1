"""Traces: what a session did, one JSON object a line (spec/5-embedding.md, section 4).

The first line is the header, each further line a row. A trace is valid when the machine, given
its events, fires the same rules with the same effects.
"""

import os
import re
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Iterator
from io import FileIO
from itertools import accumulate, chain
from typing import BinaryIO, Final, Literal, TypeAlias
from zlib import crc32

import msgspec

from cml.characters import not_utf_8
from cml.diagnostics import Diagnostic, Position, Span, diagnose
from interpreter.drivers.timeline import priority
from interpreter.errors import HostError
from interpreter.events import Row
from interpreter.machine import advance, settle_one, step
from interpreter.state import Phase, Settings, State

VERSION: Final = 1
MAX_LINE_BYTES: Final = 16_777_216
"""The longest line of a trace, its line feed included."""
MAX_NESTING: Final = 256
"""How deep brackets and braces of a line may nest."""
Flush: TypeAlias = Literal["system", "disk"]
"""How far the rows of an instant have come before its effects are performed: to the operating system,
which keeps them when the process is killed, or to the disk, which keeps them when the power goes."""
ABANDONED: Final = b'{"abandoned":true}\n'
"""The last line of a trace that its session went on without (Trace/abandoned)."""
_EVENTS: Final = "a begin, messages, returns, deadlines, symbols and a stop"


class Header(msgspec.Struct, frozen=True, omit_defaults=True):
    """The first line of a trace.

    Args:
        cml_trace: Version of the format.
        settings: What the host chose.
        clock: Whether times are real or virtual.
        model: What decoded, in words.
        prompt: What it was asked.
    """

    cml_trace: int
    settings: Settings = Settings()
    clock: Literal["real", "virtual"] = "virtual"
    model: str = ""
    prompt: str = ""


class TraceError(ValueError):
    """A line that is no part of a trace.

    Args:
        line: Which line, from 1.
        rule: The rule that it breaks.
        message: What was expected.
    """

    def __init__(self, line: int, rule: str, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.rule = rule
        self.message = message


_ENCODER: Final = msgspec.json.Encoder()
_HEADER: Final = msgspec.json.Decoder(Header)
_ROW: Final = msgspec.json.Decoder(Row)
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?+', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_STEPS: Final = {**dict.fromkeys(b"[{", 1), **dict.fromkeys(b"]}", -1)}


def encode_header(header: Header) -> bytes:
    """Return the first line of a trace, line feed included."""
    return _ENCODER.encode(header) + b"\n"


def encode_row(row: Row) -> bytes:
    """Return a row as a line, line feed included."""
    return _ENCODER.encode(row) + b"\n"


_CHECKSUM: Final = re.compile(rb',"crc":"([0-9a-f]{8})"\}\n\Z')


def with_checksum(line: bytes) -> bytes:
    """Return a line of a trace with its checksum as last member (Trace/checksum)."""
    kept = line[:-2]
    return kept + b',"crc":"%08x"}\n' % crc32(kept)


def encode_rows(rows: Iterable[Row], *, checksums: bool = True) -> bytes:
    """Return rows as lines, with or without their checksums (Trace/checksum)."""
    lines = map(encode_row, rows)
    return b"".join(map(with_checksum, lines) if checksums else lines)


def has_checksum(line: bytes) -> bool:
    """Whether a line of a trace ends with a checksum.

    Raises:
        ValueError: It is that of another line.
    """
    found = _CHECKSUM.search(line, max(0, len(line) - 19))
    if found is not None and int(found[1], 16) != crc32(line[: found.start()]):
        raise ValueError("the checksum is that of another line; something has changed this one")
    return found is not None


def journal(
    file: BinaryIO | FileIO,
    header: Header | None,
    *,
    flush: Flush = "system",
    checksums: bool = True,
) -> Callable[[Iterable[Row]], None]:
    """Write the header of a trace, and return what writes its rows as a driver fires them.

    Args:
        file: Where to. The rows of an instant are written together and handed to the operating
            system before any of their effects is performed (Embed/journal): what was done is in the
            trace, though the process be killed.
        header: The first line; None where the file has one, and the session goes on (Embed/resume).
        flush: How far rows have come before their effects are performed.
        checksums: Whether each line has one (Trace/checksum): all lines of a trace or none.
    """

    def write_out(lines: bytes) -> None:
        while lines:  # a disk that runs full takes a part before it says so
            lines = lines[file.write(lines) :]
        file.flush()
        if flush == "disk":
            os.fsync(file.fileno())

    def write(rows: Iterable[Row]) -> None:
        write_out(encode_rows(rows, checksums=checksums))

    if header is not None:
        first = encode_header(header)
        write_out(with_checksum(first) if checksums else first)
    return write


def write_trace(file: BinaryIO, header: Header, rows: Iterable[Row]) -> Iterator[Row]:
    """Write a trace while it happens.

    Args:
        file: Where to; flushed after each row, so that an interrupted run leaves whole lines.
        header: Its first line.
        rows: Its rows, as they come.

    Yields:
        Each row, once it is written. Drivers that yield a row before they perform its effects, as
        the virtual one does, keep Embed/journal so.
    """
    write = journal(file, header, checksums=False)
    for row in rows:
        write((row,))
        yield row


def bounded_lines(file: BinaryIO, begun: bytes = b"") -> Iterator[bytes]:
    """Yield the lines of a file, and of one that is too long only as much as shows that.

    Args:
        file: A trace; it costs the memory of its longest line, and never more than that of the
            longest that a trace may have.
        begun: What of its first line was read already; nothing of the second.
    """
    lines = iter(lambda: file.readline(MAX_LINE_BYTES + 1), b"")
    if not begun:
        return lines
    rest = b"" if begun.endswith(b"\n") else file.readline(MAX_LINE_BYTES + 1 - len(begun))
    return chain([begun + rest], lines)


def read_trace(lines: Iterable[bytes]) -> tuple[Header, Iterator[Row]]:
    """Read a trace.

    Args:
        lines: Its lines, with their line feeds.

    Returns:
        The header, and the rows as an iterator that reads on as it is asked.

    Raises:
        TraceError: The first line is no header, or one of another version. Later lines are
            checked as they are read.
    """
    numbered = enumerate(lines, start=1)
    _, first = next(numbered, (1, b""))
    if not first.strip():
        raise TraceError(1, "Trace/format", "the trace is empty; its first line is the header")
    _check_line(1, first)
    are_checked = _is_checked(1, first)
    header = _read_header(first)
    return header, (_read_row(number, line, are_checked) for number, line in numbered)


_OF_SCHEDULES: Final = (
    "these are the steps of simulated schedules, as cml simulate --trace writes them; a session"
    " leaves another trace"
)


_CUT_HEADER: Final = (
    "the line is cut off in the middle, or this is no trace: its first line is the header"
)
_CUT_ROW: Final = "the line is cut off in the middle; take it out, and all before it can be read"


def _read_header(line: bytes) -> Header:
    try:
        match msgspec.json.decode(line):
            case {"cml_trace": version} if version != VERSION:
                message = f"a trace of version {version!r}; this reader knows {VERSION}"
                raise TraceError(1, "Trace/version", message)
            case {"workload": _, "model": _, "kind": _}:
                raise TraceError(1, "Trace/format", _OF_SCHEDULES)
            case _:
                return _HEADER.decode(line)
    except msgspec.DecodeError as error:
        message = f'expected a header such as {{"cml_trace":{VERSION}}}: {error}'
        if "unknown field" in str(error):
            message += "; a newer version may know it, and this one would not keep to it"
        raise TraceError(1, "Trace/format", message) from None


def _check_line(number: int, line: bytes) -> None:
    if len(line) > MAX_LINE_BYTES:
        message = (
            f"the line is longer than {MAX_LINE_BYTES:,} bytes, the most that a trace may have"
        )
        raise TraceError(number, "Trace/format", message)
    if fault := not_utf_8(line):
        raise TraceError(number, "Syntax/encoding", f"{fault} of the line")
    if not line.endswith(b"\n"):
        message = _CUT_HEADER if number == 1 else _CUT_ROW
        raise TraceError(number, "Trace/format", message)
    if line.isspace():
        raise TraceError(number, "Trace/format", "the line is empty; take it out")
    if number == 1 and line.startswith(BOM_UTF8):
        message = "a byte order mark stands before the header; save the file without it"
        raise TraceError(number, "Trace/format", message)
    if _nesting(line) > MAX_NESTING:
        message = f"brackets nest deeper than {MAX_NESTING}, the most that a trace may have"
        raise TraceError(number, "Trace/format", message)


def _nesting(line: bytes) -> int:
    """Return how deep brackets and braces nest, or an upper bound of it that is small."""
    most = line.count(b"[") + line.count(b"{")
    if most <= MAX_NESTING:
        return most
    brackets = _STRING.sub(b"", line).translate(None, _NOT_BRACKETS)
    return max(accumulate(map(_STEPS.__getitem__, brackets)), default=0)


def _is_checked(number: int, line: bytes) -> bool:
    try:
        return has_checksum(line)
    except ValueError as error:
        raise TraceError(number, "Trace/checksum", str(error)) from None


def _read_row(number: int, line: bytes, are_checked: bool) -> Row:
    _check_line(number, line)
    if _is_checked(number, line) != are_checked:
        message = (
            "all lines of a trace have a checksum, or none; the first line and this one differ"
        )
        raise TraceError(number, "Trace/checksum", message)
    if line.startswith(ABANDONED[:-2]):
        message = "the session went on without its trace from here; every row before holds"
        raise TraceError(number, "Trace/abandoned", message)
    try:
        return _ROW.decode(line)
    except msgspec.DecodeError as error:
        raise TraceError(number, "Trace/format", f"not a row of a trace: {error}") from None


def check_trace(lines: Iterable[bytes]) -> Iterator[Diagnostic]:
    """Validate a trace by running it through the machine again.

    Args:
        lines: Its lines, with their line feeds.

    Yields:
        What is wrong. After the first row that differs nothing can be said of the rest.
    """
    read = 1
    try:
        header, rows = read_trace(lines)
        state = State(header.settings)
        for _, after in followed(state, rows):
            state, read = after, read + 1
        if state.phase is not Phase.ENDED:
            yield _at_line("Trace/unfinished", f"the session is still {state.phase.value}", read)
    except TraceError as error:
        yield _at_line(error.rule, error.message, error.line)


def followed(state: State, rows: Iterable[Row]) -> Iterator[tuple[Row, State]]:
    """Run the machine beside the rows of a trace.

    Args:
        state: Before the first of them.
        rows: As a trace has them, from its second line on.

    Yields:
        Each row, with the state after it.

    Raises:
        TraceError: A row is not what the machine does (Trace/row, Trace/order).
    """
    before: Row | None = None
    for line, row in enumerate(rows, start=2):
        if before is not None and _is_out_of_order(before, row):
            message = f"row {line - 1}: of one moment, {_EVENTS} come in this order"
            raise TraceError(line, "Trace/order", message)
        before = row
        try:
            state, expected = _expected_row(state, row)
        except HostError as error:
            rule = "Trace/order" if error.clause == "Embed/time" else "Trace/row"
            raise TraceError(line, rule, f"row {line - 1}: {error}") from None
        if expected != row:
            message = f"row {line - 1}: {_difference(row, expected)}"
            raise TraceError(line, "Trace/row", message)
        yield row, state


def _is_out_of_order(before: Row, row: Row) -> bool:
    """Whether two rows are of one instant, as they are with no settling between them, and the
    second event has its place before the first (Time/order).
    """
    if before.event is None or row.event is None or row.at_us != before.at_us:
        return False
    return priority(row.event) < priority(before.event)


def _expected_row(state: State, row: Row) -> tuple[State, Row | None]:
    """Return the state after a row, and the row that the machine would have written for it."""
    if row.event is None:
        return settle_one(state) or (state, None)
    if row.at_us > state.now_us and (unsettled := settle_one(state)):
        return unsettled
    state = advance(state, row.at_us)
    rule, state, effects = step(state, row.event)
    return state, Row(row.at_us, rule, row.event, effects)


def _difference(row: Row, expected: Row | None) -> str:
    if expected is None:
        return f"{row.rule} does not apply here: the machine waits for the next event"
    if row.rule != expected.rule:
        return f"expected the rule {expected.rule}, found {row.rule}"
    if row.at_us != expected.at_us:
        return f"expected the time {expected.at_us} µs, found {row.at_us} µs"
    return f"{row.rule}: expected the effects {_json(expected.effects)}, found {_json(row.effects)}"


def _json(value: object) -> str:
    return _ENCODER.encode(value).decode()


def _at_line(rule: str, message: str, line: int) -> Diagnostic:
    position = Position(line, 1, 0)
    return diagnose(rule, message, Span(position, position))
