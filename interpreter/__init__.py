"""The reference interpreter of CML: machine, drivers, traces and schedules (spec/3 and spec/4)."""

from typing import TYPE_CHECKING

from interpreter.drivers.async_runtime import AsyncRuntime
from interpreter.drivers.realtime import Runtime
from interpreter.drivers.sessions import Sessions
from interpreter.drivers.virtual import run_virtual
from interpreter.errors import HostError
from interpreter.machine import advance, instant, settle, step
from interpreter.scripted import ScriptedSession
from interpreter.session import Batch, DecodingCosts, EndOfDecoding, Piece, Session
from interpreter.state import Settings, State

if TYPE_CHECKING:
    from interpreter.schedule.studies.notebook import as_html
    from interpreter.schedule.studies.report import simulate

__all__ = [
    "AsyncRuntime",
    "Batch",
    "DecodingCosts",
    "EndOfDecoding",
    "HostError",
    "Piece",
    "Runtime",
    "ScriptedSession",
    "Session",
    "Sessions",
    "Settings",
    "State",
    "advance",
    "as_html",
    "instant",
    "run_virtual",
    "settle",
    "simulate",
    "step",
]


def __getattr__(name: str) -> object:
    """Load the simulator when it is first asked for: those who run sessions do without."""
    match name:
        case "simulate":
            from interpreter.schedule.studies import report

            return report.simulate
        case "as_html":
            from interpreter.schedule.studies import notebook

            return notebook.as_html
        case _:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
