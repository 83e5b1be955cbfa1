"""The recipe: what is learnt, what packing keeps, what a checkpoint keeps, what 8 bits keep."""

import copy
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from extras import from_extra
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from interpreter.tools.signature import tool_of
from model_adapters.backends import Request, open_backend
from model_adapters.embedded.speaker.spelling import set_names_apart
from model_adapters.errors import AdapterError
from model_adapters.hf.session import HfSession
from model_adapters.prompt import speaker_messages
from model_adapters.tokens.chat_tokens import chat_ids
from model_adapters.training.data.boxes import scene_of
from model_adapters.training.data.dialogues import Dialogue, draw_dialogues
from model_adapters.training.recipe.packing import Pack, pack, packs_of
from model_adapters.training.recipe.plan import Recipe, TrainingProgress, part_over, rate_at
from model_adapters.training.recipe.spelling import words
from model_adapters.training.recipe.tokens import DialogueTokens, dialogue_tokens

if TYPE_CHECKING:
    import torch
    from transformers import TokenizersBackend

    from model_adapters.embedded.speaker.weights import WeightChange
    from model_adapters.hf.model import HfModel


LOOKS_BACK = pytest.mark.parametrize("tiny", ["full attention"], indirect=True)
"""Packs are for models that look all the way back."""

RECIPE = Recipe(minutes=10, rank=4, packs=2, longest=4_000, rate=1e-2, checkpoint_s=1e9)


def dialogues(count: int, seed: int = 3) -> list[Dialogue]:
    drawn = draw_dialogues(seed, scene_of("train"), words, per_box=3)
    return [*islice((each for each in drawn if len(each.tools) < 5), count)]


def tokens_of(model: "HfModel", count: int) -> list[DialogueTokens]:
    return [dialogue_tokens(model, each.messages, each.segments) for each in dialogues(count)]


# ------------------------------------------------------------------------------------- packing

IDS = st.lists(st.integers(0, 9), min_size=1, max_size=6)
BRANCHES = st.lists(st.tuples(IDS, IDS), min_size=1, max_size=5)


def groups_of(
    shared: list[int], branches: list[tuple[list[int], list[int]]]
) -> list[DialogueTokens]:
    return [
        DialogueTokens(
            [*shared, *asked, *written],
            [*([False] * (len(shared) + len(asked))), *([True] * len(written))],
        )
        for asked, written in branches
    ]


@given(IDS, BRANCHES, st.integers(1, 60))
def test_packs_hold_every_dialogue_once_and_what_it_sees_is_itself(
    shared: list[int], branches: list[tuple[list[int], list[int]]], longest: int
) -> None:
    group = groups_of(shared, branches)
    packs = [*pack([group], longest)]
    assert sum(one.dialogues for one in packs) == len(group)
    seen = [alone for one in packs for alone in unpacked(one)]
    assert seen == [(tokens.ids, tokens.learn) for tokens in group]
    assert all(len(one.ids) <= longest or one.dialogues == 1 for one in packs)


def unpacked(one: Pack) -> list[tuple[list[int], list[bool]]]:
    """What the last token of each dialogue sees, in the order of positions."""
    mask = one.mask()[0, 0]
    found = []
    for number in range(1, one.dialogues + 1):
        last = max(place for place, branch in enumerate(one.branches) if branch == number)
        places = [place for place in range(len(one.ids)) if mask[last, place]]
        assert [one.positions[place] for place in places] == [*range(len(places))]
        found.append(([one.ids[p] for p in places], [one.learn[p] for p in places]))
    return found


@LOOKS_BACK
def test_a_packed_loss_is_the_sum_of_those_of_its_dialogues(tiny: "HfModel") -> None:
    import torch

    from model_adapters.training.recipe.loop import pack_loss

    group = tokens_of(tiny, 3)
    [packed] = pack([group], 10_000)
    with torch.no_grad():
        together = pack_loss(tiny.network, packed)
        alone = sum(pack_loss(tiny.network, one) for each in group for one in pack([[each]], 1))
        assert torch.isclose(together, torch.as_tensor(alone), rtol=1e-4)
        assert torch.isclose(together, sum(plain_loss(tiny, each) for each in group), rtol=1e-4)


def plain_loss(model: "HfModel", tokens: DialogueTokens) -> "torch.Tensor":
    import torch

    scores = model.network(torch.tensor([tokens.ids])).logits[0, :-1]
    learn = torch.tensor(tokens.learn[1:])
    wanted = torch.tensor(tokens.ids[1:])
    return torch.nn.functional.cross_entropy(scores[learn], wanted[learn], reduction="sum")


