"""No option is ignored in silence: a backend takes it, or the command says which do."""

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest

from model_adapters.backends import BACKENDS, open_backend
from model_adapters.errors import OptionNotTakenError
from model_adapters.opening import OPTIONS, Option, Request, Sampling, asked_of, spelled

if TYPE_CHECKING:
    from conftest import Cml, Files

VALUES: dict[Option, str] = {
    "min_calls": "1",
    "max_calls": "1",
    "temperature": "0",
    "top_k": "3",
    "top_p": "1",
    "seed": "0",
    "at_trap": "auto",
    "device": "cpu",
    "markers": "token",
}
WORDS = {
    "llamacpp": "llamacpp",
    "openai": "openai:http://127.0.0.1:9/v1",
    "script": "script:good.cml",
}
IGNORED = [
    (WORDS[name], option)
    for name, backend in BACKENDS.items()
    if backend.takes is not None
    for option in sorted(OPTIONS - backend.takes)
]
ADAPTER = """
from interpreter.scripted import ScriptedSession, pieces_of
from model_adapters.opening import Opened

class Failing(ScriptedSession):
    def __init__(self, script, verb):
        super().__init__(pieces_of(script))
        self.verb = verb

    def fail(self, verb):
        if verb == self.verb:
            raise ZeroDivisionError(f"of mine, in {verb}")

    def decode(self):
        found = super().decode()
        if not getattr(found, "text", "") or "?" in found.text:
            self.fail("decode")
        return found

    def append(self, batch):
        self.fail("append")
        return super().append(batch)

    def rewind(self, characters):
        self.fail("rewind")
        super().rewind(characters)

CALL = "Hi. [CALL] a [HEAD] slow(1) [END] [TRAP][END] Done."

def decode(request):
    return Failing(CALL + "?", "decode")

def append(request):
    return Failing(CALL, "append")

def rewind(request):
    return Failing("Hi. [CALL] a [HEAD] slow(1", "rewind")

def silent(request):
    return ScriptedSession(pieces_of("Hi."))

def telling(request):
    return Opened(silent(request), "mine", takes=frozenset({"temperature", "seed"}))
"""


@pytest.fixture
def adapter(files: "Files", monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (files.folder / "cml_options_adapter.py").write_text(ADAPTER, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(files.folder), *sys.path])
    yield files.folder
    sys.modules.pop("cml_options_adapter", None)


def run(backend: str, *more: str) -> tuple[str, ...]:
    return ("run", "hi", "--tools", "good_tools.py", "--backend", backend, *more)


@pytest.mark.parametrize(("backend", "option"), IGNORED)
def test_what_a_backend_does_not_take_is_refused_before_any_work(
    cml: "Cml", files: "Files", backend: str, option: Option
) -> None:
    found = cml(*run(backend, spelled([option]), VALUES[option]))
    assert (found.status, found.out) == (2, "")
    assert f"Error: {backend} takes no {spelled([option])}; these backends do: auto, hf:FOLDER" in (
        found.err
    )
    named = found.err.rpartition("do: ")[2].strip().split(", ")
    takes = [one.spelling for one in BACKENDS.values() if one.takes and option in one.takes]
    assert named == takes


def test_every_option_is_walked_and_every_backend_without_all_of_them() -> None:
    assert VALUES.keys() == OPTIONS == {*get_args(Option)}
    assert {name for name, one in BACKENDS.items() if one.takes not in {OPTIONS, None}} == (
        WORDS.keys()
    )


@pytest.mark.parametrize(
    "words",
    [
        ("chat", "hi", "--tools", "good_tools.py", "--backend", "script:good.cml"),
        ("calibrate", "script:good.cml"),
        ("conformance", "script:good.cml"),
    ],
    ids=lambda words: words[0],
)
def test_other_commands_refuse_it_likewise(
    cml: "Cml", files: "Files", words: tuple[str, ...]
) -> None:
    found = cml(*words, "--device", "cpu")
    assert (found.status, found.out) == (2, "")
    assert "Error: script:good.cml takes no --device; these backends do: " in found.err


def test_what_asks_for_nothing_else_is_no_mistake(cml: "Cml", files: "Files") -> None:
    assert cml(*run("script:good.cml", "--markers", "text")).status == 0
    assert (
        cml("conformance", "script:good.cml", "--seed", "7", "--only", "session/close").status == 0
    )


def test_a_program_that_asks_in_vain_is_told_too(files: "Files") -> None:
    request = Request("script:good.cml", "hi", {}, sampling=Sampling(temperature=1.0), max_calls=2)
    assert asked_of(request) == {"temperature", "max_calls"}
    with pytest.raises(OptionNotTakenError, match="takes no --max-calls, --temperature; "):
        open_backend(request)


def test_a_factory_says_what_it_takes(cml: "Cml", adapter: Path) -> None:
    word = "python:cml_options_adapter:"
    assert cml(*run(f"{word}telling", "--temperature", "0.5", "--seed", "3")).status != 2
    found = cml(*run(f"{word}telling", "--temperature", "0.5", "--top-k", "3"))
    assert found.status == 2
    assert f"{word}telling takes no --top-k; " in found.err
    found = cml(*run(f"{word}silent", "--temperature", "0.5"))
    assert found.status == 2
    assert re.search(r"a factory says what it takes: Opened\(session, .*takes=", found.err)


@pytest.mark.parametrize("verb", ["decode", "append", "rewind"])
@pytest.mark.parametrize("command", ["run", "chat"])
def test_what_somebody_elses_session_raises_is_told_with_its_verb(
    cml: "Cml", adapter: Path, verb: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    word = f"python:cml_options_adapter:{verb}"
    found = cml(command, *run(word)[1:], "--trace", "t.jsonl")
    assert found.status == 1
    line = ADAPTER[: ADAPTER.index("raise Zero")].count("\n") + 1
    said = f"{verb}() raised ZeroDivisionError: of mine, in {verb}"
    assert f"Error: {word}: {said} (cml_options_adapter.py, line {line})\n" in found.err
    assert "Traceback" not in found.err
    validated = cml("validate", "t.jsonl")
    assert validated.status == 0, validated.err
