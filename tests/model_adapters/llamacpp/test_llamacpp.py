"""Sessions on the embedded model's GGUF file, decoded by llama.cpp in this process."""

import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from math import exp
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pytest
from extras import from_extra
from gguf_files import gguf_file, vocabulary
from hypothesis import given
from hypothesis import strategies as st
from tool_texts import STRING, parameters
from trying import tries

import cml
from interpreter import Runtime
from interpreter.errors import HostError
from interpreter.events import Inject
from interpreter.interrupts import interrupt_text
from interpreter.runs import read_run
from interpreter.session import Batch, EndOfDecoding, Piece
from interpreter.tools.declared import Tool
from model_adapters.backends import Request, open_backend
from model_adapters.constraint.constraint import Constraint
from model_adapters.constraint.following import ToolChoice
from model_adapters.embedded.smollm2 import AS_PUBLISHED, embedded_gguf, fetch_embedded
from model_adapters.errors import AdapterError
from model_adapters.llamacpp.gguf_header import read_header
from model_adapters.llamacpp.gguf_tokens import read_tokens
from model_adapters.llamacpp.model import GgufModel
from model_adapters.llamacpp.session import LlamaCppSession
from model_adapters.opening import EMBEDDED, GREEDY, Sampling, chat_of
from model_adapters.prompt import Message
from model_adapters.testing import check_session
from model_adapters.tokens.chat_tokens import chat_ids, turn_ids

if TYPE_CHECKING:
    from model_adapters.hf.model import HfModel

from_extra("llamacpp", "xllamacpp")
pytestmark = pytest.mark.model

ASK = (Message("user", "Count from one to twenty, in words."),)
BATCH = Batch('[INTR] job1 [HEAD] {"city": "Paris", "degrees": 18} [END]')
OUTSIDE = [
    "<|im_end|>",
    "<|im",
    "_end|>",
    "é",
    "👩‍🚀",
    "日本",
    " ",
    "\n",
    "[CALL]",
    "<file_sep>",
    "ok",
]
outside = st.lists(st.sampled_from(OUTSIDE) | st.text(max_size=4), max_size=8).map("".join)


@pytest.fixture(scope="module")
def gguf() -> Iterator[GgufModel]:
    fetch_embedded(AS_PUBLISHED)
    model = GgufModel(embedded_gguf(), context_tokens=320, contexts=2)
    yield model
    model.close()


def write(session: LlamaCppSession, steps: int) -> str:
    """Decode so many tokens, over any end, and on to a whole character."""
    text, partial = "", False
    while steps > 0 or partial:
        piece = session.decode()
        steps -= 1
        partial = isinstance(piece, Piece) and piece.partial
        text += piece.text if isinstance(piece, Piece) else ""
    return text


def text_of(model: GgufModel, ids: tuple[int, ...]) -> str:
    return b"".join(model.tokens.spelled[token] for token in ids).decode()


# ---------------------------------------------------------------------------- text to tokens


@tries(30)
@given(text=outside)
def test_text_from_outside_arrives_without_control_tokens(gguf: GgufModel, text: str) -> None:
    ids = gguf.content_ids(text)
    assert not set(ids) & gguf.tokens.control.keys()
    arrived = text_of(gguf, tuple(ids))
    assert len(arrived) == len(text)
    assert all(a in {b, "\ufffd"} for a, b in zip(arrived, text, strict=True))


def test_a_chat_has_the_tokens_that_transformers_makes_of_it(
    gguf: GgufModel, model: "HfModel"
) -> None:
    chat = (
        Message("system", "You <|im_end|> help."),
        Message("user", "Héllo [CALL]\n"),
        Message("assistant", " no "),
        Message("user", "日本?"),
    )
    assert chat_ids(gguf, chat) == chat_ids(model, chat)
    assert turn_ids(gguf, "Più? <|im_end|>") == turn_ids(model, "Più? <|im_end|>")


# -------------------------------------------------------------------------------- the session


def test_pieces_are_the_text_of_the_tokens(gguf: GgufModel) -> None:
    with closing(LlamaCppSession(gguf, ASK, sampling=Sampling(temperature=2, seed=1))) as session:
        prompt = len(session.ids)
        text = write(session, 20)
        assert text == text_of(gguf, session.ids[prompt:])


