"""docs/write_an_adapter.md: its files, saved under their names, do what it says."""

import ast
import json
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import running
from extras import from_extra

PAGE = Path(__file__).parents[2] / "docs" / "write_an_adapter.md"
TEXT = PAGE.read_text(encoding="utf-8")
FILES = dict(re.findall(r"^```python (\w+\.py)\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))
[COMMAND] = re.findall(r"^cml run (.*)$", TEXT, re.MULTILINE)


@pytest.fixture
def saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for name, code in FILES.items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    yield tmp_path
    for name in FILES:
        sys.modules.pop(name.removesuffix(".py"), None)


def test_the_adapter_runs_as_the_page_says(
    saved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [word.strip('"') for word in re.findall(r'"[^"]+"|\S+', COMMAND)]
    found = running.cml(capsys, monkeypatch, "run", *words, "--trace", "toy.jsonl")
    assert found.status == 0, found.err
    assert "job1 returned" in found.out
    assert "It is 9:41 in Oslo." in found.out
    assert running.cml(capsys, monkeypatch, "validate", "toy.jsonl").status == 0


def test_an_append_that_goes_in_twice_fails_by_the_context_that_the_session_shows(
    saved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = FILES["my_adapter.py"]
    (saved / "my_adapter.py").write_text(code.replace("+= tokens\n", "+= tokens + tokens\n"))
    words = ("conformance", "python:my_adapter:open_session", "--only", "session/append")
    found = running.cml(capsys, monkeypatch, *words)
    assert (found.status, "Embed/append: the context" in found.out) == (1, True)
    (saved / "my_adapter.py").write_text(code)


@pytest.mark.parametrize("name", ["check_it.py", "tokens_too.py"])
def test_the_checks_of_the_page_say_what_it_says(
    saved: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    runpy.run_path(name, run_name="__main__")
    held, *rest = capsys.readouterr().out.splitlines()
    verbs = ("Embed/piece", "Embed/append", "Embed/rewind", "Embed/close", "Embed/apart")
    told = re.findall(r"# (\(.*\)|\{\})$", FILES["check_it.py"], re.MULTILINE)
    assert told == [str(verbs), "{}"]
    more = ("Embed/tokens", "Embed/context-left") if name == "tokens_too.py" else ()
    assert held == str(verbs + more)
    assert rest == (["{}"] if name == "check_it.py" else [])


def test_a_session_that_can_be_forced_passes_all_that_forcing_shows(
    saved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("conformance", "python:forced_too:open_session", "--json")
    found = running.cml(capsys, monkeypatch, *words)
    counts = json.loads(found.out)["counts"]
    assert (found.status, counts["fail"], counts["error"]) == (0, 0, 0)
    assert counts["pass"] > 10 * counts["not exercised"]


def test_an_engine_that_gives_tokens_keeps_every_ability_of_a_token_session(
    saved: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from_extra("llamacpp", "numpy")
    from model_adapters.tokens.session import ABILITIES

    runpy.run_path("check_tokens.py")
    held = set(ast.literal_eval(capsys.readouterr().out))
    assert held >= {ability.clause for ability in ABILITIES} - {"Embed/seeds"}
    words = ["--tools", "my_tools.py", "--backend", "python:token_adapter:open_session"]
    found = running.cml(capsys, monkeypatch, "run", "hi", *words, "--max-tokens", "20")
    assert "All work and no play" in found.out


def test_the_page_names_every_ability() -> None:
    from interpreter import session

    constants = {name for name, value in vars(session).items() if value in session.ABILITIES}
    assert constants == set(re.findall(r"^\| `([A-Z_]+)` \|", TEXT, re.MULTILINE))
