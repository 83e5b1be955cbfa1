"""Random sessions in real time, and what must hold of every one of them.

A story is drawn from a seed: what the model writes and how it is cut, functions and how long they
take, what the host does meanwhile, which executor runs the calls. Threads are real, so the same
seed gives the same story, not the same interleaving.
"""

import asyncio
import random
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import msgspec
from letting_go import LettingGo

import cml
from cml.ast import Call, Interrupt, Item, OutcomeKind
from cml.profile import Profile
from cml.symbols import OPENERS
from cml.validity import references
from interpreter import (
    AsyncRuntime,
    EndOfDecoding,
    Piece,
    Runtime,
    ScriptedSession,
    Sessions,
    Settings,
)
from interpreter.drivers.async_runtime import AsyncForm
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
from interpreter.trace import Header, check_trace, encode_header, encode_row

THINKING = Profile(regions=(("<think>", "</think>"),))
PROMPT = "{prompt}"
ENDS_A_BLOCK = {
    f"Step/{name}" for name in ("call", "cancel", "refused", "trap", "idle-trap", "truncated")
}


class Story(msgspec.Struct):
    """What happens in one session, as far as it is the same every time."""

    seed: int
    script: list[Piece | EndOfDecoding]
    pause_s: float
    settings: Settings
    executor: str
    turns: int
    acts: list[tuple[float, str]]
    reader_s: float


# ---------------------------------------------------------------------------------- what is called


def quick(x: object = None) -> object:
    return x


def naps(x: object = None) -> object:
    time.sleep(random.random() * 0.003)
    return {"k": [x]}


def changes(x: list[object] | None = None) -> object:
    if x is not None:
        x.append("changed")
    return x


def fails() -> None:
    raise OSError("no such file: \udcff")


def leaves() -> None:
    sys.exit(3)


def is_huge() -> str:
    return "[END]" * 20_000


def is_no_json() -> object:
    return {1: "a", "1": "b"}


async def rests(x: object = None) -> object:
    await asyncio.sleep(random.random() * 0.003)
    return x


async def breaks_off() -> None:
    raise SystemExit(3)


async def spawns() -> str:
    async def other() -> None:
        raise KeyboardInterrupt

    task = asyncio.create_task(other())
    await asyncio.sleep(0.001)
    return str(task.done())


FUNCTIONS = {
    f.__name__: f
    for f in (
        quick,
        naps,
        changes,
        fails,
        leaves,
        is_huge,
        is_no_json,
        rests,
        breaks_off,
        spawns,
    )
}


# What a task of a function's own raises in the host's loop is the host's affair.
FUNCTIONS_OF_A_LOOP = {**FUNCTIONS, "spawns": rests}


class TwiceTold(Future):
    """A future that says twice that it is done."""

    def add_done_callback(self, fn):
        super().add_done_callback(fn)
        super().add_done_callback(fn)


class Uncancellable(Future):
    """A future that cannot even be asked to stop."""

    def cancel(self):
        raise ConnectionError("the cluster is gone")


