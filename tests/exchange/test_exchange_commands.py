"""`cml import` and `cml export` as their users meet them."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from extras import from_extra

from cml.terminal.entry import run
from model_adapters.commands.command_table import cml_command
from model_adapters.commands.exchange import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    Cml = Callable[..., tuple[int, str, str]]

SAMPLES = Path(__file__).parent / "samples"
BAD = """[
 {"role": "user", "content": "Hi."},
 {"role": "assistant", "tool_calls": [
   {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
   {"id": "b", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
 {"role": "tool", "tool_call_id": "a", "content": "1"},
 {"role": "tool", "tool_call_id": "a", "content": "1"},
 {"role": "tool", "tool_call_id": "nobody", "content": "1"},
 {"role": "assistant", "content": "So."}
]
"""


@pytest.fixture
def cml(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> "Cml":
    def call(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["cml", *map(str, words)])
        with pytest.raises(SystemExit) as caught:
            run(cml_command())
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return call


def test_a_transcript_becomes_a_trace_that_all_commands_take(cml: "Cml", tmp_path: Path) -> None:
    trace = tmp_path / "trace.jsonl"
    status, out, err = cml("import", "chat", SAMPLES / "chat.json", "-o", trace)
    assert (status, out) == (0, "")
    assert "system messages (1): left out" in err
    assert cml("validate", trace)[0] == 0
    assert "the same" in cml("replay", trace)[1]
    assert "2 calls" in cml("timeline", trace, "-o", tmp_path / "x.perfetto.json")[2]


def test_faults_are_told_with_file_and_line_and_nothing_is_written(
    cml: "Cml", tmp_path: Path
) -> None:
    bad, trace = tmp_path / "bad.json", tmp_path / "trace.jsonl"
    bad.write_text(BAD, encoding="utf-8")
    status, out, err = cml("import", "chat", bad, "-o", trace)
    assert (status, out) == (1, "")
    assert not trace.exists()
    for said in (
        f"error[CML204]: a was answered in line 6\n --> {bad}:7:1",
        f"a result that nobody asked for: no call has the identifier nobody\n --> {bad}:8:1",
        "the call b is not answered before the session goes on in line 9",
    ):
        assert said in err.replace("  -->", " -->")


def test_check_reports_any_number_of_files(cml: "Cml", tmp_path: Path) -> None:
    bad, latin = tmp_path / "bad.json", tmp_path / "latin.json"
    bad.write_text(BAD, encoding="utf-8")
    latin.write_bytes(b"caf\xe9")
    words = ("import", "chat", "--check", "--format", "json", SAMPLES / "chat.json", bad, latin)
    status, out, _ = cml(*words)
    assert status == 1
    files = json.loads(out)["files"]
    assert [file["valid"] for file in files] == [True, False, False]
    assert files[1]["diagnostics"][0]["rule"] == "Valid/one-answer"
    assert files[2]["diagnostics"][0]["rule"] == "Syntax/encoding"
    assert cml("import", "chat", "--check", SAMPLES / "chat.json")[0] == 0


def test_check_reports_the_others_of_a_file_that_cannot_be_read(cml: "Cml") -> None:
    words = ("import", "chat", "--check", "--format", "json", "nowhere.json", SAMPLES / "chat.json")
    status, out, err = cml(*words)
    assert (status, err) == (2, "Error: nowhere.json: there is no such file\n")
    nowhere, chat = json.loads(out)["files"]
    assert (nowhere["valid"], nowhere["unreadable"]) == (False, "there is no such file")
    assert (chat["valid"], "unreadable" in chat) == (True, False)


def test_usage(cml: "Cml") -> None:
    assert cml("import", "chat")[0] == 2
    assert cml("import", "chat", SAMPLES / "chat.json", SAMPLES / "chat.json")[0] == 2
    assert cml("import", "telegram", SAMPLES / "chat.json")[0] == 2


@pytest.mark.parametrize("form", FORMATS)
def test_losses_are_listed(cml: "Cml", form: str) -> None:
    status, out, _ = cml("import", form, "--losses")
    assert status == 0
    assert len(out.splitlines()) == len(FORMATS[form].losses)


def test_spans(cml: "Cml", tmp_path: Path) -> None:
    from_extra("otel", "opentelemetry.sdk.trace")
    trace = tmp_path / "trace.jsonl"
    cml("import", "realtime", SAMPLES / "realtime.jsonl", "-o", trace)
    out = tmp_path / "spans.jsonl"
    status, *_ = cml("export", "otel", trace, "--begin", "2026-03-01T10:00:00", "-o", out)
    assert status == 0
    spans = {span["name"]: span for span in map(json.loads, out.read_text("utf-8").splitlines())}
    assert spans.keys() == {"invoke_agent", "execute_tool weather", "execute_tool book_table"}
    turn, call = spans["invoke_agent"], spans["execute_tool book_table"]
    assert call["parent_id"] == turn["context"]["span_id"]
    assert turn["start_time"] == "2026-03-01T10:00:00.000000Z"
    assert (call["start_time"][17:], call["end_time"][17:]) == ("00.500000Z", "03.500000Z")
    assert call["attributes"]["gen_ai.operation.name"] == "execute_tool"
    assert call["attributes"]["gen_ai.tool.call.id"] == "call_A1"
    assert turn["attributes"]["gen_ai.conversation.id"] == "trace.jsonl"


def test_turns_follow_one_another_in_spans(cml: "Cml", tmp_path: Path) -> None:
    from_extra("otel", "opentelemetry.sdk.trace")
    trace = tmp_path / "trace.jsonl"
    cml("import", "chat", SAMPLES / "chat.json", "-o", trace)
    out = tmp_path / "spans.jsonl"
    cml("export", "otel", trace, "-o", out)
    spans = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    first, second = [span for span in spans if span["name"] == "invoke_agent"]
    began, ended, again = (
        datetime.fromisoformat(time)
        for time in (first["start_time"], first["end_time"], second["start_time"])
    )
    assert (ended - began, again - began) == (timedelta(milliseconds=7), timedelta(milliseconds=8))
    assert [span for span in spans if span["parent_id"] is None] == [first, second]


def test_trace_events_are_those_of_the_timeline(cml: "Cml", tmp_path: Path) -> None:
    trace, drawn = tmp_path / "trace.jsonl", tmp_path / "x.perfetto.json"
    cml("import", "chat", SAMPLES / "chat.json", "-o", trace)
    cml("timeline", trace, "-o", drawn)
    assert cml("export", "perfetto", trace, "-o", tmp_path / "x.json")[0] == 0
    assert (tmp_path / "x.json").read_bytes() == drawn.read_bytes()
