"""Logs of MCP messages: calls of tools with their progress, cancellation and tasks (revision 2025-11-25)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import msgspec

from cml.ast import Json, OutcomeKind
from interpreter.errors import missing_extra
from interpreter.events import Outcome, failure
from interpreter.exchange.foreign_json import json_or_text, shaped
from interpreter.exchange.happenings import (
    CallAnswered,
    ForeignError,
    Format,
    Happening,
    ModelCalled,
    NotCarried,
)
from interpreter.exchange.logs import Logged, events_of
from model_adapters.mcp.contents import ToolFailed, value_of

if TYPE_CHECKING:
    from mcp_types import CallToolResult

_FINAL: Final = {"completed", "failed", "cancelled"}
_Id = int | str


class _Meta(msgspec.Struct, frozen=True, rename="camel"):
    progress_token: _Id | None = None


class _Params(msgspec.Struct, frozen=True, rename="camel"):
    meta: _Meta = msgspec.field(name="_meta", default=_Meta())
    name: str | None = None
    arguments: dict[str, object] | None = None
    request_id: _Id | None = None
    reason: str | None = None
    progress_token: _Id | None = None
    progress: float | None = None
    total: float | None = None
    message: str | None = None
    task_id: str | None = None
    status: str | None = None
    status_message: str | None = None


class _Task(msgspec.Struct, frozen=True, rename="camel"):
    task_id: str
    status: str
    status_message: str | None = None


class _Error(msgspec.Struct, frozen=True):
    message: str
    code: int = 0


class _Message(msgspec.Struct, frozen=True):
    jsonrpc: str
    id: _Id | None = None
    method: str | None = None
    params: _Params = _Params()
    result: dict[str, object] | None = None
    error: _Error | None = None


def _read(text: str) -> Iterator[Happening]:
    reader = _Reader()
    for logged in events_of(text):
        message = shaped(logged.event, _Message, logged.line)
        yield from reader.read(logged, message)


class _Reader:
    """Reads message after message; remembers which request each answer belongs to."""

    def __init__(self) -> None:
        self._calls: set[_Id] = set()  # requests of tools/call
        self._tokens: dict[_Id, str] = {}  # the call that each progress token belongs to
        self._tasks: dict[str, str] = {}  # the call that each task belongs to
        self._results: dict[_Id, str] = {}  # the task that each tasks/result asks for
        self._others: set[_Id] = set()  # other requests
        self._closed: set[str] = set()  # calls that were cancelled: what comes after is late

    def read(self, logged: Logged, message: _Message) -> Iterator[Happening]:
        match message:
            case _Message(method="tools/call", id=int() | str() as number):
                yield self._call(logged, number, message.params)
            case _Message(method="notifications/progress", params=params):
                yield self._progress(logged, params)
            case _Message(method="notifications/cancelled", params=params):
                yield self._cancelled(logged, params)
            case _Message(method="notifications/tasks/status", params=params):
                yield self._status(logged, params)
            case _Message(method="tasks/result", id=int() | str() as number, params=params):
                self._results[number] = params.task_id or ""
            case _Message(method=str(), id=int() | str() as number):
                self._others.add(number)
                yield NotCarried(logged.line, "other requests")
            case _Message(method=str()):
                yield NotCarried(logged.line, "other notifications")
            case _Message(id=int() | str() as number):
                yield from self._response(logged, number, message)
            case _:
                raise ForeignError(logged.line, "neither a request, a notification nor a response")

    def _call(self, logged: Logged, number: _Id, params: _Params) -> ModelCalled:
        call = _name(number)
        self._calls.add(number)
        if params.meta.progress_token is not None:
            self._tokens[params.meta.progress_token] = call
        if params.name is None:
            raise ForeignError(logged.line, "a request of tools/call names a tool")
        kwargs: dict[str, Json] = msgspec.convert(params.arguments or {}, dict)
        return ModelCalled(logged.line, call, params.name, kwargs, at_us=logged.at_us)

    def _progress(self, logged: Logged, params: _Params) -> Happening:
        token = params.progress_token
        call = None if token is None else self._tokens.get(token)
        if call is None:
            return NotCarried(logged.line, "progress of other requests")
        told: dict[str, Json] = {"progress": params.progress}
        told |= {} if params.total is None else {"total": params.total}
        told |= {} if params.message is None else {"message": params.message}
        outcome = Outcome(OutcomeKind.PROGRESS, told)
        return CallAnswered(logged.line, call, outcome, logged.at_us)

    def _cancelled(self, logged: Logged, params: _Params) -> Happening:
        if params.request_id not in self._calls:
            return NotCarried(logged.line, "other notifications")
        return self._cancel(logged, _name(params.request_id), params.reason)

    def _cancel(self, logged: Logged, call: str, reason: str | None) -> CallAnswered:
        self._closed.add(call)
        said = failure("cancelled", reason or "the client cancelled it", OutcomeKind.CANCELLED)
        return CallAnswered(logged.line, call, said, logged.at_us)

    def _status(self, logged: Logged, params: _Params) -> Happening:
        call = self._tasks.get(params.task_id or "")
        if call is None:
            return NotCarried(logged.line, "other notifications")
        return self._task_is(logged, call, params.status or "", params.status_message)

    def _task_is(self, logged: Logged, call: str, status: str, said: str | None) -> Happening:
        if call in self._closed:
            return NotCarried(logged.line, "what comes after a cancellation")
        if status == "cancelled":
            return self._cancel(logged, call, said)
        if status in _FINAL:  # its result is asked for, and tells more
            return NotCarried(logged.line, "states of tasks")
        outcome = Outcome(OutcomeKind.PROGRESS, {"status": status, "message": said})
        return CallAnswered(logged.line, call, outcome, logged.at_us)

    def _response(self, logged: Logged, number: _Id, message: _Message) -> Iterator[Happening]:
        result = message.result or {}
        task = result.get("task")
        if number in self._results:
            call = self._tasks.get(self._results.pop(number))
        elif number in self._others and number not in self._calls:
            self._others.discard(number)
            yield from self._state_of(logged, result)
            return
        else:
            call = _name(number)
        if call is None:
            raise ForeignError(logged.line, "the result of a task that no call has begun")
        if isinstance(task, dict):
            self._tasks[shaped(task, _Task, logged.line).task_id] = call
        elif call in self._closed:
            yield NotCarried(logged.line, "what comes after a cancellation")
        else:
            yield CallAnswered(logged.line, call, _outcome(logged, message), logged.at_us)

    def _state_of(self, logged: Logged, result: dict[str, object]) -> Iterator[Happening]:
        """Read the answer to tasks/get or tasks/cancel, which tells how a task stands."""
        name = result.get("taskId")
        if isinstance(name, str) and name in self._tasks:
            task = shaped(result, _Task, logged.line)
            yield self._task_is(logged, self._tasks[name], task.status, task.status_message)


def _outcome(logged: Logged, message: _Message) -> Outcome:
    if message.error is not None:
        return failure("error", message.error.message)
    try:
        value = value_of(_result(logged, message.result or {}))
    except ToolFailed as error:
        return failure("error", str(error))
    return Outcome(OutcomeKind.RETURNED, json_or_text(value) if isinstance(value, str) else value)


def _result(logged: Logged, result: dict[str, object]) -> "CallToolResult":
    try:
        from mcp_types import CallToolResult
        from pydantic import ValidationError
    except ImportError as error:
        raise missing_extra("mcp", error) from error
    try:
        return CallToolResult.model_validate(result)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ForeignError(logged.line, f"no result of a tool: {where}: {first['msg']}") from None


def _name(number: _Id) -> str:
    return f"call{number}" if isinstance(number, int) else number


MCP: Final = Format(
    about="a log of MCP messages: tool calls with progress, cancellation and tasks",
    read=_read,
    losses={
        "prose": "not in the messages: only calls and what becomes of them are told",
        "other requests": "left out, with their responses: sampling, elicitation, resources, prompts",
        "other notifications": "left out",
        "progress of other requests": "left out",
        "states of tasks": "that a task is completed or failed is told by its result",
        "what comes after a cancellation": "left out, as the protocol says",
        "images, audio and files": "their type and size are told, not their bytes",
        "times": "kept where the log has timestamps; else each message is a millisecond after the last",
        "identifiers that are none of CML's": "spelled anew: the request 3 is `call3`",
    },
)
