"""The vectors of the language hold for this implementation, seen from inside."""

import json
import re
import sys
from pathlib import Path

import jsonschema
import pytest

from cml import Severity
from cml.diagnostics import RULES
from cml.text.grammar import specification
from cml.tools.documents import TextItem
from cml.vectors.answer import answer
from cml.vectors.asking import ImplementationError, ask_program
from cml.vectors.runner import FOLDERS, LanguageRequest, differences, load_vectors
from cml.vectors.schemas import schema_files

VECTORS = load_vectors()
SPEC = Path(str(specification()))
SYNTAX = set(
    re.findall(
        r"^\*\*(Syntax/[a-z-]+)\.\*\*", (SPEC / "1-syntax.md").read_text("utf-8"), re.MULTILINE
    )
)
# A session alone knows the functions of its host, and what was generated.
OF_SESSIONS = {"Valid/known-function", "Syntax/generated"}


@pytest.mark.parametrize("name", VECTORS)
def test_vector(name: str) -> None:
    vector = VECTORS[name]
    given = answer(LanguageRequest(name, vector.input, vector.profile))
    assert list(differences(vector, given)) == []


def test_each_folder_holds_what_it_says() -> None:
    for name, vector in VECTORS.items():
        folder = name.split("/")[0]
        errors = any(f.severity is Severity.ERROR for f in vector.expected.diagnostics)
        kinds = {type(item).__name__ for item in vector.expected.context}
        encoding = any(f.rule == "Syntax/encoding" for f in vector.expected.diagnostics)
        assert (folder == "malformed") == ("MalformedItem" in kinds or encoding), name
        assert folder != "syntax" or not errors, name


def test_a_span_may_be_anywhere_in_what_it_is_about() -> None:
    """In the whole block, in the whole word of a near miss; where the input ends there is one place."""
    for name, vector in VECTORS.items():
        items = [item.span for item in vector.expected.context if not isinstance(item, TextItem)]
        blocks = {(span.start.offset, span.end.offset) for span in items}
        for finding in vector.expected.diagnostics:
            begin, end = finding.within
            match finding.rule:
                case "Syntax/encoding":
                    assert begin == end, name
                case "Lint/near-miss":
                    tokens = vector.input.tokens or ()
                    spelled = (f"[{t.marker}]" if t.marker else t.text for t in tokens)
                    text = vector.input.text or "".join(spelled)
                    assert re.fullmatch(r"[\[［][^\[\]［］]+[\]］]", text[begin:end]), name
                case _ if vector.expected.context:
                    assert (begin, end) in blocks, name
                case _:
                    source = b"".join(vector.input.base64 or ())
                    assert re.fullmatch(rb"\[CALL].*?\[END]", source[begin:end]), name


def test_every_file_is_a_vector() -> None:
    files = {f"{f}/{p.stem}" for f in FOLDERS for p in (SPEC / "vectors" / f).iterdir()}
    assert files == set(VECTORS)
    assert len(VECTORS) >= 150


def test_every_rule_is_exercised_by_one_vector_that_keeps_it_and_one_with_a_fault() -> None:
    reported = {f.rule for v in VECTORS.values() for f in v.expected.diagnostics}
    kept: set[str] = set()
    named_with_fault: set[str] = set()
    for vector in VECTORS.values():
        found = {f.rule for f in vector.expected.diagnostics}
        kept |= set(vector.rules) - found
        named_with_fault |= set(vector.rules) if found else set()
    diagnosed = {name for name in RULES if not name.startswith("Trace/")}
    assert diagnosed - OF_SESSIONS - reported == set()
    assert (diagnosed | SYNTAX) - OF_SESSIONS - kept == set()
    assert SYNTAX - OF_SESSIONS - named_with_fault == set()


def test_vectors_name_only_rules_that_exist_and_all_that_they_report() -> None:
    for name, vector in VECTORS.items():
        assert set(vector.rules) <= SYNTAX | set(RULES), name
        assert {f.rule for f in vector.expected.diagnostics} <= set(vector.rules), name
        assert vector.rules, name


@pytest.mark.parametrize("name", list(schema_files()))
def test_schema_is_the_one_of_the_types(name: str) -> None:
    assert (SPEC / name).read_text("utf-8") == schema_files()[name]


def test_vectors_keep_their_schema() -> None:
    schema = json.loads(schema_files()["vector.schema.json"])
    validator = jsonschema.Draft202012Validator(schema)
    for name in VECTORS:
        validator.validate(json.loads((SPEC / "vectors" / f"{name}.json").read_text("utf-8")))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["no-such-command"], "no-such-command: cannot be started: No such file or directory"),
        ([sys.executable, "-c", "raise SystemExit(7)"], "ended with the status 7"),
        ([sys.executable, "-c", "import time; time.sleep(60)"], "did not answer within 0.5 s"),
        ([sys.executable, "-c", "print('hello')"], "line 1 of its output"),
        ([sys.executable, "-c", "print('{\"x\":' + '[' * 100_000)"], "line 1 of its output"),
    ],
)
def test_what_is_no_implementation_is_told(command, message) -> None:
    with pytest.raises(ImplementationError, match=re.escape(message)):
        ask_program(command, {}, 0.5 if "sleep" in command[-1] else 30)
