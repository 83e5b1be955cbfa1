"""How a session in an event loop is cancelled and closed: what has been done by then, and who is told."""

import asyncio
import threading

import pytest
from stuck_verbs import AT_THE_END, Kept, Never, SlowAtTheEnd, Stuck, at, both, logged

from interpreter import AsyncRuntime, EndOfDecoding, HostError, ScriptedSession, Settings

CALL = "[CALL] a [HEAD] f() [END]"
CALL_AND_TRAP = [f"{CALL} [TRAP][END]", " ok"]
STOP = EndOfDecoding("stop")
LEFT_BEHIND = "a step of the session does not end and is left behind"


async def waits() -> None:
    await asyncio.sleep(600)


# ------------------------------------------------------------------------------------------ cancelling


def test_to_cancel_the_task_is_to_stop_the_session() -> None:
    async def main() -> Kept:
        kept, trapped = Kept(), asyncio.Event()
        journal = both(kept, at("Step/trap", trapped.set))
        async with AsyncRuntime(
            ScriptedSession(CALL_AND_TRAP), {"f": waits}, journal=journal
        ) as runtime:
            reading = asyncio.create_task(runtime.complete())
            await trapped.wait()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert kept.rules[-1] == "Step/stop"
        assert await runtime.aclose() == ()
        return kept

    assert asyncio.run(main()).diagnostics == []


def test_who_is_cancelled_waits_until_the_context_is_what_the_trace_says() -> None:
    async def main() -> None:
        session = Stuck(["one ", "two"])
        async with AsyncRuntime(session, {}, journal=session.lets_go_on, patience_s=60) as runtime:
            reading = asyncio.create_task(runtime.complete())
            await asyncio.to_thread(session.begun.wait, 60)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert (session.goes_on.is_set(), session.context) == (True, "")

    asyncio.run(main())


def test_a_reader_that_is_cancelled_in_its_own_body_leaves_a_session_to_be_stopped() -> None:
    async def main() -> Kept:
        kept, reads = Kept(()), asyncio.Event()
        async with AsyncRuntime(ScriptedSession(["w "] * 100), {}, journal=kept) as runtime:

            async def read() -> None:
                async for _ in runtime.run():
                    reads.set()
                    await asyncio.sleep(600)

            reading = asyncio.create_task(read())
            await reads.wait()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        return kept

    kept = asyncio.run(main())
    assert kept.rules[-1] == "Step/stop"
    assert kept.diagnostics == []


# --------------------------------------------------------------------------------------------- closing


def test_to_leave_the_block_is_to_close() -> None:
    async def main() -> None:
        async with AsyncRuntime(ScriptedSession([]), {}) as runtime:
            pass
        with pytest.raises(HostError, match="Embed/shutdown"):
            await runtime.complete()

    asyncio.run(main())


def test_closing_waits_until_the_context_is_what_the_trace_says() -> None:
    async def main() -> None:
        session, kept = Stuck(["one ", "two"]), Kept(())
        journal = both(kept, session.lets_go_on)
        runtime = AsyncRuntime(session, {}, journal=journal, patience_s=60)
        reading = asyncio.create_task(runtime.complete())
        await asyncio.to_thread(session.begun.wait, 60)
        assert await runtime.aclose() == ()
        assert kept.rules[-1] == "Step/stop"
        assert (session.goes_on.is_set(), session.context) == (True, "")
        with pytest.raises(HostError, match="Embed/shutdown"):
            await reading

    asyncio.run(main())


def test_a_step_that_does_not_end_is_left_behind_and_told_once() -> None:
    async def main() -> list[str]:
        session = Stuck(["one "])
        runtime = AsyncRuntime(session, {}, patience_s=0.1)
        reading = asyncio.create_task(runtime.complete())
        await asyncio.to_thread(session.begun.wait, 60)
        with logged() as told:
            await runtime.aclose()
            await runtime.aclose()
        session.goes_on.set()
        with pytest.raises(HostError, match="Embed/shutdown"):
            await reading
        return told

    assert asyncio.run(main()) == [LEFT_BEHIND]


def test_who_waits_for_the_last_effect_is_not_kept_when_another_closes() -> None:
    async def main() -> None:
        session, finished = SlowAtTheEnd([CALL, STOP]), asyncio.Event()
        session.held = threading.Event()
        runtime = AsyncRuntime(
            session,
            {"f": int},
            AT_THE_END,
            Never(),
            journal=at("Settle/finish", finished.set),
            patience_s=0.1,
        )
        reading = asyncio.create_task(runtime.complete())
        await finished.wait()
        assert await runtime.aclose() == ()
        assert await reading == "stop"
        session.held.set()

    asyncio.run(main())


def test_the_last_effect_is_waited_for_however_long_it_takes() -> None:
    async def main() -> None:
        session = SlowAtTheEnd([CALL, STOP])
        async with AsyncRuntime(
            session, {"f": int}, AT_THE_END, Never(), patience_s=0.0
        ) as runtime:
            await runtime.complete()
            assert "[INTR] a cancelled [HEAD]" in session.context

    asyncio.run(main())