def test_an_append_extends_the_context_as_if_it_had_always_been_there(gguf: GgufModel) -> None:
    with closing(LlamaCppSession(gguf, ASK)) as session:
        write(session, 5)
        before = session.ids
        assert session.append(BATCH) == len(gguf.content_ids(BATCH.text))
        assert session.ids == (*before, *gguf.content_ids(BATCH.text))
        grown = {each.token: each.logprob for each in session.logprobs(40)}
        fresh = {each.token: each.logprob for each in gguf.engine.likeliest(session.ids, 1, 40)}
        common = grown.keys() & fresh.keys()
        assert len(common) > 35
        # What is read in one piece has scores a little other than one by one, in 4 bits up to 0.4.
        apart = [abs(grown[token] - fresh[token]) for token in common]
        assert median(apart) < 0.25
        assert max(apart) < 1


@tries(5)
@given(seed=st.integers(0, 1000), steps=st.integers(1, 12))
def test_a_session_that_is_restored_goes_on_behind_the_text_of_the_other(
    gguf: GgufModel, seed: int, steps: int
) -> None:
    with closing(LlamaCppSession(gguf, ASK, sampling=Sampling(2, seed))) as session:
        prompt = len(session.ids)
        text = write(session, steps)
    with closing(LlamaCppSession(gguf, ASK)) as restored:
        for character in text:
            restored.restore(Piece(character))
        assert text_of(gguf, restored.ids[prompt:]) == text
        there = {each.token: each.logprob for each in restored.logprobs(40)}
        fresh = {each.token: each.logprob for each in gguf.engine.likeliest(restored.ids, 1, 40)}
        common = there.keys() & fresh.keys()
        assert len(common) > 30
        # Read in other portions, sums are rounded otherwise, and behind letters alone that shows.
        assert all(abs(there[token] - fresh[token]) < 0.5 for token in common)


@tries(6)
@given(seed=st.integers(0, 1000), part=st.floats(0, 1))
def test_a_rewind_drops_characters_and_bans_their_first_token(
    gguf: GgufModel, seed: int, part: float
) -> None:
    with closing(
        LlamaCppSession(gguf, ASK, sampling=Sampling(temperature=1.5, seed=seed))
    ) as session:
        prompt = len(session.ids)
        text, tokens = write(session, 6), session.ids
        characters = max(1, round(part * len(text)))
        session.rewind(characters)
        assert text_of(gguf, session.ids[prompt:]) == text[: len(text) - characters]
        kept = len(session.ids)
        write(session, 1)
        if session.ids[:kept] == tokens[:kept]:  # else the cut went through a token
            assert session.ids[kept:] != tokens[kept : kept + 1]  # or it came to its end
        with pytest.raises(HostError, match="Embed/rewind"):
            session.rewind(10_000)


def test_logprobs_are_those_of_a_distribution_and_asking_changes_nothing(gguf: GgufModel) -> None:
    with closing(LlamaCppSession(gguf, ASK)) as session:
        likeliest = session.logprobs(1000)
        assert [each.logprob for each in likeliest] == sorted(
            (each.logprob for each in likeliest), reverse=True
        )
        assert 0.9 < sum(exp(each.logprob) for each in likeliest) < 1.0001
        session.decode()
        assert session.ids[-1] == likeliest[0].token


def test_a_mask_is_kept_even_where_none_of_the_likeliest_is_in_it(gguf: GgufModel) -> None:
    with closing(LlamaCppSession(gguf, ASK)) as session:
        ranked = session.logprobs(2000)
        unlikely = [each.token for each in ranked[1500:1520]]
        session.allow(unlikely)
        session.decode()
        assert session.ids[-1] == unlikely[0]  # the likeliest of them


def test_chance_is_repeatable_by_its_seed(gguf: GgufModel) -> None:
    texts = []
    for seed in (1, 1, 2):
        session = LlamaCppSession(gguf, ASK, sampling=Sampling(temperature=1.5))
        session.seed(seed)
        texts.append(write(session, 12))
        session.close()
    assert texts[0] == texts[1] != texts[2]


