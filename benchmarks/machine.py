"""What the machine costs: microseconds for each token, with tracing on, and its share of a step.

Run `python benchmarks/machine.py`. All figures come from one run on one core; the peer in the last
line is a loop that does nothing with the same events but encode them, so the ratio is what the rules
themselves cost over writing a trace.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial

from rich.console import Console
from rich.table import Table
from side_by_side import machine, medians_s

from cml.ast import OutcomeKind
from cml.symbols import Symbol
from cml.text.lexer import Lexer
from interpreter import ScriptedSession, Settings, State, instant, run_virtual
from interpreter.drivers.virtual import TimedOutcomes
from interpreter.events import Began, Decoded, Event, Outcome, Row, Start
from interpreter.rules.changes import with_call
from interpreter.scripted import pieces_of
from interpreter.state import CallState, Status
from interpreter.trace import encode_row

STEP_US = 5_000
TOKENS = 20_000
PROSE = " and so on, word after word;"
DIALOGUE = (
    'Let me look. [CALL] j{n} [HEAD] weather(city="Paris", days=[1, 2]) [END] While that runs, here'
    " is more text about the matter at hand. [TRAP][END] It is fine there today.\n"
)


def answer(_: Start) -> TimedOutcomes:
    return [(20_000, Outcome(OutcomeKind.RETURNED, {"celsius": 18}))]


def timed(label: str, run: Callable[[], int]) -> tuple[str, float]:
    best = min(_once(run) for _ in range(3))
    return label, best


def _once(run: Callable[[], int]) -> float:
    begin = time.process_time()
    tokens = run()
    return (time.process_time() - begin) / tokens * 1e6


def traced(rows: Iterator[Row]) -> None:
    for row in rows:
        encode_row(row)


def prose_events() -> list[Event]:
    lexer, text = Lexer(generated=True), PROSE * (TOKENS // 6)
    pieces = pieces_of(text)[:TOKENS]
    return [Decoded(symbol) for piece in pieces for symbol in lexer.feed(piece)]


def machine_alone(events: list[Event]) -> int:
    state, _ = instant(State(Settings()), 0, [Began()])
    for number, event in enumerate(events, start=1):
        state, rows = instant(state, number, [event])
        traced(iter(rows))
    return len(events)


def encoding_alone(events: list[Event]) -> int:
    for number, event in enumerate(events):
        encode_row(Row(number, "Step/text", event))
        encode_row(Row(number, "Settle/decode"))
    return len(events)


def session(text: str) -> Callable[[], int]:
    pieces = pieces_of(text)

    def run() -> int:
        traced(run_virtual(ScriptedSession(pieces), answer))
        return len(pieces)

    return run


def with_pending(calls: int, workers: int) -> tuple[State, Lexer, int]:
    """Return a session that decodes while so many calls are pending."""
    state, _ = instant(State(Settings(workers=workers)), 0, [Began()])
    lexer, now_us = Lexer(generated=True), 0
    for number in range(calls):
        for symbol in lexer.feed(f"[CALL] a{number} [HEAD] f(x={number}) [END]"):
            now_us += 1
            state, _ = instant(state, now_us, [Decoded(symbol)])
    return state, lexer, now_us


def prose_after(session: tuple[State, Lexer, int], tokens: int = 500) -> None:
    """Take tokens of prose; the calls stay pending."""
    state, lexer, now_us = session
    start = lexer.offset
    for number in range(tokens):
        symbol = Symbol("abcd", start + 4 * number)
        state, _ = instant(state, now_us + number, [Decoded(symbol)])


def pending_table() -> Table:
    """What a token costs with calls pending, in turn: with any number of workers, and with one."""
    runs = {
        (calls, workers): partial(prose_after, with_pending(calls, workers))
        for calls in (0, 16, 64, 256)
        for workers in (0, 1)
    }
    times = medians_s(runs)
    table = Table(
        "calls pending", "all running: µs a token", "one running: µs a token", "over none"
    )
    for calls in (0, 16, 64, 256):
        us = [times[calls, workers] / 500 * 1e6 for workers in (0, 1)]
        ratio = times[calls, 0] / times[0, 0], times[calls, 1] / times[0, 1]
        table.add_row(str(calls), *(f"{u:.1f}" for u in us), f"{ratio[0]:.2f}, {ratio[1]:.2f}")
    return table


def growth_table() -> Table:
    """What a change of a call costs after so many calls in a session: each copies a table."""
    call = CallState(1, None, Status.SETTLED)
    numbers = (100, 1_000, 10_000, 100_000)
    states = {n: State(calls={f"a{k}": call for k in range(n)}) for n in numbers}
    times = medians_s({n: partial(with_call, state, "a1", call) for n, state in states.items()})
    table = Table("calls in a session", "µs a change")
    for number in numbers:
        table.add_row(f"{number:,}", f"{times[number] * 1e6:,.0f}")
    return table


def main() -> None:
    events = prose_events()
    dialogue = "".join(DIALOGUE.format(n=n) for n in range(TOKENS // 60))
    figures = [
        timed("machine and trace, prose", lambda: machine_alone(events)),
        timed("lexer, machine, virtual driver and trace, prose", session(PROSE * (TOKENS // 6))),
        timed("the same, a call and a trap every 60 tokens", session(dialogue)),
        timed("encoding the same rows, nothing else", lambda: encoding_alone(events)),
    ]
    table = Table("what", "µs a token", "tokens a second", f"share of a {STEP_US // 1000} ms step")
    for label, us in figures:
        table.add_row(label, f"{us:.1f}", f"{1e6 / us:,.0f}", f"{us / STEP_US:.2%}")
    console = Console()
    console.print(machine())
    console.print(table)
    console.print(pending_table())
    console.print(growth_table())
    console.print(f"machine over encoding alone: {figures[0][1] / figures[-1][1]:.1f}x")


if __name__ == "__main__":
    main()
