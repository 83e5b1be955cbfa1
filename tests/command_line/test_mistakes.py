"""The same mistake has one wording and one exit status in every command."""

import itertools
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from model_adapters.commands.command_table import COMMANDS

if TYPE_CHECKING:
    from conftest import Cml, Files

RUN = ("run", "hi", "--tools", "good_tools.py", "--backend", "script:good.cml")
VECTORS = ("vectors", sys.executable, "-m", "cml.vectors.answer", "--only", "invalid")
TRACES = {
    "replay": ("replay", "{}"),
    "diff, first": ("diff", "{}", "good.jsonl"),
    "diff, second": ("diff", "good.jsonl", "{}"),
    "timeline": ("timeline", "{}", "-o", "x.perfetto.json"),
    "view": ("view", "{}", "-o", "x.html"),
    "view, second": ("view", "good.jsonl", "{}", "-o", "x.html"),
    "advise": ("advise", "{}"),
    "export": ("export", "perfetto", "{}", "-o", "x.json"),
}
READERS = {
    **TRACES,
    "validate": ("validate", "{}"),
    "validate --json": ("validate", "--json", "good.cml", "{}"),
    "validate --profile": ("validate", "good.cml", "--profile", "{}"),
    "parse": ("parse", "{}"),
    "parse --profile": ("parse", "good.cml", "--profile", "{}"),
    "explore": ("explore", "{}"),
    "simulate": ("simulate", "{}"),
    "simulate --costs": ("simulate", "workload.jsonl", "--costs", "{}"),
    "train": ("train", "{}", "-o", "trained"),
    "run --tools": ("run", "hi", "--backend", "script:good.cml", "--tools", "{}"),
    "run --backend script": (*RUN[:4], "--backend", "script:{}"),
    "chat --tools": ("chat", "hi", "--backend", "script:good.cml", "--tools", "{}"),
    "chat --backend script": ("chat", "hi", "--backend", "script:{}"),
    "serve --tools": ("serve", "--backend", "script:good.cml", "--tools", "{}"),
    "serve --backend script": ("serve", "--backend", "script:{}"),
    "calibrate": ("calibrate", "script:{}"),
    "audit": ("audit", "{}"),
    "import": ("import", "chat", "{}", "-o", "x.jsonl"),
    "import --check": ("import", "chat", "--check", "{}"),
    "conformance": ("conformance", "script:{}"),
    "conformance --baseline": ("conformance", "script:good.cml", "--baseline", "{}"),
    "vectors --baseline": (*VECTORS, "--baseline", "{}"),
    "resume": ("resume", "{}", *RUN[2:]),
    "resume --tools": ("resume", "good.jsonl", "--backend", "script:good.cml", "--tools", "{}"),
}
CONFORMANCE = ("conformance", "script:good.cml", "--only", "session/close")
WRITERS = {
    "timeline": ("timeline", "good.jsonl", "-o", "{}.perfetto.json"),
    "view": ("view", "good.jsonl", "-o", "{}.html"),
    "simulate --plot": ("simulate", "workload.jsonl", "--plot", "{}.svg"),
    "simulate --trace": ("simulate", "workload.jsonl", "--trace", "{}.jsonl"),
    "explore": ("explore", "good.cml", "--vector", "{}.json"),
    "run": (*RUN, "--trace", "{}.jsonl"),
    "chat": ("chat", *RUN[1:], "--trace", "{}.jsonl"),
    "journals": ("journals", "sqlite:good.db#good", "-o", "{}.jsonl"),
    "workload": ("workload", "synthetic-chains", "-o", "{}.jsonl"),
    "import": ("import", "chat", "chat.json", "-o", "{}.jsonl"),
    "export": ("export", "perfetto", "good.jsonl", "-o", "{}.json"),
    "evaluate": ("evaluate", "script:good.cml", "--dialogues", "1", "--report", "{}.md"),
    "conformance": (*CONFORMANCE, "--report", "{}.json"),
    "vectors": (*VECTORS, "--report", "{}.json"),
}
SHOWN_AS_FAR_AS_IT_GOES = {"view", "timeline"}
"""These show what there is of a trace that was cut off, and say so (tests/page/test_cut_traces.py)."""
BUT_SHOWN = {
    name: words for name, words in TRACES.items() if words[0] not in SHOWN_AS_FAR_AS_IT_GOES
}
A_FOLDER = "this is a folder; name a file"
IN_A_FOLDER = {"audit": "holds no tokenizer.json; name the folder of a model"}
WITHOUT_FILES = {"explain", "reproduce", "dataset"}

