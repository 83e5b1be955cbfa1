"""The JSON schemas of the language's documents, made from their types.

`python -m cml.vectors.schemas` writes them into the specification; a test compares.
"""

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
    return {f"{name}.schema.json": _schema(kind) for name, kind in _DOCUMENTS.items()}


def _schema(kind: type[msgspec.Struct]) -> str:
    schema = {"$schema": _DRAFT, **msgspec.json.schema(kind, schema_hook=_any_value)}
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def _any_value(kind: type) -> dict[str, object]:
    """The one type that the generator does not know stands for any JSON value."""
    if kind is not object:
        raise NotImplementedError(f"{kind} has no schema")
    return {"description": "Any JSON value."}


if __name__ == "__main__":
    for name, text in schema_files().items():
        Path(str(specification() / name)).write_text(text, encoding="utf-8")
