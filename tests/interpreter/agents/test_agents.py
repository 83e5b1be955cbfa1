"""Agents: what one sends another is told, once and in order, and every conversation comes to an end."""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trying import tries

from cml.ast import OutcomeKind
from cml.profile import Level, Limits, Profile
from interpreter import EndOfDecoding, HostError, Piece, ScriptedSession, Sessions, Settings
from interpreter.agents import Agents, Letter, VirtualAgent, VirtualAgents
from interpreter.agents.post import Post
from interpreter.drivers.form import MOST_WAITING
from interpreter.drivers.replay import replay
from interpreter.events import Began, Inject, Outcome, Returned, Row, Said, Start, Stopped
from interpreter.scripted import pieces_of
from interpreter.tools.describing import describe_tool
from interpreter.tools.signature import tool_of
from interpreter.trace import Header, check_trace, encode_header, encode_row

PAGE = Path(__file__).parents[3] / "docs" / "agents.md"
[EXAMPLE] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
NAMES = ("writer", "critic", "a1b", "_")
END = EndOfDecoding("stop")
DONE = Outcome(OutcomeKind.RETURNED, 1)


def send(number: int, to: str, text: str) -> str:
    return f'[CALL] m{number} [HEAD] send(to="{to}", text="{text}") [END]'


class Story(msgspec.Struct, frozen=True):
    """An agent: what it writes, and what happens to it."""

    name: str
    pieces: tuple[Piece | EndOfDecoding | str, ...]
    settings: Settings = Settings()
    planned: tuple[tuple[int, Began | Said | Stopped], ...] = ()
    call_us: int = 1_000
    waits: bool = False

    def virtual(self) -> VirtualAgent:
        return VirtualAgent(
            self.name,
            ScriptedSession(self.pieces),
            lambda _: [(self.call_us, DONE)],
            self.settings,
            planned=self.planned,
            waits=self.waits,
        )


class Told(msgspec.Struct, frozen=True):
    """What can be seen of a conversation: by the name of the reader, in order."""

    sent: dict[str, list[str]]
    said: dict[str, list[str]]
    read: dict[str, list[str]]
    left: list[Letter]


def seen(rows: dict[str, list[Row]], everything: list[tuple[str, Row]], left) -> Told:
    returned = {
        (name, row.event.call)
        for name, row in everything
        if isinstance(row.event, Returned) and row.event.outcome == Outcome(DONE.kind, True)
    }
    sent, said, read = defaultdict(list), defaultdict(list), defaultdict(list)
    for name, row in everything:
        if isinstance(row.event, Said):
            said[name].append(row.event.text)
        for effect in row.effects:
            match effect:
                case Start(call=call, function="send", kwargs=given) if (name, call) in returned:
                    sent[given["to"]].append(given["text"])
                case Inject(interrupts):
                    read[name] += [d.outcome.value for d in interrupts if is_message(d.id)]
    return Told(sent, said, read, [*left])


def is_message(identifier: str) -> bool:
    return identifier.startswith(("agent_", "user"))


def by_name(everything: list[tuple[str, Row]]) -> dict[str, list[Row]]:
    rows = defaultdict(list)
    for name, row in everything:
        rows[name].append(row)
    return rows


def ran(agents, message_us: int = 1):
    """Run agents under the virtual clock: their rows, all of them in order, and what was seen."""
    team = VirtualAgents(agents, message_us)
    everything = list(team.run())
    rows = by_name(everything)
    return rows, everything, seen(rows, everything, team.left_over)


# -------------------------------------------------------------------------- stories of any agents


def written(action: str, number: int) -> list[Piece | EndOfDecoding | str]:
    match action:
        case "trap":
            return pieces_of("[TRAP][END]")
        case "all":
            return pieces_of("[TRAP] all [END]")
        case "call":
            return pieces_of(f"[CALL] c{number} [HEAD] f() [END]")
        case "text":
            return [Piece(" words", took_us=1_000 * (number % 20))]
        case "turn":
            return [END]
        case "length":
            return [EndOfDecoding("length")]
        case to:
            return pieces_of(send(number, to, f"message {number}"))


