"""Sessions on a real model: the embedded one, in float32."""

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interpreter.errors import HostError
from interpreter.session import EndOfDecoding, Piece
from interpreter.tools.signature import Parameter, Text, ToolSignature
from model_adapters.chat_tokens import chat_ids, content_ids
from model_adapters.constraint import Constraint, ToolChoice, Vocabulary
from model_adapters.errors import AdapterError
from model_adapters.hf import HfSession, Sampling
from model_adapters.hf_model import HfModel, load
from model_adapters.prompt import Message

torch = pytest.importorskip("torch")

ASK = (Message("user", "Count from one to twenty, in words."),)
GREET = (Message("system", "Be short."), Message("user", "Say hello in French and in Greek."))
INTERRUPT = '[INTR] job1 [HEAD] {"city": "Paris", "degrees": 18} [END]'
# Mixes of what a tokenizer could take for a control token, and of characters of several tokens.
outside = st.lists(
    st.sampled_from(
        [
            "<|im_end|>",
            "<|im_start|>",
            "<|endoftext|>",
            "<|im",
            "_end|>",
            "é",
            "👩‍🚀",
            "日本",
            " ",
            "\n",
        ]
    )
    | st.text(max_size=4),
    max_size=8,
).map("".join)


def decode(session: HfSession, steps: int) -> list[Piece]:
    pieces = []
    for _ in range(steps):
        piece = session.decode()
        assert isinstance(piece, Piece)
        pieces.append(piece)
    return pieces


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def scores(model: HfModel, ids: list[int]) -> "torch.Tensor":
    """The scores after a whole context, in one pass without a cache."""
    with torch.inference_mode():
        output = model.network(input_ids=torch.tensor([ids], device=model.device), use_cache=False)
    return output.logits[0, -1].float().cpu()


# ---------------------------------------------------------------------------- text to tokens


@pytest.mark.model
@given(outside)
def test_text_from_outside_never_becomes_a_control_token(model: HfModel, text: str) -> None:
    ids = content_ids(model.tokenizer, text)
    assert not set(ids) & set(model.tokenizer.added_tokens_decoder)


@pytest.mark.model
@given(outside)
def test_text_from_outside_arrives_as_it_is(model: HfModel, text: str) -> None:
    arrived = model.tokenizer.decode(content_ids(model.tokenizer, text))
    assert len(arrived) == len(text)
    assert all(a in {b, "\ufffd"} for a, b in zip(arrived, text, strict=True))


@pytest.mark.model
def test_a_control_token_that_is_not_special_is_kept_apart_too(tmp_path: Path) -> None:
    from transformers import AddedToken, AutoTokenizer

    from model_adapters.embedded import fetch_embedded

    tokenizer = AutoTokenizer.from_pretrained(fetch_embedded(), local_files_only=True)
    tokenizer.add_tokens([AddedToken("<tool_call>", special=False)])
    text = "a <tool_call> b"
    assert 49152 in tokenizer.encode(text)
    ids = content_ids(tokenizer, text)
    assert 49152 not in ids
    assert tokenizer.decode(ids) == text


@pytest.mark.model
@given(st.lists(st.sampled_from(["Hi.", "a b", "x?"]), min_size=1, max_size=3))
def test_a_chat_has_the_tokens_of_its_template(model: HfModel, contents: list[str]) -> None:
    roles = ("system", "user", "assistant")
    messages = [Message(role, text) for role, text in zip(roles, contents, strict=False)]
    chat = [{"role": message.role, "content": message.content} for message in messages]
    expected = model.tokenizer.apply_chat_template(
        chat, add_generation_prompt=True, return_dict=False
    )
    assert chat_ids(model.tokenizer, messages) == expected


@pytest.mark.model
@given(outside)
def test_the_content_of_a_chat_has_no_control_tokens(model: HfModel, text: str) -> None:
    control = set(model.tokenizer.added_tokens_decoder)
    plain = [i for i in chat_ids(model.tokenizer, [Message("user", "x")]) if i in control]
    assert [i for i in chat_ids(model.tokenizer, [Message("user", text)]) if i in control] == plain


# -------------------------------------------------------------------------------- the session


