"""What a model is told before it decodes: its tools, the protocol, examples, the question.

The examples are what teaches a model that was not trained on CML. Their interrupts are plain
content of an earlier answer, and none of it is read as CML by the runtime.
"""

import inspect
from collections.abc import Iterable, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from cml.diagnostics import Severity
from cml.validity import validate
from interpreter.tools.calling import Function
from interpreter.tools.python import ToolError
from interpreter.tools.signature import ToolSignature, describe_signature

EXAMPLES_NAME: Final = "EXAMPLES"

_TOOLS: Final = "You can call these functions:"
_PROTOCOL: Final = (
    "Start each function with [CALL] job1 [HEAD] function(arguments) [END]. "
    "Wait for results with [TRAP][END]. Tell each result."
)

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
    tools: Sequence[ToolSignature], question: str, examples: Iterable[Example] = ()
) -> tuple[Message, ...]:
    """Return the chat that a session begins with.

    Args:
        tools: What the model may call; with none it is only asked the question.
        question: What a person asks.
        examples: Told as earlier questions and answers of the same chat.
    """
    asked = Message("user", question)
    if not tools:
        return (asked,)
    lines = (_TOOLS, *map(_describe, tools), _PROTOCOL)
    earlier = [
        message
        for example in examples
        for message in (Message("user", example.question), Message("assistant", example.answer))
    ]
    return (Message("system", "\n".join(lines)), *earlier, asked)


def examples_of(functions: Iterable[Function]) -> tuple[Example, ...]:
    """Return the examples that the modules of some functions give, under the name `EXAMPLES`.

    Args:
        functions: Tools; each module counts once.

    Raises:
        ToolError: `EXAMPLES` is not a sequence of pairs of strings, or an answer is not valid CML.
    """
    modules = {function.__module__: inspect.getmodule(function) for function in functions}
    examples: list[Example] = []
    for name, module in modules.items():
        given: object = getattr(module, EXAMPLES_NAME, ())
        try:
            examples += msgspec.convert(given, tuple[Example, ...])
        except msgspec.ValidationError as error:
            raise ToolError(
                f"{name}: {EXAMPLES_NAME} must be pairs of a question and its answer: {error}"
            ) from error
    for number, example in enumerate(examples, start=1):
        _require_valid(number, example)
    return tuple(examples)


def _require_valid(number: int, example: Example) -> None:
    """Refuse an example that shows the model a context which is not valid."""
    faults = [found for found in validate(example.answer) if found.severity is Severity.ERROR]
    if faults:
        raise ToolError(f"{EXAMPLES_NAME}: answer {number} is not a valid context: {faults[0]}")


def _describe(tool: ToolSignature) -> str:
    signature = describe_signature(tool)
    return f"{signature}  # {tool.description}" if tool.description else signature