@LOOKS_BACK
def test_nothing_of_an_interrupt_and_nothing_of_a_prompt_is_learnt(tiny: "HfModel") -> None:
    for dialogue in dialogues(8):
        tokens = dialogue_tokens(tiny, dialogue.messages, dialogue.segments)
        learnt = [token for token, learn in zip(tokens.ids, tokens.learn, strict=True) if learn]
        by_model = "".join(each.text for each in dialogue.segments if each.by == "model")
        assert learnt[-1] == tiny.tokenizer.eos_token_id
        assert tiny.tokenizer.decode(learnt[:-1]) == by_model


# ------------------------------------------------------------------------------------ training


@LOOKS_BACK
@pytest.mark.parametrize("rank", [4, 0])
def test_training_learns_and_goes_on_from_its_checkpoint(
    tiny: "HfModel", tmp_path: Path, rank: int
) -> None:
    from_extra("train", "peft")
    from model_adapters.training.recipe.loop import train

    told: list[TrainingProgress] = []
    recipe = replace(RECIPE, rank=rank)
    first = fresh(tiny)
    packs = [*pack([tokens_of(first, 3)] * 8, 4_000)]
    train(first.network, packs[:4], recipe, tmp_path, told.append)
    assert told[-1].step == 2
    again = fresh(tiny)
    trained, progress = train(again.network, packs, recipe, tmp_path, told.append)
    assert [one.step for one in told] == [1, 2, 3, 4]
    assert progress.packs == len(packs)
    assert told[-1].loss < told[0].loss
    assert all(each.requires_grad is False for each in trained.values())


@LOOKS_BACK
def test_training_begins_with_what_an_earlier_one_left(tiny: "HfModel", tmp_path: Path) -> None:
    torch = from_extra("hf", "torch")
    from_extra("train", "peft")
    from model_adapters.embedded.speaker.weights import WEIGHTS_NAME, read_weights
    from model_adapters.training.recipe.loop import pack_loss, train
    from model_adapters.training.recipe.result import write_result

    def trained_on(packs: list[Pack], folder: Path, start: "WeightChange | None") -> "HfModel":
        model = fresh(tiny)
        weights, progress = train(model.network, packs, recipe, folder, lambda _: None, start=start)
        write_result(
            folder,
            model,
            weights,
            recipe=recipe,
            progress=progress,
            how=f"cml train for {folder.name}",
            is_embedded=True,
            start=start,
        )
        return model

    packs = [*pack([tokens_of(tiny, 3)] * 8, 4_000)]
    recipe = replace(RECIPE, tokens=sum(len(one.ids) for one in packs))
    first = trained_on(packs, tmp_path / "first", None)
    left = read_weights(tmp_path / "first" / WEIGHTS_NAME)
    second = trained_on([], tmp_path / "second", left)
    with torch.no_grad():
        losses = [float(pack_loss(each.network, packs[0])) for each in (tiny, first, second)]
    learnt = losses[0] - losses[1]
    assert learnt > 0
    assert losses[2] == pytest.approx(losses[1], abs=0.1 * learnt)  # but for 8 bits
    about = read_weights(tmp_path / "second" / WEIGHTS_NAME).about
    assert about["dialogues"] == left.about["dialogues"] != "0"
    assert about["how"] == "cml train for first; from its weights, cml train for second"
    assert "made by: cml train for first" in (tmp_path / "second" / "README.md").read_text()
    trained_on([], tmp_path / "third", replace(left, about={"dialogues": "many"}))
    assert read_weights(tmp_path / "third" / WEIGHTS_NAME).about["dialogues"] == "0"
    with pytest.raises(AdapterError, match="rank 4; name this rank"):
        train(
            fresh(tiny).network, [], replace(RECIPE, rank=8), tmp_path, lambda _: None, start=left
        )


@LOOKS_BACK
def test_tokens_are_the_limit_where_they_are_given(tiny: "HfModel", tmp_path: Path) -> None:
    from_extra("train", "peft")
    from model_adapters.training.recipe.loop import train

    told: list[TrainingProgress] = []
    model = fresh(tiny)
    packs = [*packs_of(model, dialogues(3), 4_000)] * 8
    step = 2 * len(packs[0].ids)
    recipe = replace(RECIPE, tokens=step + 1)
    train(model.network, packs, recipe, tmp_path, told.append)
    assert [one.tokens for one in told] == [step, 2 * step]
    assert [part_over(recipe, one) >= 1 for one in told] == [False, True]


def fresh(model: "HfModel") -> "HfModel":
    return replace(model, network=copy.deepcopy(model.network))


