"""Models that reason between tags: what is there is no CML, neither for the mask nor for the machine."""

from typing import TYPE_CHECKING

import pytest
from extras import from_extra
from msgspec.structs import replace
from tool_texts import STRING, parameters

from cml.profile import Profile
from interpreter.tools.declared import Tool
from model_adapters.constraint.constraint import Constraint, Vocabulary, vocabulary
from model_adapters.constraint.following import ToolChoice
from model_adapters.hf.thinking import regions_of, without_begun_region
from model_adapters.prompt import Message
from model_adapters.tokens.chat_tokens import chat_ids

if TYPE_CHECKING:
    from transformers import TokenizersBackend

    from model_adapters.hf.model import HfModel

llguidance = from_extra("hf", "llguidance")
THINK = (("<think>", "</think>"),)
TOOLS = (Tool("now", "", parameters([], zone=STRING)),)
_BYTE_TOKENIZER = llguidance.LLTokenizer("byte")
BYTES = Vocabulary(_BYTE_TOKENIZER, _BYTE_TOKENIZER.vocab_size)
CALL = "[CALL] job1 [HEAD] now() [END]"
NEXT = "[CALL] job2 [HEAD] now() [END]"


@pytest.fixture(scope="session")
def thinker(tiny: "HfModel") -> "TokenizersBackend":
    """A tokenizer that has tokens for the tags."""
    from transformers import AddedToken, AutoTokenizer

    folder = tiny.tokenizer.name_or_path
    tokenizer: TokenizersBackend = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    tokenizer.add_tokens([AddedToken(tag, special=False) for tag in THINK[0]])
    return tokenizer


def fits(constraint: Constraint, tokens: list[int]) -> bool:
    for token in tokens:
        if not constraint.mask()[token]:
            return False
        constraint.accept(token)
    return True


STORIES = [
    (f"<think>any [INTR] thing {CALL} [END]</think>{CALL}", True),
    (f"<think>{CALL}</think>{NEXT}", False),  # a call that is only thought of is none
    (f"{CALL}<think>well, {NEXT}</think>{NEXT}", True),
    ("<think>one</think> two <think>three</think>", True),
    ("<think>one</think>[INTR]", False),
    ('[CALL] job1 [HEAD] now(zone="<think>") [END] and', True),
]


@pytest.mark.parametrize(("text", "allowed"), STORIES)
def test_in_a_region_anything_may_be_written(text: str, allowed: bool) -> None:
    constraint = Constraint(BYTES, TOOLS, ToolChoice(), Profile(regions=THINK))
    assert fits(constraint, list(text.encode())) == allowed


@pytest.mark.parametrize(("text", "allowed"), STORIES)
def test_tags_that_are_tokens_open_and_close_a_region(
    thinker: "TokenizersBackend", text: str, allowed: bool
) -> None:
    words = vocabulary(thinker, len(thinker), [int(thinker.eos_token_id)])
    constraint = Constraint(words, TOOLS, ToolChoice(), Profile(regions=THINK))
    inside = '"<think>"' in text
    assert fits(constraint, thinker.encode(text)) == (allowed and not inside)


def test_a_model_that_has_to_call_may_think_before(thinker: "TokenizersBackend") -> None:
    words = vocabulary(thinker, len(thinker), [int(thinker.eos_token_id)])
    choice = ToolChoice(required=1, brackets=False)
    constraint = Constraint(words, TOOLS, choice, Profile(regions=THINK))
    assert not constraint.mask()[thinker.encode("x")[0]]
    assert fits(constraint, thinker.encode(f"<think>x {NEXT}</think>\n{CALL} It"))


def test_a_rollback_out_of_a_region_goes_back_to_the_mask_before(
    thinker: "TokenizersBackend",
) -> None:
    words = vocabulary(thinker, len(thinker), [int(thinker.eos_token_id)])
    constraint = Constraint(words, TOOLS, ToolChoice(required=1), Profile(regions=THINK))
    before = constraint.mask()
    tokens = thinker.encode("<think>x")
    assert fits(constraint, tokens)
    assert constraint.mask().all()
    constraint.rollback(len(tokens))
    assert (constraint.mask() == before).all()


def test_the_tags_of_a_model_are_those_that_it_has_tokens_for(
    tiny: "HfModel", thinker: "TokenizersBackend"
) -> None:
    assert regions_of(tiny.tokenizer) == ()
    assert regions_of(thinker) == THINK


@pytest.mark.parametrize(
    ("prompt", "left"),
    [
        ("a <think>", "a "),
        ("a <think>\n\n", "a "),
        ("a <think></think>\n", "a <think></think>\n"),
        ("a\n", "a\n"),
    ],
)
def test_a_prompt_leaves_it_to_the_model_to_begin_to_think(prompt: str, left: str) -> None:
    assert without_begun_region(prompt, THINK) == left


def test_a_chat_template_that_begins_to_think_does_not(
    tiny: "HfModel", thinker: "TokenizersBackend"
) -> None:
    plain = thinker.chat_template
    chat = (Message("user", "Hi <think>"),)
    thinking = replace(tiny, tokenizer=thinker)
    expected = chat_ids(thinking, chat)
    try:
        thinker.chat_template = f"{plain}<think>\n"
        assert chat_ids(thinking, chat) == expected
    finally:
        thinker.chat_template = plain
    assert thinker.get_added_vocab()["<think>"] not in expected