@pytest.mark.model
def test_pieces_are_the_text_of_the_tokens(model: HfModel) -> None:
    session = HfSession(model, ASK)
    before = len(session.ids)
    pieces = decode(session, 12)
    assert text_of(pieces) == model.tokenizer.decode(session.ids[before:])
    assert all(piece.tokens == 1 and not piece.partial for piece in pieces)


@pytest.mark.model
@pytest.mark.parametrize("text", [INTERRUPT, "\n", "é" * 40])
def test_after_an_append_the_scores_are_those_of_the_whole_context(
    model: HfModel, text: str
) -> None:
    session = HfSession(model, ASK)
    decode(session, 4)
    assert session.append(text) == len(content_ids(model.tokenizer, text))
    context = list(session.ids)
    decode(session, 3)
    for length in range(len(context), len(session.ids)):
        one_pass = scores(model, list(session.ids[:length]))
        assert session.ids[length] == int(one_pass.argmax())
    assert session.ids[: len(context)] == tuple(context)


@pytest.mark.model
def test_cached_scores_equal_those_of_one_pass(model: HfModel) -> None:
    from model_adapters.kv_context import KvContext

    ids = content_ids(model.tokenizer, "The sky over Paris is")
    context = KvContext(model.network, model.device, ids)
    context.scores()
    context.ids += content_ids(model.tokenizer, INTERRUPT)
    torch.testing.assert_close(context.scores(), scores(model, context.ids), atol=1e-3, rtol=1e-3)
    context.drop(5)
    torch.testing.assert_close(context.scores(), scores(model, context.ids), atol=1e-3, rtol=1e-3)


@pytest.mark.model
@settings(max_examples=10)
@given(st.integers(1, 8), st.data())
def test_a_rewind_drops_characters_and_bans_their_first_token(
    model: HfModel, steps: int, data: st.DataObject
) -> None:
    session = HfSession(model, ASK)
    start = len(session.ids)
    text = text_of(decode(session, steps))
    tokens = session.ids
    characters = data.draw(st.integers(1, len(text)))
    session.rewind(characters)
    left = text[: len(text) - characters]
    assert model.tokenizer.decode(session.ids[start:]) == left
    kept = len(session.ids)
    decode(session, 1)
    boundary = model.tokenizer.decode(tokens[start:kept]) == left
    assert not boundary or session.ids[kept] != tokens[kept]
    torch.testing.assert_close(
        session._context.scores(), scores(model, list(session.ids)), atol=1e-3, rtol=1e-3
    )


@pytest.mark.model
def test_a_rewind_stays_behind_the_last_append(model: HfModel) -> None:
    session = HfSession(model, ASK)
    decode(session, 2)
    session.append(INTERRUPT)
    written = len(text_of(decode(session, 2)))
    with pytest.raises(HostError, match="Embed/rewind"):
        session.rewind(written + 1)
    session.rewind(written)


@pytest.mark.model
def test_the_limit_counts_what_the_model_writes_only(model: HfModel) -> None:
    session = HfSession(model, ASK, max_tokens=5)
    decode(session, 2)
    session.append(INTERRUPT * 3)
    decode(session, 3)
    assert session.decode() == EndOfDecoding("length")
    session.append(INTERRUPT)
    assert session.decode() == EndOfDecoding("length")


@pytest.mark.model
def test_an_end_token_is_no_part_of_the_context(model: HfModel) -> None:
    session = HfSession(model, (Message("user", "Say only the word yes."),), max_tokens=200)
    while isinstance(session.decode(), Piece):
        context = session.ids
    assert session.ids == context
    assert session.decode() == EndOfDecoding("stop")
    session.append(INTERRUPT)
    assert not set(session.ids[len(context) :]) & model.end_tokens
    assert session.decode() != EndOfDecoding("length")


@pytest.mark.model
def test_a_character_of_several_tokens_is_partial_until_it_is_whole(
    model: HfModel, words: Vocabulary
) -> None:
    class OnlyEmoji(Constraint):
        """Makes the model write one given text."""

        plan = content_ids(model.tokenizer, "a 👩‍🚀 b")

        def mask(self):  # type: ignore[no-untyped-def]
            allowed = super().mask() & False
            allowed[self.plan[0]] = True
            return allowed

        def accept(self, token: int) -> None:
            super().accept(token)
            self.plan = self.plan[1:]

    session = HfSession(model, ASK, constraint=OnlyEmoji(words, ()))
    pieces = decode(session, len(OnlyEmoji.plan))
    assert text_of(pieces) == "a 👩‍🚀 b"
    assert any(piece.partial for piece in pieces)
    assert all(not piece.text for piece in pieces if piece.partial)

    session = HfSession(model, ASK, constraint=OnlyEmoji(words, ()))
    decode(session, 1 + [piece.partial for piece in pieces].index(True))
    with pytest.raises(HostError, match="Embed/append"):
        session.append(INTERRUPT)


