"""A host cancels a call: it has its outcome at once, whatever the function does."""

import asyncio
import threading

from cml.ast import OutcomeKind
from interpreter import AsyncRuntime, Runtime, ScriptedSession
from interpreter.events import Cancel, Returned, Row, Start
from interpreter.scripted import pieces_of
from interpreter.trace import Header, check_trace, encode_header, encode_row

SCRIPT = "[CALL] a [HEAD] f() [END] [CALL] b [HEAD] g(x=a) [END] [TRAP] all [END] well"


def starts(row: Row) -> list[str]:
    return [effect.call for effect in row.effects if isinstance(effect, Start)]


def outcomes(rows: list[Row]) -> dict[str, OutcomeKind]:
    found: dict[str, OutcomeKind] = {}
    for row in rows:
        if isinstance(row.event, Returned):
            found.setdefault(row.event.call, row.event.outcome.kind)
    return found


def assert_valid(runtime: Runtime | AsyncRuntime, rows: list[Row]) -> None:
    lines = [encode_header(Header(1, runtime.settings)), *map(encode_row, rows)]
    assert [*check_trace(lines)] == []


def test_a_function_that_cannot_be_broken_off_is_settled_and_comes_late() -> None:
    runs, gate, came_back = threading.Event(), threading.Event(), threading.Event()

    def f() -> int:
        runs.set()
        gate.wait(30)
        came_back.set()
        return 1

    session = ScriptedSession(pieces_of(SCRIPT))
    with Runtime(session, {"f": f, "g": lambda x: x}) as runtime:
        rows = []
        assert not runtime.cancel("a")  # it is not written yet
        for row in runtime.run():
            rows.append(row)
            if starts(row):
                assert runs.wait(30)
                assert not runtime.cancel("b")  # it waits for the other
                assert runtime.cancel("a")
            if row.rule == "Settle/deliver":
                assert not runtime.cancel("a")  # it is over
        gate.set()
        assert came_back.wait(30)
        rows += runtime.run("go on")
    assert outcomes(rows)["a"] is OutcomeKind.CANCELLED
    assert [row.rule for row in rows if isinstance(row.event, Returned)] == [
        "Step/return",
        "Step/late",
    ]
    assert not any(isinstance(effect, Cancel) for row in rows for effect in row.effects)
    assert "[INTR] a cancelled [HEAD]" in session.context
    assert "[INTR] b failed [HEAD]" in session.context  # what it waited for is not to be had
    assert_valid(runtime, rows)


def test_a_coroutine_is_cancelled_and_told_once() -> None:
    was_cancelled = False
    runs = asyncio.Event()

    async def f() -> None:
        nonlocal was_cancelled
        runs.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            was_cancelled = True
            raise

    async def story() -> None:
        session = ScriptedSession(pieces_of("[CALL] a [HEAD] f() [END] [TRAP][END] well"))
        async with AsyncRuntime(session, {"f": f}) as runtime:
            rows = []
            async for row in runtime.run():
                rows.append(row)
                if starts(row):
                    await runs.wait()
                    assert runtime.cancel("a")
        assert session.context.count("[INTR] a cancelled [HEAD]") == 1
        assert outcomes(rows) == {"a": OutcomeKind.CANCELLED}
        assert_valid(runtime, rows)

    asyncio.run(story())
    assert was_cancelled
