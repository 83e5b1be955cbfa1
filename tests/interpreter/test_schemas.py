"""The schemas of traces and run vectors are those of the types, and everything keeps them."""

import io
import json
from functools import cache
from pathlib import Path

import jsonschema
import msgspec
import pytest

import cml
from cml.ast import Interrupt, OutcomeKind
from cml.profile import Level, Spelling
from cml.text.grammar import specification
from interpreter.events import Began, Inject
from interpreter.trace import Header, write_trace
from interpreter.vectors import RunVector, read_vector, run_vector
from interpreter.vectors.schemas import schema_files

SPEC = Path(str(specification()))
VECTORS = sorted(SPEC.joinpath("vectors", "runs").glob("*.json"))

each_vector = pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(SPEC.joinpath(name).read_text("utf-8")))


def faults(name: str, document: object) -> list[str]:
    return [error.message for error in validator(name).iter_errors(document)]


@pytest.mark.parametrize("name", list(schema_files()))
def test_a_schema_is_the_one_of_the_types(name) -> None:
    assert SPEC.joinpath(name).read_text("utf-8") == schema_files()[name]
    validator(name).check_schema(json.loads(schema_files()[name]))


@each_vector
def test_a_vector_keeps_its_schema(path) -> None:
    assert faults("run-vector.schema.json", json.loads(path.read_text("utf-8"))) == []


@each_vector
def test_the_trace_of_a_vector_keeps_its_schema(path) -> None:
    vector = read_vector(path)
    file = io.BytesIO()
    header = Header(1, vector.settings, "virtual", "script", vector.about)
    list(write_trace(file, header, vector.rows))
    lines = [json.loads(line) for line in file.getvalue().splitlines()]
    assert len(lines) == 1 + len(vector.rows)
    checked = validator("trace.schema.json")
    assert [error.message for line in lines for error in checked.iter_errors(line)] == []


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"at_us": 0},
        {"at_us": "0", "rule": "Step/begin"},
        {"at_us": 0, "rule": "Step/begin", "event": {"type": "begun"}},
        {"at_us": 0, "rule": "Settle/start", "effects": [{"type": "start", "call": "a"}]},
        {"cml_trace": 1, "settings": {"end": "never"}},
        {"cml_trace": 1, "clock": "wall"},
    ],
)
def test_what_is_no_line_of_a_trace_breaks_the_schema(line) -> None:
    assert faults("trace.schema.json", line)


def test_a_vector_with_a_field_too_many_breaks_the_schema() -> None:
    vector = json.loads(VECTORS[0].read_text("utf-8"))
    assert faults("run-vector.schema.json", {**vector, "comment": "hello"})


def is_text(path: Path) -> bool:
    """Where markers are tokens, a context as text does not say which of its markers are."""
    return read_vector(path).settings.profile.markers is Spelling.TEXT


@pytest.mark.parametrize("path", [*filter(is_text, VECTORS)], ids=lambda path: path.stem)
def test_the_context_of_a_vector_read_anew_holds_what_went_in(path) -> None:
    """A reader of the whole context sees the interrupts that the machine delivered, no others."""
    vector = read_vector(path)
    has_outcomes = vector.settings.profile.level is Level.EXTENDED
    delivered = [
        (d.id, d.outcome.kind if has_outcomes else OutcomeKind.RETURNED, d.outcome.value)
        for row in vector.rows
        for effect in row.effects
        if isinstance(effect, Inject)
        for d in effect.interrupts
    ]
    items = [
        item for turn in turns(vector) for item in cml.parse(turn, vector.settings.profile).items
    ]
    assert delivered == [(i.id, i.outcome, i.value) for i in items if isinstance(i, Interrupt)]


def turns(vector: RunVector) -> tuple[str, str]:
    """The context of the first turn, and what later ones add: a region ends with its turn."""
    planned = tuple(p for p in vector.planned if not isinstance(p.event, Began))
    _, first = run_vector(msgspec.structs.replace(vector, planned=planned))
    assert vector.context.startswith(first)
    return first, vector.context[len(first) :]