@st.composite
def stories(draw) -> list[Story]:
    """Agents that write, wait, call, are stopped, and come to every kind of end."""
    names = NAMES[: draw(st.integers(2, 4))]
    others = ["nobody", "trap", "all", "call", "text", "turn", "turn", "length"]
    numbers = count(1)
    made = []
    for name in names:
        actions = draw(st.lists(st.sampled_from([*names, *names, *others]), max_size=12))
        limits = Limits(agent_hops=draw(st.integers(1, 4)), agent_messages=draw(st.integers(0, 3)))
        settings = Settings(
            profile=Profile(limits=limits),
            end=draw(st.sampled_from(["drain", "drain", "detach", "cancel", "fail"])),
            deliver=draw(st.sampled_from(["any", "any", "word", "line", "idle"])),
            layout=draw(st.sampled_from(["inline", "lines"])),
        )
        times = st.lists(st.integers(0, 200_000), max_size=2, unique=True)
        planned = [(at_us, Said(f"a person {name} {at_us}")) for at_us in draw(times)]
        if draw(st.integers(0, 3)) == 0:
            planned.append((draw(st.integers(1, 200_000)), Stopped()))
        pieces = [piece for action in actions for piece in written(action, next(numbers))]
        call_us, waits = draw(st.integers(0, 50_000)), draw(st.booleans())
        made.append(Story(name, tuple(pieces), settings, tuple(planned), call_us, waits))
    return made


delays = st.integers(1, 30_000)


@tries(50)
@given(stories(), delays)
def test_each_message_is_read_once_in_the_order_of_sending_or_is_left_over(told, delay) -> None:
    found = ran([story.virtual() for story in told], delay)[2]
    for name in (story.name for story in told):
        sent, said, read = found.sent[name], found.said[name], found.read[name]
        left = [letter.said.text for letter in found.left if letter.to == name]
        from_agents = [text for text in said if not text.startswith("a person")]
        assert from_agents == sent[: len(from_agents)]
        assert read == said[: len(read)]
        lost_on_the_way = sent[len(from_agents) :]
        assert left == [*said[len(read) :], *lost_on_the_way]


@tries(50)
@given(stories(), delays)
def test_a_conversation_keeps_its_bounds(told, delay) -> None:
    rows, everything, found = ran([story.virtual() for story in told], delay)
    limits = {story.name: story.settings.profile.limits for story in told}
    for name, row in everything:
        if isinstance(row.event, Said):
            assert row.event.hops < limits[name].agent_hops
    for name in rows:
        assert all(sent <= limits[name].agent_messages for sent in sent_by_turn(rows[name]))
    persons = sum(text.startswith("a person") for texts in found.said.values() for text in texts)
    begun = len(told) + persons
    most = max(limit.agent_messages for limit in limits.values())
    hops = max(limit.agent_hops for limit in limits.values())
    messages = sum(map(len, found.sent.values()))
    assert messages <= begun * sum(most**n for n in range(1, hops + 1))
    turns = sum(isinstance(row.event, Began) for _, row in everything)
    assert turns <= len(told) + messages + persons


def sent_by_turn(rows: list[Row]) -> Iterator[int]:
    started = {
        e.call for row in rows for e in row.effects if isinstance(e, Start) and e.function == "send"
    }
    sent = 0
    for row in rows:
        match row.event:
            case Began():
                yield sent
                sent = 0
            case Returned(call, outcome) if call in started:
                sent += outcome.kind is OutcomeKind.RETURNED
    yield sent


