"""The reference interpreter of CML: machine, drivers, traces and schedules (spec/3 and spec/4)."""

from interpreter.async_runtime import AsyncRuntime
from interpreter.errors import HostError
from interpreter.machine import advance, instant, settle, step
from interpreter.realtime import Runtime
from interpreter.scripted import ScriptedSession
from interpreter.session import EndOfDecoding, Piece, Session
from interpreter.state import Settings, State
from interpreter.virtual import DecodingCosts, run_virtual

__all__ = [
    "AsyncRuntime",
    "DecodingCosts",
    "EndOfDecoding",
    "HostError",
    "Piece",
    "Runtime",
    "ScriptedSession",
    "Session",
    "Settings",
    "State",
    "advance",
    "instant",
    "run_virtual",
    "settle",
    "step",
]
