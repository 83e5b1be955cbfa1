"""The JSON schemas of traces and run vectors, made from their types.

`python -m interpreter.schemas` writes them into the specification; a test compares.
"""

from pathlib import Path
from typing import Final

import msgspec

from cml.grammar import specification
from interpreter.events import Row
from interpreter.trace import Header
from interpreter.vectors import RunVector

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_files() -> dict[str, str]:
    """Return the text of each schema by its file name."""
    lines, definitions = _definitions(Header, Row)
    vector, vector_definitions = _definitions(RunVector)
    about = {
        "title": "A line of a trace",
        "description": "The first line is the header, each other line a row (Trace/format).",
    }
    return {
        "trace.schema.json": _text({**about, "oneOf": lines, "$defs": definitions}),
        "run-vector.schema.json": _text({**vector[0], "$defs": vector_definitions}),
    }


def _definitions(
    *kinds: type[msgspec.Struct],
) -> tuple[list[dict[str, object]], dict[str, object]]:
    """Return a reference to the schema of each type, and the definitions that they need."""
    schemas, definitions = msgspec.json.schema_components(
        kinds, schema_hook=_any_value, ref_template="#/$defs/{name}"
    )
    return list(schemas), definitions


def _text(schema: dict[str, object]) -> str:
    encoded = msgspec.json.encode({"$schema": _DRAFT, **schema})
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def _any_value(kind: type) -> dict[str, object]:
    """The one type that the generator does not know stands for any JSON value."""
    if kind is not object:
        raise NotImplementedError(f"{kind} has no schema")
    return {"description": "Any JSON value."}


if __name__ == "__main__":
    for name, text in schema_files().items():
        Path(str(specification() / name)).write_text(text, encoding="utf-8")
