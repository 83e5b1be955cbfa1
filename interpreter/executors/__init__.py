"""Where calls run: any `concurrent.futures.Executor`, and an event loop for async functions."""

from interpreter.executors.contract import ExecutorError, check_executor
from interpreter.executors.event_loop import EventLoopThread
from interpreter.executors.processes import Processes
from interpreter.executors.worker_process import WorkerLost

__all__ = ["EventLoopThread", "ExecutorError", "Processes", "WorkerLost", "check_executor"]
