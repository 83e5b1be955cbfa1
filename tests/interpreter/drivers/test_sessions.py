"""Many sessions in one loop: none lost, none starved, none that touches another, and room for so many."""

import asyncio
import io
import re
import threading
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpreter import HostError, ScriptedSession, Sessions, Settings
from interpreter.events import Inject, Returned, Start
from interpreter.scripted import pieces_of
from interpreter.trace import Header, check_trace, journal

PAGE = Path(__file__).parents[3] / "docs" / "reliability.md"
EXAMPLE, *_, FAULTY = re.findall(
    r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
)
CALL_AND_TRAP = "[CALL] a [HEAD] f() [END] [TRAP][END] ok"


class Kept:
    """A journal that keeps its rows, and lines of a trace."""

    def __init__(self, functions=("f",)) -> None:
        self.rows = []
        self.file = io.BytesIO()
        self.write = journal(self.file, Header(1, Settings(functions=functions), "real"))

    def __call__(self, rows) -> None:
        self.rows += rows
        self.write(rows)

    @property
    def diagnostics(self) -> list:
        return list(check_trace(self.file.getvalue().splitlines(keepends=True)))


def script(text: str = CALL_AND_TRAP) -> ScriptedSession:
    return ScriptedSession(pieces_of(text))


async def waits() -> str:
    await asyncio.sleep(600)
    return "never"


def rules(kept: Kept) -> list[str]:
    return [row.rule for row in kept.rows]


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

        gate, before = asyncio.Event(), {*threading.enumerate()}
        async with Sessions(decoder=decoder) as sessions, asyncio.TaskGroup() as group:
            opened = [sessions.open(script(), {"f": f}) for _ in range(100)]
            for each in opened:
                group.create_task(each.complete())
            await asyncio.sleep(0.2)
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


# --------------------------------------------------------------------- none touches another


class Broken(ScriptedSession):
    def decode(self):
        raise ConnectionError("the server is gone")


def full_disk(_) -> None:
    raise OSError("no space left on device")


def exits() -> None:
    raise SystemExit(3)


@pytest.mark.parametrize("decoder", [None, "at once"])
def test_what_one_session_raises_it_alone_is_told(decoder) -> None:
    async def main() -> None:
        async with Sessions(decoder=decoder) as sessions:
            good = [sessions.open(script(), {"f": lambda: 1}) for _ in range(5)]
            broken = sessions.open(Broken([]), {})
            unwritten = sessions.open(script(), {"f": lambda: 1}, journal=full_disk)
            faulty = sessions.open(script(), {"f": exits})
            ended = await asyncio.gather(
                *(each.complete() for each in (*good, broken, unwritten, faulty)),
                return_exceptions=True,
            )
        assert ended[:5] == ["stop"] * 5
        assert str(ended[5]) == "the server is gone"
        assert str(ended[6]) == "no space left on device"
        assert ended[7] == "stop"

    asyncio.run(main())


def reports(x: int):
    yield x
    return x + 1


def test_sessions_share_one_office_and_hear_their_own_reports() -> None:
    async def main(executor) -> list[Kept]:
        kept = [Kept(("reports",)) for _ in range(3)]
        async with Sessions(executor) as sessions, asyncio.TaskGroup() as group:
            for number, each in enumerate(kept):
                written = script(f"[CALL] a [HEAD] reports(x={10 * number}) [END] [TRAP] a [END]")
                opened = sessions.open(written, {"reports": reports}, journal=each)
                group.create_task(opened.complete())
        return kept

    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        kept = asyncio.run(main(executor))
    heard = [[r.event.outcome.value for r in k.rows if isinstance(r.event, Returned)] for k in kept]
    assert heard == [[0, 1], [10, 11], [20, 21]]


# -------------------------------------------------------------------------------- stop and close


def test_one_is_stopped_and_the_others_go_on() -> None:
    async def main() -> list[str]:
        gate = asyncio.Event()

        async def f() -> None:
            await gate.wait()

        async with Sessions(decoder="at once") as sessions:
            opened = [sessions.open(script(), {"f": f}) for _ in range(3)]
            tasks = [asyncio.create_task(each.complete()) for each in opened]
            await asyncio.sleep(0.02)
            opened[1].stop()
            assert await tasks[1] == "stopped"
            gate.set()
            return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == ["stop", "stopped", "stop"]


def test_all_are_stopped_from_another_thread_and_their_traces_end_well() -> None:
    async def main() -> list[Kept]:
        kept = [Kept() for _ in range(20)]
        async with Sessions() as sessions:
            opened = [sessions.open(script(), {"f": waits}, journal=each) for each in kept]
            tasks = [asyncio.create_task(each.complete()) for each in opened]
            await asyncio.sleep(0.1)
            stopping = threading.Thread(target=sessions.stop)
            stopping.start()
            assert await asyncio.gather(*tasks) == ["stopped"] * 20
            stopping.join()
        return kept

    for kept in asyncio.run(main()):
        assert rules(kept)[-1] == "Step/stop"
        assert kept.diagnostics == []


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
        assert rules(kept)[-1:] in ([], ["Step/stop"])  # none at all where it had not begun
        assert not kept.rows or kept.diagnostics == []


