"""The asyncio form of the driver: in the host's loop, stopped by cancelling its task."""

import asyncio
import io
import threading
import time

import pytest

from interpreter import AsyncRuntime, HostError, ScriptedSession, Settings
from interpreter.events import Inject
from interpreter.trace import Header, check_trace, journal

CALL_AND_TRAP = ["[CALL] a [HEAD] f() [END] [TRAP][END]", " ok"]


def test_coroutines_run_in_the_loop_of_the_host() -> None:
    async def main() -> None:
        here = asyncio.get_running_loop()

        async def f() -> bool:
            await asyncio.sleep(0)
            return asyncio.get_running_loop() is here

        session = ScriptedSession(CALL_AND_TRAP)
        async with AsyncRuntime(session, {"f": f}) as runtime:
            rows = [row async for row in runtime.run()]
        [told] = [e for row in rows for e in row.effects if isinstance(e, Inject)]
        assert told.interrupts[0].outcome.value is True
        assert session.context.endswith("ok")

    asyncio.run(main())


def test_the_loop_goes_on_while_the_session_waits() -> None:
    async def main() -> None:
        opened = asyncio.Event()

        async def opens() -> None:
            opened.set()

        async def f() -> str:
            await opened.wait()
            return "open"

        async with (
            AsyncRuntime(ScriptedSession(CALL_AND_TRAP), {"f": f}) as runtime,
            asyncio.TaskGroup() as group,
        ):
            reading = group.create_task(rules(runtime))
            group.create_task(opens())
        assert "Settle/wake" in reading.result()

    asyncio.run(main())


async def rules(runtime: AsyncRuntime) -> list[str]:
    return [row.rule async for row in runtime.run()]


def test_to_cancel_the_task_is_to_stop_the_session() -> None:
    async def main() -> list[bytes]:
        async def f() -> None:
            await asyncio.sleep(600)

        file = io.BytesIO()
        write = journal(file, Header(1, Settings(functions=("f",)), "real"))
        session = ScriptedSession(CALL_AND_TRAP)
        async with AsyncRuntime(session, {"f": f}, journal=write) as runtime:
            trapped = asyncio.Event()

            async def read() -> None:
                async for row in runtime.run():
                    if row.rule == "Step/trap":
                        trapped.set()

            reading = asyncio.create_task(read())
            await trapped.wait()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        assert await runtime.aclose() == ()
        return file.getvalue().splitlines(keepends=True)

    lines = asyncio.run(main())
    assert b"Step/stop" in lines[-1]
    assert list(check_trace(lines)) == []


def test_what_the_session_raises_is_raised_in_the_task() -> None:
    class Broken(ScriptedSession):
        def decode(self):
            raise ConnectionError("the server is gone")

    async def main() -> None:
        async with AsyncRuntime(Broken([]), {}) as runtime:
            with pytest.raises(ConnectionError, match="is gone"):
                await rules(runtime)

    asyncio.run(main())


def test_a_closed_runtime_runs_no_more() -> None:
    async def main() -> None:
        runtime = AsyncRuntime(ScriptedSession([]), {})
        await runtime.aclose()
        with pytest.raises(HostError, match="Embed/shutdown"):
            await rules(runtime)

    asyncio.run(main())


def written(count: int, pause_s: float = 0.0) -> ScriptedSession:
    return ScriptedSession([f"w{i} " for i in range(count)], pause_s)


@pytest.mark.parametrize("pause_s", [0.0, 0.001])
def test_a_cancellation_is_never_swallowed(pause_s) -> None:
    async def once(after_s: float) -> None:
        file = io.BytesIO()
        write = journal(file, Header(1, Settings(functions=()), "real"))
        async with AsyncRuntime(written(100_000, pause_s), {}, journal=write) as runtime:
            reading = asyncio.create_task(rules(runtime))
            await asyncio.sleep(after_s)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(reading, 30)
        lines = file.getvalue().splitlines(keepends=True)
        assert list(check_trace(lines)) == []

    for number in range(20):
        asyncio.run(once(0.001 * number))


def test_a_reader_that_is_cancelled_in_its_own_body_leaves_a_stopped_session() -> None:
    async def main() -> list[bytes]:
        file = io.BytesIO()
        write = journal(file, Header(1, Settings(functions=()), "real"))
        async with AsyncRuntime(written(100_000), {}, journal=write) as runtime:

            async def read() -> None:
                async for _ in runtime.run():
                    await asyncio.sleep(0.0005)

            reading = asyncio.create_task(read())
            await asyncio.sleep(0.02)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        return file.getvalue().splitlines(keepends=True)

    lines = asyncio.run(main())
    assert b"Step/stop" in lines[-1]
    assert list(check_trace(lines)) == []


