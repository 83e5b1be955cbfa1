"""The JSON schemas of traces, of the vectors of runs and schedules, and of the questions that an
implementation is asked, made from their types.

`python -m interpreter.vectors.schemas` writes them into the specification; a test compares.
"""

import msgspec

from cml.vectors.runner import LanguageAnswer, LanguageRequest
from cml.vectors.schemas import any_value, schema_text, write_schemas
from interpreter.events import Row
from interpreter.trace import Header
from interpreter.vectors.runs import RunAnswer, RunRequest, RunVector
from interpreter.vectors.schedules import ScheduleAnswer, ScheduleRequest, ScheduleVector


def schema_files() -> dict[str, str]:
    """Return the text of each schema by its file name."""
    lines, definitions = _definitions(Header, Row)
    checksum = {
        "crc": {"type": "string", "pattern": "^[0-9a-f]{8}$"}
    }  # of any line (Trace/checksum)
    abandoned = {
        "title": "Abandoned",
        "description": "The last line of a trace that its session went on without (Trace/abandoned).",
        "type": "object",
        "properties": {"abandoned": {"const": True}},
        "required": ["abandoned"],
    }
    about = {
        "title": "A line of a trace",
        "description": "The first line is the header, each other line a row (Trace/format).",
    }
    return {
        "trace.schema.json": schema_text(
            {**about, "properties": checksum, "oneOf": [*lines, abandoned], "$defs": definitions}
        ),
        "run-vector.schema.json": _one_of(RunVector),
        "schedule-vector.schema.json": _one_of(ScheduleVector),
        "vector-request.schema.json": _one_of(LanguageRequest, RunRequest, ScheduleRequest),
        "vector-answer.schema.json": _one_of(LanguageAnswer, RunAnswer, ScheduleAnswer),
    }


def _one_of(*kinds: type[msgspec.Struct]) -> str:
    schemas, definitions = _definitions(*kinds)
    which: dict[str, object] = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return schema_text({**which, "$defs": definitions})


def _definitions(
    *kinds: type[msgspec.Struct],
) -> tuple[list[dict[str, object]], dict[str, object]]:
    """Return a reference to the schema of each type, and the definitions that they need."""
    schemas, definitions = msgspec.json.schema_components(
        kinds, schema_hook=any_value, ref_template="#/$defs/{name}"
    )
    return list(schemas), definitions


if __name__ == "__main__":
    write_schemas(schema_files())
