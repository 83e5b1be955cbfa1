"""Sessions that share a loop: none touches another, each is stopped and closed, and there is room for so many."""

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from stuck_verbs import Kept, Stuck, at, both, logged

from interpreter import EndOfDecoding, HostError, ScriptedSession, Sessions, Settings
from interpreter.events import Inject
from interpreter.journals.past import past_of
from interpreter.scripted import pieces_of
from interpreter.trace import Header

CALL_AND_TRAP = "[CALL] a [HEAD] f() [END] [TRAP][END] ok"


def script(text: str = CALL_AND_TRAP) -> ScriptedSession:
    return ScriptedSession(pieces_of(text))


async def waits() -> str:
    await asyncio.sleep(600)
    return "never"


def trapping(count: int) -> tuple[Callable[[list], None], asyncio.Event]:
    """A journal for so many sessions, and what is set when all of them have come to a trap."""
    left, all_are = list(range(count)), asyncio.Event()

    def one() -> None:
        left.pop()
        if not left:
            all_are.set()

    return at("Step/trap", one), all_are


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


# -------------------------------------------------------------------------------- stop and close


def test_one_is_stopped_and_the_others_go_on() -> None:
    async def main() -> list[str]:
        gate = asyncio.Event()

        async def f() -> None:
            await gate.wait()

        async with Sessions(decoder="at once") as sessions:
            journal, trapped = trapping(3)
            opened = [sessions.open(script(), {"f": f}, journal=journal) for _ in range(3)]
            tasks = [asyncio.create_task(each.complete()) for each in opened]
            await trapped.wait()
            opened[1].stop()
            assert await tasks[1] == "stopped"
            gate.set()
            return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == ["stop", "stopped", "stop"]


def test_all_are_stopped_from_another_thread_and_their_traces_end_well() -> None:
    async def main() -> list[Kept]:
        kept = [Kept() for _ in range(20)]
        journal, trapped = trapping(20)
        async with Sessions() as sessions:
            journals = [both(each, journal) for each in kept]
            opened = [sessions.open(script(), {"f": waits}, journal=each) for each in journals]
            tasks = [asyncio.create_task(each.complete()) for each in opened]
            await trapped.wait()
            stopping = threading.Thread(target=sessions.stop)
            stopping.start()
            assert await asyncio.gather(*tasks) == ["stopped"] * 20
            stopping.join()
        return kept

    for kept in asyncio.run(main()):
        assert kept.rules[-1] == "Step/stop"
        assert kept.diagnostics == []


def test_a_journal_that_fails_at_the_end_keeps_no_other_session_from_closing() -> None:
    def fails_at_the_end(rows) -> None:
        if rows[-1].rule == "Step/stop":
            raise OSError("no space left on device")

    async def main() -> list[Kept]:
        kept = [Kept() for _ in range(3)]
        trap, trapped = trapping(4)
        journals = [both(each, trap) for each in (kept[0], fails_at_the_end, *kept[1:])]
        sessions = Sessions(decoder="at once")
        opened = [sessions.open(script(), {"f": waits}, journal=each) for each in journals]
        tasks = [asyncio.create_task(each.complete()) for each in opened]
        await trapped.wait()
        with pytest.raises(ExceptionGroup) as raised:
            await sessions.aclose()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert [str(error) for error in raised.value.exceptions] == ["no space left on device"]
        assert len(sessions) == 0
        return kept

    for kept in asyncio.run(main()):
        assert "Step/stop" in kept.rules
        assert kept.diagnostics == []