def test_a_slow_reader_does_not_keep_the_loop() -> None:
    async def main() -> None:
        beats = 0

        async def heart() -> None:
            nonlocal beats
            while True:
                beats += 1
                await asyncio.sleep(0)

        beating = asyncio.create_task(heart())
        async with AsyncRuntime(written(200), {}) as runtime:
            async for _ in runtime.run():
                time.sleep(0.0005)  # noqa: ASYNC251  a reader that computes
        beating.cancel()
        assert beats > 100

    asyncio.run(main())


def test_closing_that_is_cancelled_has_closed() -> None:
    async def main() -> None:
        async def f() -> None:
            await asyncio.sleep(600)

        runtime = AsyncRuntime(ScriptedSession(CALL_AND_TRAP), {"f": f}, Settings(end="detach"))
        reading = asyncio.create_task(rules(runtime))
        await asyncio.sleep(0.05)
        closing = asyncio.create_task(runtime.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.gather(closing, reading, return_exceptions=True)
        await asyncio.sleep(0.05)
        assert await runtime.aclose() == ()

    asyncio.run(main())


def test_to_await_a_message_is_to_wait_until_it_goes_in() -> None:
    async def main() -> None:
        gate = asyncio.Event()
        session = ScriptedSession(["[CALL] a [HEAD] f() [END]", "[TRAP] a [END]", " ok"])
        async with (
            AsyncRuntime(session, {"f": gate.wait}) as runtime,
            asyncio.TaskGroup() as group,
        ):
            reading = group.create_task(rules(runtime))
            for text in ("hurry", "hurry", "please"):
                row = await runtime.say(text)
                assert row.rule == "Settle/deliver"
                assert [told.outcome.value for told in row.effects[0].interrupts] == [text]
            gate.set()
        assert reading.result().count("Step/message") == 3

    asyncio.run(main())


def test_a_message_that_nobody_hears_is_told_to_who_awaits_it() -> None:
    async def main() -> None:
        runtime = AsyncRuntime(ScriptedSession([]), {})
        await rules(runtime)
        message = runtime.say("hello?")
        with pytest.raises(HostError, match="Embed/message"):
            runtime.say("x" * 100_000)
        await runtime.aclose()
        with pytest.raises(HostError, match="Embed/shutdown"):
            await message

    asyncio.run(main())


def test_who_waits_no_longer_for_a_message_takes_nothing_back() -> None:
    async def main() -> None:
        session = ScriptedSession(["ok"])
        async with AsyncRuntime(session, {}) as runtime:
            message = runtime.say("hello?")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(message, 0.001)
            assert not message.went_in.cancel()
            assert (await rules(runtime))[-1] == "Settle/finish"
            assert (await message).rule == "Settle/deliver"
        assert '"hello?"' in session.context

    asyncio.run(main())


def test_a_message_that_nobody_waits_for_any_more_keeps_nothing_from_closing() -> None:
    async def main() -> None:
        runtime = AsyncRuntime(ScriptedSession([]), {})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(runtime.say("hello?"), 0.001)
        assert await runtime.aclose() == ()

    asyncio.run(main())


def test_what_is_said_as_a_turn_is_cancelled_goes_in_with_the_next() -> None:
    """The row of the message is one of the last of its turn, which nobody reads."""
    decodes, goes_on = threading.Event(), threading.Event()

    class Held(ScriptedSession):
        def decode(self):
            decodes.set()
            goes_on.wait(60)
            return super().decode()

    async def main() -> list[object]:
        async with AsyncRuntime(Held(["a ", "b "]), {}) as runtime:
            reading = asyncio.create_task(rules(runtime))
            await asyncio.to_thread(decodes.wait, 60)
            messages = [runtime.say("first")]
            reading.cancel()
            goes_on.set()
            with pytest.raises(asyncio.CancelledError):
                await reading
            messages.append(runtime.say("second"))
            await rules(runtime)
            told = [await asyncio.wait_for(message, 30) for message in messages]
            return [
                [each.outcome.value for effect in row.effects for each in effect.interrupts]
                for row in told
            ]

    first, second = asyncio.run(main())
    assert "first" in first
    assert "second" in second


def test_nothing_is_said_to_a_session_that_is_closed() -> None:
    async def main() -> None:
        runtime = AsyncRuntime(ScriptedSession([]), {})
        await runtime.aclose()
        with pytest.raises(HostError, match="Embed/shutdown"):
            runtime.say("hello?")

    asyncio.run(main())


def test_who_runs_a_session_that_is_closed_while_it_decodes_is_told_so() -> None:
    async def main() -> None:
        runtime = AsyncRuntime(written(100, 0.05), {})
        reading = asyncio.create_task(rules(runtime))
        await asyncio.sleep(0.02)
        await runtime.aclose()
        with pytest.raises(HostError, match="Embed/shutdown"):
            await reading

    asyncio.run(main())
