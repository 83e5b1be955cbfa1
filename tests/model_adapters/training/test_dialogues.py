"""Dialogues: valid whatever is drawn, the same for the same seed, and told with the prompt of use."""

import json
from io import BytesIO
from itertools import islice
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from trying import tries

from cml.diagnostics import Severity
from cml.profile import Body
from cml.validity import validate
from interpreter.tools.names import spelled_tools
from interpreter.tools.signature import tool_of
from model_adapters.prompt import speaker_messages
from model_adapters.training.data.authors import asks_twice
from model_adapters.training.data.boxes import is_held_out, key_of, scene_of
from model_adapters.training.data.catalog import read_catalog
from model_adapters.training.data.dialogues import Dialogue, draw_dialogues
from model_adapters.training.data.files import (
    Contents,
    leaks,
    read_dialogues,
    without_doubles,
    write_dialogues,
)
from model_adapters.training.data.stories import Earlier
from model_adapters.training.data.variety import WIDE, Variety
from model_adapters.training.evaluation.trials import function_of
from model_adapters.training.recipe.spelling import words

SEEDS = st.integers(0, 10**6)


def some(
    seed: int, count: int = 6, split: str = "train", per_box: int = 3, variety: Variety = WIDE
) -> list[Dialogue]:
    return [*islice(draw_dialogues(seed, scene_of(split, variety), words, per_box=per_box), count)]


def written(dialogues: list[Dialogue]) -> tuple[bytes, Contents]:
    file = BytesIO()
    contents = write_dialogues(file, dialogues, "dialogues")
    return file.getvalue(), contents


@tries(10)
@given(SEEDS)
def test_every_dialogue_is_valid_and_tells_the_model_what_a_session_would(seed: int) -> None:
    for dialogue in some(seed):
        assert not asks_twice(dialogue.story)
        faults = [f for f in validate(dialogue.answer) if f.severity is Severity.ERROR]
        assert faults == []
        offered = [tool_of(function_of(tool), tool.name) for tool in dialogue.tools]
        told = speaker_messages(spelled_tools(offered, Body.PYTHON), dialogue.story.question)
        assert told == dialogue.messages


@tries(10)
@given(SEEDS)
def test_the_runtime_alone_writes_interrupts_and_says_by_which_rule(seed: int) -> None:
    for dialogue in some(seed):
        by_model = "".join(each.text for each in dialogue.segments if each.by == "model")
        by_runtime = [each.text for each in dialogue.segments if each.by == "runtime"]
        assert "[INTR]" not in by_model
        assert len(by_runtime) <= len(dialogue.delivered)
        assert {delivered.rule for delivered in dialogue.delivered} <= {"Settle/deliver"}
        told = sum(text.count("[INTR]") for text in by_runtime)
        assert told == sum(len(delivered.interrupts) for delivered in dialogue.delivered)


@tries(10)
@given(SEEDS)
def test_the_same_seed_gives_the_same_bytes(seed: int) -> None:
    assert written(some(seed)) == written(some(seed))


@tries(10)
@given(SEEDS)
def test_the_two_halves_call_nothing_in_common(seed: int) -> None:
    _, train = written(some(seed, 12))
    _, test = written(some(seed, 12, "test"))
    assert set(leaks(train, test).values()) == {0}
    assert not [fact for fact in train.facts if is_held_out(fact)]


def test_both_halves_have_facts_deeds_and_chains() -> None:
    for split in ("train", "test"):
        catalog = scene_of(split).catalog
        assert len(catalog.facts) >= 20
        assert len(catalog.deeds) >= 8
        assert catalog.chains
    whole = read_catalog()
    train, test = scene_of("train").catalog, scene_of("test").catalog
    assert {*map(key_of, train.facts)} | {*map(key_of, test.facts)} == {*map(key_of, whole.facts)}
    assert {*train.chains} & {*test.chains} == set()


@tries(10)
@given(SEEDS)
def test_rows_are_read_back_and_doubles_left_out(seed: int) -> None:
    dialogues = some(seed)
    lines, contents = written([*dialogues, *dialogues])
    rows = [*read_dialogues(BytesIO(lines))]
    assert contents.dialogues == len(rows) <= len(dialogues)
    assert contents.doubles == 2 * len(dialogues) - len(rows)
    assert [*without_doubles([*dialogues, *dialogues])] == [*without_doubles(dialogues)]
    assert len([*without_doubles(dialogues)]) == len(rows)


