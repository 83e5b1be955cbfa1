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
from interpreter.tools.signature import Function
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


def functions_of(folder: Path, before: str = "") -> dict[str, Function]:
    """What the model may call: each run leaves a line, which begins with a word of the session."""

    def once(n: int) -> int:
        note(folder, f"{before}once {n}")
        time.sleep(random.random() * 0.02)
        return n

    @tool(idempotent=True)
    def often(n: int) -> int:
        note(folder, f"{before}often {n}")
        time.sleep(random.random() * 0.02)
        return n

    return {"once": once, "often": often}


HEADER = Header(1, Settings(functions=("once", "often")), "real")


def main(folder: Path) -> None:
    """Begin or go on, and say so."""
    functions = functions_of(folder)
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
            write = journal(file, HEADER)
            with Runtime(session, functions, journal=write) as runtime:
                list(runtime.run())
    (folder / "context.txt").write_text(session.context)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
