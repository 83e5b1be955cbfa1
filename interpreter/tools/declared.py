"""One description of a tool: a name, a description, a JSON Schema, and what the host declares."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

import msgspec

from cml.ast import Json
from interpreter.tools.schema import DEEPEST, Schema, as_schema, nesting

F = TypeVar("F", bound=Callable[..., object])

NO_PARAMETERS: Final[Schema] = {"type": "object", "properties": {}, "additionalProperties": False}
DECLARATION: Final = "__cml_tool__"
_PROGRESS_S: Final = 1.0

# How the formats of the field call the two parts of a description that they do not agree on.
_PARAMETERS: Final = ("parameters", "inputSchema", "input_schema", "parametersJsonSchema")
_RESULT: Final = ("outputSchema", "output_schema", "response", "returns")


class ToolError(ValueError):
    """A file, function or description that cannot be offered to a model; it says what to do."""


class Tool(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tool, as a model is told of it. The prompt, the mask, the check of arguments and the
    messages about them are all made from this.

    Args:
        name: Its name; any text that is not empty.
        description: What it does; may be empty.
        parameters: Schema of the object that its named arguments make up.
        result: Schema of what it returns, where that is known.
        estimate_us: How long it is expected to run, in microseconds, where that is known.
        deadline_us: How long it may run, in microseconds; None for as long as the session allows.
        progress_us: Microseconds between two reports of its progress, at least.
        idempotent: Whether calling it twice is the same as calling it once.
    """

    name: str
    description: str = ""
    parameters: Schema = msgspec.field(default_factory=NO_PARAMETERS.copy)
    result: Schema | None = None
    estimate_us: int | None = None
    deadline_us: int | None = None
    progress_us: int = round(_PROGRESS_S * 1e6)
    idempotent: bool = False


class Declaration(msgspec.Struct, frozen=True):
    """What the host says of a function beyond what the function itself says.

    Args:
        name: Its name as a tool, instead of its own.
        description: Instead of that of its docstring.
        parameters: Schema of its named arguments; it then gets them as they are, unconverted.
        result: Schema of what it returns.
        estimate_us: As in `Tool`; so are the others.
        deadline_us: See there.
        progress_us: See there.
        idempotent: See there.
    """

    name: str | None = None
    description: str | None = None
    parameters: Schema | None = None
    result: Schema | None = None
    estimate_us: int | None = None
    deadline_us: int | None = None
    progress_us: int = round(_PROGRESS_S * 1e6)
    idempotent: bool = False


def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    parameters: Schema | None = None,
    result: Schema | None = None,
    estimate_s: float | None = None,
    deadline_s: float | None = None,
    progress_s: float = _PROGRESS_S,
    idempotent: bool = False,
) -> Callable[[F], F]:
    """Declare what a function cannot say itself. Every argument may be left out.

    Args:
        name: Its name as a tool; any text that is not empty.
        description: What it does, instead of its docstring.
        parameters: JSON Schema of its named arguments, instead of its type hints. It then gets
            them as they are, unconverted, and by name: this is how a tool of an MCP server is
            wrapped.
        result: JSON Schema of what it returns.
        estimate_s: How long it is expected to run, in seconds. The model is told, and calls can
            be started by it.
        deadline_s: How long it may run, in seconds.
        progress_s: Seconds between two reports of its progress, at least.
        idempotent: Whether calling it twice is the same as calling it once.

    Raises:
        ToolError: A time is not above zero, or a name is empty.
    """
    times = {"estimate_s": estimate_s, "deadline_s": deadline_s}
    if wrong := [key for key, value in times.items() if value is not None and not value > 0]:
        raise ToolError(f"{wrong[0]} is a number of seconds above 0")
    if name == "" or not progress_s >= 0:
        raise ToolError("the name of a tool is not empty, and progress_s is not below 0")
    declaration = Declaration(
        name=name,
        description=description,
        parameters=parameters,
        result=result,
        estimate_us=_us(estimate_s),
        deadline_us=_us(deadline_s),
        progress_us=round(progress_s * 1e6),
        idempotent=idempotent,
    )
    return lambda function: _declare(function, declaration)


def declaration_of(function: Callable[..., object]) -> Declaration:
    """Return what the host declared of a function; nothing, if it did not."""
    found: object = getattr(function, DECLARATION, None)
    return found if isinstance(found, Declaration) else Declaration()


def tool_from_json(document: Mapping[str, Json]) -> Tool:
    """Return a tool that is described in JSON, its schemas taken as they are.

    Args:
        document: As an MCP server lists it (`inputSchema`, `outputSchema`, `annotations`), as
            OpenAI's interfaces take it (`{"type": "function", "function": {…}}` or flat), or as
            Anthropic's (`input_schema`) or Google's.

    Raises:
        ToolError: It has no name, or what should be a schema is none.
    """
    inner = document.get("function", document)
    if not isinstance(inner, dict):
        inner = dict(document)
    name, description = inner.get("name"), inner.get("description") or inner.get("title") or ""
    if not isinstance(name, str) or not name or not isinstance(description, str):
        raise ToolError("a tool has a `name`, a text that is not empty, and a `description`")
    notes = inner.get("annotations")
    return Tool(
        name=name,
        description=description,
        parameters=_schema(inner, _PARAMETERS, name) or NO_PARAMETERS,
        result=_schema(inner, _RESULT, name),
        idempotent=isinstance(notes, dict) and notes.get("idempotentHint") is True,
    )


def _schema(document: Mapping[str, Json], keys: tuple[str, ...], name: str) -> Schema | None:
    found = next((document[key] for key in keys if document.get(key) is not None), None)
    if found is None:
        return None
    if not isinstance(found, dict):
        raise ToolError(f"{name}: its parameters are a JSON Schema, an object")
    if nesting(found) > DEEPEST:
        raise ToolError(f"{name}: its schema nests deeper than {DEEPEST}")
    return as_schema(found)


def _declare(function: F, declaration: Declaration) -> F:
    try:
        setattr(function, DECLARATION, declaration)
    except (AttributeError, TypeError):  # a builtin or bound method takes no attributes
        wrapped: F = partial(function)  # type: ignore[assignment]
        setattr(wrapped, DECLARATION, declaration)
        return wrapped
    return function


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else max(1, round(seconds * 1e6))
