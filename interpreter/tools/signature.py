"""Python functions as tools: what a model is told of one.

Whatever can be called is taken: functions, methods, partials, objects. Only the hints of parameters
are read, one by one, so one that cannot be read costs no other. All five kinds of parameters are
given by name in the schema: what stands for any number of positional arguments is an array, what
stands for any number of named ones is `additionalProperties`.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, Union, get_args

import msgspec
from msgspec.structs import replace

from interpreter.tools.declared import NO_PARAMETERS, Tool, declaration_of
from interpreter.tools.forms import Form
from interpreter.tools.hints import form_of, read_hint
from interpreter.tools.results import json_form
from interpreter.tools.schema import Schema, references, with_references

if TYPE_CHECKING:
    from docstring_parser import Docstring

    from cml.ast import Json

Function: TypeAlias = Callable[..., object]

ANY_PARAMETERS: Final[Schema] = {"type": "object"}
_CACHED: Final = type(functools.cache(lambda: None))
_EMPTY: Final = inspect.Parameter.empty
_MANY: Final = inspect.Parameter.VAR_POSITIONAL
_OTHERS: Final = inspect.Parameter.VAR_KEYWORD
# Which of its type's arguments is what such a function comes to.
_YIELDS: Final = {"Generator": 2, "Coroutine": 2, "Awaitable": 0, "AsyncGenerator": 0}
_YIELDS_ONLY: Final = {"Iterator", "Iterable", "AsyncIterator", "AsyncIterable"}


class Reading(msgspec.Struct, frozen=True):
    """How a function is read.

    Args:
        tool: What a model is told of it.
        signature: Its signature; None where none can be read, or where its schema was declared:
            then it takes named arguments as they are.
        forms: The JSON forms of its parameters, by name.
    """

    tool: Tool
    signature: inspect.Signature | None
    forms: dict[str, Form]


def tool_of(function: Function, name: str | None = None) -> Tool:
    """Return what a model is told of a function.

    Args:
        function: Anything that can be called. Its hints and its docstring (in Google's, NumPy's or
            Sphinx's style) say what `tool` did not declare.
        name: The name that the host gives it; by default the declared one, or its own.
    """
    reading = reading_of(function)
    return reading.tool if name is None else replace(reading.tool, name=name)


def reading_of(function: Function) -> Reading:
    """Return how a function is read; the reading is kept."""
    try:
        return _kept_reading(function)
    except TypeError:  # it cannot be hashed
        return _read(function)


def underlying(function: Function) -> Function:
    """Return the function that a wrapper stands for: its hints are those of the wrapper too."""
    while True:
        inner: Function = inspect.unwrap(called(inspect.unwrap(function)))  # an object wraps too
        if inner is function:
            return function
        function = inner


def called(function: Function) -> Function:
    """Return the function that runs when a partial, a method or an object is called."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif inspect.ismethod(function):
            function = function.__func__
        elif inspect.isroutine(function) or isinstance(function, type | _CACHED):
            return function
        else:
            function = type(function).__call__


def own_name(function: Function) -> str:
    """Return the name of a function; that of the class, for an object that can be called."""
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__name__", None) or type(function).__name__


# -------------------------------------------------------------------------------- the reading


@functools.lru_cache(maxsize=1024)
def _kept_reading(function: Function) -> Reading:
    return _read(function)


def _read(function: Function) -> Reading:
    declared = declaration_of(function)
    signature = _signature(function)
    own = None if declared.parameters else signature  # one that is not read costs nothing
    names: dict[str, object] = getattr(underlying(function), "__globals__", {})
    parameters = own.parameters.values() if own else ()
    forms = {p.name: _form(p, names) for p in parameters}
    doc = _docstring(function)
    told = (doc.short_description or "").strip()
    tool = Tool(
        name=declared.name or own_name(function),
        description=told if declared.description is None else declared.description,
        parameters=declared.parameters or _parameters(own, forms, doc),
        result=declared.result or _result(signature, names),
        estimate_us=declared.estimate_us,
        deadline_us=declared.deadline_us,
        progress_us=declared.progress_us,
        idempotent=declared.idempotent,
    )
    return Reading(tool, own, forms)


def _signature(function: Function) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (ValueError, TypeError):
        return None


def _docstring(function: Function) -> "Docstring":
    import docstring_parser

    by_hand = None if isinstance(function, functools.partial) else inspect.getdoc(function)
    text = by_hand or inspect.getdoc(underlying(function)) or ""
    try:
        return docstring_parser.parse(text)
    except docstring_parser.ParseError:
        return docstring_parser.Docstring()


def _form(parameter: inspect.Parameter, names: Mapping[str, object]) -> Form:
    if parameter.annotation is _EMPTY:
        return form_of(Any)
    hint = read_hint(parameter.annotation, names)
    form = form_of(hint)
    if parameter.default is None and form.schema:
        # `city: str = None` says that it may be None, as it did before PEP 484 changed.
        return form_of(Union[hint, None])  # noqa: UP007
    return form


def _parameters(
    signature: inspect.Signature | None, forms: Mapping[str, Form], doc: "Docstring"
) -> Schema:
    if signature is None:
        return ANY_PARAMETERS
    described = {part.arg_name.lstrip("*"): part.description for part in doc.params}
    definitions, renamed = _definitions(forms)
    named: Schema = {}
    others: Json = False
    for parameter in signature.parameters.values():
        schema = with_references(forms[parameter.name].schema, renamed[parameter.name])
        if parameter.kind is _OTHERS:
            others = schema or True
            continue
        if parameter.kind is _MANY:
            schema = {"type": "array", "items": schema}
        named[parameter.name] = _told(schema, described.get(parameter.name), parameter.default)
    optional = (_MANY, _OTHERS)
    needed = signature.parameters.values()
    schema = {
        **NO_PARAMETERS,
        "properties": named,
        "required": [p.name for p in needed if p.default is _EMPTY and p.kind not in optional],
        "additionalProperties": others,
    }
    return {**schema, "$defs": dict(definitions)} if definitions else schema


def _told(schema: Schema, description: str | None, default: object) -> Schema:
    """Return the schema of a parameter with what else a model is told of it."""
    told = dict(schema)
    if description and "description" not in told:
        told["description"] = " ".join(description.split())
    if default is not _EMPTY:
        try:
            told["default"] = json_form(default)
        except (ValueError, TypeError):
            told.pop("default", None)  # it can be left out, and that is all there is to say
    return told


def _definitions(
    forms: Mapping[str, Form],
) -> tuple[dict[str, Schema], dict[str, dict[str, str]]]:
    """Return the definitions of all parameters, and how each parameter's references are renamed
    where two types have one name.
    """
    found: dict[str, Schema] = {}
    renamed: dict[str, dict[str, str]] = {}
    for parameter, form in forms.items():
        names = renamed[parameter] = {}
        for name, schema in form.definitions.items():
            number, free = 1, name
            while free in found and found[free] != schema:
                number += 1
                free = f"{name}_{number}"
            names[name] = free
            found[free] = schema
        for name, free in names.items():
            if any(names.get(inner, inner) != inner for inner in references(found[free])):
                found[free] = with_references(form.definitions[name], names)
    return found, renamed


def _result(signature: inspect.Signature | None, names: Mapping[str, object]) -> Schema | None:
    if signature is None or signature.return_annotation is _EMPTY:
        return None
    hint = read_hint(signature.return_annotation, names)
    kind = getattr(hint, "__origin__", hint)
    name = getattr(kind, "__name__", "")
    if name in _YIELDS_ONLY:
        return None
    if name in _YIELDS and len(parts := get_args(hint)) > _YIELDS[name]:
        hint = parts[_YIELDS[name]]
    form = form_of(hint)
    if hint in {None, NoneType} or not form.schema:
        return None
    return {**form.schema, "$defs": dict(form.definitions)} if form.definitions else form.schema