@tries(50)
@given(stories(), delays)
def test_a_message_says_how_many_it_follows_from(told, delay) -> None:
    _, everything, _ = ran([story.virtual() for story in told], delay)
    hops_of, follows, sends = {}, Counter(), {}
    for at, (name, row) in enumerate(everything):
        match row.event:
            case Began():
                follows[name] = 0
            case Said(text, sender, hops) if sender:
                lowest, sent_at, by = sends[text]
                # What goes in in the instant in which it is sent may count, or not.
                assert lowest <= hops <= max(lowest, highest(everything, sent_at, by, hops_of))
                hops_of[name, text] = hops
        for effect in row.effects:
            match effect:
                case Start(function="send", kwargs=given):
                    sends[given["text"]] = follows[name], at, name
                case Inject(interrupts):
                    texts = [
                        (name, d.outcome.value) for d in interrupts if d.id.startswith("agent_")
                    ]
                    follows[name] = max([follows[name], *(hops_of[text] + 1 for text in texts)])


def highest(everything, sent_at, name, hops_of) -> int:
    now_us = everything[sent_at][1].at_us
    of_then = [row for who, row in everything[sent_at:] if who == name and row.at_us == now_us]
    texts = [
        (name, told.outcome.value)
        for row in of_then
        for effect in row.effects
        if isinstance(effect, Inject)
        for told in effect.interrupts
        if told.id.startswith("agent_")
    ]
    return max((hops_of[text] + 1 for text in texts), default=0)


@tries(50)
@given(stories(), delays)
def test_the_rows_of_each_are_a_trace_and_the_same_every_time(told, delay) -> None:
    rows, everything, _ = ran([story.virtual() for story in told], delay)
    assert ran([story.virtual() for story in told], delay)[1] == everything
    for story in told:
        if found := rows[story.name]:
            lines = [encode_header(Header(1, story.settings)), *map(encode_row, found)]
            assert [d.message for d in check_trace(lines)] == []
            assert list(replay(story.settings, found)) == found


async def live(told: list[Story], decoder) -> tuple[list[tuple[str, Row]], tuple[Letter, ...]]:
    async def f() -> int:
        await asyncio.sleep(0.0001)
        return 1

    everything: list[tuple[str, Row]] = []
    async with Sessions(decoder=decoder) as sessions:
        agents = Agents(sessions, [story.name for story in told])
        for story in told:
            agents.open(
                story.name,
                ScriptedSession(story.pieces),
                {"f": f},
                story.settings,
                journal=lambda rows, name=story.name: everything.extend((name, r) for r in rows),
                waits=story.waits,
            )
        await agents.run()
        # Under `detach` a call of send may still run when all is quiet: what it sends is left over.
        return [*everything], agents.left_over


@tries(50)
@given(stories(), st.sampled_from([None, "at once"]))
def test_in_an_event_loop_each_message_is_read_once_or_left_over(told, decoder) -> None:
    everything, left = asyncio.run(live(told, decoder))
    found = seen(by_name(everything), everything, left)
    for story in told:
        name = story.name
        assert found.read[name] == found.said[name][: len(found.read[name])]
        counted = Counter(found.read[name])
        counted.update(letter.said.text for letter in left if letter.to == name)
        assert set(counted.values()) <= {1}
        # A call of send that was stopped has sent, and its outcome came too late to be seen.
        assert set(found.sent[name]) <= set(counted)


# ------------------------------------------------------------------------------------- the bounds


def forever(to: str) -> ScriptedSession:
    """A model that never runs out: it writes to another in each of its turns."""

    def pieces() -> Iterator[str | EndOfDecoding]:
        for number in count(1):
            yield from pieces_of(send(number, to, f"message {number}"))
            yield END

    return ScriptedSession(pieces())


@pytest.mark.parametrize("most", [1, 2, 5, 16])
def test_two_that_answer_each_other_for_ever_come_to_an_end(most) -> None:
    limits = Limits(agent_hops=most, agent_messages=1)  # in each turn anew
    settings = Settings(profile=Profile(limits=limits), end="detach")
    two = [
        VirtualAgent("a", forever("b"), settings=settings),
        VirtualAgent("b", forever("a"), settings=settings, waits=True),
    ]
    _, everything, found = ran(two)
    assert len(found.sent["a"]) + len(found.sent["b"]) == most
    assert found.left == []
    hops = [row.event.hops for _, row in everything if isinstance(row.event, Said)]
    assert hops == [*range(most)]


