"""Running checks: one after another, each within its time, whatever the one before came to."""

import logging
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import TimeoutError as TimedOut
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from interpreter.errors import HostError
from interpreter.executors.threads import DaemonThreads
from model_adapters.conformance.check import Check, CheckEnding, CheckResult
from model_adapters.conformance.forcing import NotExercised
from model_adapters.conformance.subject import Subject
from model_adapters.errors import AdapterError

_LONGEST_MESSAGE: Final = 2_000
_CHECK: ContextVar[str] = ContextVar("check", default="")
"""The check that a thread runs."""
_LOG: Final = logging.getLogger("interpreter")


def run_checks(
    checks: Sequence[Check],
    subject: Subject,
    *,
    limit_s: float,
    given_up: Callable[[], object],
    repeat: Callable[[Check], str],
) -> Iterator[CheckResult]:
    """Run checks; yield what each came to, as soon as it has.

    Args:
        checks: Which.
        subject: The backend.
        limit_s: How long one may take, in seconds. What takes longer is left behind in its thread.
        given_up: Is called when something was left behind.
        repeat: Returns the command that runs a check alone.
    """
    threads = DaemonThreads("cml-check")
    try:
        with _logs_named():
            for check in checks:
                begun_s = time.monotonic()
                outcome = threads.submit(_outcome, check, subject)
                try:
                    ending, message = outcome.result(timeout=limit_s)
                except TimedOut:
                    ending, message = "error", f"it did not come to its end within {limit_s:g} s"
                    given_up()
                took_s = round(time.monotonic() - begun_s, 3)
                done = (check.id, check.does, check.rules, ending, message, took_s, repeat(check))
                yield CheckResult(*done)
    finally:
        threads.shutdown(wait=False)


@contextmanager
def _logs_named() -> Iterator[None]:
    """Have each line that a driver logs in a check begin with the check."""

    def name(record: logging.LogRecord) -> bool:
        if check := _CHECK.get():
            record.msg = f"{check}: {record.msg}"
        return True

    _LOG.addFilter(name)
    try:
        yield
    finally:
        _LOG.removeFilter(name)


def _outcome(check: Check, subject: Subject) -> tuple[CheckEnding, str]:
    _CHECK.set(check.id)
    try:
        reason = check.exercise(subject)
    except NotExercised as why:
        reason = str(why)
    except BaseException as error:  # noqa: BLE001  a backend is somebody else's, its exit too; Ctrl-C comes to no thread
        return fault_of(error)
    return ("pass", "") if reason is None else ("not exercised", reason)


def fault_of(error: BaseException) -> tuple[CheckEnding, str]:
    """Return what an error comes to, and how it is told.

    Args:
        error: What a backend raised, or what it broke.
    """
    match error:
        case AssertionError() | HostError():
            return "fail", _short(str(error))
        case AdapterError():
            return "error", _short(str(error))
        case _:
            return "error", _short(f"{type(error).__name__}: {error} ({_place(error)})")


def _place(error: BaseException) -> str:
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{last.filename}, line {last.lineno}, in {last.name}"


def _short(message: str) -> str:
    if len(message) <= _LONGEST_MESSAGE:
        return message
    return f"{message[:_LONGEST_MESSAGE]}… ({len(message):,} characters)"
