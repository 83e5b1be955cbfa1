"""Where calls run: any `concurrent.futures.Executor`, and an event loop for async functions."""

from interpreter.executors.contract import ExecutorError, check_executor
from interpreter.executors.event_loop import EventLoopThread

__all__ = ["EventLoopThread", "ExecutorError", "check_executor"]
