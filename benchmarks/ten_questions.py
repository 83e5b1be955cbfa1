"""Ten questions to a model, asked in real time: what it did is written down, right or wrong.

python benchmarks/ten_questions.py [BACKEND] writes docs/ten_questions.md. The functions are those of
examples/errand_tools.py. A question counts as right where exactly the wanted calls were made and
everything that has to be told stands in what the model wrote.
"""

import io
import re
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import msgspec
from rich.console import Console

from interpreter.drivers.realtime import Runtime
from interpreter.events import Row, Start
from interpreter.runs import Run, read_run
from interpreter.state import Settings
from interpreter.tools.python import load_tools
from interpreter.tools.signature import Function
from model_adapters.backends import BackendSessions, Opened, Request
from model_adapters.commands.view.live import Live
from model_adapters.constraint.guarded import Guarded, guarded
from model_adapters.training.evaluation.telling import prose

ROOT = Path(__file__).parent.parent
TOOLS = ROOT / "examples" / "errand_tools.py"
PAGE = ROOT / "docs" / "ten_questions.md"
_SAID_AFTER_S = 1.0


class Asked(msgspec.Struct, frozen=True):
    """A question, with the calls that are wanted, what has to be told, and what is said meanwhile."""

    name: str
    question: str
    calls: tuple[str, ...]
    told: tuple[str, ...]
    said: str = ""


QUESTIONS = (
    Asked(
        "one call",
        "What is the weather in Oslo?",
        ('get_weather{"city":"Oslo"}',),
        ("weather in Oslo is cloudy",),
    ),
    Asked(
        "two in parallel",
        "Tell me the weather and the local time in Lima.",
        ('get_weather{"city":"Lima"}', 'get_time{"city":"Lima"}'),
        ("weather in Lima is windy", "local time in Lima is 02:05"),
    ),
    Asked(
        "three in parallel",
        "I am going to Tokyo. Tell me the price of a flight, the local time, and the weather.",
        ('get_price{"city":"Tokyo"}', 'get_time{"city":"Tokyo"}', 'get_weather{"city":"Tokyo"}'),
        ("flight to Tokyo is 710", "local time in Tokyo is 20:05", "weather in Tokyo is sunny"),
    ),
    Asked(
        "two cities",
        "What is the weather in Cairo and Berlin?",
        ('get_weather{"city":"Cairo"}', 'get_weather{"city":"Berlin"}'),
        ("weather in Cairo is clear", "weather in Berlin is rainy"),
    ),
    Asked(
        "a chain",
        "Find the capital of Peru and book a hotel there for 3 nights.",
        ('get_capital{"country":"Peru"}', 'book_hotel{"city":"Lima","nights":3}'),
        ("capital of Peru is Lima", "is H821"),
    ),
    Asked(
        "a chain by a future",
        'Find the email address of Anna and send an email there that says "see you at five".',
        (
            'find_email{"person":"Anna"}',
            'send_email{"body":"see you at five","to":"anna@example.org"}',
        ),
        ("anna@example.org", "sent"),
    ),
    Asked(
        "a failure",
        "How late is LH452?",
        ('get_delay{"flight":"LH452"}',),
        ("LH452", "there is no flight"),
    ),
    Asked(
        "a message in the middle",
        "What is the weather in Rome?",
        ('get_weather{"city":"Rome"}', 'get_time{"city":"Rome"}'),
        ("weather in Rome is windy", "local time in Rome is 13:05"),
        said="Also tell me the local time in Rome.",
    ),
    Asked("nothing to call", "Thank you very much.", (), ("welcome",)),
    Asked("an unknown wish", "Tell me the share price of Acme.", (), ("no function",)),
)


class Answered(msgspec.Struct, frozen=True):
    """What became of a question: whether it is right, what was seen, how long it took, what the mask did."""

    is_right: bool
    transcript: str
    run: Run
    mask: Guarded | None


def ask(opened: Opened, functions: Mapping[str, Function], asked: Asked) -> Answered:
    """Ask one question in real time."""
    seen = io.StringIO()
    out = Console(file=seen, width=100, highlight=False, markup=False, emoji=False)
    with Runtime(opened.session, functions, opened.fitted(Settings())) as runtime:
        timer = threading.Timer(_SAID_AFTER_S, runtime.say, [asked.said])
        if asked.said:
            timer.start()
        rows = list(Live().watch(runtime.run(), out))
        timer.cancel()
        run = read_run(runtime.settings, rows)
    opened.session.close()  # llama.cpp has room for one
    return Answered(is_right(asked, rows), seen.getvalue().strip(), run, guarded(opened.session))


def is_right(asked: Asked, rows: list[Row]) -> bool:
    """Whether exactly the wanted calls were made and all was told."""
    starts = [effect for row in rows for effect in row.effects if isinstance(effect, Start)]
    made = Counter(
        s.function + msgspec.json.encode(s.kwargs, order="sorted").decode() for s in starts
    )
    told = prose(rows)
    return made == Counter(asked.calls) and all(is_told(part, told) for part in asked.told)


def is_told(part: str, told: str) -> bool:
    """Whether a text stands in what was told, and does not go on: 710 is not told by 710.1.

    An interrupt may stand between two sentences, so the next may follow without a space.
    """
    return re.search(rf"{re.escape(part)}(?!\w|\.\d)", told) is not None


def section(number: int, asked: Asked, answered: Answered) -> str:
    """Return what the page says of one question."""
    took_s, synchronous_s = answered.run.total_us / 1e6, answered.run.synchronous_us / 1e6
    times = f"{took_s:.1f} s; the same calls one after another {synchronous_s:.1f} s"
    mask = answered.mask
    changed = f"; the mask changed {mask.changed} of {mask.tokens} tokens" if mask else ""
    said = f"\n> *{asked.said}* (said after a second)\n" if asked.said else ""
    return (
        f"## {number}. {asked.name.capitalize()}: {verdict(answered)}\n\n"
        f"> {asked.question}\n{said}\n```\n{answered.transcript}\n```\n\n{times}{changed}.\n"
    )


def verdict(answered: Answered) -> str:
    """Return the verdict in a word."""
    return "right" if answered.is_right else "wrong"


def main(backend: str) -> None:
    """Ask all of them and write the page."""
    functions = load_tools(TOOLS).functions
    sessions, answers = BackendSessions(), list[Answered]()
    for asked in QUESTIONS:
        opened = sessions.open(Request(backend, asked.question, functions, yes=True))
        answers.append(ask(opened, functions, asked))
        print(f"{len(answers)} {asked.name}: {verdict(answers[-1])}", flush=True)
    rights = sum(answered.is_right for answered in answers)
    head = (
        "# Ten questions to the embedded model\n\n"
        "Asked in real time, with the functions of `examples/errand_tools.py`, and written down by\n"
        "`python benchmarks/ten_questions.py` as they went, the wrong ones too. No call is forced, and interrupts go\n"
        f"in as soon as they may. The model: {sessions.model}.\n\n"
        f"Right: {rights} of {len(QUESTIONS)}.\n\n"
    )
    both = enumerate(zip(QUESTIONS, answers, strict=True), start=1)
    parts = [section(number, asked, answered) for number, (asked, answered) in both]
    PAGE.write_text(head + "\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "auto")
