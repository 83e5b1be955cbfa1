"""A worker in a process of its own, to be killed: takes sessions that nobody owns until all are over."""

import sys
import time
from pathlib import Path

from killed_session import PAUSE_S, functions_of, script

from interpreter import HostError, Runtime, ScriptedSession
from interpreter.journals import Journals, Owned, open_journals

LEASE_S = 0.6


def work(journals: Journals, owned: Owned, folder: Path) -> None:
    """Go on with a session to its end, unless another worker has taken it."""
    session = ScriptedSession(script(), PAUSE_S)
    functions = functions_of(folder, f"{owned.key} ")
    try:
        with owned, Runtime(session, functions, journal=owned.write, past=owned.past) as runtime:
            list(runtime.run())
        (folder / f"{owned.key}.txt").write_text(session.context)
    except HostError as error:
        if error.clause != "Embed/owner":
            raise
        with (folder / "refused.txt").open("a") as file:
            file.write(f"{owned.key} {owned.token}\n")


def main(url: str, folder: Path) -> None:
    """Take one session after another, until the folder says that all are over."""
    with open_journals(url, lease_s=LEASE_S) as journals:
        print("ready", flush=True)
        while not (folder / "over").exists():
            if owned := journals.take_any():
                work(journals, owned, folder)
            else:
                time.sleep(0.02)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