each_reader = pytest.mark.parametrize("words", READERS.values(), ids=READERS)
each_trace_reader = pytest.mark.parametrize("words", TRACES.values(), ids=TRACES)
each_writer = pytest.mark.parametrize("words", WRITERS.values(), ids=WRITERS)


def given(words: tuple[str, ...], name: str | Path) -> list[str]:
    return [word.replace("{}", str(name)) for word in words]


def nothing_but_a_report(words: tuple[str, ...], out: str) -> bool:
    """Whether standard output holds at most a document, which has to be whole, of all files."""
    return not out if "--json" not in words else not json.loads(out)["files"][-1]["valid"]


def one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    return text


def test_every_command_is_walked() -> None:
    walked = {words[0] for words in itertools.chain(READERS.values(), WRITERS.values())}
    assert walked | WITHOUT_FILES == COMMANDS.keys()


@each_reader
def test_a_missing_file(cml: "Cml", files: "Files", words: tuple[str, ...]) -> None:
    found = cml(*given(words, "nowhere.json"))
    assert found.status == 2
    assert nothing_but_a_report(words, found.out)
    assert one_line(found.err) == "Error: nowhere.json: there is no such file\n"


@each_reader
def test_a_folder_for_a_file(cml: "Cml", files: "Files", words: tuple[str, ...]) -> None:
    (files.folder / "folder.json").mkdir()
    found = cml(*given(words, "folder.json"))
    assert found.status == 2
    assert nothing_but_a_report(words, found.out)
    assert one_line(found.err) == f"Error: folder.json: {IN_A_FOLDER.get(words[0], A_FOLDER)}\n"


