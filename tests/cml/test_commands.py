"""The commands of the language, as people and programs call them."""

import errno
import io
import json
import os
import tracemalloc
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cml.diagnostics import Diagnostic, Span, diagnose
from cml.tools.commands import parse_command, validate_command
from cml.tools.sarif import VERSION

GOOD = "Hi. [CALL] a [HEAD] f(1) [END] [TRAP][END]\n"
BAD = 'Tab\there: [CALL] a [HEAD] f("日本" 1) [END]\n[end]\n'


def check_lines(begun: bytes, lines: Iterable[bytes]) -> Iterator[Diagnostic]:
    """A stand-in for the layer above: a trace is at fault where a line says so."""
    for line in (begun, *lines):
        if b"fault" in line:
            yield diagnose("Trace/row", "the row differs", Span())


def validate(*arguments: str | Path, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(validate_command(check_lines), [*map(str, arguments)], input=stdin)


def parse(*arguments: str | Path, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(parse_command, [*map(str, arguments)], input=stdin)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.cml"
    path.write_text(GOOD, encoding="utf-8")
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.cml"
    path.write_text(BAD, encoding="utf-8")
    return path


def test_valid_file(good: Path) -> None:
    result = validate(good)
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{good}: valid\n", "")


def test_diagnostics_show_the_line_and_what_to_do(bad: Path) -> None:
    result = validate(bad)
    assert result.exit_code == 1
    assert result.stdout == f"{bad}: 1 error, 1 warning\n"
    assert result.stderr.splitlines() == [
        'error[CML106]: a comma is missing; write f("日本", 1)',
        f" --> {bad}:1:34",
        "  |",
        '1 | Tab here: [CALL] a [HEAD] f("日本" 1) [END]',
        "  | " + 35 * " " + "^",
        "  = rule: Valid/body",
        "  = help: write one call of a named function with literal arguments",
        "    more: cml explain CML106",
        "",
        "warning[CML208]: [end] is text, not a marker; was [END] meant?",
        f" --> {bad}:2:1",
        "  |",
        "2 | [end]",
        "  | ^^^^^",
        "  = rule: Lint/near-miss",
        "  = help: write the marker exactly, or leave it if text is meant",
        "    more: cml explain CML208",
        "",
    ]


def test_json_is_one_document_and_nothing_else(good: Path, bad: Path) -> None:
    result = validate(good, bad, "--json")
    assert result.exit_code == 1
    assert result.stderr == ""
    first, second = json.loads(result.stdout)["files"]
    assert first == {"file": str(good), "valid": True, "diagnostics": []}
    assert (second["file"], second["valid"]) == (str(bad), False)
    assert second["diagnostics"][0] == {
        "code": "CML106",
        "rule": "Valid/body",
        "severity": "error",
        "message": 'a comma is missing; write f("日本", 1)',
        "span": {
            "start": {"line": 1, "column": 34, "offset": 33},
            "end": {"line": 1, "column": 35, "offset": 34},
        },
    }


def test_sarif(good: Path, bad: Path) -> None:
    result = validate(good, bad, "--format", "sarif")
    log = json.loads(result.stdout)
    assert log["version"] == VERSION
    run = log["runs"][0]
    assert [r["ruleId"] for r in run["results"]] == ["CML106", "CML208"]
    assert run["results"][0]["locations"][0]["physicalLocation"]["region"]["startColumn"] == 34
    assert {r["ruleId"] for r in run["results"]} <= {
        r["id"] for r in run["tool"]["driver"]["rules"]
    }


@pytest.mark.parametrize("end", ["\n", "\0", "\r\n"])
def test_files_that_a_list_names_are_one_report(good: Path, bad: Path, end: str) -> None:
    """Whatever their number: the arguments of a command have a limit, beyond which xargs begins another."""
    listed = "".join(f"{name}{end}" for name in [good] * 3_000 + [bad]).encode()
    result = validate("--files-from", "-", "--format", "sarif", stdin=listed)
    assert result.exit_code == 1
    assert len(json.loads(result.stdout)["runs"][0]["results"]) == 2
    nothing = validate("--files-from", "-", "--format", "sarif")
    assert nothing.exit_code == 0
    assert json.loads(nothing.stdout)["runs"][0]["results"] == []


def test_a_list_of_files_is_named_where_there_are_no_files(tmp_path: Path) -> None:
    assert "FILE..., or --files-from" in validate().stderr.replace("'", "")
    assert validate("-", "--files-from", "-").exit_code == 2
    assert validate("--files-from", tmp_path / "nowhere").exit_code == 2
    result = validate("--files-from", "-", stdin=b"nowhere.cml\n")
    assert (result.exit_code, result.stderr) == (2, "Error: nowhere.cml: there is no such file\n")


def test_standard_input_and_profiles() -> None:
    body = b'[CALL] {"name": "f", "arguments": {}} [END]'
    assert validate("-", "--profile", "json,core", stdin=body).exit_code == 0
    assert validate("-", stdin=body).exit_code == 1


def test_profile_from_a_file(tmp_path: Path, good: Path) -> None:
    profile = tmp_path / "small.json"
    profile.write_text('{"limits": {"block_characters": 10}}')
    assert validate(good, "--profile", profile).exit_code == 1
    wrongs = (
        *('{"body": "lisp"}', '{"limits": {"nesting": 0}}', '{"markers": "token"}', "{"),
        *('{"boddy": "json"}', '{"limits": {"nestings": 9}}'),
    )
    for wrong in wrongs:
        profile.write_text(wrong)
        result = validate(good, "--profile", profile)
        assert (result.exit_code, result.stdout) == (1, "")
        assert f"{profile}: " in result.stderr
    for name, said in (("lisp", "--profile"), ("missing.json", "no such file"), ("", "--profile")):
        result = validate(good, "--profile", name)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr


def test_file_that_cannot_be_parsed(tmp_path: Path) -> None:
    for name, said in ((tmp_path / "none.cml", "no such file"), (tmp_path, "folder")):
        result = parse(name)
        assert (result.exit_code, result.stdout) == (2, "")
        assert str(name) in result.stderr
        assert said in result.stderr


def missing_among(good: Path, bad: Path, form: str) -> Result:
    """Two files that cannot be read among two that can."""
    names = ("none.cml", good, good.parent, bad)
    result = validate(*names, "--format", form)
    assert result.exit_code == 2
    assert result.stderr.endswith(
        "Error: none.cml: there is no such file\n"
        f"       {good.parent}: this is a folder; name a file\n"
    )
    return result


def test_a_file_that_cannot_be_read_keeps_no_other_from_being_told(good: Path, bad: Path) -> None:
    result = missing_among(good, bad, "text")
    assert result.stdout == f"{good}: valid\n{bad}: 1 error, 1 warning\n"
    assert "error[CML106]" in result.stderr


def test_a_file_that_cannot_be_read_stands_in_the_json(good: Path, bad: Path) -> None:
    none, first, folder, last = json.loads(missing_among(good, bad, "json").stdout)["files"]
    assert none == {
        "file": "none.cml",
        "diagnostics": [],
        "valid": False,
        "unreadable": "there is no such file",
    }
    assert (first["valid"], "unreadable" in first) == (True, False)
    assert folder["unreadable"] == "this is a folder; name a file"
    assert [found["code"] for found in last["diagnostics"]] == ["CML106", "CML208"]


def test_a_file_that_cannot_be_read_is_a_notification_in_sarif(good: Path, bad: Path) -> None:
    [run] = json.loads(missing_among(good, bad, "sarif").stdout)["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["CML106", "CML208"]
    [invocation] = run["invocations"]
    assert invocation["executionSuccessful"] is False
    first, _ = invocation["toolExecutionNotifications"]
    assert (first["level"], first["message"]["text"]) == (
        "error",
        "none.cml: there is no such file",
    )
    [place] = first["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "none.cml"
    [run] = json.loads(validate(bad, "--format", "sarif").stdout)["runs"]
    assert run["invocations"] == [
        {"executionSuccessful": True, "toolExecutionNotifications": []},
    ]


def test_a_file_that_breaks_off_while_it_is_read_keeps_what_was_found(
    good: Path, bad: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    content, opened = bad.read_bytes(), Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode: Failing(content) if path == bad else opened(path, mode)
    )
    result = validate(bad, good, "--json")
    assert result.exit_code == 2
    assert result.stderr == f"Error: {bad}: Input/output error\n"
    first, second = json.loads(result.stdout)["files"]
    assert [found["code"] for found in first["diagnostics"]] == ["CML106"]
    assert (first["unreadable"], second["valid"]) == ("Input/output error", True)


@pytest.mark.parametrize("header", [b'{"cml_trace":1}\n', b' {"crc": "0", "cml_trace" : 1}'])
def test_a_trace_is_known_by_its_first_line(tmp_path: Path, header: bytes) -> None:
    unnamed = tmp_path / "trace"
    unnamed.write_bytes(header + b"\nfault\n")
    for found in (validate("-", stdin=unnamed.read_bytes()), validate(unnamed)):
        assert found.exit_code == 1
        assert "error[CML303]: the row differs" in found.stderr
        assert "1 |" not in found.stderr  # as of a trace that its name tells
    assert validate("-", stdin=header).stdout == "-: valid\n"


def test_a_context_that_speaks_of_traces_is_a_context() -> None:
    for context in (b'See {"cml_trace":1}\n', b'{\n"cml_trace":1}', b"{" * 9_000 + GOOD.encode()):
        assert validate("-", stdin=context + b"fault").exit_code == 0
    assert "CML106" in validate("-", stdin=BAD.encode()).stderr


def test_empty_file_is_valid_and_said_to_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.cml"
    path.touch()
    assert validate(path).stdout == f"{path}: valid (the file is empty)\n"
    assert json.loads(parse(path, "--json").stdout) == {"context": [], "diagnostics": []}


def test_bytes_that_are_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "latin.cml"
    path.write_bytes(b"[CALL] f( [END] caf\xe9 [CALL]")
    found = json.loads(validate(path, "--json").stdout)["files"][0]["diagnostics"]
    assert [d["code"] for d in found] == ["CML106", "CML101"]
    assert found[1]["span"]["start"] == {"line": 1, "column": 20, "offset": 19}
    result = parse(path, "--json")
    assert result.exit_code == 1
    assert [d["code"] for d in json.loads(result.stdout)["diagnostics"]] == ["CML106", "CML101"]


def test_what_a_file_holds_cannot_control_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "escape.cml"
    path.write_text("\x1b[31m\u202e[red] [END]", encoding="utf-8")
    for result in (validate(path), parse(path)):
        assert "\x1b" not in result.stderr + result.stdout
        assert "\u202e" not in result.stderr + result.stdout


def test_traces_go_to_the_validator_of_traces(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text("{}\nfault\n")
    result = validate(path, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["files"][0]["diagnostics"][0]["code"] == "CML303"


def test_parse_prints_every_kind_of_item() -> None:
    text = (
        b"Hi [CALL] a [HEAD] f(1, x={'k': None}) [END][CALL] g(a['x']) [END]"
        b'[INTR] a failed [HEAD] {"type": "T", "message": "m"} [END][TRAP] a [END][TRAP] all [END]'
        b"[TRAP][END][END]"
    )
    result = parse("-", "--json", stdin=text)
    items = json.loads(result.stdout)["context"]
    for item in items:
        assert set(item.pop("span")) == {"start", "end"}
    assert items == [
        {"kind": "text", "text": "Hi "},
        {
            "kind": "call",
            "id": "a",
            "function": "f",
            "args": [1],
            "kwargs": {"x": {"k": None}},
            "body": "f(1, x={'k': None})",
        },
        {
            "kind": "call",
            "id": None,
            "function": "g",
            "args": [{"$ref": "a", "path": ["x"]}],
            "kwargs": {},
            "body": "g(a['x'])",
        },
        {
            "kind": "interrupt",
            "id": "a",
            "outcome": "failed",
            "value": {"type": "T", "message": "m"},
        },
        {"kind": "trap", "wait": ["a"]},
        {"kind": "trap", "wait": "all"},
        {"kind": "trap", "wait": None},
        {"kind": "malformed", "id": None, "source": "[END]", "rule": "Valid/stray-marker"},
    ]
    assert result.exit_code == 1
    outline = parse("-", stdin=text)
    assert len(outline.stdout.splitlines()) == len(items)
    assert "until all have settled" in outline.stdout


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak_bytes(blocks: int) -> int:
        path = tmp_path / f"{blocks}.cml"
        with path.open("w") as file:
            for _ in range(blocks):
                file.write("Some prose, a call, a trap. [CALL] f(1) [END] [TRAP][END]\n" * 10)
        tracemalloc.start()
        _drain(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    small, large = peak_bytes(300), peak_bytes(1_200)
    assert large < 1.2 * small


def _drain(path: Path) -> None:
    from cml import Profile
    from cml.parser import read_symbols
    from cml.validity import check_symbols

    with path.open("rb") as file:
        pieces = iter(lambda: file.read(65_536), b"")
        for _ in check_symbols(read_symbols(pieces, Profile()), Profile()):
            pass
