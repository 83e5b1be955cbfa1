"""`cml vectors`: all categories are asked, answers are compared as values, faults are found."""

import json
import sys
from pathlib import Path

import jsonschema
import msgspec
import pytest
from click.testing import CliRunner, Result
from extras import from_extra

from cml.text.grammar import specification
from interpreter.events import Inject, Report
from interpreter.rules.failures import FAILURES
from interpreter.vectors.answer import answer
from interpreter.vectors.questions import CATEGORIES
from model_adapters.conformance.vectors_command import vectors_command

ROOT = Path(__file__).parents[3]
SPEC = Path(str(specification()))
ASKED = {category: ask() for category, ask in CATEGORIES.items()}
QUESTIONS = {name: question for asked in ASKED.values() for name, question in asked.items()}
LANGUAGE = {"syntax", "malformed", "invalid"}


def ask(*words: str) -> Result:
    return CliRunner().invoke(vectors_command, list(words))


def answered(name: str) -> dict[str, object]:
    """The answer of the reference implementation, to be changed."""
    return json.loads(msgspec.json.encode(answer(msgspec.json.encode(QUESTIONS[name].request))))


def judged(name: str, document: dict[str, object]) -> list[str]:
    return list(QUESTIONS[name].differences(json.dumps(document).encode()))


def test_every_file_is_asked() -> None:
    files = {
        f"{folder.name}/{file.stem}"
        for folder in (SPEC / "vectors").iterdir()
        if folder.is_dir()
        for file in folder.glob("*.json")
    }
    assert set(QUESTIONS) == files
    assert set(CATEGORIES) == {name.partition("/")[0] for name in files}


def test_the_reference_seen_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    from_extra("optimal", "ortools")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    result = ask(sys.executable, "-m", "interpreter.vectors.answer")
    assert result.stdout.splitlines()[-1] == f"{len(QUESTIONS)} passed"
    assert result.exit_code == 0


def test_the_language_alone_can_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    chosen = [word for category in LANGUAGE for word in ("--only", category)]
    result = ask(*chosen, "--json", sys.executable, "-m", "cml.vectors.answer")
    found = json.loads(result.stdout)["results"]
    assert {each["id"] for each in found} == {n for c in LANGUAGE for n in ASKED[c]}
    assert {each["ending"] for each in found} == {"pass"}


def test_an_implementation_that_is_wrong_is_found_out(tmp_path: Path) -> None:
    """It answers everything as if it were nothing, and forgets the last request."""
    program = tmp_path / "nothing.py"
    program.write_text(
        "import sys, json\n"
        "for line in list(sys.stdin)[:-1]:\n"
        "    print(json.dumps({'id': json.loads(line)['id'], 'context': [], 'diagnostics': [],"
        " 'canonical': '', 'interruptible': [True]}))\n"
    )
    result = ask(sys.executable, str(program), "--json")
    wrong = {
        each["id"]: each["message"]
        for each in json.loads(result.stdout)["results"]
        if each["ending"] == "fail"
    }
    assert result.exit_code == 1
    assert set(QUESTIONS) - set(wrong) == {"syntax/empty"}
    assert wrong[list(QUESTIONS)[-1]] == "no answer"
    assert "not an answer" in wrong["runs/travel"]


@pytest.mark.parametrize("command", [["/no/such/program"], [sys.executable, "-c", "print('{')"]])
def test_an_implementation_that_does_not_answer(command: list[str]) -> None:
    result = ask(*command)
    assert result.exit_code == 1
    assert "Error: " in result.stderr


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ("sys.exit(3)", "no answer: it ended with the status 3"),
        ("time.sleep(60)", "no answer: it did not answer within 3 s"),
    ],
)
def test_a_program_that_breaks_off_has_given_the_answers_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, told: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    program = tmp_path / "breaks.py"
    program.write_text(
        "import sys, time\n"
        "from io import BytesIO\n"
        "from cml.vectors.answer import answer_lines\n"
        "answer_lines(BytesIO(b''.join(list(sys.stdin.buffer)[:5])), sys.stdout.buffer)\n"
        "sys.stdout.write('{\"id\": ')\n"
        "sys.stdout.flush()\n"
        f"{ending}\n"
    )
    found = ask("--only", "invalid", "--timeout", "3", sys.executable, str(program))
    assert found.exit_code == 1
    assert f"5 passed, {len(ASKED['invalid']) - 5} failed" in found.stdout
    assert told in found.stdout


def test_requests_and_answers_keep_their_schemas() -> None:
    from_extra("optimal", "ortools")
    requests, answers = (
        jsonschema.Draft202012Validator(json.loads((SPEC / name).read_text("utf-8")))
        for name in ("vector-request.schema.json", "vector-answer.schema.json")
    )
    for name, question in QUESTIONS.items():
        requests.validate(json.loads(msgspec.json.encode(question.request)))
        answers.validate(answered(name))


def test_the_examples_of_the_protocol_are_what_is_asked_and_answered() -> None:
    text = (SPEC / "vectors" / "README.md").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.startswith('{"id"') and "…" not in line]
    assert len(lines) >= 4
    for asked, answers in zip(lines[-4::2], lines[-3::2], strict=True):
        name = json.loads(asked)["id"]
        assert judged(name, json.loads(answers)) == []
        given = answer(asked.encode())
        assert judged(name, json.loads(msgspec.json.encode(given))) == []


