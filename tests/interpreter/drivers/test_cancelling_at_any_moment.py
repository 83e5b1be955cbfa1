"""Whoever reads a session in an event loop is cancelled at any moment: it is never swallowed."""

import asyncio
import io

import pytest

from interpreter import AsyncRuntime, ScriptedSession, Settings
from interpreter.trace import Header, check_trace, journal


@pytest.mark.parametrize("pause_s", [0.0, 0.001])
def test_a_cancellation_is_never_swallowed(pause_s) -> None:
    async def once(after_s: float) -> None:
        file = io.BytesIO()
        write = journal(file, Header(1, Settings(functions=()), "real"))
        session = ScriptedSession([f"w{i} " for i in range(100_000)], pause_s)
        async with AsyncRuntime(session, {}, journal=write) as runtime:
            reading = asyncio.create_task(runtime.complete())
            await asyncio.sleep(after_s)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(reading, 60)
        lines = file.getvalue().splitlines(keepends=True)
        assert list(check_trace(lines)) == []

    for number in range(20):
        asyncio.run(once(0.001 * number))