@tries(10)
@given(SEEDS)
def test_chat_messages_hold_the_whole_context(seed: int) -> None:
    file, dialogues = BytesIO(), some(seed)
    write_dialogues(file, dialogues, "messages")
    for line in file.getvalue().splitlines():
        *prompt, answer = json.loads(line)["messages"]
        [found] = [d for d in dialogues if d.answer == answer["content"]][:1]
        assert [message["content"] for message in prompt] == [m.content for m in found.messages]


def test_many_dialogues_hold_every_shape_and_interrupts_in_the_midst_of_prose() -> None:
    _, contents = written(some(7, 600, per_box=6))
    shapes = {"one", "deed", "several facts", "several things", "mixed", "chain", "future"}
    assert contents.shapes.keys() >= shapes | {"failure", "added", "changed", "no tool"}
    assert contents.midst > 30
    assert max(contents.tools) >= 12
    assert {0, 1, 2, 3, 4} <= contents.calls.keys()


# ------------------------------------------------------------------------- variety switched off


@tries(10)
@given(SEEDS, st.integers(6, 30))
def test_few_tools_are_always_the_same_ones(seed: int, tools: int) -> None:
    offered = {
        tool.name: (tool.description, tool.parameters)
        for dialogue in some(seed, 12, variety=Variety(tools=tools))
        for tool in dialogue.tools
    }
    assert len(offered) <= tools
    again = some(seed + 1, 12, variety=Variety(tools=tools))
    alike = [tool for dialogue in again for tool in dialogue.tools if tool.name in offered]
    assert all(offered[tool.name] == (tool.description, tool.parameters) for tool in alike)


@tries(10)
@given(SEEDS, st.integers(2, 9))
def test_few_names_are_few(seed: int, names: int) -> None:
    drawn = scene_of("train", Variety(names=names)).names
    chance = Random(seed)
    for kind in ("city", "person", "flight", "quote", "nothing that is known"):
        assert len({drawn.draw(chance, kind) for _ in range(100)}) <= names


@tries(10)
@given(SEEDS)
def test_each_variety_can_be_switched_off(seed: int) -> None:
    for dialogue in some(seed, variety=Variety(chains=False, chain_weight=9, wide_chains=True)):
        arguments = [value for wish in dialogue.story.wishes for value in wish.arguments.values()]
        assert not any(isinstance(value, Earlier) for value in arguments)
    for dialogue in some(seed, variety=Variety(estimates=0, progress=0)):
        assert all(tool.estimate_us is None for tool in dialogue.tools)
        assert not any(wish.progress for wish in dialogue.story.wishes)
    _, contents = written(some(seed, 12, variety=Variety(midst=0)))
    assert contents.midst == 0


WIDE_CHAINS = Variety(chain_weight=2.5, wide_chains=True)


@tries(10)
@given(SEEDS)
def test_wide_chains_keep_to_their_half(seed: int) -> None:
    for split in ("train", "test"):
        _, contents = written(some(seed, 12, split, variety=WIDE_CHAINS))
        assert {is_held_out(fact) for fact in contents.facts} <= {split == "test"}


def test_chains_come_more_often_and_wide_ones_of_every_argument_and_of_invented_facts() -> None:
    _, plain = written(some(7, 600))
    _, more = written(some(7, 600, variety=Variety(chain_weight=2.5)))
    _, wide = written(some(7, 600, variety=WIDE_CHAINS))
    assert 2 * plain.takers.total() < more.takers.total() < 0.5 * more.dialogues
    arithmetic = ("add", "multiply", "root")
    shares = [
        sum(each.takers[name] for name in arithmetic) / each.takers.total() for each in (more, wide)
    ]
    assert shares[0] > 0.5 > shares[1] > 0
    assert len(wide.takers) > len(more.takers)
    known = {key_of(fact) for fact in read_catalog().facts} | {*read_catalog().deeds}
    asked = [
        dialogue.story.facts[0]
        for dialogue in some(7, 600, variety=WIDE_CHAINS)
        if dialogue.shape in {"chain", "future"}
    ]
    assert 0.2 < sum(fact not in known for fact in asked) / len(asked) < 0.6


def test_there_is_every_variety_unless_it_is_switched_off() -> None:
    dialogues = some(7, 200)
    wishes = [wish for dialogue in dialogues for wish in dialogue.story.wishes]
    assert any(isinstance(value, Earlier) for w in wishes for value in w.arguments.values())
    assert any(tool.estimate_us for dialogue in dialogues for tool in dialogue.tools)
    assert any(wish.progress for wish in wishes)
    assert len({tool.name for dialogue in dialogues for tool in dialogue.tools}) > 100