def test_what_a_person_says_is_no_message_that_another_follows_from() -> None:
    pieces = pieces_of("[TRAP][END]" + send(1, "b", "x"))
    two = [
        VirtualAgent("a", ScriptedSession(pieces), planned=((1, Said("go on")),)),
        VirtualAgent("b", ScriptedSession([]), waits=True),
    ]
    hops = [row.event.hops for _, row in ran(two)[1] if isinstance(row.event, Said)]
    assert hops == [0, 0]


def test_a_storm_of_messages_in_one_turn_ends_at_its_limit() -> None:
    settings = Settings(profile=Profile(limits=Limits(agent_messages=3)))
    storm = "".join(send(number, "b", f"message {number}") for number in range(1, 11))
    two = [
        VirtualAgent("a", ScriptedSession(pieces_of(storm)), settings=settings),
        VirtualAgent("b", ScriptedSession([]), waits=True),
    ]
    rows, _, found = ran(two)
    assert found.sent["b"] == ["message 1", "message 2", "message 3"]
    told = [
        d for row in rows["a"] for e in row.effects if isinstance(e, Inject) for d in e.interrupts
    ]
    refused = [d.outcome.value for d in told if d.outcome.kind is OutcomeKind.FAILED]
    assert (
        refused
        == [{"type": "NotSent", "message": "an agent sends at most 3 messages in a turn"}] * 7
    )


def test_the_bound_on_hops_is_that_of_the_one_that_writes() -> None:
    near = Settings(profile=Profile(limits=Limits(agent_hops=1)))
    two = [
        VirtualAgent(
            "a", ScriptedSession(pieces_of(send(1, "b", "back"))), settings=near, waits=True
        ),
        VirtualAgent("b", ScriptedSession(pieces_of(send(1, "a", "x")))),
    ]
    rows, _, found = ran(two)
    [outcome] = [row.event.outcome for row in rows["a"] if isinstance(row.event, Returned)]
    message = "a chain of messages that follow from each other has at most 1 message; end your turn"
    assert outcome.value == {"type": "NotSent", "message": message}
    assert found.said["b"] == []


# ---------------------------------------------------------------------------------- what is refused


def answer(text: str, other: Settings | None = None) -> object:
    two = [
        VirtualAgent("a", ScriptedSession(pieces_of(text))),
        Story("b", (), other or Settings()).virtual(),
    ]
    [outcome] = [row.event.outcome for row in ran(two)[0]["a"] if isinstance(row.event, Returned)]
    return outcome.value


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        ('send(to="c", text="x")', "arguments", 'to: "c" is not one of "b"'),
        ('send(to="a", text="x")', "arguments", 'to: "a" is not one of "b"'),
        ('send(to="b", text=1)', "arguments", "text: 1 is not a string"),
        ('send(to="b")', "arguments", "text is missing; it is a string"),
        (
            'send(to="b", text="x", at=1)',
            "arguments",
            "there is no argument at; the arguments are to, text",
        ),
    ],
)
def test_what_is_no_message_is_told(call, kind, message) -> None:
    assert answer(f"[CALL] m [HEAD] {call} [END]") == {"type": kind, "message": message}


def test_a_server_is_told_what_send_takes() -> None:
    sender = Post(["a", "b", "c"]).sender("b", Limits(), lambda letter: None)
    assert tool_of(sender).parameters == {
        "type": "object",
        "properties": {"to": {"enum": ["a", "c"]}, "text": {"type": "string"}},
        "required": ["to", "text"],
        "additionalProperties": False,
    }


