"""What the machine costs: microseconds for each token, with tracing on, and its share of a step.

Run `python benchmarks/machine.py`. All figures come from one run on one core; the peer in the last
line is a loop that does nothing with the same events but encode them, so the ratio is what the rules
themselves cost over writing a trace.
"""

import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.table import Table

from cml.ast import OutcomeKind
from cml.lexer import Lexer
from interpreter import ScriptedSession, Settings, State, instant, run_virtual
from interpreter.events import Began, Decoded, Event, Outcome, Row, Start
from interpreter.scripted import pieces_of
from interpreter.trace import encode_row
from interpreter.virtual import Answers

STEP_US = 5_000
TOKENS = 20_000
PROSE = " and so on, word after word;"
DIALOGUE = (
    'Let me look. [CALL] j{n} [HEAD] weather(city="Paris", days=[1, 2]) [END] While that runs, here'
    " is more text about the matter at hand. [TRAP][END] It is fine there today.\n"
)


def answer(_: Start) -> Answers:
    return [(20_000, Outcome(OutcomeKind.RETURNED, {"celsius": 18}))]


def timed(label: str, run: Callable[[], int]) -> tuple[str, float]:
    best = min(_once(run) for _ in range(3))
    return label, best


def _once(run: Callable[[], int]) -> float:
    begin = time.perf_counter()
    tokens = run()
    return (time.perf_counter() - begin) / tokens * 1e6


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
    console.print(table)
    console.print(f"machine over encoding alone: {figures[0][1] / figures[-1][1]:.1f}x")


if __name__ == "__main__":
    main()
