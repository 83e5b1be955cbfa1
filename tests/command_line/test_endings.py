"""However a command ends, and whatever it writes to: no traceback, nothing unreadable, a status."""

import json
import os
import signal
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import pytest
from running import limited_files, process

from model_adapters.commands.command_table import COMMANDS, cml_command

if TYPE_CHECKING:
    from conftest import Cml, Files
    from running import Ended

RUN = ("run", "hi", "--tools", "good_tools.py", "--backend", "script:good.cml")
ANSWER = (sys.executable, "-m", "cml.vectors.answer")
PRINTERS = {
    "--help": ("--help",),
    "run --help": ("run", "--help"),
    "validate": ("validate", "good.cml", "good.jsonl"),
    "validate --json": ("validate", "--json", "good.cml"),
    "validate --format sarif": ("validate", "--format", "sarif", "good.cml"),
    "parse": ("parse", "good.cml"),
    "parse --json": ("parse", "--json", "good.cml"),
    "explain": ("explain", "CML206"),
    "replay": ("replay", "good.jsonl"),
    "replay --json": ("replay", "--json", "good.jsonl"),
    "diff": ("diff", "good.jsonl", "good.jsonl"),
    "explore": ("explore", "good.cml"),
    "explore --json": ("explore", "--json", "good.cml"),
    "explore --full": ("explore", "--full", "good.cml"),
    "advise": ("advise", "good.jsonl"),
    "advise --json": ("advise", "--json", "good.jsonl"),
    "import --check": ("import", "chat", "--check", "chat.json"),
    "simulate": ("simulate", "workload.jsonl"),
    "simulate --json": ("simulate", "--json", "workload.jsonl"),
    "simulate --what-if": ("simulate", "--what-if", "workers=1,2", "workload.jsonl"),
    "vectors": ("vectors", "--only", "invalid", *ANSWER),
    "vectors --json": ("vectors", "--only", "invalid", "--json", *ANSWER),
    "journals": ("journals", "sqlite:good.db"),
    "journals --json": ("journals", "--json", "sqlite:good.db"),
    "run": RUN,
    "run --json": (*RUN, "--json"),
}
each_printer = pytest.mark.parametrize("words", PRINTERS.values(), ids=PRINTERS)
# The end of the interpreter comes after that of a command: seen where they are processes of their own.
some_printers = pytest.mark.parametrize("name", ["--help", "validate", "simulate --json", "run"])
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


# ------------------------------------------------------------------------- what is written to


def closed_pipe() -> int:
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


def written_to(
    place: TextIO | None, monkeypatch: pytest.MonkeyPatch, cml: "Cml", words: tuple[str, ...]
) -> "Ended":
    """Run `cml` in this process with a standard output of its own."""
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", place)
        found = cml(*words)
        sys.stdout.close()
    assert "Traceback" not in found.err
    return found