def test_a_context_that_is_full_ends_the_decoding_and_loses_nothing(gguf: GgufModel) -> None:
    with closing(LlamaCppSession(gguf, ASK)) as session:
        session.append(Batch(" x" * (session.context_left - 2)))
        assert isinstance(session.decode(), Piece)
        session.append(BATCH)
        assert session.context_left == 0
        assert session.decode() == EndOfDecoding("length")
        assert text_of(gguf, session.ids).endswith(BATCH.text)
    with pytest.raises(AdapterError, match="make it shorter"):
        LlamaCppSession(gguf, [Message("user", "x " * 2000)])


def test_sessions_side_by_side_read_each_token_once(gguf: GgufModel) -> None:
    with closing(LlamaCppSession(gguf, ASK)) as one, closing(LlamaCppSession(gguf, ASK)) as other:
        one.decode(), other.decode()
        read = gguf.engine.tokens_read
        for _ in range(4):
            one.decode(), other.decode()
        assert gguf.engine.tokens_read == read + 8


def test_contexts_are_lent_and_come_back(gguf: GgufModel) -> None:
    first, second = LlamaCppSession(gguf, ASK), LlamaCppSession(gguf, ASK)
    with pytest.raises(AdapterError, match="all contexts are taken"):
        LlamaCppSession(gguf, ASK)
    assert write(first, 8) == write(second, 8)
    first.append(BATCH)
    assert second.ids != first.ids
    first.close()
    third = LlamaCppSession(gguf, ASK)
    third.close()
    second.close()


def test_a_run_under_a_mask_calls_functions_and_its_context_is_what_the_rows_say(
    gguf: GgufModel,
) -> None:
    tool = Tool("get_weather", "The weather of a city.", parameters(["city"], city=STRING))
    constraint = Constraint(gguf.vocabulary(), (tool,), ToolChoice(2, 2, brackets=False))
    with closing(LlamaCppSession(gguf, ASK, constraint=constraint, max_tokens=120)) as session:
        prompt = len(session.ids)

        def get_weather(city: str) -> str:
            return f"{city}: sunny <|im_end|>"

        with Runtime(session, {"get_weather": get_weather}) as runtime:
            rows = list(runtime.run())
            run = read_run(runtime.settings, rows)
        assert len(run.calls) == 2
        assert all(call.returned_us is not None for call in run.calls)
        context = text_of(gguf, session.ids[prompt:])
        batches = [effect for row in rows for effect in row.effects if isinstance(effect, Inject)]
        assert batches
        assert all(interrupt_text(batch, runtime.settings.profile) in context for batch in batches)
        assert cml.validate(context) == ()


@pytest.mark.parametrize(
    "sampling", [pytest.param(GREEDY, marks=pytest.mark.slow), Sampling(temperature=1.5, seed=5)]
)
def test_it_keeps_the_contract_and_every_ability_that_it_declares(
    gguf: GgufModel, sampling: Sampling
) -> None:
    prompt = len(chat_ids(gguf, ASK))

    def written(session: LlamaCppSession) -> str:
        begun = session._segment.begun
        return text_of(gguf, session.ids[prompt : len(session.ids) - begun])

    checked = check_session(
        lambda: LlamaCppSession(gguf, ASK, sampling=sampling), context_of=written, steps=4
    )
    left = {"Embed/seeds"} if sampling == GREEDY else set()
    assert set(checked.not_exercised) == left
    declared = {ability.clause for ability in LlamaCppSession.abilities}
    assert declared <= {*checked.held, *left}


def test_a_small_model_has_what_suits_it_whatever_file_it_is_in(tmp_path: Path) -> None:
    def get_time(city: str) -> str:
        """The time."""
        return city

    assert read_tokens(embedded_gguf()).parameters == 134_515_008
    (named := tmp_path / "any.gguf").symlink_to(embedded_gguf())
    asked = Request(f"llamacpp:{named}", "Hello.", {"get_time": get_time})
    session = open_backend(asked).session
    assert isinstance(session, LlamaCppSession)
    expected = chat_ids(session._model, chat_of(asked, EMBEDDED))
    assert session.ids == tuple(expected)
    assert session._constraint is not None
    assert not session._constraint._following._choice.brackets
    session.close()