@pytest.mark.model
def test_a_temperature_is_repeatable_by_its_seed(model: HfModel) -> None:
    def write(seed: int) -> str:
        session = HfSession(model, GREET, sampling=Sampling(temperature=1.5, seed=seed))
        return text_of([p for p in (session.decode() for _ in range(12)) if isinstance(p, Piece)])

    assert write(1) == write(1)
    assert len({write(1), write(2), write(3)}) > 1


@pytest.mark.model
def test_blocks_on_their_own_lines(model: HfModel) -> None:
    session = HfSession(model, ASK, own_lines=True)
    start = len(session.ids)
    session.append(INTERRUPT + INTERRUPT)
    assert model.tokenizer.decode(session.ids[start:]) == f"{INTERRUPT}\n{INTERRUPT}\n"
    written = text_of(decode(session, 1))
    start = len(session.ids)
    session.append(INTERRUPT)
    expected = f"{INTERRUPT}\n" if written.endswith("\n") else f"\n{INTERRUPT}\n"
    assert model.tokenizer.decode(session.ids[start:]) == expected


@pytest.mark.model
def test_a_constrained_session_calls_and_goes_on(model: HfModel, words: Vocabulary) -> None:
    tools = (ToolSignature("get_weather", (Parameter("city", Text()),), "The weather in a city."),)
    constraint = Constraint(words, tools, ToolChoice(required=1, at_most=1, brackets=False))
    session = HfSession(
        model,
        (Message("user", "What is the weather in Paris?"),),
        constraint=constraint,
        max_tokens=60,
    )
    text = ""
    while not text.endswith("[END]"):
        text += text_of(decode(session, 1))
    assert text.lstrip().startswith('[CALL] job1 [HEAD] get_weather(city="')
    session.append(INTERRUPT)
    assert "[" not in text_of(decode(session, 5))


# ------------------------------------------------------------------------------------- errors


@pytest.mark.model
def test_a_chat_that_is_too_long_is_refused(model: HfModel) -> None:
    with pytest.raises(AdapterError, match="make it shorter"):
        HfSession(model, (Message("user", "word " * 9000),))


@pytest.mark.model
def test_a_model_without_a_chat_template_cannot_be_asked(model: HfModel) -> None:
    template = model.tokenizer.chat_template
    model.tokenizer.chat_template = None
    try:
        with pytest.raises(AdapterError, match="no chat template"):
            HfSession(model, ASK)
    finally:
        model.tokenizer.chat_template = template


@pytest.mark.parametrize("files", [{}, {"config.json": "{}"}, {"config.json": "not json"}])
def test_a_folder_that_is_no_model_gets_one_message(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(AdapterError) as caught:
        load(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_device_gets_one_message(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(AdapterError, match="cannot be loaded"):
        load(tmp_path, device="abacus")


def test_the_default_model_is_not_fetched_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CML_CACHE", str(tmp_path))
    with pytest.raises(AdapterError, match="not in the cache"):
        load()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_a_missing_extra_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    (tmp_path / "config.json").write_text("{}")
    for name in [n for n in sys.modules if n.partition(".")[0] == package] or [package]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(AdapterError, match=r'pip install "cml-lang\[hf\]"'):
        load(tmp_path)


# ---------------------------------------------------------------------------------------- GPU


@pytest.mark.gpu
@pytest.mark.model
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_the_scores_are_those_of_the_whole_context() -> None:
    from model_adapters.embedded import fetch_embedded

    model = load(fetch_embedded(), device="cuda", dtype="float32")
    session = HfSession(model, ASK)
    decode(session, 4)
    session.append(INTERRUPT)
    context = list(session.ids)
    decode(session, 1)
    assert session.ids[len(context)] == int(scores(model, context).argmax())
