"""Every command line in the documents is one that `cml` takes; those of the README run."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from cml.terminal.entry import INTERRUPTED, PIPE_CLOSED
from cml.terminal.files import FileFaultError
from interpreter.trace import MAX_LINE_BYTES, MAX_NESTING
from model_adapters.commands.command_table import cml_command
from model_adapters.commands.view.conclusion import NO_ANSWER

if TYPE_CHECKING:
    from conftest import Cml, Files

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "Makefile",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "spec").glob("*.md")),
    *sorted((ROOT / "examples").glob("*.py")),
    *sorted((ROOT / "benchmarks").glob("**/*.md")),
]
LINE = re.compile(
    r"^[ \t]*(?:\$ |\$\(BIN\)/)?(cml (?!accept|reject)[a-z](?:[^\\\n]|\\[\s\S])*)", re.MULTILINE
)
QUOTED = re.compile(r"(?<!`)`(cml [a-z][^`]*)`")


def command_lines(text: str) -> list[list[str]]:
    """The words of each command line; a text that follows after two blanks is no part of it."""
    found = [
        re.sub(r"\\\n\s*", "", match[1]) for match in (*LINE.finditer(text), *QUOTED.finditer(text))
    ]
    lines = (re.split(r"  +|\s[|>#]\s|[;…]", line.replace("\n", " "))[0] for line in found)
    return [shlex.split(line)[1:] for line in lines]


def documented() -> list[tuple[str, list[str]]]:
    return [
        (path.name, words)
        for path in DOCUMENTS
        for words in command_lines(path.read_text(encoding="utf-8"))
    ]


def test_there_are_command_lines_in_the_documents() -> None:
    names = {name for name, _ in documented()}
    assert {"README.md", "Makefile", "schedules.md"} <= names


@pytest.mark.parametrize(
    ("document", "words"), documented(), ids=lambda x: " ".join(x) if isinstance(x, list) else x
)
def test_a_command_line_of_a_document_is_taken(document: str, words: list[str]) -> None:
    group = cml_command()
    context = group.make_context("cml", [words[0]], resilient_parsing=True)
    command = group.get_command(context, words[0])
    assert command is not None, f"{document}: there is no command {words[0]}"
    lenient = bool(command.context_settings.get("ignore_unknown_options"))
    with click.Context(command, ignore_unknown_options=lenient) as own:
        given, _, _ = command.make_parser(own).parse_args(list(words[1:]))
    for parameter in command.params:
        if isinstance(parameter.type, click.Choice) and isinstance(
            given.get(parameter.name or ""), str
        ):
            parameter.type.convert(given[parameter.name or ""], parameter, own)


PYTHON = re.findall(
    r"^```python\n(.*?)^```",
    (ROOT / "README.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(c, marks=[pytest.mark.model, pytest.mark.slow] * ("open_backend" in c))
        for c in PYTHON
    ],
)
def test_the_python_of_the_readme_runs(code: str, files: "Files") -> None:
    files.workload.rename("w.jsonl")
    (files.folder / "examples").symlink_to(ROOT / "examples")
    script = files.folder / "example.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if not line.startswith("auto: ")]
    assert (done.returncode, told) == (0, [])
    assert any(word in done.stdout for word in ("[INTR]", "answer", "length", "makespan"))


def test_the_samples_are_a_valid_context_and_a_trace_that_replays(cml: "Cml") -> None:
    context, trace = ROOT / "examples" / "trip.cml", ROOT / "examples" / "trip.jsonl"
    assert cml("validate", context, trace).status == 0
    assert cml("replay", trace).status == 0
    assert "no better order" in cml("advise", trace).out.lower()


def test_the_statuses_that_the_document_lists_are_those_of_the_code() -> None:
    text = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
    listed = {int(number) for number in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    code = {0, 1, FileFaultError.exit_code, NO_ANSWER, INTERRUPTED, PIPE_CLOSED}
    assert listed == code
    assert f"{MAX_LINE_BYTES:,} bytes" in text
    assert f"{MAX_NESTING} deep" in text


def what_you_do_most(document: str) -> list[tuple[list[str], list[str]]]:
    """The commands that a document begins with, each with the lines of its output that are shown."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    section = text.partition("## What you do most\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```\n\$ (.*)\n((?:.*\n)*?)```$", section, re.MULTILINE)
    return [
        (shlex.split(command)[1:], [line for line in output.splitlines() if line != "…"])
        for command, output in blocks
    ]