class Contrary(Executor):
    """An executor that does everything wrong that one can do."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def submit(self, fn, /, *args, **kwargs):
        mode = self.chance.choice(
            ["refuses", "at once", "twice", "no outcome", "error", "stubborn"]
        )
        if mode == "refuses":
            raise RuntimeError("cannot schedule new futures after shutdown")
        future = {"twice": TwiceTold, "stubborn": Uncancellable}.get(mode, Future)()
        if mode == "at once":
            future.set_result(fn(*args, **kwargs))
        elif mode == "no outcome":
            later(future, lambda: future.set_result("hello"))
        elif mode == "error":
            later(future, lambda: future.set_exception(TypeError("cannot be unpickled")))
        else:
            later(future, lambda: future.set_result(fn(*args, **kwargs)))
        return future


def later(future: Future, act: Any) -> None:
    def run() -> None:
        time.sleep(random.random() * 0.002)
        if future.set_running_or_notify_cancel():
            act()

    threading.Thread(target=run, daemon=True).start()


EXECUTORS = {
    "own": lambda _: None,
    "two threads": lambda _: ThreadPoolExecutor(2),
    "contrary": Contrary,
}


# --------------------------------------------------------------------------------- what is written


def draw(seed: int) -> Story:
    """Return the story of a seed."""
    chance = random.Random(seed)
    names: list[str] = []
    words = [word(chance, names) for _ in range(chance.randint(1, 14))]
    words.append(chance.choice(["", "", "", *LAST_WORDS]))
    pieces = cut(chance, "".join(words))
    if chance.random() < 0.3:
        pieces.insert(chance.randint(0, len(pieces)), EndOfDecoding("stop"))
    if chance.random() < 0.15:
        pieces.append(EndOfDecoding("length"))
    settings = Settings(
        profile=THINKING if chance.random() < 0.3 else Profile(),
        end=chance.choice(["drain", "drain", "drain", "detach", "cancel", "fail"]),
        deliver=chance.choice(["any", "any", "word", "line", "idle"]),
        layout=chance.choice(["inline", "inline", "lines"]),
        deadline_us=chance.choice([None, None, None, 700, 2_000]),
        workers=chance.choice([0, 0, 1, 2]),
    )
    acts = [
        (chance.random() * 0.02, chance.choice(["say", "say", "stop"]))
        for _ in range(chance.choice([0, 0, 0, 1, 2]))
    ]
    return Story(
        seed,
        pieces,
        chance.choice([0.0, 0.0002]),
        settings,
        chance.choice(["own", "own", "two threads", "contrary"]),
        chance.choice([1, 1, 2]),
        acts,
        chance.choice([0.0, 0.0, 0.0005]),
    )


LAST_WORDS = (
    "[CALL] cut [HEAD] quick(",
    "[CALL] cut [HEAD] quick(",
    "[CALL] naps() [END][CALL] last [HEAD] quick() [END]",
)
"""Half a call; and a call that has to wait for a worker when the model ends."""


def word(chance: random.Random, names: list[str]) -> str:
    """Return one thing that a model writes; the names of its calls are kept in `names`."""
    if chance.random() < 0.45:
        return call(chance, names)
    named, new = chance.choice(names or ["a"]), f"c{len(names)}"
    if chance.random() < 0.1:  # one that waits for another, and is given up
        names.append(new)
        given_up = f"[CALL] naps() [END][CALL] {new} [HEAD] naps() [END]"
        given_up += f"[CALL] w{new} [HEAD] quick(x={new}) [END][CALL] cancel(w{new}) [END]"
        return given_up
    other = [
        "[TRAP][END]",
        "[TRAP] all [END]",
        f"[TRAP] {named}, b [END]",
        f"[CALL] cancel({named}) [END]",
        f"[INTR] {named} [HEAD] 1 [END]",
        "[CALL] broken [HEAD] f(",
        "[END]",
        " well, ",
        "a path C:\\",
        "\\\\",
        "<think>",
        "</think>",
        "[CA",
        "\n",
    ]
    return chance.choice(other)


def call(chance: random.Random, names: list[str]) -> str:
    named = chance.choice(names or ["a"])
    takes = ["quick", "naps", "naps", "naps", "rests", "changes"]
    body = chance.choice(
        [
            f"{chance.choice(takes)}(x={argument})"
            for argument in (1, "[1]", "'[END]'", named, named)
        ]
        + [f"{function}()" for function in (*FUNCTIONS, *takes)]
    )
    if chance.random() < 0.2:
        return f"[CALL] {body} [END]"
    name = named if chance.random() < 0.1 else f"c{len(names)}"
    names.append(name)
    return f"[CALL] {name} [HEAD] {body} [END]"


def cut(chance: random.Random, text: str) -> list[Piece | EndOfDecoding]:
    longest = chance.choice([1, 5, 12, 40])
    pieces: list[Piece | EndOfDecoding] = []
    while text:
        size = chance.randint(1, longest)
        pieces.append(Piece(text[:size]))
        text = text[size:]
    return pieces


# ------------------------------------------------------------------------------- how it is judged


class Told(msgspec.Struct):
    """What came of a story."""

    story: Story
    rows: list[Row]
    context: str
    settings: Settings


def session_of(story: Story) -> ScriptedSession:
    """The session of a story; every other lets go of its context at traps."""
    kind = LettingGo if story.seed % 2 else ScriptedSession
    return kind(story.script, story.pause_s)


def play_in_a_loop(story: Story) -> Told:
    """Run a story in real time, in an event loop."""

    async def run() -> Told:
        session = session_of(story)
        executor = EXECUTORS[story.executor](random.Random(story.seed))
        runtime = AsyncRuntime(session, FUNCTIONS_OF_A_LOOP, story.settings, executor)
        return await read(story, session, runtime)

    return asyncio.run(run())


def play_side_by_side(stories: list[Story]) -> list[Told]:
    """Run stories in real time, in one event loop, over one executor and one decoder."""
    chance = random.Random(stories[0].seed)
    never_blocks = all(story.pause_s == 0 for story in stories)
    decoder = chance.choice([None, ThreadPoolExecutor(2), "at once" if never_blocks else None])

    async def run() -> list[Told]:
        executor = EXECUTORS[stories[0].executor](chance)
        async with Sessions(executor, decoder) as sessions, asyncio.TaskGroup() as group:
            tasks = []
            for story in stories:
                session = session_of(story)
                opened = sessions.open(session, FUNCTIONS_OF_A_LOOP, story.settings)
                tasks.append(group.create_task(read(story, session, opened)))
        assert len(sessions) == 0
        return [task.result() for task in tasks]

    return asyncio.run(run())


async def read(story: Story, session: ScriptedSession, runtime: AsyncForm) -> Told:
    """Read what comes of a story in the running loop."""
    rows: list[Row] = []
    loop = asyncio.get_running_loop()
    async with runtime:
        for after_s, act in story.acts:
            loop.call_later(after_s, runtime.stop if act == "stop" else runtime.say, *said(act))
        for _ in range(story.turns):
            session.prompt(PROMPT)
            async for row in runtime.run():
                rows.append(row)
                if story.reader_s and row.rule == "Settle/decode":
                    await asyncio.sleep(story.reader_s)
        return Told(story, rows, session.context, runtime.settings)


def said(act: str) -> tuple[str, ...]:
    return () if act == "stop" else ("hm",)


def play(story: Story) -> Told:
    """Run a story in real time."""
    session = session_of(story)
    executor = EXECUTORS[story.executor](random.Random(story.seed))
    rows: list[Row] = []
    with Runtime(session, FUNCTIONS, story.settings, executor) as runtime:
        timers = [
            threading.Timer(after_s, runtime.stop if act == "stop" else lambda: runtime.say("hm"))
            for after_s, act in story.acts
        ]
        for timer in timers:
            timer.start()
        for _ in range(story.turns):
            session.prompt(PROMPT)
            for row in runtime.run():
                rows.append(row)
                if story.reader_s and row.rule == "Settle/decode":
                    time.sleep(story.reader_s)  # so that several things happen at one instant
        for timer in timers:
            timer.cancel()
        return Told(story, rows, session.context, runtime.settings)


def check(told: Told) -> None:
    """Hold what came of a story against everything that must be."""
    assert told.context == context_of(told)
    assert read_anew(told) == went_in(told.rows)
    lines = [encode_row(row) for row in told.rows]
    header = encode_header(Header(1, told.settings, "real"))
    assert list(check_trace([header, *lines])) == []
    assert [encode_row(row) for row in replay(told.settings, told.rows)] == lines
    check_answers(told)
    check_order(told)


def context_of(told: Told) -> str:
    """The context that the rows tell of."""
    written, prefix, is_open = "", "", False
    for row in told.rows:
        if row.rule == "Step/begin":
            prefix, written = prefix + written + PROMPT, ""
        is_open = is_open_after(row, is_open)
        if isinstance(row.event, Decoded):
            written += row.event.symbol.text
        for effect in row.effects:
            match effect:
                case Inject():
                    assert not is_open
                    prefix += written + interrupt_text(effect, told.settings.profile)
                    written = ""
                case Rewind(offset):
                    end = offset_after(told.rows, row)
                    written = written[: len(written) - (end - offset)]
                case _:
                    pass
    return prefix + written


def is_open_after(row: Row, before: bool) -> bool:
    """Whether a block is under construction after a row."""
    if row.rule == "Step/malformed":
        return row.event.symbol.marker in OPENERS
    if row.rule in {"Step/begin", "Step/stop", *ENDS_A_BLOCK}:
        return False
    return before or row.rule == "Step/open"


def offset_after(rows: list[Row], row: Row) -> int:
    """How much the model had written, by the rows, when this one was fired."""
    event = row.event
    if isinstance(event, Decoded):
        return event.symbol.offset + len(event.symbol.text)
    before = rows[: next(i for i, other in enumerate(rows) if other is row)]
    end = 0
    for earlier in before:
        if isinstance(earlier.event, Decoded):
            end = earlier.event.symbol.offset + len(earlier.event.symbol.text)
        for effect in earlier.effects:
            if isinstance(effect, Rewind):
                end = effect.offset
    return end


def went_in(rows: list[Row]) -> list[tuple[str, OutcomeKind, object]]:
    return [
        (told.id, told.outcome.kind, told.outcome.value)
        for row in rows
        for effect in row.effects
        if isinstance(effect, Inject)
        for told in effect.interrupts
    ]


def read_anew(told: Told) -> list[tuple[str, OutcomeKind, object]]:
    """The interrupts that a reader finds in each turn after its prompt."""
    return [(i.id, i.outcome, i.value) for i in items_of(told) if isinstance(i, Interrupt)]


def items_of(told: Told) -> Iterator[Item]:
    for turn in told.context.split(PROMPT):
        yield from cml.parse(turn, told.settings.profile).items


def check_order(told: Told) -> None:
    """A call starts after all that it names have returned; one that is cancelled never does."""
    returned: set[str] = set()
    started: list[str] = []
    named: dict[str, tuple[str, ...]] = {}
    cancelled: set[str] = set()
    calls = iter(item for item in items_of(told) if isinstance(item, Call))
    for row in told.rows:
        if row.rule in {"Step/call", "Step/cancel", "Step/refused"}:
            call = next(calls)
            named[call.id or ""] = references(call)
            if row.rule == "Step/cancel":
                cancelled |= {str(cancel_target(call, told.settings.profile))} - set(started)
        if row.rule == "Step/return" and row.event.outcome.kind is OutcomeKind.RETURNED:
            returned.add(row.event.call)
        for effect in row.effects:
            if isinstance(effect, Start):
                started.append(effect.call)
                assert set(named.get(effect.call, ())) <= returned
                assert effect.call not in cancelled
    assert len(started) == len(set(started))


def goes_on_after_the_last_answer(rows: list[Row]) -> bool:
    """Whether the model was asked for more after everything that it was told, unless the limit of
    its output was reached.
    """
    effects = [effect for row in rows for effect in row.effects]
    told = [i for i, effect in enumerate(effects) if isinstance(effect, Inject)]
    asked = [i for i, effect in enumerate(effects) if isinstance(effect, Decode)]
    stops = all(e.reason == "stop" for e in effects if isinstance(e, Finish))
    return not told or not stops or asked[-1] > told[-1]


def check_answers(told: Told) -> None:
    """Every call is answered at most once; under drain, in a turn that came to its end, once."""
    answers = [identifier for identifier, _, _ in went_in(told.rows)]
    assert len(answers) == len(set(answers))
    finish = [e.reason for row in told.rows for e in row.effects if isinstance(e, Finish)]
    in_region = any(row.rule == "Settle/withhold" for row in told.rows)
    if told.settings.end == "drain" and "stopped" not in finish and not in_region:
        started = {e.call for row in told.rows for e in row.effects if isinstance(e, Start)}
        assert {call for call in started if call[0] != "#"} <= set(answers)
        assert goes_on_after_the_last_answer(told.rows)
    settled = [row.event.call for row in told.rows if row.rule in {"Step/return", "Step/timeout"}]
    assert len(settled) == len(set(settled))
    assert all(isinstance(r.event, Returned | Expired) for r in told.rows if r.rule == "Step/late")
