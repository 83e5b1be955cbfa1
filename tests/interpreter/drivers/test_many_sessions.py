"""Many sessions in one loop, over one executor: none is lost and none starves, whatever the moment."""

import asyncio
import re
import threading
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from time import sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stuck_verbs import Kept, at, both

from interpreter import HostError, ScriptedSession, Sessions
from interpreter.events import Inject, Returned, Start
from interpreter.scripted import pieces_of

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"
EXAMPLE, *_, FAULTY = re.findall(
    r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
)
CALL_AND_TRAP = "[CALL] a [HEAD] f() [END] [TRAP][END] ok"


def script(text: str = CALL_AND_TRAP) -> ScriptedSession:
    return ScriptedSession(pieces_of(text))


async def waits() -> str:
    await asyncio.sleep(600)
    return "never"


# ----------------------------------------------------------------------------------- none is lost


def with_calls(count: int) -> list[str]:
    written = []
    for n in range(count):
        written += ["[CALL]", f" a{n} ", "[HEAD]", f" f(x={n})", "[END]"]
    return [*written, "[TRAP]", " all ", "[END]", " ok"]


async def load(sessions: int, calls: int) -> Counter:
    """Run sessions side by side; return what was answered to how many."""
    answered: Counter = Counter()

    async def f(x: int) -> int:
        await asyncio.sleep(0.001 * (x % 3))
        return x

    def count(rows) -> None:
        for row in rows:
            if isinstance(row.event, Returned):
                answered["returned"] += 1
            for effect in row.effects:
                match effect:
                    case Start():
                        answered["started"] += 1
                    case Inject(interrupts):
                        answered.update(told.outcome.value for told in interrupts)

    async def one() -> str:
        session = ScriptedSession(pieces)
        async with many.open(session, {"f": f}, journal=count) as opened:
            return await opened.complete()

    pieces = with_calls(calls)
    async with Sessions(decoder="at once", most_open=sessions) as many:
        answered.update(await asyncio.gather(*(one() for _ in range(sessions))))
        assert len(many) == 0
    return answered


def check_load(sessions: int, calls: int) -> None:
    answered = asyncio.run(load(sessions, calls))
    expected = dict.fromkeys(range(calls), sessions)
    expected |= {"started": sessions * calls, "returned": sessions * calls, "stop": sessions}
    assert answered == expected


def test_hundreds_of_sessions_lose_nothing() -> None:
    check_load(300, 5)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_ten_thousand_sessions_and_a_hundred_thousand_calls_lose_nothing() -> None:
    check_load(10_000, 10)


@pytest.mark.parametrize("decoder", [None, "at once"])
def test_no_session_has_a_thread(decoder) -> None:
    async def main() -> int:
        async def f() -> None:
            await gate.wait()

        gate, trapped, before = asyncio.Event(), asyncio.Semaphore(0), {*threading.enumerate()}
        async with Sessions(decoder=decoder) as sessions, asyncio.TaskGroup() as group:
            for _ in range(100):
                opened = sessions.open(script(), {"f": f}, journal=at("Step/trap", trapped.release))
                group.create_task(opened.complete())
            for _ in range(100):
                await trapped.acquire()
            threads = len({*threading.enumerate()} - before)
            gate.set()
        return threads

    assert asyncio.run(main()) == (1 if decoder is None else 0)


# --------------------------------------------------------------------------------- none is starved


@given(st.lists(st.integers(1, 30), min_size=2, max_size=8), st.integers(0, 10))
def test_each_session_that_has_something_to_do_has_its_turn(lengths, called) -> None:
    taken: list[int] = []

    async def f() -> None:
        await asyncio.sleep(0)

    async def main() -> None:
        async with Sessions(decoder="at once") as sessions, asyncio.TaskGroup() as group:
            for number, length in enumerate(lengths):
                written = [" w"] * length + ["[CALL] f() [END]"] * (number == called)
                session = ScriptedSession(written)
                opened = sessions.open(
                    session, {"f": f}, journal=lambda _, it=number: taken.append(it)
                )
                group.create_task(opened.complete())

    asyncio.run(main())
    last = {number: place for place, number in enumerate(taken)}
    for number in range(len(lengths)):
        turns = [place for place, each in enumerate(taken) if each == number]
        for before, after in pairwise(turns):
            between = Counter(taken[before + 1 : after])
            assert all(count <= 1 for count in between.values()) or number == called
            waiting = {n for n in last if n != number and last[n] > after and n != called}
            assert waiting <= between.keys()


def test_a_shared_decoder_lets_each_session_have_a_step_in_turn() -> None:
    steps: list[int] = []

    class Told(ScriptedSession):
        def __init__(self, number: int) -> None:
            super().__init__([" w"] * 50, 0.0005)
            self.number = number

        def decode(self):
            steps.append(self.number)
            return super().decode()

    async def main() -> None:
        async with Sessions() as sessions, asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(sessions.open(Told(number), {}).complete())

    asyncio.run(main())
    for end in range(8, 180):
        counts = Counter(steps[:end])
        assert max(counts.values()) - min(counts[n] for n in range(4)) <= 3


# ----------------------------------------------------------------------------------- what they share


def reports(x: int, heard: str):
    """Reports until it is heard: a report that does not arrive in time is given up."""
    while not Path(heard).exists():
        yield x
        sleep(0.01)
    return x + 1


def test_sessions_share_one_office_and_hear_their_own_reports(tmp_path) -> None:
    async def main(executor) -> list[Kept]:
        kept = [Kept(("reports",)) for _ in range(3)]
        async with Sessions(executor) as sessions, asyncio.TaskGroup() as group:
            for number, each in enumerate(kept):
                file = tmp_path / str(number)
                call = f"reports(x={10 * number}, heard={str(file)!r})"
                opened = sessions.open(
                    script(f"[CALL] a [HEAD] {call} [END] [TRAP] a [END]"),
                    {"reports": reports},
                    journal=both(each, at("Step/progress", file.touch)),
                )
                group.create_task(opened.complete())
        return kept

    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        kept = asyncio.run(main(executor))
    heard = [[r.event.outcome.value for r in k.rows if isinstance(r.event, Returned)] for k in kept]
    assert [list(dict.fromkeys(values)) for values in heard] == [[0, 1], [10, 11], [20, 21]]


# ------------------------------------------------------------------------------------- at any moment


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.01, 0.1])
def test_closing_stops_what_is_under_way_and_tells_who_waits(after_s) -> None:
    async def main() -> list[Kept]:
        kept = [Kept() for _ in range(20)]
        async with Sessions() as sessions:
            opened = [sessions.open(script(), {"f": waits}, journal=each) for each in kept]
            tasks = [asyncio.create_task(each.complete()) for each in opened]
            await asyncio.sleep(after_s)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(one == "stopped" or one.clause == "Embed/shutdown" for one in ended)
        assert len(sessions) == 0
        with pytest.raises(HostError, match="Embed/shutdown"):
            sessions.open(script(), {})
        return kept

    for kept in asyncio.run(main()):
        assert kept.rules[-1:] in ([], ["Step/stop"])  # none at all where it had not begun
        assert not kept.rows or kept.diagnostics == []


# -------------------------------------------------------------------------------------- the page


def test_the_example_of_a_fault_holds() -> None:
    exec(FAULTY, {})


def test_the_example_of_the_page_runs(capsys) -> None:
    exec(EXAMPLE, {"__name__": "__main__"})
    assert '[INTR] a [HEAD] "fine in City 499" [END]' in capsys.readouterr().out
