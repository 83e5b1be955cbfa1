"""Files that a command line is given, and the command line itself."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import running

from cml.ast import OutcomeKind
from interpreter import ScriptedSession, Settings, run_virtual
from interpreter.events import Outcome, Start
from interpreter.journals import open_journals
from interpreter.scripted import pieces_of
from interpreter.trace import Header, write_trace


class Files(NamedTuple):
    """One good file of each kind, in a folder that is the working one."""

    folder: Path
    context: Path
    trace: Path
    workload: Path
    tools: Path


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of which each test has a copy."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "good.cml").write_text(running.SCRIPT, encoding="utf-8")
    (folder / "chat.json").write_text(running.CHAT, encoding="utf-8")
    (folder / "workload.jsonl").write_text(running.WORKLOAD, encoding="utf-8")
    (folder / "good_tools.py").write_text(running.TOOLS, encoding="utf-8")

    def functions(start: Start) -> list[tuple[int, Outcome]]:
        value = f"done \x1b[31m\x9b\u202e{start.args[0]}"
        return [(50_000, Outcome(OutcomeKind.RETURNED, value))]

    session = ScriptedSession(pieces_of(running.SCRIPT))
    header = Header(1, Settings(), prompt="What is it?")
    with (folder / "good.jsonl").open("wb") as file:
        for _ in write_trace(file, header, run_virtual(session, functions, Settings())):
            pass
    database = f"sqlite:{folder / 'good.db'}"
    with open_journals(database) as journals, journals.begin("good", header):
        pass
    return folder


@pytest.fixture
def files(made_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Files(
        tmp_path,
        tmp_path / "good.cml",
        tmp_path / "good.jsonl",
        tmp_path / "workload.jsonl",
        tmp_path / "good_tools.py",
    )


Cml = Callable[..., running.Ended]


@pytest.fixture
def cml(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cml:
    """`cml` in this process, from its entry to its exit."""
    return lambda *arguments: running.cml(capsys, monkeypatch, *arguments)