def test_what_the_other_cannot_be_told_is_not_sent() -> None:
    core = Settings(profile=Profile(level=Level.CORE))
    found = answer('[CALL] m [HEAD] send("b", "x") [END]', core)
    assert found == {
        "type": "NotSent",
        "message": "messages are of the extended level (Embed/message)",
    }
    short = Settings(profile=Profile(limits=Limits(block_characters=150)))
    found = answer(f'[CALL] m [HEAD] send("b", "{"x" * 150}") [END]', short)
    assert found["message"].startswith("the message cannot be told: ")


@pytest.mark.parametrize("names", [["a", "a"], ["a", "b1"], ["a", ""], ["a", "b c"], ["a", "é"]])
def test_names_are_told_apart(names) -> None:
    with pytest.raises(HostError, match="Embed/agents"):
        VirtualAgents(VirtualAgent(name, ScriptedSession([])) for name in names)


def test_a_message_takes_time() -> None:
    with pytest.raises(ValueError, match="Time/agents"):
        VirtualAgents([], message_us=0)


# ------------------------------------------------------------------------------- in an event loop


def test_a_function_of_the_host_may_be_called_send() -> None:
    two = [
        Story("a", tuple(pieces_of('[CALL] m [HEAD] send(to="b", text="x") [END]'))),
        Story("b", ()),
    ]
    named = [
        VirtualAgent(
            "a",
            ScriptedSession(two[0].pieces),
            lambda _: [(0, DONE)],
            Settings(functions=("send",)),
        ),
        two[1].virtual(),
    ]
    assert ran(named)[2].said == {}


def test_the_model_is_told_whom_it_may_write_to() -> None:
    async def main() -> str:
        async with Sessions() as sessions:
            return describe_tool(tool_of(Agents(sessions, "abc").send("b")), Profile().body)

    said = 'send(to: "a" | "c", text: str)  # Write to another agent; it reads the text as an interrupt.'
    assert asyncio.run(main()) == said


def test_a_person_begins_a_turn_of_an_agent_and_hears_when() -> None:
    async def main() -> tuple[object, str]:
        session = ScriptedSession([" One.", END, " Two."])
        async with Sessions(decoder="at once") as sessions:
            agents = Agents(sessions, ["a", "b"])
            agents.open("a", session, {})
            agents.open("b", ScriptedSession([]), {}, waits=True)
            first = await agents.run()
            message = agents.say("a", "and?")
            second = await agents.run()
            return (first, second, (await message).rule), session.context

    reasons = ({"a": "stop"}, {"a": "stop"}, "Settle/deliver")
    assert asyncio.run(main()) == (reasons, ' One.[INTR] user1 [HEAD] "and?" [END] Two.')


def test_one_that_breaks_off_stops_no_other() -> None:
    class Broken(ScriptedSession):
        def decode(self) -> Piece:
            raise OSError("the device is gone")

    async def main() -> tuple[str, tuple[Letter, ...]]:
        session = ScriptedSession(pieces_of(send(1, "b", "x") + "[TRAP][END] done"))
        async with Sessions(decoder="at once") as sessions:
            agents = Agents(sessions, ["a", "b"])
            agents.open("a", session, {})
            agents.open("b", Broken([]), {}, waits=True)
            with pytest.raises(ExceptionGroup) as found:
                await agents.run()
            assert [str(error) for error in found.value.exceptions] == ["the device is gone"]
            return session.context, agents.left_over

    context, left = asyncio.run(main())
    assert context.endswith("[INTR] m1 [HEAD] true [END] done")
    assert left == ()  # it went in before the device was asked for more


@pytest.mark.parametrize(("words", "turns"), [(1, 2), (200, 1)])
def test_what_was_read_in_a_turn_begins_no_other(words, turns) -> None:
    async def main() -> int:
        rules: list[str] = []
        async with Sessions(decoder="at once") as sessions:
            agents = Agents(sessions, ["a", "b"])
            agents.open("a", ScriptedSession(pieces_of(send(1, "b", "x"))), {})
            agents.open(
                "b",
                ScriptedSession([" word"] * words),
                {},
                journal=lambda rows: rules.extend(row.rule for row in rows),
            )
            await agents.run()
            assert agents.left_over == ()
        return rules.count("Step/begin")

    assert asyncio.run(main()) == turns