def test_what_the_last_step_raises_is_raised() -> None:
    class Broken(SlowAtTheEnd):
        def append(self, batch):
            super().append(batch)
            raise ConnectionError("the server is gone")

    async def main() -> None:
        session = Broken([CALL, STOP])
        async with AsyncRuntime(session, {"f": int}, AT_THE_END, Never()) as runtime:
            with pytest.raises(ConnectionError, match="is gone"):
                await runtime.complete()

    asyncio.run(main())


def test_a_host_waits_as_long_as_it_has_patience_and_without_any_not_at_all() -> None:
    async def others_while_closing(patience_s: float) -> int:
        session, rounds = Stuck(["one"]), 0

        async def heart() -> None:
            nonlocal rounds
            while True:
                rounds += 1
                if rounds == 5:
                    session.goes_on.set()
                await asyncio.sleep(0)

        runtime = AsyncRuntime(session, {}, patience_s=patience_s)
        reading = asyncio.create_task(runtime.complete())
        await asyncio.to_thread(session.begun.wait, 60)
        beating = asyncio.create_task(heart())
        with logged() as told:
            await runtime.aclose()
        beating.cancel()
        session.goes_on.set()
        await asyncio.gather(reading, return_exceptions=True)
        assert told == ([] if patience_s else [LEFT_BEHIND])
        return rounds

    assert asyncio.run(others_while_closing(0.0)) == 0
    assert asyncio.run(others_while_closing(0.99)) >= 5


def test_closing_cancels_calls_and_waits_for_them_and_tells_who_says_something() -> None:
    async def main() -> None:
        before, runs, ended = {*threading.enumerate()}, asyncio.Event(), asyncio.Event()

        async def f() -> None:
            runs.set()
            try:
                await asyncio.sleep(600)
            finally:
                for _ in range(10):
                    await asyncio.sleep(0)
                ended.set()

        runtime = AsyncRuntime(ScriptedSession([CALL]), {"f": f}, Settings(end="detach"))
        await runtime.complete()
        await runs.wait()
        message = runtime.say("hello?")
        assert await runtime.aclose() == ()
        assert ended.is_set()
        with pytest.raises(HostError, match="Embed/shutdown"):
            message.went_in.result(0)
        for thread in {*threading.enumerate()} - before:
            thread.join(30)
            assert not thread.is_alive()

    asyncio.run(main())


def test_a_call_that_still_runs_is_named() -> None:
    async def main() -> None:
        gate = threading.Event()
        runtime = AsyncRuntime(ScriptedSession([CALL]), {"f": gate.wait}, Settings(end="detach"))
        await runtime.complete()
        assert await runtime.aclose() == ("a",)
        gate.set()

    asyncio.run(main())


def test_a_coroutine_that_goes_on_after_it_is_cancelled_is_named_and_left_behind() -> None:
    async def main() -> None:
        runs, gate, asked = asyncio.Event(), asyncio.Event(), []

        async def f() -> None:
            runs.set()
            while not gate.is_set():
                try:
                    await gate.wait()
                except asyncio.CancelledError:
                    asked.append("to stop")

        session = ScriptedSession([CALL])
        runtime = AsyncRuntime(session, {"f": f}, Settings(end="detach"), patience_s=0.05)
        await runtime.complete()
        await runs.wait()
        try:
            assert await asyncio.wait_for(runtime.aclose(), 10) == ("a",)
            assert asked == ["to stop"]
        finally:
            gate.set()

    asyncio.run(main())


def test_whoever_closes_while_another_does_waits_until_it_is_closed() -> None:
    async def main() -> None:
        session = Stuck(["one"])
        runtime = AsyncRuntime(session, {}, journal=session.lets_go_on, patience_s=60)
        reading = asyncio.create_task(runtime.complete())
        await asyncio.to_thread(session.begun.wait, 60)
        first = asyncio.create_task(runtime.aclose())
        await asyncio.sleep(0)
        await runtime.aclose()
        assert session.goes_on.is_set()
        await first
        await asyncio.gather(reading, return_exceptions=True)

    asyncio.run(main())


def test_closing_that_is_cancelled_has_closed() -> None:
    async def main() -> None:
        session, runs = SlowAtTheEnd([CALL, STOP]), asyncio.Event()
        session.held = threading.Event()

        async def f() -> None:
            runs.set()
            await asyncio.sleep(600)

        runtime = AsyncRuntime(session, {"f": f}, AT_THE_END)
        reading = asyncio.create_task(runtime.complete())
        await runs.wait()
        closing = asyncio.create_task(runtime.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        assert await runtime.aclose() == ()
        session.held.set()
        await asyncio.gather(reading, return_exceptions=True)

    asyncio.run(main())


def test_a_function_cannot_close_the_session_that_called_it() -> None:
    async def main() -> None:
        async def f() -> None:
            await runtime.aclose()

        session = ScriptedSession(CALL_AND_TRAP)
        async with AsyncRuntime(session, {"f": f}) as runtime:
            assert await runtime.complete() == "stop"
        assert "a function cannot close the session that called it" in session.context

    asyncio.run(main())
