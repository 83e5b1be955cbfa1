"""How the time of each reader grows with hostile input: at 1x, 10x and 100x.

Run `python benchmarks/hostile.py`. For each reader, the input that costs it most for its length: what is
never closed, escaped without end, nested to its bound, doubled, cut in the worst place. A reader that is
linear takes ten times as long for ten times as much; what is printed is the time over that of a tenth,
divided by ten: 1 is linear, 10 is quadratic. CPU time, the best of some.
"""

import io
import itertools
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, NamedTuple

import click
import msgspec
from rich.console import Console
from rich.table import Table
from side_by_side import machine

import cml
from cml.ast import OutcomeKind
from cml.profile import Body, Limits, Profile
from cml.terminal.foreign import html_text, json_text, markdown_text, visible_lines
from interpreter import ScriptedSession, Settings, run_virtual
from interpreter.drivers.replay import replay
from interpreter.events import Outcome, Row
from interpreter.exchange.checking import check
from interpreter.exchange.happenings import Format
from interpreter.exchange.telling import profile_of, tell
from interpreter.runs import read_run
from interpreter.schedule.advice.observed import observe
from interpreter.schedule.narration.timelines import recorded_timelines
from interpreter.schedule.workload import read_workloads
from interpreter.tools.arguments import argument_faults
from interpreter.tools.declared import tool_from_json
from interpreter.tools.describing import describe_type
from interpreter.trace import Header, check_trace, encode_header, encode_row
from model_adapters.commands.exchange import FORMATS

WIDE: Final = Limits(
    block_characters=1_048_576, calls=1_000_000, pending_calls=1_000_000, nesting=128
)
SCALES: Final = (1, 10, 100)
NUMBERS: Final = itertools.count()
"""Of calls: no two have the same name, so that none was read before and is remembered."""
REMEMBERED: Final = 256
"""As many short interrupts as the machine remembers having read."""


class Reader(NamedTuple):
    """A reader and what is hard for it.

    Args:
        make: An input, for a number of repetitions.
        read: Reads it to its end.
        base: How many repetitions 1x has.
    """

    make: Callable[[int], object]
    read: Callable[..., object]
    base: int


def repeated(text: str, head: str = "", tail: str = "") -> Callable[[int], str]:
    """Return what makes an input of so many repetitions."""
    return lambda count: head + text * count + tail


def lex_in_pieces(text: str) -> None:
    """Read a text a character at a time, as tokens come."""
    lexer = cml.Lexer()
    for character in text:
        lexer.feed(character)
    lexer.close()


def in_text(text: str, *, body: Body = Body.PYTHON) -> None:
    """Validate, parse and write a context."""
    profile = Profile(body=body, limits=WIDE)
    for _ in cml.validate(text, profile):
        pass
    cml.render(cml.parse(text, profile), profile)


def rows_of(count: int) -> tuple[Settings, list[Row]]:
    """A session of so many calls that all run at once, and then return."""
    recorded = recorded_of(count)
    recorded_of(REMEMBERED)  # what is remembered now is of others: a short session has no advantage
    return recorded


def recorded_of(count: int) -> tuple[Settings, list[Row]]:
    """Run such a session."""
    settings = Settings(Profile(limits=WIDE))
    numbers = itertools.islice(NUMBERS, count)
    calls = (f"[CALL] c{number} [HEAD] f({number}) [END]" for number in numbers)
    answers = [(10_000_000, Outcome(OutcomeKind.RETURNED, "done"))]
    session = ScriptedSession([*calls, "[TRAP] all [END]", " So."])
    return settings, list(run_virtual(session, lambda _: answers, settings))


def trace_of(count: int) -> list[bytes]:
    """The same as a trace."""
    settings, rows = rows_of(count)
    return [encode_header(Header(1, settings)), *map(encode_row, rows)]


def long_row(count: int) -> list[bytes]:
    """A trace of one long row that is none, full of brackets."""
    return [encode_header(Header(1)), b'{"at_us":0,"rule":"' + b"[{" * count + b'"}\n']


def over(known: Callable[[Settings, Iterable[Row]], object]) -> Callable[..., object]:
    """Return what reads a recorded session."""
    return lambda recorded: known(recorded[0], recorded[1])


def drawn(settings: Settings, rows: Iterable[Row]) -> None:
    """Draw a session as bars."""
    recorded_timelines(read_run(settings, rows), "")


def workload(count: int) -> bytes:
    """One workload in which each call waits for all of the sixteen before it."""
    calls = [
        {
            "id": f"c{number}",
            "generate_tokens": 1,
            "execute_us": 1,
            "after": [f"c{before}" for before in range(max(0, number - 16), number)],
        }
        for number in range(count)
    ]
    return msgspec.json.encode({"id": "w", "calls": calls}) + b"\n"


def chat(count: int) -> str:
    """A chat of so many calls, all of one message, answered in the opposite order."""
    numbers = list(itertools.islice(NUMBERS, count))
    calls = [
        {"id": f"k {n}", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        for n in numbers
    ]
    answers = [{"role": "tool", "tool_call_id": f"k {n}", "content": "1"} for n in numbers]
    messages = [
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "tool_calls": calls},
        *reversed(answers),
        {"role": "assistant", "content": "So."},
    ]
    return msgspec.json.encode(messages).decode()


def imported(known: Format, text: str) -> None:
    """Import a session."""
    happenings = list(known.read(text))
    for _ in check(happenings, profile_of(known)):
        pass
    for _ in tell(happenings, known, "hostile")[1]:
        pass