def test_vectors_of_schedules_keep_their_schema() -> None:
    schema = json.loads((SPEC / "schedule-vector.schema.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    for path in (SPEC / "vectors" / "schedules").glob("*.json"):
        validator.validate(json.loads(path.read_text("utf-8")))


# ------------------------------------------------------------------ what makes no difference


def reordered(value: object) -> object:
    match value:
        case dict():
            return {key: reordered(entry) for key, entry in reversed(value.items())}
        case list():
            return [reordered(entry) for entry in value]
        case _:
            return value


@pytest.mark.parametrize("name", ASKED["runs"])
def test_the_order_of_keys_makes_no_difference_and_defaults_may_be_written(name: str) -> None:
    found = answered(name)
    for row in found["rows"]:
        row.setdefault("event", None)
        row.setdefault("effects", [])
        if row["event"] and row["event"]["type"] == "decoded":
            row["event"].setdefault("boundary", True)
            row["event"]["symbol"].setdefault("offset", 0)
    assert judged(name, reordered(found)) == []


def in_other_words(document: object) -> object:
    """Every message that the machine made, in other words; a story has none of its own here."""
    match document:
        case {"type": "report", "rule": rule, "message": _}:
            return {"type": "report", "rule": rule, "message": "in other words"}
        case {"type": kind, "message": str()} if kind in FAILURES:
            return {"type": kind, "message": "in other words"}
        case dict():
            return {key: in_other_words(entry) for key, entry in document.items()}
        case list():
            return [in_other_words(entry) for entry in document]
        case _:
            return document


MADE_BY_MACHINE = [
    "malformed-call",
    "unknown-function",
    "future-of-a-failed-call",
    "timeout-then-late",
    "cancel-at-the-end",
    "refusal-at-the-core-level",
    "result-too-long-to-tell",
]


@pytest.mark.parametrize("name", MADE_BY_MACHINE)
def test_messages_of_the_machine_are_free_in_rows_and_context(name: str) -> None:
    found = answered(f"runs/{name}")
    context = found["context"]
    told = [
        told["outcome"]["value"]["message"]
        for row in found["rows"]
        for effect in row.get("effects", ())
        if effect["type"] == "inject"
        for told in effect["interrupts"]
        if isinstance(told["outcome"]["value"], dict)
        and told["outcome"]["value"]["type"] in FAILURES
    ]
    assert told
    for message in dict.fromkeys(told):
        written = json.dumps(message, ensure_ascii=False).replace("[END]", r"\u005bEND]")
        written = written.replace("[CALL]", r"\u005bCALL]")
        assert written in context
        context = context.replace(written, '"in other words"')
    rows = [
        {**row, "effects": in_other_words(row["effects"])} if "effects" in row else row
        for row in found["rows"]
    ]
    changed = {**found, "rows": rows, "context": context}
    assert changed != found
    assert judged(f"runs/{name}", changed) == []


# ---------------------------------------------------------------------- what makes a difference


def test_one_and_one_point_nought_differ() -> None:
    text = json.dumps(answered("runs/region-is-inert"))
    assert '"value": 1}' in text
    assert judged("runs/region-is-inert", json.loads(text.replace('"value": 1}', '"value": 1.0}')))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"Step/malformed"', '"Step/refused"'),
        ('"type": "malformed"', '"type": "limit"'),
        ('"rule": "Valid/', '"rule": "Syntax/'),
        ('"failed"', '"cancelled"'),
    ],
)
def test_a_row_that_says_something_else_differs(old: str, new: str) -> None:
    text = json.dumps(answered("runs/malformed-call"))
    assert old in text
    assert judged("runs/malformed-call", json.loads(text.replace(old, new)))


def test_a_row_too_few_and_one_too_many_differ() -> None:
    found = answered("runs/prose-only")
    rows = found["rows"]
    assert "no more" in judged("runs/prose-only", {**found, "rows": rows[:-1]})[0]
    assert "no more" in judged("runs/prose-only", {**found, "rows": [*rows, rows[-1]]})[0]


def test_a_context_that_differs_in_a_space_differs() -> None:
    found = answered("runs/malformed-call")
    changed = {**found, "context": found["context"].replace("failed [HEAD]", "failed  [HEAD]")}
    assert judged("runs/malformed-call", changed)


def test_the_message_of_a_function_is_not_free() -> None:
    text = json.dumps(answered("runs/function-fails"))
    [message] = {
        a.outcome.value["message"]
        for story in QUESTIONS["runs/function-fails"].request.functions.values()
        for answers in story
        for a in answers
        if a.outcome.kind.value == "failed"
    }
    assert judged("runs/function-fails", json.loads(text.replace(message, "in other words")))


@pytest.mark.parametrize(
    ("field", "value"), [("makespan_us", 0), ("order", []), ("lower_bound_us", 0)]
)
def test_a_schedule_that_differs_differs(field: str, value: object) -> None:
    found = answered("schedules/auto")
    assert judged("schedules/auto", found) == []
    assert judged("schedules/auto", {**found, field: value})


def test_no_time_depends_on_a_free_message() -> None:
    """Tokens of an interrupt cost time by its length, so no vector where they do has a free one."""
    for name, question in ASKED["runs"].items():
        request = question.request
        if request.costs.interrupt_token_us or request.costs.context_token_us:
            rows = answer(msgspec.json.encode(request)).rows
            told = [
                d for r in rows for e in r.effects if isinstance(e, Inject) for d in e.interrupts
            ]
            free = [d for d in told if isinstance(d.outcome.value, dict)]
            assert free == [], name
            assert not any(isinstance(e, Report) and not e.message for r in rows for e in r.effects)
