"""What a model is told before it decodes: its tools, the protocol, examples, the question.

The examples are what teaches a model that was not trained on CML. Their interrupts are plain
content of an earlier answer, and none of it is read as CML by the runtime.
"""

import inspect
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from cml.diagnostics import Severity
from cml.profile import Body, Level
from cml.validity import validate
from interpreter.tools.declared import Tool, ToolError
from interpreter.tools.describing import describe_tool
from interpreter.tools.signature import Function, underlying

EXAMPLES_NAME: Final = "EXAMPLES"

_TOOLS: Final = "You can call these functions:"
_BODIES: Final = {
    Body.PYTHON: "function(arguments)",
    Body.JSON: '{"name": "function", "arguments": {"name": value}}',
}
_PROTOCOL: Final = (
    "Start each function with [CALL] job1 [HEAD] {body} [END]. "
    "Wait for results with [TRAP][END]. Tell each result."
)
_FUTURES: Final = {
    Body.PYTHON: 'A value can be the result of an earlier call, as in x=job1 or x=job1["key"][0].',
    Body.JSON: (
        'A value can be the result of an earlier call, as in {"$ref": "job1"} or '
        '{"$ref": "job1", "path": ["key", 0]}.'
    ),
}
_CANCELS: Final = {
    Body.PYTHON: "cancel(job1)",
    Body.JSON: '{"name": "cancel", "arguments": {"id": {"$ref": "job1"}}}',
}
_EXTENDED: Final = (
    "[TRAP] job1, job2 [END] waits for these, [TRAP] all [END] for all that run. "
    "Stop one with [CALL] job3 [HEAD] {cancel} [END]."
)

SPEAKER_LEVEL: Final = Level.FUTURES
"""How much of the language the trained model writes; it reads all of it."""

Role: TypeAlias = Literal["system", "user", "assistant"]


class Message(msgspec.Struct, frozen=True):
    """One message of a chat.

    Args:
        role: Whose it is.
        content: Its text; nothing in it is a control token.
    """

    role: Role
    content: str


class Example(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A question, and what the context holds once it is answered.

    Args:
        question: What a person asks.
        answer: The model's CML with the interrupts between.
    """

    question: str
    answer: str


def build_messages(
    tools: Sequence[Tool],
    question: str,
    examples: Iterable[Example] = (),
    *,
    chat: Sequence[Message] = (),
    body: Body = Body.PYTHON,
    level: Level = Level.CORE,
) -> tuple[Message, ...]:
    """Return the chat that a session begins with.

    Args:
        tools: What the model may call, with the names that bodies write (`spelled_tools`); with
            none it is only asked the question.
        question: What a person asks.
        examples: Told as earlier questions and answers of the same chat.
        chat: What was said before the question; its system messages are told after the protocol.
        body: The language of the bodies.
        level: How much of the language the model is told of. Small models are better off with
            the core.
    """
    if not tools:
        return _chat((), (), chat, question)
    earlier = [
        message
        for example in examples
        for message in (Message("user", example.question), Message("assistant", example.answer))
    ]
    told = (describe_tool(tool, body) for tool in tools)
    return _chat((_TOOLS, *told, *_protocol(body, level)), earlier, chat, question)


def speaker_messages(
    tools: Sequence[Tool], question: str, chat: Sequence[Message] = ()
) -> tuple[Message, ...]:
    """Return the chat that a session begins with whose model was trained on CML.

    It is told its tools and nothing else: the protocol it knows. Each line more would cost a small
    model accuracy (docs/training.md), so this is the one prompt of training and of use.

    Args:
        tools: As for `build_messages`.
        question: What a person asks.
        chat: As for `build_messages`; it was trained without.
    """
    told = (describe_tool(tool, Body.PYTHON) for tool in tools)
    return _chat((_TOOLS, *told) if tools else (), (), chat, question)


def _chat(
    told: Iterable[str], earlier: Iterable[Message], chat: Sequence[Message], question: str
) -> tuple[Message, ...]:
    wishes = [message.content for message in chat if message.role == "system"]
    said = [message for message in chat if message.role != "system"]
    lines = (*told, *wishes)
    system = [Message("system", "\n".join(lines))] if lines else []
    return (*system, *earlier, *said, Message("user", question))


def _protocol(body: Body, level: Level) -> Iterator[str]:
    yield _PROTOCOL.format(body=_BODIES[body])
    if level is not Level.CORE:
        yield _FUTURES[body]
    if level is Level.EXTENDED:
        yield _EXTENDED.format(cancel=_CANCELS[body])


def examples_of(functions: Iterable[Function]) -> tuple[Example, ...]:
    """Return the examples that the modules of some functions give, under the name `EXAMPLES`.

    Args:
        functions: Tools; each module counts once.

    Raises:
        ToolError: `EXAMPLES` is not a sequence of pairs of strings, or an answer is not valid CML.
    """
    codes = [underlying(function) for function in functions]
    modules = {code.__module__: inspect.getmodule(code) for code in codes}
    examples: list[Example] = []
    for name, module in modules.items():
        given: object = getattr(module, EXAMPLES_NAME, ())
        where = Path(getattr(module, "__file__", None) or name).name
        try:
            found = msgspec.convert(given, tuple[Example, ...])
        except msgspec.ValidationError as error:
            raise ToolError(
                f"{where}: {EXAMPLES_NAME} must be pairs of a question and its answer: {error}"
            ) from error
        for number, example in enumerate(found, start=1):
            _require_valid(where, number, example)
        examples += found
    return tuple(examples)


def _require_valid(where: str, number: int, example: Example) -> None:
    """Refuse an example that shows the model a context which is not valid."""
    faults = [found for found in validate(example.answer) if found.severity is Severity.ERROR]
    if faults:
        raise ToolError(
            f"{where}: {EXAMPLES_NAME}: answer {number} is not a valid context: {faults[0]}"
        )
