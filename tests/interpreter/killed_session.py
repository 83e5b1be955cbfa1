"""A session in a process of its own, to be killed: begins its trace, or goes on from it.

Each run of a function leaves a line in a file, written before and after it, so that whoever killed this
process can count.
"""

import os
import random
import sys
import time
from pathlib import Path

from interpreter import Runtime, ScriptedSession, Settings
from interpreter.journals import own, reopened
from interpreter.state import Phase
from interpreter.tools.declared import tool
from interpreter.trace import Header, journal

CALLS = 12
PAUSE_S = 0.002


def script() -> list[str]:
    """What the model writes: calls that may run twice and calls that may not, and traps among them."""
    pieces = ["Well, "]
    for number in range(CALLS):
        function = "often" if number % 3 == 2 else "once"
        pieces += [f"[CALL] c{number} ", "[HEAD] ", f"{function}(n={number})", " [END]", " and "]
        if number % 4 == 3:
            pieces += ["[TRAP] ", "all [END]"]
    return [*pieces, "[TRAP] all [END]", " So it is."]


def note(folder: Path, word: str) -> None:
    """Leave a line that is there though this process be killed."""
    file = os.open(folder / "runs.txt", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{word}\n".encode())
    os.close(file)


def main(folder: Path) -> None:
    """Begin or go on, and say so."""

    def once(n: int) -> int:
        note(folder, f"once {n}")
        time.sleep(random.random() * 0.02)
        return n

    @tool(idempotent=True)
    def often(n: int) -> int:
        note(folder, f"often {n}")
        time.sleep(random.random() * 0.02)
        return n

    functions = {"once": once, "often": often}
    session, path = ScriptedSession(script(), PAUSE_S), folder / "trace.jsonl"
    print("ready", flush=True)
    if path.exists() and b"\n" in path.read_bytes():
        with reopened(path) as again:
            if again.past.state.phase is not Phase.ENDED:
                with Runtime(session, functions, journal=again.write, past=again.past) as runtime:
                    list(runtime.run())
    else:
        with path.open("wb") as file:
            own(file)
            write = journal(file, Header(1, Settings(functions=("once", "often")), "real"))
            with Runtime(session, functions, journal=write) as runtime:
                list(runtime.run())
    (folder / "context.txt").write_text(session.context)


main(Path(sys.argv[1]))