@each_printer
def test_a_pipe_that_closes_early_is_silent(
    files: "Files", cml: "Cml", monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    found = written_to(os.fdopen(closed_pipe(), "w"), monkeypatch, cml, words)
    assert found.status == 141
    is_live = words[0] == "run" and "--json" in words
    assert found.err == "" or is_live
    assert "Error" not in found.err


@each_printer
def test_a_disk_that_is_full_is_told_in_one_line(
    files: "Files", cml: "Cml", monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    found = written_to(os.fdopen(full_disk(), "w"), monkeypatch, cml, words)
    assert found.status == 2
    assert found.err.splitlines()[-1].endswith("the disk is full")


@each_printer
def test_a_closed_standard_output_is_no_fault(
    files: "Files", cml: "Cml", monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    found = written_to(None, monkeypatch, cml, words)
    assert found.status == 0, found.err


@some_printers
@pytest.mark.parametrize(("place", "status"), [(closed_pipe, 141), (full_disk, 2)])
def test_nor_does_the_interpreter_say_more_at_its_end(
    files: "Files", name: str, place: Callable[[], int], status: int
) -> None:
    output = place()
    running = process(*PRINTERS[name], stdout=output)
    os.close(output)
    _, err = running.communicate(timeout=60)
    assert running.returncode == status
    assert err.count(b"\n") == (0 if place is closed_pipe else 1)


@some_printers
def test_a_process_without_a_standard_output_ends_well(files: "Files", name: str) -> None:
    command = 'exec "$@" >&-'
    cml = [sys.executable, "-m", "model_adapters.commands.cli", *PRINTERS[name]]
    done = subprocess.run(["sh", "-c", command, "sh", *cml], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


@each_printer
@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_what_an_encoding_lacks_of_our_signs_is_spelt_out(
    files: "Files",
    cml: "Cml",
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    encoding: str,
) -> None:
    with Path("out.txt").open("w", encoding=encoding) as place:
        found = written_to(place, monkeypatch, cml, words)
    assert found.status == 0, found.err
    out = Path("out.txt").read_bytes()
    if "--json" in words or "sarif" in words:
        json.loads(out.decode("utf-8"))
    else:
        out.decode(encoding)


@some_printers
def test_so_it_is_where_the_locale_chooses_it(files: "Files", name: str) -> None:
    running = process(*PRINTERS[name], environment=ASCII)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    assert b"Traceback" not in err
    assert out.isascii()


def test_a_picture_in_ascii_is_still_a_picture(files: "Files") -> None:
    running = process("replay", "good.jsonl", environment=ASCII)
    out = running.communicate(timeout=60)[0].decode("ascii")
    decoding, call, axis, legend, said = out.splitlines()
    assert legend == "- until its first words   # decodes, runs   = is written"
    assert "##" in decoding
    assert "==" in call
    assert "0---" in axis
    assert said.endswith("the same")


@each_printer
@pytest.mark.parametrize("columns", ["20", "40"])
def test_a_narrow_terminal_loses_no_number(
    cml: "Cml",
    files: "Files",
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    columns: str,
) -> None:
    if words[0] in {"run", "vectors"}:
        pytest.skip("its times are never the same")
    monkeypatch.setenv("COLUMNS", "400")
    wide = cml(*words)
    monkeypatch.setenv("COLUMNS", columns)
    narrow = cml(*words)
    assert narrow.status == wide.status == 0

    def numbers(text: str) -> set[str]:
        return {word for word in text.split() if word[0].isdigit() and "─" not in word}

    assert numbers(narrow.out) >= numbers(wide.out)


@each_printer
def test_what_reaches_the_terminal_cannot_act_on_it(
    cml: "Cml", files: "Files", words: tuple[str, ...]
) -> None:
    hostile = "Hi \x1b]0;t\x07\x9b31m\u202e\u2066\r\x7f. " + files.context.read_text()
    files.context.write_text(hostile, encoding="utf-8")
    workload = files.workload.read_text().replace('"id":"b"', '"id":"b\u202e\x9b"')
    files.workload.write_text(workload)
    found = cml(*words)
    if "--json" in words or "sarif" in words:
        json.loads(found.out)
        assert "\x1b" not in found.out
        return
    acting = {c for c in found.out + found.err if unicodedata.category(c) in {"Cc", "Cf"}}
    assert acting <= {"\n"}


def test_faults_in_hostile_files_are_told_without_their_control(cml: "Cml", files: "Files") -> None:
    files.workload.write_text('{"id":"x","calls":[{"id":"\u202e\x9b","after":["\u2066nope"]}]}\n')
    other = files.folder / "other.jsonl"
    other.write_text(files.trace.read_text().replace("Hi", "\u202e\x9bHo"))
    for words in (
        ("simulate", "workload.jsonl"),
        ("simulate", "--keep-going", "workload.jsonl"),
        ("diff", "good.jsonl", "other.jsonl"),
        ("replay", "other.jsonl"),
        ("validate", "other.jsonl"),
        ("parse", "\x9b\u202e.cml"),
        ("explain", "\x1b[31m\u202e"),
        ("validate", "--profile", "\x1b[31m\u202e", "good.cml"),
        ("simulate", "--policy", "\x1b[31m\u202e", "workload.jsonl"),
        (*RUN, "--backend", "\x1b[31m\u202e"),
    ):
        found = cml(*words)
        assert found.status in {0, 1, 2}
        acting = {c for c in found.out + found.err if unicodedata.category(c) in {"Cc", "Cf"}}
        assert acting <= {"\n"}, words


# -------------------------------------------------------------------------- large and endless


# The peak of this process alone: what the system tells of a child holds its parent's as well.
MEASURED = """
import atexit, re, sys
from pathlib import Path
from model_adapters.commands.cli import main

def tell():
    print(re.search("VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1], file=sys.stderr)

atexit.register(tell)
sys.argv = ["cml", *sys.argv[1:]]
main()
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux to measure")
@pytest.mark.parametrize(
    "words",
    [
        ("validate", "large.jsonl"),
        ("replay", "large.jsonl"),
        ("diff", "large.jsonl", "large.jsonl"),
        ("advise", "large.jsonl"),
        ("timeline", "large.jsonl", "-o", "x.perfetto.json"),
        ("view", "large.jsonl", "-o", "x.html"),
    ],
    ids=lambda words: words[0],
)
def test_a_line_of_a_gigabyte_costs_little_memory(files: "Files", words: tuple[str, ...]) -> None:
    header = files.trace.read_bytes().splitlines(keepends=True)[0]
    with (files.folder / "large.jsonl").open("wb") as file:
        file.write(header + b'{"at_us":0,"rule":"')
        file.truncate(1_000_000_000)  # a hole, read as zeros: no room is taken
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "line is longer than 16,777,216 bytes" in done.stderr
    assert int(done.stderr.split()[-1]) < 150_000  # kilobytes


# ---------------------------------------------------------------------------------- Ctrl-C

# Says so when `main` begins to import, which is after its first lines: from here on it is all ours.
STARTED = """
import os, sys
from model_adapters.commands.cli import main

def tell(event, arguments):
    if event == "import" and arguments[0].startswith("cml"):
        global told
        told = told or os.write(int(number), b"!")

number, told = sys.argv[1], 0
sys.argv = ["cml", *sys.argv[2:]]
sys.addaudithook(tell)
main()
"""
INTERRUPTED = {
    "validate": ("validate", "-"),
    "parse": ("parse", "-"),
    "explore": ("explore", "good.cml"),
    "replay": ("replay", "-"),
    "advise": ("advise", "good.jsonl"),
    "simulate": ("simulate", "-"),
    "diff": ("diff", "-", "good.jsonl"),
    "explain": ("explain", "CML206"),
    "timeline": ("timeline", "good.jsonl", "-o", "x.html"),
    "view -o": ("view", "good.jsonl", "-o", "x.html"),
    "view": ("view", "good.jsonl"),
    "vectors": ("vectors", "--only", "invalid", *ANSWER),
    "workload": ("workload", "synthetic-chains", "-o", "x.jsonl"),
    "reproduce": ("reproduce", "asynclm", "-o", "good.cml"),
    "run": (*RUN[:-1], "script:words.cml"),
    "resume": ("resume", "begun.jsonl", *RUN[2:-1], "script:words.cml"),
    "journals": ("journals", "sqlite:good.db"),
    "chat": ("chat", *RUN[1:-1], "script:words.cml"),
    "serve": ("serve", *RUN[2:-1], "script:words.cml"),
    "calibrate": ("calibrate", "script:words.cml"),
    "import": ("import", "chat", "chat.json", "-o", "x.jsonl"),
    "export": ("export", "perfetto", "good.jsonl", "-o", "x.json"),
    "audit": ("audit", "nowhere"),
    "dataset": (
        "dataset",
        "-o",
        "x",
        "--dialogues",
        "3",
        "--held-out",
        "1",
        "--tokenizer",
        "words",
    ),
    "train": ("train", "good.cml", "-o", "x", "--minutes", "0.01"),
    "evaluate": ("evaluate", "script:words.cml", "--dialogues", "1"),
    "conformance": ("conformance", "script:good.cml", "--only", "session/close"),
}


TELL_THE_END = {"timeline", "view", "workload", "reproduce", "audit", "dataset", "train"}
"""Commands that say in a line on standard error how they ended, where they came to an end."""


def test_every_command_is_walked() -> None:
    assert {words[0] for words in INTERRUPTED.values()} == COMMANDS.keys()


DELAYS_S = (0, 0.005, 0.02, 0.08, 0.32)
RARELY = (pytest.mark.slow, pytest.mark.long)


def interruptions() -> Iterator[object]:
    """Each command at each moment; every day at one of them, which is another for the next command."""
    for number, (name, words) in enumerate(INTERRUPTED.items()):
        for turn, delay_s in enumerate(DELAYS_S):
            marks = RARELY if (number + turn) % len(DELAYS_S) else ()
            yield pytest.param(words, delay_s, id=f"{name}-{delay_s}", marks=marks)


@pytest.mark.parametrize(("words", "delay_s"), [*interruptions()])
def test_ctrl_c_at_any_moment_is_quiet(
    files: "Files", words: tuple[str, ...], delay_s: float
) -> None:
    (files.folder / "words.cml").write_text("word " * 200)
    with (files.folder / "good.jsonl").open("rb") as trace:
        (files.folder / "begun.jsonl").write_bytes(trace.readline())
    reading, writing = os.pipe()
    running = subprocess.Popen(
        [sys.executable, "-c", STARTED, str(writing), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pass_fds=(writing,),
    )
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    time.sleep(delay_s)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=60)
    if words[0] in TELL_THE_END and err:  # it had come to its end, or nearly left
        assert running.returncode in {0, 2, 130, -signal.SIGINT}
        assert err.count(b"\n") == 1
    else:
        assert running.returncode in {0, 130, -signal.SIGINT}
        assert err == b""
    if words[-1] == "-":
        assert running.returncode == 130


def test_the_status_of_ctrl_c_and_a_trace_that_is_valid_up_to_there(
    cml: "Cml", files: "Files"
) -> None:
    files.context.write_text("word " * 2_000)
    running = process(*RUN, "--trace", "cut.jsonl", "--max-tokens", "5000")
    trace = files.folder / "cut.jsonl"
    while not trace.exists() or trace.stat().st_size < 1_000:
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (130, b"")
    assert b"stopped by a person" in out
    assert cml("validate", "cut.jsonl").status == 0


# ------------------------------------------------------------------------------------- run


@pytest.mark.parametrize(
    ("script", "more", "status", "ending"),
    [
        ("It is 12.", (), 0, "answered"),
        ("Hi. [CALL] a [HEAD] slow(1) [END] [TRAP][END] It is done.", (), 0, "answered"),
        ("Hi. [CALL] a [HEAD] slow(1) [END] [TRAP][END]", (), 3, "no answer"),
        ("It is one of many words", ("--max-tokens", "3"), 3, "stopped at 3 tokens"),
    ],
)
def test_how_a_run_ended_is_told_in_words_in_json_and_by_the_status(
    cml: "Cml", files: "Files", script: str, more: tuple[str, ...], status: int, ending: str
) -> None:
    files.context.write_text(script)
    found = cml(*RUN, *more)
    assert (found.status, found.out.splitlines()[-1]) == (status, ending)
    told = cml(*RUN, *more, "--json")
    document = json.loads(told.out)
    assert (told.status, document["ending"]) == (status, ending)
    assert (document["answer"] is None) == (ending == "no answer")
    assert [call["value"] for call in document["calls"]] == ["done \x1b[31m\u202e1"] * len(
        document["calls"]
    )


def test_a_trace_on_a_full_disk_is_told_before_the_session(cml: "Cml", files: "Files") -> None:
    found = cml(*RUN, "--trace", "/dev/full")
    assert (found.status, found.out) == (2, "")
    assert found.err == "Error: /dev/full: cannot be written: the disk is full\n"


LIMITED = limited_files(2_000)


def test_a_disk_that_fills_up_costs_the_trace_and_not_the_session(files: "Files") -> None:
    command = [sys.executable, "-c", LIMITED, *RUN, "--trace", "cut.jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout.splitlines()[-1] == "answered"
    assert "trace:" not in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: cut.jsonl: cannot be written: ")
    assert line.endswith("the session goes on without a trace")
    assert Path("cut.jsonl").read_bytes().splitlines()[-1].startswith(b'{"abandoned":true,"crc":')


def test_a_trace_that_a_session_went_on_without_is_not_gone_on_from(
    cml: "Cml", files: "Files"
) -> None:
    command = [sys.executable, "-c", LIMITED, *RUN, "--trace", "cut.jsonl"]
    subprocess.run(command, capture_output=True, check=False)
    before = Path("cut.jsonl").read_bytes()
    resumed = cml("resume", "cut.jsonl", *RUN[2:])
    assert resumed.status == 1
    assert "the session went on without its trace from here" in resumed.err
    assert Path("cut.jsonl").read_bytes() == before
    told = cml("validate", "cut.jsonl")
    assert (told.status, "CML309" in told.err) == (1, True)


# ----------------------------------------------------------------------------------- the entry


def test_help_lists_every_command_with_its_own_first_sentence() -> None:
    group = cml_command()
    context = group.make_context("cml", ["validate"], resilient_parsing=True)
    for name, entry in COMMANDS.items():
        command = group.get_command(context, name)
        assert command is not None
        assert command.name == name
        first = (command.help or "").partition("\n\n")[0].replace("\n", " ")
        assert entry.help == first


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from model_adapters.commands.command_table import cml_command; group = cml_command()\n"
        "group.main(['--help'], standalone_mode=False)\n"
        "print(sorted({'rich', 'interpreter', 'torch', 'numpy', 'cml.vectors.runner'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version(cml: "Cml") -> None:
    import cml as language

    assert cml("--version").out == f"cml, version {language.__version__}\n"


def test_python_m_cml_is_the_command() -> None:
    command = [sys.executable, "-m", "cml", "explain", "CML206"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Valid/trap-wakes" in done.stdout


TAKEN_DOWN = """
import os, signal, click
from cml.terminal.entry import run

class Late:
    def __del__(self, kill=os.kill, process=os.getpid(), number=signal.SIGINT):
        kill(process, number)

late = Late()
run(click.Group("nothing", invoke_without_command=True))
"""


def test_ctrl_c_while_the_interpreter_takes_itself_down_changes_nothing() -> None:
    ended = subprocess.run([sys.executable, "-c", TAKEN_DOWN], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")
