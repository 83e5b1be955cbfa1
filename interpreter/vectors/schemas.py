"""The JSON schemas of traces, of the vectors of runs and schedules, and of the questions that an
implementation is asked, made from their types.

`python -m interpreter.vectors.schemas` writes them into the specification; a test compares.
"""

from pathlib import Path
from typing import Final

import msgspec

from cml.text.grammar import specification
from cml.vectors.runner import LanguageAnswer, LanguageRequest
from interpreter.events import Row
from interpreter.trace import Header
from interpreter.vectors.runs import RunAnswer, RunRequest, RunVector
from interpreter.vectors.schedules import ScheduleAnswer, ScheduleRequest, ScheduleVector

_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_files() -> dict[str, str]:
    """Return the text of each schema by its file name."""
    lines, definitions = _definitions(Header, Row)
    about = {
        "title": "A line of a trace",
        "description": "The first line is the header, each other line a row (Trace/format).",
    }
    return {
        "trace.schema.json": _text({**about, "oneOf": lines, "$defs": definitions}),
        "run-vector.schema.json": _one_of(RunVector),
        "schedule-vector.schema.json": _one_of(ScheduleVector),
        "vector-request.schema.json": _one_of(LanguageRequest, RunRequest, ScheduleRequest),
        "vector-answer.schema.json": _one_of(LanguageAnswer, RunAnswer, ScheduleAnswer),
    }


def _one_of(*kinds: type[msgspec.Struct]) -> str:
    schemas, definitions = _definitions(*kinds)
    which: dict[str, object] = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return _text({**which, "$defs": definitions})


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
