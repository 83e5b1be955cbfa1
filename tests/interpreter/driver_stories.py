"""Random sessions in real time, and what must hold of every one of them.

A story is drawn from a seed: what the model writes and how it is cut, functions and how long they
take, what the host does meanwhile, which executor runs the calls. Threads are real, so the same
seed gives the same story, not the same interleaving.
"""

import asyncio
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
from letting_go import LettingGo

from cml.profile import Profile
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
from interpreter.testing import ExecutorFault, FaultyExecutor, Ran, random_pieces
from interpreter.testing.functions import changes, exits, gives_markers, gives_no_json, raises

if TYPE_CHECKING:
    from interpreter.events import Row

THINKING = Profile(regions=(("<think>", "</think>"),))
PROMPT = "{prompt}"


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


async def rests(x: object = None) -> object:
    await asyncio.sleep(random.random() * 0.003)
    return x


async def breaks_off() -> None:
    raise SystemExit(3)


async def spawns() -> str:
    async def other() -> None:
        raise KeyboardInterrupt

    task = asyncio.create_task(other())
    # Else it is logged when it is collected, in whatever test that comes.
    task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    await asyncio.sleep(0.001)
    return str(task.done())


OTHERS = (raises, exits, gives_markers, gives_no_json, breaks_off, spawns)
FUNCTIONS = {f.__name__: f for f in (quick, naps, changes, rests, *OTHERS)}
TAKES = ("quick", "naps", "naps", "naps", "rests", "changes")


# What a task of a function's own raises in the host's loop is the host's affair.
FUNCTIONS_OF_A_LOOP = {**FUNCTIONS, "spawns": rests}


CONTRARY = [fault for fault in ExecutorFault if fault is not ExecutorFault.DROPS]


def contrary(chance: random.Random) -> FaultyExecutor:
    """An executor that does everything wrong that one can do, but for what needs a deadline."""
    return FaultyExecutor(ThreadPoolExecutor(4), lambda: chance.choice(CONTRARY))


EXECUTORS = {
    "own": lambda _: None,
    "two threads": lambda _: ThreadPoolExecutor(2),
    "contrary": contrary,
}


# --------------------------------------------------------------------------------- what is written


def draw(seed: int) -> Story:
    """Return the story of a seed."""
    chance = random.Random(seed)
    pieces = random_pieces(chance, TAKES, [function.__name__ for function in OTHERS])
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


# ------------------------------------------------------------------------------- how it is run


def session_of(story: Story) -> ScriptedSession:
    """The session of a story; every other lets go of its context at traps."""
    kind = LettingGo if story.seed % 2 else ScriptedSession
    return kind(story.script, story.pause_s)


def play_in_a_loop(story: Story) -> Ran:
    """Run a story in real time, in an event loop."""

    async def run() -> Ran:
        session = session_of(story)
        executor = EXECUTORS[story.executor](random.Random(story.seed))
        runtime = AsyncRuntime(session, FUNCTIONS_OF_A_LOOP, story.settings, executor)
        return await read(story, session, runtime)

    return asyncio.run(run())


def play_side_by_side(stories: list[Story]) -> list[Ran]:
    """Run stories in real time, in one event loop, over one executor and one decoder."""
    chance = random.Random(stories[0].seed)
    never_blocks = all(story.pause_s == 0 for story in stories)
    decoder = chance.choice([None, ThreadPoolExecutor(2), "at once" if never_blocks else None])

    async def run() -> list[Ran]:
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


async def read(story: Story, session: ScriptedSession, runtime: AsyncForm) -> Ran:
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
        return Ran(runtime.settings, rows, session.context, PROMPT)


def said(act: str) -> tuple[str, ...]:
    return () if act == "stop" else ("hm",)


def play(story: Story) -> Ran:
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
        return Ran(runtime.settings, rows, session.context, PROMPT)
