"""What a host asks of a runtime besides to run, whatever its form."""

import logging
import threading

import pytest

from cml import Level, Limits, Profile
from interpreter import HostError, Runtime, ScriptedSession, Settings
from interpreter.scripted import pieces_of
from interpreter.tools.progress import current_progress

CALL = "[CALL] a [HEAD] f() [END]"


def session(text: str = f"{CALL} [TRAP][END] ok") -> ScriptedSession:
    return ScriptedSession(pieces_of(text))


def test_the_settings_are_those_of_the_host_with_the_names_of_the_functions() -> None:
    core = Settings(Profile(level=Level.CORE))
    with Runtime(session(), {"f": int}, core) as runtime:
        assert runtime.settings.profile.level is Level.CORE
        assert runtime.settings.functions == ("f",)


def test_a_message_goes_in_and_its_row_is_known() -> None:
    with Runtime(session("hm. ok"), {}) as runtime:
        message = runtime.say("hello")
        assert runtime.has_message()
        rows = list(runtime.run())
        assert message.went_in.result(timeout=0) in rows
        assert not runtime.has_message()


def test_what_was_refused_is_not_taken_for_the_same_said_later() -> None:
    with Runtime(session("hm."), {}) as runtime:
        for _ in range(1_000):
            runtime.say("so much")
        with pytest.raises(HostError, match="Embed/full"):
            runtime.say("more")
        list(runtime.run())
        message = runtime.say("more")
        list(runtime.run())
        assert message.went_in.done()


def test_reports_that_were_not_told_are_counted() -> None:
    def f() -> None:
        for number in range(5):
            current_progress().report(number)

    few = Settings(Profile(limits=Limits(progress_reports=1)))
    with Runtime(session(), {"f": f}, few) as runtime:
        list(runtime.run())
        assert runtime.withheld("a") == 4
        assert runtime.withheld("b") == 0
        assert runtime.printed("a") == ""


def test_a_function_cannot_close_the_session_that_called_it() -> None:
    told: list[str] = []

    def f() -> None:
        with pytest.raises(HostError, match="Embed/shutdown"):
            runtime.close()
        told.append("refused")

    with Runtime(session(), {"f": f}) as runtime:
        rows = list(runtime.run())
    assert (told, rows[-1].rule) == (["refused"], "Settle/finish")


def test_a_function_closes_the_session_that_it_made() -> None:
    def f() -> str:
        with Runtime(session("hm."), {}) as inner:
            list(inner.run())
        return "closed"

    told = session()
    with Runtime(told, {"f": f}) as runtime:
        list(runtime.run())
    assert '[INTR] a [HEAD] "closed" [END]' in told.context


def test_a_closed_session_hears_nothing_and_what_is_left_behind_is_told() -> None:
    running, released = threading.Event(), threading.Event()

    def f() -> None:
        running.set()
        released.wait(60)

    logged: list[str] = []
    listening = logging.Handler()
    listening.emit = lambda record: logged.append(record.getMessage())
    logger = logging.getLogger("interpreter")
    logger.addHandler(listening)
    try:
        runtime = Runtime(session(CALL), {"f": f}, Settings(end="detach"))
        list(runtime.run())
        assert running.wait(60)
        assert runtime.close() == ("a",)
        assert logged == ["calls that still run are left behind: a"]
        with pytest.raises(HostError, match="Embed/shutdown"):
            runtime.say("hello")
        with Runtime(session("hm."), {}) as quiet:
            list(quiet.run())
        assert len(logged) == 1
    finally:
        released.set()
        logger.removeHandler(listening)