@each_reader
def test_a_file_that_may_not_be_read(
    cml: "Cml", files: "Files", words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    (files.folder / "secret.json").touch(mode=0o000)
    # The superuser may read everything: the system is made to say what it says to others.
    monkeypatch.setattr(os, "access", lambda path, _: Path(path).name != "secret.json")
    found = cml(*given(words, "secret.json"))
    assert found.status == 2
    assert nothing_but_a_report(words, found.out)
    assert one_line(found.err) == "Error: secret.json: permission denied\n"


@each_reader
@pytest.mark.parametrize("name", ["latin.json", "latin.py"])
def test_a_file_that_is_not_utf_8(
    cml: "Cml", files: "Files", words: tuple[str, ...], name: str
) -> None:
    if words[-2] == "--profile":
        name = "latin.json"  # else it names no file
    (files.folder / name).write_bytes(b"caf\xe9 \x1b[31m\n")
    found = cml(*given(words, name))
    assert found.status == 1
    assert "\x1b" not in found.err + found.out
    if (
        words[0] not in {"validate", "parse"}
        and "--check" not in words
        and words[-2:] != ("--tools", "{}")
    ):
        assert re.fullmatch(rf"Error: {name}: (line 1: )?not UTF-8 at byte 4.*\n", found.err)


@pytest.mark.parametrize("words", BUT_SHOWN.values(), ids=BUT_SHOWN)
def test_a_trace_that_is_cut_off(cml: "Cml", files: "Files", words: tuple[str, ...]) -> None:
    whole = files.trace.read_bytes()
    (files.folder / "cut.jsonl").write_bytes(whole[: len(whole) // 2])
    line = whole[: len(whole) // 2].count(b"\n") + 1
    found = cml(*given(words, "cut.jsonl"))
    assert (found.status, found.out) == (1, "")
    said = "the line is cut off in the middle; take it out, and all before it can be read"
    assert one_line(found.err) == f"Error: cut.jsonl: line {line}: {said}\n"
    validated = cml("validate", "cut.jsonl")
    assert validated.status == 1
    assert f"{said}\n --> cut.jsonl:{line}:1\n" in validated.err.replace("  -->", " -->")


@each_trace_reader
@pytest.mark.parametrize("line", [1, 2])
def test_a_trace_that_is_nested_too_deep(
    cml: "Cml", files: "Files", words: tuple[str, ...], line: int
) -> None:
    deep = b'{"cml_trace":1,"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}\n"
    header = files.trace.read_bytes().splitlines(keepends=True)[0]
    (files.folder / "deep.jsonl").write_bytes(deep if line == 1 else header + deep)
    found = cml(*given(words, "deep.jsonl"))
    assert (found.status, found.out) == (1, "")
    said = "brackets nest deeper than 256, the most that a trace may have"
    assert one_line(found.err) == f"Error: deep.jsonl: line {line}: {said}\n"
    assert said in cml("validate", "deep.jsonl").err


@each_trace_reader
def test_steps_of_schedules_are_no_trace_of_a_session(
    cml: "Cml", files: "Files", words: tuple[str, ...]
) -> None:
    assert cml("simulate", "workload.jsonl", "--trace", "steps.jsonl").status == 0
    found = cml(*given(words, "steps.jsonl"))
    assert (found.status, found.out) == (1, "")
    assert one_line(found.err).startswith(
        "Error: steps.jsonl: line 1: these are the steps of simulated schedules"
    )


def test_brackets_inside_strings_do_not_nest(cml: "Cml", files: "Files") -> None:
    header, *rows = files.trace.read_bytes().splitlines(keepends=True)
    header = header.replace(b"What is it?", b"[" * 1_000 + b'\\"[')
    files.trace.write_bytes(header + b"".join(rows))
    assert cml("validate", "good.jsonl").status == 0


@each_writer
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no/such/folder/x", "its folder does not exist"),
        ("folder", "this is a folder; name a file"),
    ],
)
def test_a_file_that_cannot_be_written(
    cml: "Cml", files: "Files", words: tuple[str, ...], name: str, said: str
) -> None:
    path = words[-1].replace("{}", name)
    if name == "folder":
        (files.folder / path).mkdir()
    found = cml(*given(words, name))
    assert (found.status, found.out) == (2, "")
    assert one_line(found.err) == f"Error: {path}: cannot be written: {said}\n"


@each_writer
def test_standard_output_is_no_file(cml: "Cml", files: "Files", words: tuple[str, ...]) -> None:
    found = cml(*words[:-1], "-")
    assert (found.status, found.out) == (2, "")
    assert "it is written to a file, and - is none; ./- is a file of this name" in found.err
    assert not Path("-").exists()


@each_writer
def test_a_full_disk_is_told_with_the_name_of_the_file(
    cml: "Cml", files: "Files", words: tuple[str, ...]
) -> None:
    path = words[-1].replace("{}", "full")
    Path(path).symlink_to("/dev/full")
    found = cml(*given(words, "full"))
    if words[0] == "explore":  # which writes only where it has found something
        assert (found.status, found.err) == (0, "")
        return
    assert found.status == 2
    assert one_line(found.err) == f"Error: {path}: cannot be written: the disk is full\n"


def test_a_report_goes_into_a_folder(cml: "Cml", files: "Files") -> None:
    found = cml("reproduce", "asynclm", "-o", "good.cml")
    assert (found.status, found.out) == (2, "")
    assert one_line(found.err) == (
        "Error: good.cml: cannot be written: there is a file of this name\n"
    )


CODES = "the codes are CML101 to CML111, CML201 to CML209, CML301 to CML309"


@pytest.mark.parametrize(
    ("rule", "advice"),
    [
        ("CML999", CODES),
        ("cml1", CODES),
        ("Valid/trap-wake", "did you mean Valid/trap-wakes"),
        ("xyz", "see spec/2-validity.md"),
    ],
)
def test_a_rule_that_is_none(cml: "Cml", rule: str, advice: str) -> None:
    found = cml("explain", rule)
    assert (found.status, found.out) == (2, "")
    assert f"Error: there is no rule '{rule}'; {advice}" in found.err


OUT_OF_RANGE = [
    *(("--deadline", value) for value in ("nan", "inf", "1e12", "-1", "0", "soon")),
    *(("--max-tokens", value) for value in ("-1", "0", "many")),
    ("--min-calls", "-1"),
    ("--max-calls", "-1"),
    ("--device", "foo"),
    ("--at-trap", "foo"),
    ("--markers", "foo"),
    ("--temperature", "-1"),
    ("--top-k", "0"),
    ("--top-p", "0"),
    ("--top-p", "1.1"),
    ("--seed", "x"),
    ("--deliver", "foo"),
    ("--backend", "foo"),
    ("--backend", "script:"),
]


@pytest.mark.parametrize(("option", "value"), OUT_OF_RANGE)
def test_a_value_out_of_its_range(cml: "Cml", files: "Files", option: str, value: str) -> None:
    found = cml(*RUN, option, value)
    assert (found.status, found.out) == (2, "")
    assert re.search(
        rf"^Error: Invalid value for '{option}': .*(from|range|give|one of|integer)",
        found.err,
        re.MULTILINE,
    )


UNKNOWN = [
    ("validate", "good.cml", "--format", "foo"),
    ("validate", "good.cml", "--profile", "foo"),
    ("simulate", "workload.jsonl", "--model", "foo"),
    ("simulate", "workload.jsonl", "--policy", "foo"),
    ("simulate", "workload.jsonl", "--costs", "foo"),
    ("simulate", "workload.jsonl", "--what-if", "foo=1"),
    ("explore", "good.cml", "--end", "foo"),
    ("explore", "good.cml", "--limit", "0"),
    ("explore", "good.cml", "--messages", "-1"),
    ("diff", "good.jsonl", "good.jsonl", "--context", "-1"),
    ("advise", "good.jsonl", "--workers", "-1"),
    ("workload", "synthetic-chains", "-o", "x.jsonl", "--dependencies", "foo"),
    ("workload", "synthetic-chains", "-o", "x.jsonl", "--count", "0"),
    ("workload", "synthetic-chains", "-o", "x.jsonl", "--sigma", "nan"),
    ("reproduce", "asynclm", "--count", "0"),
    ("vectors", "true", "--level", "foo"),
    ("vectors", "true", "--timeout", "nan"),
    ("simulate", "workload.jsonl", "--jobs", "-1"),
    ("simulate", "workload.jsonl", "--workers", "-1"),
    ("explore", "good.cml", "--workers", "-1"),
    ("parse", "good.cml", "--profile", "foo"),
    ("simulate", "workload.jsonl", "--plot", "x.gif"),
    ("timeline", "good.jsonl", "--output", "x.gif"),
    ("view", "good.jsonl", "--output", "x.gif"),
]


@pytest.mark.parametrize("words", UNKNOWN, ids=" ".join)
def test_an_option_value_that_is_not_known(
    cml: "Cml", files: "Files", words: tuple[str, ...]
) -> None:
    found = cml(*words)
    assert (found.status, found.out) == (2, "")
    assert re.search(rf"^Error: Invalid value for .*'?{words[-2]}'?.*: ", found.err, re.MULTILINE)


@pytest.mark.parametrize("prompt", ["", "  \n", "caf\udce9"])
def test_a_prompt_that_says_nothing(cml: "Cml", files: "Files", prompt: str) -> None:
    found = cml("run", prompt, *RUN[2:])
    assert (found.status, found.out) == (2, "")
    assert "Error: Invalid value for 'PROMPT': " in found.err


def test_fewer_calls_allowed_than_wanted(cml: "Cml", files: "Files") -> None:
    found = cml(*RUN, "--min-calls", "3", "--max-calls", "1")
    assert found.status == 2
    assert "'--max-calls': 1 is less than --min-calls, which is 3" in found.err


GOOD = 'def f():\n    """Good."""\n'
TOOLS = [
    (f"{GOOD}EXAMPLES = 3", "EXAMPLES must be pairs of a question and its answer"),
    (
        f"{GOOD}EXAMPLES = [('q', '[CALL] a [HEAD] f( [END]')]",
        "EXAMPLES: answer 1 is not a valid context",
    ),
    ("import sys; sys.exit(0)", "SystemExit: 0"),
    ("raise GeneratorExit('x')", "GeneratorExit: x"),
    ("class Odd(BaseException): pass\nraise Odd('\\x1b[31m')", "Odd: \u241b[31m"),
    ("1/0", "ZeroDivisionError: division by zero"),
    ("def f(:", "SyntaxError: "),
    ("_x = 1", "defines no public function"),
]


@pytest.mark.parametrize(("code", "said"), TOOLS)
def test_a_tools_file_at_fault(cml: "Cml", files: "Files", code: str, said: str) -> None:
    (files.folder / "tools_at_fault.py").write_text(code)
    found = cml("run", "hi", "--backend", "script:good.cml", "--tools", "tools_at_fault.py")
    assert (found.status, found.out) == (1, "")
    assert one_line(found.err).startswith(f"Error: tools_at_fault.py: {said}")


def test_names_that_are_not_utf_8_are_told(cml: "Cml", files: "Files") -> None:
    name = "caf\udce9\x1b[31m.cml"
    (files.folder / name).write_text(files.context.read_text())
    for words in (
        ["validate", name],
        ["validate", "--json", name],
        ["validate", "--format", "sarif", name],
        ["parse", name],
        ["explore", "--json", name],
    ):
        found = cml(*words)
        assert found.status == 0, found.err
        assert not set("\x1b\udce9") & set(found.out + found.err)
    assert "%E9" in cml("validate", "--format", "sarif", "--profile", "json", name).out


def test_a_command_that_is_not_known(cml: "Cml") -> None:
    found = cml("nosuch\x1b[31m")
    assert found.status == 2
    assert "No such command" in found.err
    assert "\x1b" not in found.err
    assert "Did you mean" not in found.err


def test_a_command_that_is_nearly_known(cml: "Cml") -> None:
    found = cml("valdate")
    assert found.status == 2
    assert "Error: No such command 'valdate'. Did you mean validate" in found.err
