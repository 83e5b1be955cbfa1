"""The backend `auto`: which one it takes, and that it says why."""

import importlib.util

import pytest
from msgspec.structs import replace

from cml.profile import Profile, Spelling
from interpreter import ScriptedSession
from model_adapters.backends import open_backend, require_backend
from model_adapters.embedded import automatic
from model_adapters.errors import AdapterError, UnknownBackendError
from model_adapters.opening import Opened, Request

ASKED = Request("auto", "Hello.", {})


@pytest.fixture(autouse=True)
def not_really_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF", "LLAMACPP"):
        backend = getattr(automatic, name)
        made = replace(
            backend, open=lambda _, rest, word=name: Opened(ScriptedSession([]), word + rest)
        )
        monkeypatch.setattr(automatic, name, made)
    real = importlib.util.find_spec
    monkeypatch.setattr(
        automatic, "find_spec", lambda name: object() if name == "xllamacpp" else real(name)
    )


def test_llama_cpp_is_taken_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert open_backend(ASKED).model == "LLAMACPP"
    assert open_backend(replace(ASKED, device="cpu")).model == "LLAMACPP"
    assert "the backend is llamacpp: it is installed" in capsys.readouterr().err


def test_transformers_is_taken_where_it_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(automatic, "find_spec", lambda name: object() if name == "torch" else None)
    assert open_backend(ASKED).model == "HF"
    assert (
        "hf: the faster llamacpp needs xllamacpp, which is not installed" in capsys.readouterr().err
    )


def test_where_nothing_decodes_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automatic, "find_spec", lambda _: None)
    with pytest.raises(AdapterError, match=r'pip install "cml-lang\[llamacpp\]"'):
        open_backend(ASKED)


def test_what_llama_cpp_cannot_do_is_left_to_transformers(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert open_backend(replace(ASKED, device="cuda:1")).model == "HF"
    assert "cuda:1" in capsys.readouterr().err
    assert open_backend(replace(ASKED, at_trap="swap")).model == "HF"
    assert "llamacpp takes no --at-trap" in capsys.readouterr().err
    in_tokens = replace(ASKED, profile=Profile(markers=Spelling.TOKEN))
    assert open_backend(in_tokens).model == "HF"
    assert "llamacpp takes no --markers" in capsys.readouterr().err


def test_it_takes_no_model() -> None:
    require_backend("auto")
    with pytest.raises(UnknownBackendError, match="auto takes no model"):
        require_backend("auto:model.gguf")
