"""Turns of one session: further prompts, and a stop that ends a turn and not the session."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from interpreter import AsyncRuntime, EndOfDecoding, HostError, Runtime, ScriptedSession, Settings
from interpreter.events import Began, Row
from interpreter.scripted import pieces_of
from interpreter.session import Batch, Piece
from interpreter.trace import Header, check_trace, encode_header, encode_row

STOP = EndOfDecoding("stop")
CANCELLED = (
    '[INTR] a cancelled [HEAD] {"type": "cancelled", "message": "the turn was stopped"} [END]'
)


def is_valid(settings: Settings, rows: Sequence[Row]) -> bool:
    lines = [encode_header(Header(1, settings, "real")), *map(encode_row, rows)]
    return list(check_trace(lines)) == []


def test_a_prompt_goes_in_as_the_session_takes_it_and_stands_in_the_trace() -> None:
    session = ScriptedSession(["One.", STOP, "Two."])
    with Runtime(session, {}) as runtime:
        rows = [*runtime.run(), *runtime.run(" And then? ")]
    assert session.context == "One. And then? Two."
    assert [row.event for row in rows if isinstance(row.event, Began)] == [
        Began(),
        Began(" And then? "),
    ]
    assert is_valid(runtime.settings, rows)


@pytest.mark.parametrize(
    "prompt",
    [7, None, "\ud800", "x" * 4_194_303, "\x00" * 700_000],
    ids=["a number", "none", "half a pair", "long", "long as JSON"],
)
@pytest.mark.parametrize("takes_prompts", [True, False])
def test_a_prompt_that_is_none_is_refused_and_the_next_one_is_asked(
    prompt: str, takes_prompts: bool
) -> None:
    script = ScriptedSession(["One.", STOP, "Two."])
    session = script if takes_prompts else OfFourVerbs(script)
    with Runtime(session, {}) as runtime:
        rows = list(runtime.run())
        with pytest.raises(HostError, match="Embed/prompt"):
            next(runtime.run(prompt))
        assert script.context == "One."
        rows += runtime.run("And?")
    assert script.context.endswith("Two.")
    assert is_valid(runtime.settings, rows)


def test_the_longest_prompt_stands_in_a_line_that_a_reader_takes() -> None:
    session = ScriptedSession([])
    with Runtime(session, {}) as runtime:
        rows = [*runtime.run(), *runtime.run("\x00" * 699_050)]
    assert len(session.context) == 699_050
    assert is_valid(runtime.settings, rows)


def test_a_prompt_that_cannot_be_written_is_not_asked() -> None:
    def full(rows: Sequence[Row]) -> None:
        if any(row.event == Began("And?") for row in rows):
            raise OSError(28, "No space left on device")

    session = ScriptedSession(["One.", STOP, "Two."])
    with Runtime(session, {}, journal=full) as runtime:
        list(runtime.run())
        with pytest.raises(OSError, match="No space"):
            list(runtime.run("And?"))
        with pytest.raises(HostError, match="Embed/effects"):
            list(runtime.run("And now?"))
    assert session.context == "One."


def test_a_prompt_that_the_session_refuses_ends_it_by_that_name() -> None:
    class Short(ScriptedSession):
        def prompt(self, text: str) -> int:
            raise ValueError("too long")

    with Runtime(Short(["One."]), {}) as runtime:
        list(runtime.run())
        with pytest.raises(ValueError, match="too long"):
            list(runtime.run("And?"))
        with pytest.raises(HostError, match="Embed/effects"):
            list(runtime.run("And now?"))


class OfFourVerbs:
    """A session that takes no prompts."""

    def __init__(self, session: ScriptedSession) -> None:
        self._session = session

    def decode(self) -> Piece | EndOfDecoding:
        return self._session.decode()

    def append(self, batch: Batch) -> int:
        return self._session.append(batch)

    def rewind(self, characters: int) -> None:
        self._session.rewind(characters)

    def close(self) -> None:
        self._session.close()


def test_a_session_that_takes_no_prompts_is_told_a_message() -> None:
    session = ScriptedSession(["One.", STOP, "Two."])
    with Runtime(OfFourVerbs(session), {}) as runtime:
        rows = [*runtime.run(), *runtime.run("And then?")]
    assert session.context == 'One.[INTR] user1 [HEAD] "And then?" [END]Two.'
    assert is_valid(runtime.settings, rows)


@pytest.mark.parametrize("where", ["Step/open", "Step/text", "Settle/start", "Step/trap"])
def test_a_stop_ends_the_turn_and_the_next_one_hears_of_it(where: str) -> None:
    gate = threading.Event()
    text = "[CALL] a [HEAD] waits() [END] Well. [TRAP] a [END]"
    session = ScriptedSession([*pieces_of(text), *pieces_of(" Sorry.")], 0.001)
    rows = []
    with Runtime(session, {"waits": lambda: gate.wait(30)}) as runtime:
        for row in runtime.run():
            rows.append(row)
            if row.rule == where and not runtime._driver.is_stopping:
                runtime.stop()
        assert rows[-1].rule == "Step/stop"
        stopped = session.context
        second = list(runtime.run("No. "))
        gate.set()
    assert is_valid(runtime.settings, [*rows, *second])
    assert session.context.startswith(stopped + "No. ")
    assert session.context.endswith(" Sorry.")
    assert (CANCELLED in session.context) == ("waits() [END]" in stopped)


def test_a_late_return_is_taken_in_the_next_turn() -> None:
    gate = threading.Event()
    session = ScriptedSession([*pieces_of("[CALL] a [HEAD] waits() [END] [TRAP][END]"), "Yes."])
    with Runtime(session, {"waits": lambda: gate.wait(30)}) as runtime:
        rows = []
        for row in runtime.run():
            rows.append(row)
            if row.rule == "Step/trap":
                runtime.stop()
        gate.set()
        while runtime._driver.arrivals.is_empty:
            gate.wait(0.01)
        rows += runtime.run("More?")
    assert "Step/late" in [row.rule for row in rows]
    assert is_valid(runtime.settings, rows)


def test_a_stop_that_comes_when_a_turn_is_over_stops_nothing() -> None:
    session = ScriptedSession(["One.", STOP, "Two."])
    with Runtime(session, {}) as runtime:
        list(runtime.run())
        runtime.stop()
        assert [row.rule for row in runtime.run("Go on. ")][-1] == "Settle/finish"
    assert session.context == "One.Go on. Two."


def test_a_step_that_does_not_end_lets_no_turn_begin() -> None:
    gate = threading.Event()

    class Stuck(ScriptedSession):
        def decode(self) -> Piece | EndOfDecoding:
            gate.wait(30)
            return super().decode()

    with Runtime(Stuck(["One."]), {}, patience_s=0.1) as runtime:
        threading.Timer(0.05, runtime.stop).start()
        list(runtime.run())
        with pytest.raises(HostError, match="Embed/stop"):
            list(runtime.run("Go on."))
        gate.set()


def test_turns_in_an_event_loop() -> None:
    async def main() -> str:
        session = ScriptedSession([*pieces_of("[CALL] a [HEAD] naps() [END] [TRAP][END]"), "Bye."])

        async def naps() -> None:
            await asyncio.sleep(600)

        async with AsyncRuntime(session, {"naps": naps}) as runtime:
            async for row in runtime.run():
                if row.rule == "Step/trap":
                    runtime.stop()
            rows = [row async for row in runtime.run("Enough. ")]
            assert rows[-1].rule == "Settle/finish"
        return session.context

    assert asyncio.run(main()).endswith(f"[TRAP][END]Enough. {CANCELLED}Bye.")