def without_figures(text: str) -> str:
    return re.sub(r"\d+(?:[.,]\d+)*", "0", re.sub(r" +", " ", text))


@pytest.mark.slow
@pytest.mark.parametrize("document", ["command_line.md", "conformance.md"])
def test_what_one_does_most_comes_out_as_it_is_shown(
    cml: "Cml", tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    commands = what_you_do_most(document)
    assert len(commands) == 5
    for words, shown in commands:
        found = cml(*(sys.executable if word == "python" else word for word in words))
        assert found.status == 0, found.err
        out = without_figures(found.out + found.err).splitlines()
        assert [line for line in shown if without_figures(line) not in out] == []


# What needs a model, or takes long, or goes on for ever.
RUN_ELSEWHERE = {
    *("run", "chat", "serve", "calibrate"),
    *("workload", "reproduce", "vectors", "audit", "dataset"),
}


def test_the_commands_of_the_readme_that_need_no_model_run(cml: "Cml", files: "Files") -> None:
    files.trace.rename("demo.trace.jsonl")
    files.workload.rename("w.jsonl")
    (files.folder / "examples").symlink_to(ROOT / "examples")
    files.context.rename("FILE.cml")
    Path("good.db").rename("journals.db")
    for name in ("A.jsonl", "B.jsonl"):
        Path(name).write_bytes(Path("demo.trace.jsonl").read_bytes())
    ran = set()
    for words in command_lines((ROOT / "README.md").read_text(encoding="utf-8")):
        if words[0] not in RUN_ELSEWHERE:
            found = cml(*words)
            assert found.status == 0, (words, found.err)
            ran.add(words[0])
    assert ran >= {
        "validate",
        "replay",
        "explain",
        "parse",
        "explore",
        "diff",
        "timeline",
        "advise",
        "simulate",
    }


OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")
OF_OTHERS = {
    "--address",  # of Ray
    "--head",
    "--block-size",  # of vLLM
    "--data-parallel-size",
    "--distributed-executor-backend",
    "--dtype",
    "--enable-prefix-caching",
    "--enable-prompt-tokens-details",
    "--enforce-eager",
    "--max-model-len",
    "--pipeline-parallel-size",
    "--served-model-name",
    "--structured-outputs-config",
    "--tensor-parallel-size",
    "--slots",  # of the server of llama.cpp
    "--junit-xml",  # of pytest
}


def options_of(command: click.Command) -> set[str]:
    of_groups = (options_of(one) for one in getattr(command, "commands", {}).values())
    own = (name for each in command.params for name in (*each.opts, *each.secondary_opts))
    return {*own, "--help"}.union(*of_groups)


def test_every_option_that_a_document_names_is_one() -> None:
    group = cml_command()
    context = group.make_context("cml", ["validate"], resilient_parsing=True)
    commands = [group.get_command(context, name) for name in group.list_commands(context)]
    known = OF_OTHERS.union(*(options_of(command) for command in commands if command))
    scripts = [*(ROOT / "benchmarks").glob("*.py"), *(ROOT / "examples").rglob("*.[pj][ys]")]
    scripts += [ROOT / "model_adapters" / "conformance" / "plugin.py"]
    for script in scripts:
        known |= set(OPTION.findall(script.read_text(encoding="utf-8")))
    named = {
        (path.name, option)
        for path in [*DOCUMENTS, ROOT / "CHANGELOG.md"]
        if path.suffix == ".md"
        for option in OPTION.findall(path.read_text(encoding="utf-8"))
    }
    assert {option for _, option in named} >= {"--tools", "--json", "--costs"}
    assert sorted((name, option) for name, option in named if option not in known) == []