@given(st.floats(0, 1), st.floats(0.01, 0.4), st.floats(0.01, 0.6))
def test_the_rate_rises_stays_and_falls_to_nothing(
    part: float, warmup: float, decay: float
) -> None:
    recipe = replace(RECIPE, warmup=warmup, decay=decay)
    assert rate_at(recipe, 0) == 0
    assert rate_at(recipe, 1) == 0
    assert 0 <= rate_at(recipe, part) <= recipe.rate
    assert rate_at(recipe, warmup) == pytest.approx(recipe.rate)


@LOOKS_BACK
@pytest.mark.parametrize("rank", [4, 0])
def test_another_model_is_written_whole_and_opened_as_one_that_speaks(
    tiny: "HfModel", tmp_path: Path, rank: int
) -> None:
    torch = from_extra("hf", "torch")
    from_extra("train", "peft")
    from model_adapters.hf.model import load
    from model_adapters.training.recipe.loop import train
    from model_adapters.training.recipe.result import write_result

    model, recipe = fresh(tiny), replace(RECIPE, rank=rank, names_apart=False)
    packs = [*pack([tokens_of(model, 3)] * 4, 4_000)]
    trained, progress = train(model.network, packs, recipe, tmp_path / "on", lambda _: None)
    ids = torch.tensor([packs[0].ids])
    with torch.no_grad():
        before = model.network(ids).logits
    write_result(
        tmp_path,
        model,
        trained,
        recipe=recipe,
        progress=progress,
        how="cml train",
        is_embedded=False,
    )
    again = load(tmp_path, device="cpu", dtype="float32")
    assert again.name == f"{tiny.name}-CML"
    with torch.no_grad():
        assert torch.allclose(again.network(ids).logits, before, atol=1e-4)
        assert not torch.allclose(tiny.network(ids).logits, before, atol=1e-4)
    asked = Request(
        f"hf:{tmp_path}", "In Oslo?", {"get_time": get_time}, masked=False, device="cpu"
    )
    opened = open_backend(asked)
    assert isinstance(opened.session, HfSession)
    told = chat_ids(again, speaker_messages([tool_of(get_time)], "In Oslo?"))
    assert opened.session.ids == tuple(told)
    opened.session.close()
    with closing(open_backend(replace(asked, sessions=2)).session) as together:
        assert together.decode() is not None


def get_time(city: str) -> str:
    """The local time in a city."""
    raise AssertionError(city)


# ----------------------------------------------------------------------------------- 8 bits


@LOOKS_BACK
def test_weights_in_8_bits_are_close_and_are_refused_where_they_do_not_fit(
    tiny: "HfModel", tmp_path: Path
) -> None:
    import torch

    from model_adapters.embedded.speaker.weights import merge_weights, write_weights

    layer = "model.layers.0.self_attn.q_proj"
    weight = tiny.network.get_parameter(f"{layer}.weight")
    before = weight.detach().clone()
    first, second = torch.randn(4, weight.shape[1]), torch.randn(weight.shape[0], 4)
    path = tmp_path / "w.safetensors"
    write_weights(path, {layer: (first, second)}, {"name": "n"})
    try:
        assert merge_weights(tiny.network, path) == {"name": "n"}
        change = weight.detach() - before
        assert (change - second @ first).abs().max() < 0.05 * (second @ first).abs().max()
    finally:
        with torch.no_grad():
            weight.copy_(before)
    write_weights(path, {"model.layers.0.nothing": (first, second)}, {})
    with pytest.raises(AdapterError, match="do not fit the model"):
        merge_weights(tiny.network, path)
    path.write_bytes(b"x")
    with pytest.raises(AdapterError, match="no weights of `cml train`"):
        merge_weights(tiny.network, path)


# ------------------------------------------------------------------------------------ spelling


@pytest.mark.model
@given(st.text(alphabet="abzA Zé0._@-\n東", max_size=30))
def test_names_apart_keep_every_text(apart: "TokenizersBackend", text: str) -> None:
    assert apart.decode(apart.encode(text), clean_up_tokenization_spaces=False) == text


@pytest.mark.model
@pytest.mark.parametrize("name", ["Tokyo", "New York", "Kyiv", "Łódź", "x1@ab.org", "get_time"])
def test_a_name_has_the_same_tokens_in_a_question_and_in_an_argument(
    apart: "TokenizersBackend", name: str
) -> None:
    alone = apart.encode(name)
    asked, given = apart.encode(f"where is {name}"), apart.encode(f'[HEAD] f(city="{name}')
    assert asked[-len(alone) :] == given[-len(alone) :] == alone


@pytest.fixture(scope="module")
def apart(model: "HfModel") -> "TokenizersBackend":
    tokenizer = copy.deepcopy(model.tokenizer)
    set_names_apart(tokenizer)
    return tokenizer