def test_a_journal_that_fails_at_the_end_keeps_no_other_session_from_closing() -> None:
    def fails_at_the_end(rows) -> None:
        if rows[-1].rule == "Step/stop":
            raise OSError("no space left on device")

    async def main() -> list[Kept]:
        kept = [Kept() for _ in range(3)]
        journals = [kept[0], fails_at_the_end, *kept[1:]]
        sessions = Sessions(decoder="at once")
        opened = [sessions.open(script(), {"f": waits}, journal=each) for each in journals]
        tasks = [asyncio.create_task(each.complete()) for each in opened]
        await asyncio.sleep(0.1)
        with pytest.raises(ExceptionGroup) as raised:
            await sessions.aclose()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [str(error) for error in raised.value.exceptions] == ["no space left on device"]
        assert len(sessions) == 0
        return kept

    for kept in asyncio.run(main()):
        assert "Step/stop" in rules(kept)
        assert kept.diagnostics == []


def test_a_step_that_hangs_keeps_nobody_from_closing() -> None:
    release = threading.Event()

    class Hangs(ScriptedSession):
        def decode(self):
            release.wait()
            return super().decode()

    async def main() -> None:
        async with Sessions(ThreadPoolExecutor(1), ThreadPoolExecutor(2), patience_s=0.1) as many:
            hanging = asyncio.create_task(many.open(Hangs([" w"]), {}).complete())
            assert await many.open(script("hello"), {}).complete() == "stop"
        with pytest.raises(HostError, match="Embed/shutdown"):
            await hanging
        release.set()

    asyncio.run(main())  # comes to an end


def test_a_decoder_that_was_shut_down_is_told_to_those_who_need_it() -> None:
    async def main() -> None:
        decoder = ThreadPoolExecutor(1)
        async with Sessions(decoder=decoder) as sessions:
            opened = sessions.open(script(), {"f": waits})
            decoder.shutdown()
            with pytest.raises(HostError, match="Embed/shutdown"):
                await opened.complete()

    asyncio.run(main())


# ------------------------------------------------------------------------------------ what is full


def test_no_more_sessions_are_opened_than_may_be() -> None:
    async def main() -> None:
        async with Sessions(most_open=2) as sessions:
            first = sessions.open(script("a"), {})
            sessions.open(script("b"), {})
            with pytest.raises(HostError, match="Embed/full"):
                sessions.open(script("c"), {})
            await first.aclose()
            assert await sessions.open(script("c"), {}).complete() == "stop"
            assert len(list(sessions)) == len(sessions) == 2

    asyncio.run(main())


def test_one_that_could_not_be_opened_takes_no_room() -> None:
    async def main() -> None:
        async with Sessions(most_open=1) as sessions:
            with pytest.raises(HostError, match="Embed/start"):
                sessions.open(script("a"), {"f": 3})
            assert await sessions.open(script("a"), {}).complete() == "stop"

    asyncio.run(main())


def test_messages_beyond_the_bound_are_refused_and_results_get_in() -> None:
    async def main() -> Kept:
        gate, kept = asyncio.Event(), Kept()

        async def f() -> str:
            await gate.wait()
            return "here"

        async with Sessions(decoder="at once") as sessions:
            written = "[CALL] a [HEAD] f() [END] [TRAP] a [END] ok"
            settings = Settings(deliver="idle")
            opened = sessions.open(
                script(written), {"f": f}, settings, journal=kept, most_waiting=3
            )
            waiting = [opened.say("hm") for _ in range(3)]
            with pytest.raises(HostError, match="Embed/full"):
                opened.say("hm")
            running = asyncio.create_task(opened.complete())
            for message in waiting:
                await message  # until it has gone in
            for _ in range(3):
                opened.say("hm")
            gate.set()
            assert await running == "stop"
        return kept

    told = [
        delivery.id
        for row in asyncio.run(main()).rows
        for effect in row.effects
        if isinstance(effect, Inject)
        for delivery in effect.interrupts
    ]
    assert sorted(told) == ["a", *(f"user{n}" for n in range(1, 7))]


def test_the_example_of_a_fault_holds() -> None:
    exec(FAULTY, {})


def test_the_example_of_the_page_runs(capsys) -> None:
    exec(EXAMPLE, {"__name__": "__main__"})
    assert '[INTR] a [HEAD] "fine in City 499" [END]' in capsys.readouterr().out
