"""The command line as its users meet it: the whole of it, in this process or in one of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from cml.terminal.entry import run
from model_adapters.commands.command_table import cml_command

TOOLS = '''
import time

def slow(x: int) -> str:
    """Takes a while."""
    time.sleep(0.05)
    return "done \\x1b[31m\\u202e" + str(x)
'''
SCRIPT = "Hi. [CALL] a [HEAD] slow(1) [END] [TRAP][END] It is done."
WORKLOAD = (
    '{"id":"one","calls":[{"id":"a","generate_tokens":10,"execute_us":100000},'
    '{"id":"b","generate_tokens":20,"execute_us":300000}]}\n'
)
CHAT = '[{"role": "user", "content": "Hi."},\n{"role": "assistant", "content": "\\u202e[END]"}]\n'


def limited_files(most_bytes: int) -> str:
    """A program that is `cml`, in a process that can write no file longer than this."""
    return (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({most_bytes}, {most_bytes}))\n"
        "from model_adapters.commands.cli import main\n"
        "sys.argv = ['cml', *sys.argv[1:]]; main()"
    )


class Ended(NamedTuple):
    status: int
    out: str
    err: str


@contextmanager
def _signals_as_they_were() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def cml(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str | Path
) -> Ended:
    """Run `cml` in this process, from its entry to its exit."""
    monkeypatch.setattr(sys, "argv", ["cml", *map(str, arguments)])
    capsys.readouterr()
    with _signals_as_they_were(), pytest.raises(SystemExit) as caught:
        run(cml_command())
    status = caught.value.code
    assert isinstance(status, int)
    return Ended(status, *capsys.readouterr())


def process(
    *arguments: str | Path, environment: dict[str, str] | None = None, **streams: int
) -> "subprocess.Popen[bytes]":
    """Start `cml` in a process of its own."""
    used = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.Popen(
        [sys.executable, "-m", "model_adapters.commands.cli", *map(str, arguments)],
        env={**os.environ, **(environment or {})},
        stdin=used.get("stdin", subprocess.DEVNULL),
        stdout=used["stdout"],
        stderr=used["stderr"],
    )