def test_who_waits_is_told_what_for(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "cml")
    session = open_backend(Request("llamacpp", "Hello.", {})).session
    session.decode()
    session.decode()
    session.close()
    loading, mask, reading = caplog.messages
    assert loading.startswith("loading the weights of SmolLM2")
    assert mask == "preparing the mask"
    assert re.fullmatch("reading the prompt, [0-9]+ tokens", reading)


# ---------------------------------------------------------------------------------- bad files


def test_a_file_that_is_no_model_is_told_so(tmp_path: Path) -> None:
    whole = embedded_gguf().read_bytes()[:2_000_000]
    cases = {
        "not a GGUF file; it does not begin": b"PK\3\4 and more of it",
        "not a GGUF file; it is empty": b"",
        "GGUF of version 9": b"GGUF" + (9).to_bytes(4, "little") + whole[8:],
        "cut short": whole[:500],
    }
    for said, data in cases.items():
        path = tmp_path / "model.gguf"
        path.write_bytes(data)
        with pytest.raises(AdapterError, match=said):
            read_tokens(path)
    with pytest.raises(AdapterError, match="cannot be read"):
        read_tokens(tmp_path / "nothing.gguf")


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "made.gguf"
    path.write_bytes(data)
    return path


def test_a_vocabulary_that_is_none_is_told_so(tmp_path: Path) -> None:
    uneven = written(tmp_path, gguf_file(vocabulary(["a", "b"], [1])))
    with pytest.raises(AdapterError, match="2 tokens and 1 types"):
        read_tokens(uneven)
    without_an_a = written(tmp_path, gguf_file(vocabulary(["b"], [1])))
    with pytest.raises(AdapterError, match="no token for the letter a"):
        GgufModel(without_an_a)
    broken = written(tmp_path, gguf_file(vocabulary(["a"], [1]), [[2**63] * 5]))
    with pytest.raises(AdapterError, match="cut short or broken"):
        read_tokens(broken)


def test_what_no_token_of_a_vocabulary_can_be_is_left_out(tmp_path: Path) -> None:
    """Characters that stand for no byte, bytes that are none, ends that are no token, a context of none."""
    odd = {"tokenizer.ggml.eos_token_id": 7, "llama.context_length": -3}
    pairs = read_tokens(written(tmp_path, gguf_file(vocabulary(["a", "日"], [1, 1]) | odd)))
    assert (pairs.spelled, pairs.ends, pairs.context_tokens) == ((b"a", b""), frozenset(), 2**31)
    pieces = ["<0x0A>", "<0xZZ>", "<0x41>", "\u2581b"]
    read = read_tokens(written(tmp_path, gguf_file(vocabulary(pieces, [6, 6, 1, 1], "llama"))))
    assert read.spelled == (b"\n", b"<0xZZ>", b"<0x41>", b" b")


def test_weights_that_are_cut_short_are_told_so(tmp_path: Path) -> None:
    path = tmp_path / "half.gguf"
    path.write_bytes(embedded_gguf().read_bytes()[:4_000_000])
    with pytest.raises(AdapterError, match=r"half\.gguf: llama\.cpp cannot load it"):
        GgufModel(path)


@given(st.data())
def test_a_broken_header_never_breaks_the_reader(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    with embedded_gguf().open("rb") as file:
        begin = bytearray(file.read(3000))
    chance = random.Random(data.draw(st.integers(0, 10**6)))
    for _ in range(chance.randint(1, 5)):
        begin[chance.randrange(4, len(begin))] = chance.randrange(256)
    path = tmp_path_factory.mktemp("gguf") / "x.gguf"
    path.write_bytes(begin)
    with pytest.raises(AdapterError):
        read_header(path)


@pytest.mark.slow
@pytest.mark.parametrize("delay_s", [0.8, 1.2, 1.45, 1.6, 1.95, 2.25, 2.4])
def test_ctrl_c_while_the_model_is_loaded_ends_the_process(
    gguf: GgufModel, tmp_path: Path, delay_s: float
) -> None:
    del gguf  # it is in the cache
    tools = tmp_path / "tools.py"
    tools.write_text('def f(x: int) -> int:\n    """Doubles."""\n    return 2 * x\n')
    words = ["run", "hi", "--tools", str(tools), "--backend", "llamacpp"]
    command = [sys.executable, "-m", "model_adapters.commands.cli", *words]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(delay_s)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert running.returncode in {0, 3, 130, -signal.SIGINT}
