"""A session in an event loop: rows as they come, a message on the way, and a bound on the time.

    python examples/async_session.py                    a script instead of a model
    python examples/async_session.py hf                 the embedded model, fetched if need be

To cancel the task that reads `run` is to stop the turn: that is how `asyncio.timeout` bounds it here.
"""

import asyncio
import sys
from pathlib import Path

from interpreter import AsyncRuntime, Settings
from interpreter.events import Decoded, Inject
from interpreter.runs import read_run
from interpreter.tools.python import load_tools
from model_adapters.backends import Request, open_backend

HERE = Path(__file__).parent
QUESTION = "I am going to Tokyo. What is the weather, and what time is it?"


async def hurry(runtime: AsyncRuntime) -> None:
    """Say something while the model writes, and wait until it hears it."""
    row = await runtime.say("I am in a hurry.")
    print(f"\n  heard after {row.at_us / 1e6:.3f} s")


async def main(backend: str) -> None:
    """Ask once, and show what happens."""
    functions = load_tools(HERE / "travel_tools.py").functions
    opened = await asyncio.to_thread(open_backend, Request(backend, QUESTION, functions, yes=True))
    settings = Settings(layout=opened.layout)
    rows = []
    async with (
        AsyncRuntime(opened.session, functions, settings) as runtime,
        asyncio.timeout(300),
        asyncio.TaskGroup() as others,
    ):
        others.create_task(hurry(runtime))
        async for row in runtime.run():
            rows.append(row)
            if isinstance(row.event, Decoded):
                print(row.event.symbol.text, end="", flush=True)
            for effect in row.effects:
                if isinstance(effect, Inject):
                    print(f"\n  in goes {', '.join(told.id for told in effect.interrupts)}")
    print(f"\n{read_run(runtime.settings, rows).ending}")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else f"script:{HERE / 'trip.cml'}"))
