"""What a server answers, as an OpenAPI document: made of the endpoints, so it says what they do."""

import re
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias, get_args, get_origin

import msgspec
from starlette.responses import Response

import cml
from cml.ast import Json
from cml.vectors.schemas import any_value
from model_adapters.serving.endpoint import Endpoint
from model_adapters.serving.events import EventsAnswer
from model_adapters.serving.wire import ErrorDocument, JsonAnswer

_NAMED: Final = re.compile(r"\{(\w+)(?::\w+)?\}")
_REFERENCE: Final = "#/components/schemas/{name}"

Documented: TypeAlias = dict[str, Json]


def openapi(endpoints: Iterable[Endpoint]) -> Documented:
    """Return the document.

    Args:
        endpoints: What is answered.
    """
    all_of_them = tuple(endpoints)
    paths: dict[str, dict[str, Json]] = {}
    for each in all_of_them:
        path = _NAMED.sub(r"{\1}", each.path)
        paths.setdefault(path, {})[each.method.lower()] = _operation(each)
    _, components = msgspec.json.schema_components(
        sorted(set(_documents(all_of_them)), key=lambda kind: kind.__name__),
        ref_template=_REFERENCE,
        schema_hook=any_value,
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "cml serve", "version": cml.__version__},
        "security": [{"token": []}],
        "paths": {path: dict(methods) for path, methods in paths.items()},
        "components": {
            "schemas": dict(components),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _documents(endpoints: Iterable[Endpoint]) -> Iterator[type]:
    yield ErrorDocument
    for each in endpoints:
        if each.takes:
            yield each.takes
        yield from (kind for kind in given_by(each) if issubclass(kind, msgspec.Struct))


def given_by(endpoint: Endpoint) -> tuple[type, ...]:
    """Return what an endpoint may answer with: documents, and kinds of responses."""
    return tuple(map(_document_of, get_args(endpoint.gives) or (endpoint.gives,)))


def _document_of(kind: type) -> type:
    """Return the document of an answer that is made of one; any other kind as it is."""
    of: tuple[type, ...] = get_args(kind)
    return of[0] if get_origin(kind) is JsonAnswer else kind


def _operation(each: Endpoint) -> Documented:
    operation: Documented = {
        "summary": each.about.partition("\n")[0],
        "description": each.about,
        "operationId": each.act.__name__,
        "responses": {
            str(each.status): {
                "description": "done",
                "content": dict(map(_content, given_by(each))),
            },
            "default": {"description": "refused", "content": dict([_content(ErrorDocument)])},
        },
    }
    if names := _NAMED.findall(each.path):
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    if each.takes:
        operation["requestBody"] = {"required": True, "content": dict([_content(each.takes)])}
    return operation


def _content(kind: type) -> tuple[str, Json]:
    if issubclass(kind, Response):
        is_stream = issubclass(kind, EventsAnswer)
        return "text/event-stream" if is_stream else "application/jsonl", {}
    reference: Json = {"$ref": _REFERENCE.format(name=kind.__name__)}
    return "application/json", {"schema": reference}