def described(text: str) -> None:
    """Tell a model of what a server lists."""
    schema = tool_from_json(msgspec.json.decode(text)).parameters
    describe_type(schema, schema, Body.PYTHON)


READERS: Final[dict[str, Reader]] = {
    "prose of backslashes": Reader(repeated("\\"), in_text, 2_000),
    "prose of `[`": Reader(repeated("["), in_text, 2_000),
    "near misses of markers": Reader(repeated("[Call] [ЕND] "), in_text, 100),
    "the same, a character at a time": Reader(repeated("\\[CAL"), lex_in_pieces, 300),
    "blocks that never end": Reader(repeated("[CALL] a [HEAD] f("), in_text, 50),
    "ends without a beginning": Reader(repeated("[END] [HEAD] "), in_text, 100),
    "one block without its end": Reader(repeated("x", "[CALL] a [HEAD] f("), in_text, 5_000),
    "a body of open brackets": Reader(repeated("[", "[CALL] a [HEAD] f(", " [END]"), in_text, 1_000),
    "a body of open quotes": Reader(repeated("f('", "[CALL] a [HEAD] ", " [END]"), in_text, 300),
    "a body of escapes": Reader(repeated(r"\u005b", '[CALL] a [HEAD] f("', '") [END]'), in_text, 500),
    "a body of names": Reader(repeated("a.", "[CALL] a [HEAD] ", " [END]"), in_text, 300),
    "a body of digits": Reader(repeated("9", "[CALL] a [HEAD] f(", ") [END]"), in_text, 1_000),
    "a body of arguments": Reader(repeated("1, ", "[CALL] a [HEAD] f(", "1) [END]"), in_text, 500),
    "JSON of open brackets": Reader(
        repeated("[", '[CALL] a [HEAD] {"name": "f", "arguments": {"a": ', "}} [END]"),
        partial(in_text, body=Body.JSON),
        1_000,
    ),
    "JSON of escapes": Reader(
        repeated(r"\ud800", '[CALL] a [HEAD] {"name": "f", "arguments": {"a": "', '"}} [END]'),
        partial(in_text, body=Body.JSON),
        500,
    ),
    "calls that are all new": Reader(
        lambda count: "".join(f"[CALL] c{n} [HEAD] f() [END]" for n in range(count)), in_text, 40
    ),
    "interrupts that nobody asked for": Reader(repeated("[INTR] a [HEAD] 1 [END]"), in_text, 40),
    "a trace of calls that all run": Reader(trace_of, lambda lines: list(check_trace(lines)), 25),
    "a row of brackets": Reader(long_row, lambda lines: list(check_trace(lines)), 50_000),
    "replay": Reader(rows_of, over(lambda s, rows: list(replay(s, rows))), 25),
    "a run, read": Reader(rows_of, over(read_run), 25),
    "a run, advised on": Reader(rows_of, over(observe), 25),
    "a run, drawn": Reader(rows_of, over(drawn), 25),
    "a workload": Reader(workload, lambda line: list(read_workloads(io.BytesIO(line))), 50),
    "a chat": Reader(chat, partial(imported, FORMATS["chat"]), 25),
    "a chat behind many keys": Reader(
        repeated('"k": 0,\n', "{", '"messages": []}'), partial(imported, FORMATS["chat"]), 25
    ),
    "prose in many parts": Reader(
        repeated('{"serverContent": {"modelTurn": {"parts": [{"text": "so "}]}}}\n'),
        partial(imported, FORMATS["gemini"]),
        100,
    ),
    "a schema that is a union of itself": Reader(
        repeated('{"$ref": "#"}, ', '{"name": "f", "parameters": {"anyOf": [', '{"$ref": "#"}]}}'),
        described,
        200,
    ),
    "arguments, held to a pattern": Reader(
        repeated("a", tail="!"),
        lambda text: argument_faults({"a": text}, {"properties": {"a": {"pattern": "^(a+)+$"}}}),
        5_000,
    ),
    "text for a terminal": Reader(repeated("\u202e\x1b"), visible_lines, 2_000),
    "text for a page": Reader(repeated("<&\u202e"), html_text, 2_000),
    "text for Markdown": Reader(repeated("`|\\"), markdown_text, 2_000),
    "JSON for a terminal": Reader(
        lambda count: msgspec.json.encode("\u202e\x9b" * count), json_text, 2_000
    ),
}  # fmt: skip


def seconds(reader: Reader, scale: int, rounds: int) -> float:
    """Return the CPU time of one reading, in seconds: the shortest of some."""
    times = []
    for _ in range(rounds):
        given = reader.make(reader.base * scale)
        begun = time.process_time()
        reader.read(given)
        times.append(time.process_time() - begun)
    return min(times)


@click.command()
@click.option("--only", default="", help="Readers whose name has this.")
def main(only: str) -> None:
    """Measure every reader at 1x, 10x and 100x."""
    table = Table(title=machine())
    for name in ("input", "at 1x", "10x over 1x, / 10", "100x over 10x, / 10"):
        table.add_column(name)
    for name, reader in READERS.items():
        if only not in name:
            continue
        rounds = {1: 5, 10: 2, 100: 1}
        first, second, third = (seconds(reader, scale, rounds[scale]) for scale in SCALES)
        click.echo(f"{name}: {third:.2f} s at 100x", err=True)
        table.add_row(
            name,
            f"{first * 1e3:.2f} ms",
            f"{second / max(first, 1e-6) / 10:.2f}",
            f"{third / max(second, 1e-6) / 10:.2f}",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