def test_closing_closes_all_and_whoever_runs_one_is_told() -> None:
    async def main() -> list[Kept]:
        kept = [Kept() for _ in range(3)]
        journal, trapped = trapping(3)
        async with Sessions(decoder="at once") as sessions:
            journals = [both(each, journal) for each in kept]
            opened = [sessions.open(script(), {"f": waits}, journal=each) for each in journals]
            tasks = [asyncio.create_task(each.complete()) for each in opened]
            await trapped.wait()
            assert list(sessions) == opened
        assert len(sessions) == 0
        for task in tasks:
            with pytest.raises(HostError, match="Embed/shutdown"):
                await task
        with pytest.raises(HostError, match="Embed/shutdown"):
            sessions.open(script(), {})
        return kept

    for kept in asyncio.run(main()):
        assert kept.rules[-1] == "Step/stop"
        assert kept.diagnostics == []


def test_nothing_is_opened_while_all_are_closed() -> None:
    async def main() -> None:
        session, sessions = Stuck(["one"]), Sessions(patience_s=60)
        opened = sessions.open(session, {}, journal=session.lets_go_on)
        running = asyncio.create_task(opened.complete())
        await asyncio.to_thread(session.begun.wait, 60)
        closing = asyncio.create_task(sessions.aclose())
        await asyncio.sleep(0)
        with pytest.raises(HostError, match="Embed/shutdown"):
            sessions.open(script(), {})
        await closing
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())


def test_one_that_somebody_closes_already_is_closed_when_all_are() -> None:
    async def main() -> None:
        session, sessions = Stuck(["one"]), Sessions(patience_s=60)
        opened = sessions.open(session, {}, journal=session.lets_go_on)
        running = asyncio.create_task(opened.complete())
        await asyncio.to_thread(session.begun.wait, 60)
        closing = asyncio.create_task(opened.aclose())
        await asyncio.sleep(0)
        await sessions.aclose()
        assert (len(sessions), session.goes_on.is_set()) == (0, True)
        assert await closing == ()
        await sessions.aclose()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())


@pytest.mark.parametrize("cancelled_after", [1, 2, 3, None])
def test_closing_ends_all_and_their_threads_also_where_it_is_cancelled(cancelled_after) -> None:
    async def main() -> None:
        await asyncio.to_thread(int)  # the loop has the thread that looks for the session below
        before, kept = {*threading.enumerate()}, Kept(())
        session, sessions = Stuck(["one"]), Sessions()
        running = asyncio.create_task(sessions.open(session, {}, journal=kept).complete())
        idle = sessions.open(script(), {})
        await asyncio.to_thread(session.begun.wait, 60)
        closing = asyncio.create_task(sessions.aclose())
        for _ in range(cancelled_after or 1):
            await asyncio.sleep(0)
        if cancelled_after:
            closing.cancel()
        else:
            session.goes_on.set()
        await asyncio.gather(closing, return_exceptions=True)
        assert closing.cancelled() == bool(cancelled_after)
        assert len(sessions) == 0
        assert kept.rules[-1] == "Step/stop"
        assert await idle.aclose() == ()
        with pytest.raises(HostError, match="Embed/shutdown"):
            await idle.complete()
        session.goes_on.set()
        with pytest.raises(HostError, match="Embed/shutdown"):
            await running
        for thread in {*threading.enumerate()} - before:
            thread.join(30)
            assert not thread.is_alive()

    asyncio.run(main())


def test_closing_that_is_cancelled_leaves_one_that_somebody_closes_already_to_them() -> None:
    async def main() -> None:
        session, sessions = Stuck(["one"]), Sessions(patience_s=60)
        opened = sessions.open(session, {})
        running = asyncio.create_task(opened.complete())
        await asyncio.to_thread(session.begun.wait, 60)
        own, closing = (asyncio.create_task(each.aclose()) for each in (opened, sessions))
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert (own.done(), len(sessions)) == (False, 1)
        session.goes_on.set()
        assert await own == ()
        assert len(sessions) == 0
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())


def test_a_function_cannot_close_the_sessions_and_all_go_on() -> None:
    async def main() -> None:
        async def f() -> None:
            await sessions.aclose()

        async with Sessions() as sessions:
            session, other = script(), script("hello")
            assert await sessions.open(session, {"f": f}).complete() == "stop"
            assert await sessions.open(other, {}).complete() == "stop"
        assert "a function cannot close the session that called it" in session.context

    asyncio.run(main())


