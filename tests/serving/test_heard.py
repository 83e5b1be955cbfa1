"""What a person hears, and what readers of rows see: the same however it comes."""

import asyncio
import random
import re

from hypothesis import given
from hypothesis import strategies as st

import cml
from cml.ast import OutcomeKind, Text
from cml.profile import Profile
from interpreter import ScriptedSession, Settings, run_virtual
from interpreter.events import Outcome, Row
from model_adapters.serving.chat_api.heard import Heard, HeardText
from model_adapters.serving.live.row_log import EndOfRows, RowLog

PROSE = st.text(alphabet=" \n\\[]CALTRPEND.aé", max_size=12)
BLOCK = st.sampled_from(("[CALL] f() [END]", "[TRAP][END]", "[CALL] oh( [END]", "[TRAP] all [END]"))
TAGS = st.sampled_from(("<think>", "</think>", "<think>", "</thi", "<think>[CALL] f() [END]"))
ESCAPED = st.sampled_from((r"\[CALL]", "\\\\[TRAP][END]", r"\\\[END]", "\\", r"\[CAL", r"a\\ "))
THOUGHT = re.compile(r"<think>(.*?)(?:</think>|\Z)", re.DOTALL)
PLAIN, THINKING = Profile(), Profile(regions=(("<think>", "</think>"),))


def heard(pieces: list[str], profile: Profile) -> tuple[HeardText, str]:
    """What is heard of a script in such pieces, and the context in the end."""
    session = ScriptedSession(pieces)
    returned = Outcome(OutcomeKind.RETURNED, "[CALL] no [END]")
    settings = Settings(profile, functions=("f",))
    hearing = Heard(profile.regions)
    rows = run_virtual(session, lambda _: [(20_000, returned)], settings)
    parts = [*map(hearing.take, rows), hearing.end()]
    return HeardText(*map("".join, zip(*parts, strict=True))), session.context


def by_the_tree(context: str, profile: Profile) -> HeardText:
    """The same, by the tree of the context: stretches of prose, and what stands between think tags."""
    prose: list[str | None] = []
    thought: list[str | None] = []
    for item in cml.parse(context, profile).items:
        if not isinstance(item, Text):
            prose.append(None)
            continue
        said, *thoughts = THOUGHT.split(item.text) if profile.regions else [item.text]
        prose.append(said)
        for within, after in zip(thoughts[::2], thoughts[1::2], strict=True):
            thought += [within, None]
            prose += [None, after]
    return HeardText(as_one(prose), as_one(thought))


def as_one(stretches: list[str | None]) -> str:
    """Stretches of text as one; None is a seam between them."""
    told, space, seam = "", "", False
    for stretch in stretches:
        if stretch is None:
            seam = True
            continue
        for part in re.findall(r"\s+|\S+", stretch):
            if part.isspace():
                space += part
                continue
            if told:
                told += ("\n" if "\n" in space else " ") if seam else space
            told, space, seam = told + part, "", False
    return told


@given(
    st.lists(st.one_of(PROSE, BLOCK, ESCAPED, TAGS), max_size=8),
    st.sampled_from((PLAIN, THINKING)),
    st.randoms(use_true_random=False),
)
def test_what_is_heard_is_the_prose_of_the_tree_however_it_is_cut(
    parts: list[str], profile: Profile, chance: random.Random
) -> None:
    text = "".join(parts)
    pieces, rest = [], text
    while rest:
        size = chance.randint(1, 6)
        pieces.append(rest[:size])
        rest = rest[size:]
    for cut in (pieces, [text] if text else []):
        found, context = heard(cut, profile)
        assert found == by_the_tree(context, profile)


@given(
    st.lists(st.integers(0, 700), max_size=12),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=6),
)
def test_every_reader_sees_each_row_once_and_in_order(
    instants: list[int], readers: list[tuple[int, int]]
) -> None:
    rows = [Row(number, "Step/text") for number in range(1, sum(instants) + 1)]

    async def story() -> None:
        log = RowLog()

        async def read(after: int, pause: int) -> list[Row]:
            seen = []
            async for found in log.follow(after, 60):
                seen += found
                for _ in range(pause):  # one that is slow
                    await asyncio.sleep(0)
            return seen

        async def write() -> None:
            begun = 0
            for size in instants:
                log.write(rows[begun : begun + size])
                begun += size
                await asyncio.sleep(0)
            log.end(EndOfRows("over"))

        _, *seen = await asyncio.gather(write(), *(read(*one) for one in readers))
        assert seen == [rows[after:] for after, _ in readers]

    asyncio.run(story())


def test_a_reader_gets_a_sign_of_life() -> None:
    async def story() -> None:
        log = RowLog()
        following = log.follow(0, 0.01)
        assert await anext(following) == ()
        log.write([Row(1, "Step/text")])
        assert await anext(following) == [Row(1, "Step/text")]
        await following.aclose()  # type: ignore[attr-defined]

    asyncio.run(story())
