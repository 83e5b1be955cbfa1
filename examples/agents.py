"""Two agents that write to each other: a writer, and a critic who is not content at once.

    python examples/agents.py                under one virtual clock: the same rows every time
    python examples/agents.py live           in an event loop, over `interpreter.Sessions`

Both are scripts here; any session that `model_adapters` opens takes their place. A form feed ends a turn: what comes
after it is written when a message has begun the next one. A call of `send` without identifier is not answered, so
the turn can end; its text may be the result of another call.
"""

import asyncio
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from interpreter import ScriptedSession, Sessions
from interpreter.agents import Agents, VirtualAgent, VirtualAgents
from interpreter.drivers.virtual import TimedOutcomes
from interpreter.events import Inject, Row, Said, Start
from interpreter.scripted import turns_of
from interpreter.tools.calling import call_function

WRITER = """I begin. [CALL] send(to="critic", text="It was night.") [END] While it reads I go on: the
house, the dog, the rain, and who it is that comes up the path. A good question it has.
[CALL] draft [HEAD] shorten("It was a dark night.") [END] [CALL] send(to="critic", text=draft) [END]
[TRAP] draft [END]\f Done."""
CRITIC = """ Hm. [CALL] send(to="writer", text="How dark?") [END]\f Better.
[CALL] send(to="writer", text="I like it.") [END]"""


def script(text: str, pause_s: float = 0.0) -> ScriptedSession:
    """Return a model that writes this, with a pause before each word."""
    return ScriptedSession(turns_of(text, most=200), pause_s)


def shorten(text: str) -> str:
    """Leave out what nobody needs."""
    return text.replace("a dark", "dark")


def show(name: str, rows: Iterable[Row]) -> None:
    """Print what was said, and when it was read."""
    for row in rows:
        if isinstance(row.event, Said):
            said = row.event
            print(f"{row.at_us:>9,} µs  {said.sender} → {name}: {said.text} (hops {said.hops})")
        for effect in row.effects:
            if isinstance(effect, Inject):
                read = ", ".join(told.id for told in effect.interrupts)
                print(f"{row.at_us:>9,} µs  {name} reads {read}")


def main_virtual() -> None:
    """Run both under one clock that only counts."""
    writer, critic = script(WRITER), script(CRITIC)

    def functions(start: Start) -> TimedOutcomes:
        return [(3_000, call_function(shorten, start.args, start.kwargs))]

    agents = VirtualAgents(
        [VirtualAgent("writer", writer, functions), VirtualAgent("critic", critic, waits=True)]
    )
    for name, row in agents.run():
        show(name, [row])
    print(f"\nwriter: {writer.context}\n\ncritic: {critic.context}")
    print("left over:", agents.left_over)


async def main_live() -> None:
    """Run both in this event loop; each decodes in a thread."""
    writer, critic = script(WRITER, 0.005), script(CRITIC, 0.005)
    with ThreadPoolExecutor(2) as threads:
        async with Sessions(decoder=threads) as sessions:
            agents = Agents(sessions, ["writer", "critic"])
            agents.open("writer", writer, {"shorten": shorten}, journal=partial(show, "writer"))
            agents.open("critic", critic, {}, journal=partial(show, "critic"), waits=True)
            await agents.run()
            print(f"\nwriter: {writer.context}\n\ncritic: {critic.context}")
            print("left over:", agents.left_over)


if __name__ == "__main__":
    if sys.argv[1:] == ["live"]:
        asyncio.run(main_live())
    else:
        main_virtual()
