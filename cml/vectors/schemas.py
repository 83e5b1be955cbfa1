"""The JSON schemas of the language's documents, made from their types.

`python -m cml.vectors.schemas` writes them into the specification; a test compares.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from cml.profile import Profile
from cml.text.grammar import specification
from cml.tools.documents import ContextDocument, ValidationDocument
from cml.vectors.runner import Vector

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_DOCUMENTS: Final[dict[str, type[msgspec.Struct]]] = {
    "context": ContextDocument,
    "validation": ValidationDocument,
    "profile": Profile,
    "vector": Vector,
}


def schema_files() -> dict[str, str]:
    """Return the text of each schema by its file name."""
    return {
        f"{name}.schema.json": schema_text(msgspec.json.schema(kind, schema_hook=any_value))
        for name, kind in _DOCUMENTS.items()
    }


def schema_text(schema: Mapping[str, object]) -> str:
    """Return a schema as the text of its file."""
    encoded = msgspec.json.encode({"$schema": _DRAFT, **schema})
    return msgspec.json.format(encoded, indent=2).decode() + "\n"


def any_value(kind: type) -> dict[str, object]:
    """The one type that the generator does not know stands for any JSON value."""
    if kind is not object:
        raise NotImplementedError(f"{kind} has no schema")
    return {"description": "Any JSON value."}


def write_schemas(texts: Mapping[str, str]) -> None:
    """Write schemas into the specification, each into the file of its name."""
    for name, text in texts.items():
        Path(str(specification() / name)).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_schemas(schema_files())
