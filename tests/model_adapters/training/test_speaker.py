"""The shipped speaker: small, the same in both engines, and it speaks without being forced to."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from extras import from_extra
from hypothesis import given
from hypothesis import strategies as st
from trying import tries

from cml.ast import OutcomeKind
from cml.terminal.files import FileFaultError
from interpreter.drivers.virtual import TimedOutcomes, run_virtual
from interpreter.events import Inject, Outcome, Row, Start
from interpreter.runs import read_run
from interpreter.session import DecodingCosts
from interpreter.state import Settings
from interpreter.tools.signature import tool_of
from model_adapters.backends import BackendSessions, Request, open_backend, require_backend
from model_adapters.constraint.guarded import guarded
from model_adapters.embedded.smollm2 import SPEAKING, embedded_gguf, embedded_path, fetch_embedded
from model_adapters.embedded.speaker.merging import merge_gguf
from model_adapters.embedded.speaker.spelling import names_apart
from model_adapters.embedded.speaker.weights import (
    WEIGHTS_NAME,
    merge_weights,
    read_weights,
    speaker_weights,
    write_weights,
)
from model_adapters.errors import AdapterError
from model_adapters.hf.chat_tokens import HfTokenizer
from model_adapters.hf.session import HfSession
from model_adapters.llamacpp.model import GgufModel
from model_adapters.llamacpp.session import LlamaCppSession
from model_adapters.prompt import speaker_messages
from model_adapters.tokens.chat_tokens import chat_ids
from model_adapters.training.recipe.spelling import speaker_tokenizer

MOST_BYTES = 12_000_000
ENGINES = ("hf", "llamacpp")


def get_weather(city: str) -> str:
    """The weather in a city."""
    raise AssertionError(city)


def get_time(city: str) -> str:
    """The local time in a city."""
    raise AssertionError(city)


FUNCTIONS = {"get_weather": get_weather, "get_time": get_time}


def comes_back(start: Start) -> TimedOutcomes:
    what = {"get_weather": "weather", "get_time": "local time"}[start.function]
    value = f"The {what} in {start.kwargs['city']} is {len(what)} today."
    return [(300_000, Outcome(OutcomeKind.RETURNED, value))]


def starts(rows: list[Row]) -> Iterator[Start]:
    for row in rows:
        for effect in row.effects:
            if isinstance(effect, Start):
                yield effect


def test_the_weights_are_there_and_small() -> None:
    assert speaker_weights().stat().st_size < MOST_BYTES


# ------------------------------------------------------------------------------- two engines


@pytest.fixture(scope="module")
def gguf() -> Iterator[GgufModel]:
    from_extra("llamacpp", "xllamacpp")
    fetch_embedded(SPEAKING)
    model = GgufModel(embedded_gguf(SPEAKING), context_tokens=320)
    yield model
    model.close()


@pytest.fixture(scope="module")
def tokenizer() -> HfTokenizer:
    return speaker_tokenizer(embedded_path())


@given(st.text(alphabet="abzA Zé0._@-\n東'\"[", max_size=40))
def test_parts_of_names_apart_are_the_text(text: str) -> None:
    assert "".join(names_apart(text)) == text


@pytest.mark.model
@tries(25)
@given(st.text(alphabet="abzA Zé0._@-\n東'\"[", max_size=40))
def test_both_engines_have_the_same_tokens(
    gguf: GgufModel, tokenizer: HfTokenizer, text: str
) -> None:
    assert gguf.content_ids(text) == tokenizer.content_ids(text)


@pytest.mark.model
def test_both_engines_have_the_same_prompt(gguf: GgufModel, tokenizer: HfTokenizer) -> None:
    told = speaker_messages([*map(tool_of, FUNCTIONS.values())], "The time in New York or Łódź?")
    assert chat_ids(gguf, told) == chat_ids(tokenizer, told)


@pytest.mark.model
@pytest.mark.slow
@pytest.mark.parametrize("city", ["Oslo", "New York", "Bralavik"])
def test_both_engines_call_two_functions_unforced_and_tell_what_comes_back(city: str) -> None:
    question = f"Tell me the weather and the local time in {city}."
    calls = {}
    for engine in ENGINES:
        opened = open_backend(Request(engine, question, FUNCTIONS, yes=True))
        used = opened.fitted(Settings())
        rows = [*run_virtual(opened.session, comes_back, used, DecodingCosts(token_us=30_000))]
        calls[engine] = [(start.function, start.kwargs) for start in starts(rows)]
        assert read_run(used, rows).ending == "answered"
        assert any(isinstance(effect, Inject) for row in rows for effect in row.effects)
        mask = guarded(opened.session)
        assert mask is not None
        assert mask.changed <= 1
        assert 0 < mask.forced < mask.tokens
        opened.session.close()
    assert calls["hf"] == calls["llamacpp"]
    both = [("get_time", {"city": city}), ("get_weather", {"city": city})]
    assert sorted(calls["hf"]) == both


@pytest.mark.model
def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    torch = from_extra("hf", "torch")
    path = tmp_path / WEIGHTS_NAME
    factors = {"model.layers.77.self_attn.q_proj": (torch.zeros(1, 576), torch.zeros(576, 1))}
    write_weights(path, factors, {})
    with pytest.raises(AdapterError, match="do not fit the model"):
        merge_gguf(embedded_gguf(), path, tmp_path / "merged.gguf")


@pytest.mark.parametrize("shape", [(32, 1), (1, 32), (64, 64)])
def test_weights_of_a_model_of_another_size_are_refused(
    tmp_path: Path, shape: tuple[int, int]
) -> None:
    """Those of one row or column too, though they could be repeated to any size."""
    torch = from_extra("hf", "torch")
    gguf = from_extra("llamacpp", "gguf")
    path, source, layer = (
        tmp_path / WEIGHTS_NAME,
        tmp_path / "model.gguf",
        "model.layers.0.mlp.up_proj",
    )
    write_weights(path, {layer: (torch.ones(1, shape[1]), torch.ones(shape[0], 1))}, {})
    writer = gguf.GGUFWriter(source, "llama")
    writer.add_block_count(1)
    writer.add_tensor("blk.0.ffn_up.weight", torch.zeros(32, 32).numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(AdapterError, match="do not fit the model"):
        merge_gguf(source, path, tmp_path / "merged.gguf")
    network = torch.nn.Linear(32, 32)
    for name in reversed(layer.split(".")):
        network = torch.nn.ModuleDict({name: network})
    with pytest.raises(AdapterError, match="do not fit the model"):
        merge_weights(network, path)


@pytest.mark.parametrize(
    "shapes",
    [
        {"a": (3,), "a_scale": (3,), "b": (2, 2), "b_scale": (2,)},
        {"a": (3, 2), "a_scale": (4,), "b": (2, 2), "b_scale": (2,)},
        {"a": (3, 2), "a_scale": (3,), "b": (2, 2), "b_scale": (2,)},
        {"a": (2, 2), "a_scale": (), "b": (2, 2), "b_scale": (2,)},
        {"a": (2, 2), "a_scale": (2,)},
    ],
)
def test_weights_of_other_shapes_are_none(
    tmp_path: Path, shapes: dict[str, tuple[int, ...]]
) -> None:
    torch = from_extra("hf", "torch")
    safetensors = from_extra("hf", "safetensors.torch")
    path = tmp_path / WEIGHTS_NAME
    safetensors.save_file({f"x.{name}": torch.zeros(each) for name, each in shapes.items()}, path)
    with pytest.raises(AdapterError, match="no weights of `cml train`"):
        read_weights(path)


# ---------------------------------------------------------------------------- what is loaded


@pytest.mark.model
def test_what_is_loaded_is_loaded_once_and_sessions_are_apart(gguf: GgufModel) -> None:
    sessions = BackendSessions()
    contexts = []
    for question in ("The weather in Oslo?", "The time in Lima?"):
        opened = sessions.open(Request("llamacpp", question, FUNCTIONS, yes=True))
        contexts.append(opened.session)
        assert sessions.model == opened.model
        opened.session.close()
    assert contexts[0] is not contexts[1]


@pytest.mark.model
@pytest.mark.slow
def test_a_folder_of_cml_train_is_merged_once_for_llama_cpp(tmp_path: Path) -> None:
    torch = from_extra("hf", "torch")
    from_extra("llamacpp", "xllamacpp")
    request = Request(f"llamacpp:{tmp_path}", "In Oslo?", {"get_time": get_time}, yes=True)
    told = tuple(
        chat_ids(
            speaker_tokenizer(embedded_path()), speaker_messages([tool_of(get_time)], "In Oslo?")
        )
    )
    made = []
    for size in (0.0, None, 1.0):
        if size is not None:
            first, second = torch.full((1, 576), size), torch.ones(576, 1)
            factors = {"model.layers.0.self_attn.q_proj": (first, second)}
            write_weights(tmp_path / WEIGHTS_NAME, factors, {"name": "mine", "names": "apart"})
        with closing(open_backend(request).session) as session:
            assert isinstance(session, LlamaCppSession)
            assert session.ids == told
        [file] = tmp_path.glob("*.gguf")
        made.append(file.stat().st_mtime_ns)
    assert made[0] == made[1] < made[2]
    named = Request(f"llamacpp:{file}", "In Oslo?", {"get_time": get_time})
    with closing(open_backend(named).session) as session:
        assert isinstance(session, LlamaCppSession)
        assert session.ids == told


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFaultError, match="this is a folder without a"):
        require_backend(f"llamacpp:{tmp_path}")


@pytest.mark.model
def test_a_folder_of_cml_train_is_the_embedded_model_with_its_change(tmp_path: Path) -> None:
    torch = from_extra("hf", "torch")
    factors = {"model.layers.0.self_attn.q_proj": (torch.zeros(1, 576), torch.zeros(576, 1))}
    write_weights(tmp_path / WEIGHTS_NAME, factors, {"name": "mine", "names": "apart"})
    opened = open_backend(Request(f"hf:{tmp_path}", "In Oslo?", {"get_time": get_time}, yes=True))
    assert opened.model.startswith("mine on ")
    session = opened.session
    assert isinstance(session, HfSession)
    told = speaker_messages([tool_of(get_time)], "In Oslo?")
    assert session.ids == tuple(chat_ids(speaker_tokenizer(embedded_path()), told))
    assert session.encode(" Oslo") == (*session.encode(" "), *session.encode("Oslo"))
    session.close()
