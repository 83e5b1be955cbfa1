"""Workloads: which calls a model writes, how long they take, and what they wait for.

A workload is one line of a JSON Lines file (spec/4-time.md, "Workloads"). Reading is strict: what
comes out of here is acyclic, has unique identifiers, and holds only times that are in range.
"""

from collections.abc import Iterator, Sequence
from typing import IO, Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from cml.characters import not_utf_8
from interpreter.schedule.wording import fault_of_fields

MAX_US = 10**13
"""The longest time that a workload may state: 10^13 µs, about 116 days."""

MAX_TOKENS = 10**7
"""The largest number of tokens of one call or one result."""

MAX_CALLS = 100_000
"""The largest number of calls in one workload."""

MAX_LINE_BYTES = 64 * 2**20
"""The longest line that is read."""

Microseconds = Annotated[int, Meta(ge=0, le=MAX_US)]
Tokens = Annotated[int, Meta(ge=0, le=MAX_TOKENS)]
Identifier = Annotated[str, Meta(min_length=1, max_length=200)]


class WorkloadCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One call of a workload (Time/call).

    Args:
        id: Identifier, unique in its workload.
        function: Name of the called function, for people only.
        generate_tokens: Tokens that the model writes for it, without those of the protocol.
        execute_us: How long it really runs, in microseconds.
        estimate_us: How long a policy believes that it runs; absent means `execute_us`.
        result_tokens: Tokens of its interrupt.
        task: Number of the task that it belongs to.
        after: Identifiers of the calls whose results it needs.
    """

    id: Identifier
    function: str | None = None
    generate_tokens: Tokens
    execute_us: Microseconds
    estimate_us: Microseconds | UnsetType = UNSET
    result_tokens: Tokens = 0
    task: Annotated[int, Meta(ge=0, le=MAX_CALLS)] = 0
    after: tuple[Identifier, ...] = ()


class Workload(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The calls of one request, in program order (Time/workload).

    Args:
        id: Name of the workload.
        calls: At least one call; their order is the program order.
        arrivals_us: When task 0, 1, … arrives, in microseconds; absent means all at once.
    """

    id: Identifier
    calls: Annotated[tuple[WorkloadCall, ...], Meta(min_length=1, max_length=MAX_CALLS)]
    arrivals_us: tuple[Microseconds, ...] | UnsetType = UNSET


class Fault(msgspec.Struct, frozen=True):
    """A line that is not a workload, and what was expected of it.

    Args:
        line: Number of the line, from 1.
        message: What was expected, where in the line, and what to do.
    """

    line: int
    message: str


class WorkloadError(ValueError):
    """A workload that breaks a rule of spec/4-time.md.

    Args:
        message: What was expected, where, and what to do.
        line: Number of the line, from 1, when it was read from a file.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message if line is None else f"line {line}: {message}")
        self.message = message
        self.line = line


_DECODER = msgspec.json.Decoder(Workload)


def parse_workload(line: bytes | str) -> Workload:
    """Read one workload.

    Args:
        line: One JSON object.

    Raises:
        WorkloadError: It is not JSON, or breaks a rule of the workload format.
    """
    if len(line) > MAX_LINE_BYTES:
        raise WorkloadError(
            f"expected a line of at most {MAX_LINE_BYTES} bytes; split the workload"
        )
    try:
        workload = _DECODER.decode(line)
    except msgspec.ValidationError as error:
        format_told = "the workload format in spec/4-time.md"
        raise WorkloadError(fault_of_fields(error, (WorkloadCall, Workload), format_told)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault = not_utf_8(line) or f"expected one JSON object on the line: {error}"
        raise WorkloadError(fault) from None
    check_workload(workload)
    return workload


def read_workloads(stream: IO[bytes], *, keep_going: bool = False) -> Iterator[Workload | Fault]:
    """Read workloads one line at a time; blank lines are skipped.

    Args:
        stream: JSON Lines in UTF-8.
        keep_going: Yield a `Fault` for a bad line and go on, instead of raising.

    Raises:
        WorkloadError: A line is at fault, and `keep_going` is false.
    """
    for number, line in read_lines(stream):
        try:
            yield parse_workload(line)
        except WorkloadError as error:
            if not keep_going:
                raise WorkloadError(error.message, number) from None
            yield Fault(number, error.message)


def read_lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that are not blank, with their numbers from 1.

    Of a line that is too long only as much comes as shows that; the rest is skipped.

    Args:
        stream: JSON Lines in UTF-8.
    """
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if line.strip():
            yield number, line
        while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES + 1)


def check_workload(workload: Workload) -> None:
    """Check what the types alone cannot say (Time/workload).

    Raises:
        WorkloadError: A duplicate or unknown identifier, a cycle, or a task without an arrival.
    """
    index = index_calls(workload.calls)
    after = [_resolve(call, index) for call in workload.calls]
    cycle = find_cycle(after)
    if cycle:
        names = " → ".join(workload.calls[position].id for position in cycle)
        raise WorkloadError(f"calls wait for each other in a circle: {names}; remove one `after`")
    if workload.arrivals_us is not UNSET:
        _check_arrivals(workload.calls, len(workload.arrivals_us))


def index_calls(calls: Sequence[WorkloadCall]) -> dict[str, int]:
    """Map each identifier to its position in program order.

    Raises:
        WorkloadError: Two calls have the same identifier.
    """
    index: dict[str, int] = {}
    for position, call in enumerate(calls):
        if call.id in index:
            raise WorkloadError(
                f"calls[{index[call.id]}] and calls[{position}] are both named {call.id!r};"
                " give each call its own identifier"
            )
        index[call.id] = position
    return index


def _resolve(call: WorkloadCall, index: dict[str, int]) -> list[int]:
    for name in call.after:
        if name not in index:
            raise WorkloadError(
                f"call {call.id!r} waits for {name!r}, which is no call of this workload;"
                " name a call of the same line in `after`"
            )
    return [index[name] for name in call.after]


def _check_arrivals(calls: Sequence[WorkloadCall], arrivals: int) -> None:
    for call in calls:
        if call.task >= arrivals:
            raise WorkloadError(
                f"call {call.id!r} belongs to task {call.task}, but arrivals_us has {arrivals}"
                " entries; give one arrival for each task"
            )


def find_cycle(after: Sequence[Sequence[int]]) -> list[int]:
    """Find calls that wait for each other.

    Args:
        after: For each position, the positions that it waits for.

    Returns:
        The positions along one cycle with the first one repeated at the end, or nothing.
    """
    done = [False] * len(after)
    for root in range(len(after)):
        path: list[int] = []
        on_path: dict[int, int] = {}
        branches = [iter((root,))]
        while branches:
            following = next(branches[-1], None)
            if following is None:
                branches.pop()
                if path:
                    finished = path.pop()
                    del on_path[finished]
                    done[finished] = True
            elif following in on_path:
                return [*path[on_path[following] :], following]
            elif not done[following]:
                on_path[following] = len(path)
                path.append(following)
                branches.append(iter(after[following]))
    return []