def test_what_comes_as_a_turn_ends_begins_another() -> None:
    async def main() -> str:
        session = ScriptedSession([" One.", END, " Two."])
        said = []

        def at_the_end(rows) -> None:
            if rows[-1].rule == "Settle/finish" and not said:
                said.append(agents.say("a", "late"))

        async with Sessions(decoder="at once") as sessions:
            agents = Agents(sessions, ["a"])
            agents.open("a", session, {}, journal=at_the_end)
            await agents.run()
        return session.context

    assert asyncio.run(main()) == ' One.[INTR] user1 [HEAD] "late" [END] Two.'


def test_to_cancel_the_run_is_to_stop_every_turn() -> None:
    async def never() -> None:
        await asyncio.sleep(600)

    async def main() -> list[str]:
        session = ScriptedSession(pieces_of("[CALL] a [HEAD] f() [END][TRAP][END]"))
        rules: list[str] = []
        async with Sessions(decoder="at once") as sessions:
            agents = Agents(sessions, ["a", "b"])
            agents.open(
                "a", session, {"f": never}, journal=lambda r: rules.extend(x.rule for x in r)
            )
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(agents.run(), 0.1)
        return rules

    assert asyncio.run(main())[-1] == "Step/stop"


def test_an_agent_is_opened_once_and_by_its_name() -> None:
    async def main() -> None:
        async with Sessions() as sessions:
            agents = Agents(sessions, ["a"])
            with pytest.raises(HostError, match=r"no agent has the name b \(Embed/agents\)"):
                agents.open("b", ScriptedSession([]), {})
            with pytest.raises(HostError, match="no agent a is open"):
                agents.say("a", "x")
            agents.open("a", ScriptedSession([]), {})
            with pytest.raises(HostError, match="the agent a is open"):
                agents.open("a", ScriptedSession([]), {})

    asyncio.run(main())


def test_what_comes_to_one_that_takes_no_more_is_left_over() -> None:
    two = [
        VirtualAgent("a", ScriptedSession(pieces_of(send(1, "b", "late")))),
        VirtualAgent("b", ScriptedSession([EndOfDecoding("length")])),
    ]
    assert ran(two)[2].left == [Letter("b", Said("late", "a"))]


# ------------------------------------------------------------------------------------------ the page


def test_the_example_of_the_page_holds_what_it_asserts() -> None:
    assert EXAMPLE.count("assert ") == 4
    exec(compile(EXAMPLE, str(PAGE), "exec"), {"__name__": "example"})


def test_the_page_gives_the_limits_as_they_are() -> None:
    page, limits = PAGE.read_text(encoding="utf-8"), Limits()
    assert f"| `agent_hops` | {limits.agent_hops} |" in page
    assert f"| `agent_messages` | {limits.agent_messages} |" in page
    assert f"| {MOST_WAITING:,} |" in page


def test_what_came_and_did_not_go_in_is_unread_and_so_is_what_is_on_its_way() -> None:
    post, said = Post(["a", "b"]), Said("hello", "a")
    assert not post.has_unread("b")
    post.see("b", [Row(1, "Step/message", said, ())])
    assert post.has_unread("b")
    assert not post.has_unread("a")
    assert post.left_over == (Letter("b", said),)
    post.carry(Letter("a", said), lambda _: None)
    assert post.has_unread("a")


def test_what_could_not_be_brought_is_not_on_its_way() -> None:
    def full(letter: Letter) -> None:
        raise HostError("Embed/full", "too much waits")

    post = Post(["a", "b"])
    with pytest.raises(HostError, match="Embed/full"):
        post.carry(Letter("a", Said("hello", "b")), full)
    assert post.left_over == ()
