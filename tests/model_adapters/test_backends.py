"""From a word on the command line to a session, whoever wrote it."""

from pathlib import Path

import pytest

from cml.profile import Profile
from cml.terminal.files import FileFaultError
from interpreter import HostError, ScriptedSession, Settings
from model_adapters.backends import BACKENDS, Request, open_backend, require_backend, spellings
from model_adapters.errors import AdapterError, UnknownBackendError
from model_adapters.opening import Opened

MODULE = """
from interpreter import ScriptedSession
from model_adapters.errors import AdapterError
from model_adapters.opening import Opened

class Made:
    @staticmethod
    def openly(request):
        return Opened(ScriptedSession([request.prompt]), "mine", regions=(("<think>", "</think>"),))

def plainly(request):
    return ScriptedSession([request.prompt])

def not_at_all(request):
    return request.prompt

async def later(request):
    return ScriptedSession([request.prompt])

def numbered(request):
    return Opened(ScriptedSession([request.prompt]), 7)

def heeding(request):
    return Opened(ScriptedSession([request.prompt]), "mine", takes={"warmth"})

def boastfully(request):
    session = ScriptedSession([])
    session.abilities = {"fly"}
    return session

def never(request):
    raise AdapterError("there is no such model")

def wrongly(request):
    raise ValueError("of mine")

def leaving(request):
    raise SystemExit(3)

value = 1
"""


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    (tmp_path / "cml_test_adapter.py").write_text(MODULE)
    (tmp_path / "cml_test_broken.py").write_text("import cml_test_not_there")
    (tmp_path / "cml_test_failing.py").write_text("1 / 0")
    (tmp_path / "cml_test_misspelt.py").write_text("def f(:")
    (tmp_path / "script.cml").write_text("one two three four")


def opened(word: str) -> Opened:
    return open_backend(Request(word, "Hello.", {}))


@pytest.mark.parametrize(
    ("word", "model"), [("plainly", "python:cml_test_adapter:plainly"), ("Made.openly", "mine")]
)
def test_a_factory_is_given_the_request_and_makes_a_session(word: str, model: str) -> None:
    made = opened(f"python:cml_test_adapter:{word}")
    assert made.model == model
    assert made.session.decode().text == "Hello."


def test_what_a_model_needs_is_added_to_what_the_host_chose() -> None:
    settings = Settings(profile=Profile(regions=(("<a>", "</a>"),)), deliver="line")
    fitted = opened("python:cml_test_adapter:Made.openly").fitted(settings)
    assert fitted.profile.regions == (("<a>", "</a>"), ("<think>", "</think>"))
    assert fitted.deliver == "line"
    assert opened("script:script.cml").fitted(settings) == settings


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("cml_test_nowhere:f", "there is no module cml_test_nowhere"),
        ("cml_test_broken:f", "cml_test_broken cannot be imported: No module named"),
        (
            "cml_test_failing:f",
            "cannot be imported: it raised ZeroDivisionError: division by zero .*line 1",
        ),
        ("cml_test_adapter:missing", "has no missing that can be called"),
        ("cml_test_adapter:value", "has no value that can be called"),
        ("cml_test_adapter:never", "^there is no such model$"),
        ("cml_test_adapter:wrongly", "raised ValueError: of mine"),
        ("cml_test_adapter:leaving", "raised SystemExit: 3"),
        ("cml_test_adapter:not_at_all", "made a str; expected a session, with the verbs decode"),
        ("cml_test_adapter:later", "made a coroutine; expected a session"),
        ("cml_test_adapter:numbered", r"Expected `str`, got `int` - at `\$.model`"),
        ("cml_test_adapter:heeding", r"Invalid enum value 'warmth' - at `\$.takes"),
        ("cml_test_misspelt:f", r"it raised SyntaxError: [^()]*\(cml_test_misspelt.py, line 1\)$"),
    ],
)
def test_what_makes_no_session_gets_one_message(word: str, says: str) -> None:
    require_backend(f"python:{word}")
    with pytest.raises(AdapterError, match=says) as caught:
        opened(f"python:{word}")
    assert "\n" not in str(caught.value)


def test_a_session_that_declares_what_is_no_ability_is_refused() -> None:
    with pytest.raises(HostError, match="Embed/abilities"):
        opened("python:cml_test_adapter:boastfully")


@pytest.mark.parametrize("word", ["python", "python:a", "python:a:", "python:a b:c", "python::c"])
def test_a_word_without_a_factory_is_a_mistake_of_usage(word: str) -> None:
    for use in (require_backend, opened):
        with pytest.raises(UnknownBackendError, match="python:MODULE:FACTORY"):
            use(word)


@pytest.mark.parametrize("word", ["", "foo", "foo:bar", "HF", ":hf"])
def test_an_unknown_word_is_told_the_known_ones(word: str) -> None:
    for use in (require_backend, opened):
        with pytest.raises(UnknownBackendError) as caught:
            use(word)
        assert all(backend.spelling in str(caught.value) for backend in BACKENDS.values())


@pytest.mark.parametrize("word", ["script:nowhere.cml", "script:.", "hf:nowhere", "hf:script.cml"])
def test_a_file_that_is_not_there_is_missed_before_any_work(word: str) -> None:
    with pytest.raises(FileFaultError):
        require_backend(word)


def test_a_script_ends_at_the_limit() -> None:
    session = open_backend(Request("script:script.cml", "", {}, max_tokens=2)).session
    assert isinstance(session, ScriptedSession)
    assert [session.decode() for _ in range(3)][-1].reason == "length"
    assert session.context == "one two"


def test_every_backend_is_in_the_help() -> None:
    assert all(f"{each.spelling} ({each.about})" in spellings() for each in BACKENDS.values())
