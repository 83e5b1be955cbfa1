"""For those who test what they build on this: faults to inject, random sessions, and what must hold of each."""

from interpreter.testing.clocks import JumpingClock
from interpreter.testing.executors import EXECUTOR_FAULTS, ExecutorFault, FaultyExecutor
from interpreter.testing.functions import FUNCTION_FAULTS, FunctionFault
from interpreter.testing.holding import Ran, check_ran
from interpreter.testing.scripts import random_pieces
from interpreter.testing.soaking import Soaked, soak

__all__ = [
    "EXECUTOR_FAULTS",
    "FUNCTION_FAULTS",
    "ExecutorFault",
    "FaultyExecutor",
    "FunctionFault",
    "JumpingClock",
    "Ran",
    "Soaked",
    "check_ran",
    "random_pieces",
    "soak",
]
