"""The JSON documents of the command line (docs: `cml parse --json`, `cml validate --json`).

Their schemas are spec/context.schema.json and spec/validation.schema.json, made from these types.
"""

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from cml.ast import (
    Call,
    Context,
    Interrupt,
    Item,
    Json,
    Malformed,
    Reference,
    Text,
    Trap,
    Value,
)
from cml.diagnostics import Diagnostic, Span

if TYPE_CHECKING:
    from cml.ast import Json as JsonValue
else:  # a schema cannot name the type of all JSON values, and need not
    JsonValue = object


class TextItem(msgspec.Struct, frozen=True, tag_field="kind", tag="text"):
    """Prose, its escapes undone."""

    text: str
    span: Span


class CallItem(msgspec.Struct, frozen=True, tag_field="kind", tag="call"):
    """A call that can be read.

    Args:
        id: Its identifier; null without one.
        function: Dotted name of the function.
        args: Positional arguments; a reference is {"$ref": identifier, "path": [subscripts]}, its
            path there also when it is empty.
        kwargs: Named arguments, in the same form.
        body: The body as it is written, without white space around it.
        span: Where the block stands.
    """

    id: str | None
    function: str
    args: list[JsonValue]
    kwargs: dict[str, JsonValue]
    body: str
    span: Span


class InterruptItem(msgspec.Struct, frozen=True, tag_field="kind", tag="interrupt"):
    """An interrupt."""

    id: str
    outcome: str
    value: JsonValue
    span: Span


class TrapItem(msgspec.Struct, frozen=True, tag_field="kind", tag="trap"):
    """A trap; `wait` is null, "all", or the identifiers as they are written."""

    wait: list[str] | str | None
    span: Span


class MalformedItem(msgspec.Struct, frozen=True, tag_field="kind", tag="malformed"):
    """A block or marker that is not CML.

    Args:
        id: Its identifier, where it can be read.
        source: As it is written.
        rule: The first rule that it breaks.
        span: Where it stands.
        markers: Where in the source each reserved token stands; in the token profile only.
    """

    id: str | None
    source: str
    rule: str
    span: Span
    markers: list[int] | msgspec.UnsetType = msgspec.UNSET


ItemDocument: TypeAlias = TextItem | CallItem | InterruptItem | TrapItem | MalformedItem


class ContextDocument(msgspec.Struct, frozen=True):
    """What `cml parse --json` prints."""

    context: list[ItemDocument]
    diagnostics: list[Diagnostic]


class FileDocument(msgspec.Struct, frozen=True):
    """What `cml validate --json` says of one file.

    Args:
        file: Its name.
        diagnostics: What is wrong with it, as far as it was read.
        valid: Whether it is known to be valid.
        unreadable: Why it cannot be read; only where it cannot.
    """

    file: str
    diagnostics: list[Diagnostic]
    valid: bool
    unreadable: str | msgspec.UnsetType = msgspec.UNSET


class ValidationDocument(msgspec.Struct, frozen=True):
    """What `cml validate --json` prints."""

    files: list[FileDocument]


def context_document(
    context: Context, diagnostics: tuple[Diagnostic, ...] | None = None
) -> ContextDocument:
    """Return the document of a context.

    Args:
        context: The tree.
        diagnostics: All that is wrong with it, if more is known than the parser found.
    """
    found = context.diagnostics if diagnostics is None else diagnostics
    return ContextDocument([item_document(item) for item in context.items], list(found))


def item_document(item: Item) -> ItemDocument:
    """Return the document of one item."""
    match item:
        case Text():
            return TextItem(item.text, item.span)
        case Call():
            args = [value_document(value) for value in item.args]
            kwargs = {name: value_document(value) for name, value in item.kwargs.items()}
            return CallItem(item.id, item.function, args, kwargs, item.body, item.span)
        case Interrupt():
            return InterruptItem(item.id, item.outcome.value, item.value, item.span)
        case Trap():
            wait = list(item.wait) if isinstance(item.wait, tuple) else item.wait
            return TrapItem(wait, item.span)
        case Malformed():
            markers = list(item.markers) or msgspec.UNSET  # it begins with one
            return MalformedItem(item.id, item.source, item.fault.rule, item.span, markers)


def value_document(value: Value) -> Json:
    """Return the JSON form of an argument; a future is {"$ref": …, "path": […]}."""
    match value:
        case Reference():
            return {"$ref": value.ref, "path": list(value.path)}
        case list():
            return [value_document(entry) for entry in value]
        case dict():
            return {key: value_document(entry) for key, entry in value.items()}
        case _:
            return value
