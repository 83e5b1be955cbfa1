"""The asyncio form of the driver: turns in the host's loop, and what is said meanwhile."""

import asyncio
import threading
from itertools import count

import pytest
from stuck_verbs import Stuck, at

from interpreter import AsyncRuntime, EndOfDecoding, HostError, ScriptedSession, Settings
from interpreter.events import Inject
from interpreter.journals.past import past_of
from interpreter.trace import Header

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


async def rounds(count: int) -> None:
    """Let everybody else in the loop have so many turns."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_others_in_the_loop_have_their_turn_between_two_instants() -> None:
    async def main() -> None:
        beats = 0

        async def heart() -> None:
            nonlocal beats
            while True:
                beats += 1
                await asyncio.sleep(0)

        beating = asyncio.create_task(heart())
        session = ScriptedSession(["w "] * 200)
        async with AsyncRuntime(session, {}, decoder="at once") as runtime:
            assert await runtime.complete() == "stop"
        beating.cancel()
        assert beats >= 200
        assert session.context == "w " * 200

    asyncio.run(main())


def test_who_waits_at_a_trap_does_nothing_meanwhile() -> None:
    async def main() -> None:
        trapped, gate, looks = asyncio.Event(), asyncio.Event(), count(1)
        session, journal = ScriptedSession(CALL_AND_TRAP), at("Step/trap", trapped.set)
        async with (
            AsyncRuntime(
                session,
                {"f": gate.wait},
                decoder="at once",
                clock=lambda: next(looks),
                journal=journal,
            ) as runtime,
            asyncio.TaskGroup() as group,
        ):
            running = group.create_task(runtime.complete())
            await trapped.wait()
            await rounds(10)
            before = next(looks)
            await rounds(100)
            assert next(looks) == before + 1
            gate.set()
        assert running.result() == "stop"
        assert session.context.endswith("ok")

    asyncio.run(main())


def test_what_arrives_at_once_wakes_it_once() -> None:
    async def main() -> None:
        trapped, gate, faults = asyncio.Event(), asyncio.Event(), []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: faults.append(told))
        session, journal = ScriptedSession(CALL_AND_TRAP), at("Step/trap", trapped.set)
        async with AsyncRuntime(session, {"f": gate.wait}, journal=journal) as runtime:
            running = asyncio.create_task(runtime.complete())
            await trapped.wait()
            await rounds(10)
            for text in ("one", "two", "three"):
                runtime.say(text)
            gate.set()
            assert await running == "stop"
        assert faults == []

    asyncio.run(main())


def test_a_deadline_comes_where_nothing_else_does() -> None:
    async def main() -> None:
        session, settings = ScriptedSession(CALL_AND_TRAP), Settings(deadline_us=20_000)
        async with AsyncRuntime(session, {"f": asyncio.Event().wait}, settings) as runtime:
            assert "Step/timeout" in await rules(runtime)

    asyncio.run(main())


def test_why_a_turn_is_over_is_told() -> None:
    async def main() -> None:
        script = ["one ", EndOfDecoding("length"), "two ", "three"]
        async with AsyncRuntime(ScriptedSession(script), {}) as runtime:
            assert await runtime.complete() == "length"
            runtime.stop()  # too late for the last turn, and too soon for the next
            assert await runtime.complete() == "stop"
            asyncio.get_running_loop().call_soon(runtime.stop)
            assert await runtime.complete("Go on.") == "stopped"

    asyncio.run(main())


def test_a_session_goes_on_from_its_trace() -> None:
    async def main() -> None:
        stop = EndOfDecoding("stop")
        async with AsyncRuntime(ScriptedSession(["One.", stop]), {}) as runtime:
            rows = [row async for row in runtime.run()]
        past = past_of(Header(1, runtime.settings, "real"), rows)
        session = ScriptedSession(["One.", stop, "Two."])
        async with AsyncRuntime(session, {}, past=past) as runtime:
            await runtime.complete("And?")
        assert session.context == "One.And?Two."

    asyncio.run(main())


def test_who_leaves_a_turn_at_its_last_row_runs_the_next_as_ever() -> None:
    """What is left of the reader is closed when the next turn is under way."""

    async def main() -> None:
        session = Stuck(["One.", EndOfDecoding("stop"), "Two."])
        session.goes_on.set()
        async with AsyncRuntime(session, {}) as runtime:
            first = runtime.run()
            async for row in first:
                if row.rule == "Settle/finish":
                    break
            session.begun.clear()
            session.goes_on.clear()
            second = asyncio.create_task(runtime.complete("And?"))
            await asyncio.to_thread(session.begun.wait, 60)
            await rounds(10)  # until it waits
            await first.aclose()
            session.goes_on.set()
            assert await second == "stop"
        assert session.context == "One.And?Two."

    asyncio.run(main())


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