def test_a_function_closes_sessions_that_it_made() -> None:
    async def main() -> None:
        async def f() -> str:
            async with Sessions() as inner:
                return await inner.open(script("hello"), {}).complete()

        session = script()
        async with Sessions() as sessions:
            await sessions.open(session, {"f": f}).complete()
        assert '[INTR] a [HEAD] "stop" [END]' in session.context

    asyncio.run(main())


def test_a_step_that_hangs_keeps_nobody_from_closing() -> None:
    async def main() -> list[str]:
        session = Stuck([" w"])
        async with Sessions(ThreadPoolExecutor(1), ThreadPoolExecutor(2), patience_s=0.1) as many:
            hanging = asyncio.create_task(many.open(session, {}).complete())
            assert await many.open(script("hello"), {}).complete() == "stop"
            leaves = logged()
            told = leaves.__enter__()
        leaves.__exit__(None, None, None)
        with pytest.raises(HostError, match="Embed/shutdown"):
            await hanging
        session.goes_on.set()
        return told

    assert asyncio.run(main()) == ["a step of the session does not end and is left behind"]


def test_a_decoder_that_was_shut_down_is_told_to_those_who_need_it() -> None:
    async def main() -> None:
        decoder = ThreadPoolExecutor(1)
        async with Sessions(decoder=decoder) as sessions:
            opened = sessions.open(script(), {"f": waits})
            decoder.shutdown()
            with pytest.raises(HostError, match="Embed/shutdown"):
                await opened.complete()

    asyncio.run(main())


def test_a_decoder_that_drops_what_waits_is_told_to_those_who_wait_for_it() -> None:
    async def main() -> None:
        decoder, session = ThreadPoolExecutor(1), Stuck(["one"])
        async with Sessions(decoder=decoder) as sessions:
            running = [sessions.open(session, {}), sessions.open(script(), {"f": waits})]
            tasks = [asyncio.create_task(each.complete()) for each in running]
            await asyncio.to_thread(session.begun.wait, 60)
            decoder.shutdown(wait=False, cancel_futures=True)
            session.goes_on.set()
            for task in tasks:
                with pytest.raises(HostError, match="Embed/shutdown"):
                    await task

    asyncio.run(main())


# ------------------------------------------------------------------------------ what it is opened with


def test_a_session_has_the_clock_and_the_past_that_it_is_opened_with() -> None:
    async def main() -> None:
        stop, rows = EndOfDecoding("stop"), []
        now_us = iter(range(5_000_000, 6_000_000, 1_000))
        async with Sessions(decoder="at once", clock=lambda: next(now_us)) as sessions:
            first = sessions.open(ScriptedSession(["One.", stop]), {}, journal=rows.extend)
            await first.complete()
            past = past_of(Header(1, first.settings, "real"), rows)
            session = ScriptedSession(["One.", stop, "Two."])
            await sessions.open(session, {}, past=past).complete("And?")
        assert session.context == "One.And?Two."
        assert rows[0].at_us == 1_000
        assert {row.at_us % 1_000 for row in rows} == {0}

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


def test_a_session_that_is_over_is_freed_at_once_and_leaves_the_collector_nothing() -> None:
    async def returns() -> int:
        await asyncio.sleep(0)
        return 1

    async def main() -> tuple[object, int]:
        async with Sessions(decoder="at once") as sessions:
            for _ in range(2):  # what is loaded once for all is loaded by the first
                gc.collect()
                model = script()
                async with sessions.open(model, {"f": returns}) as session:
                    await session.complete()
                kept = weakref.ref(model)
                del model, session
            return kept(), gc.collect()

    gc.disable()
    try:
        assert asyncio.run(main()) == (None, 0)
    finally:
        gc.enable()


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
