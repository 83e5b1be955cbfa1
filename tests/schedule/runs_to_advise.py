"""Real runs under the virtual clock, written as traces."""

from collections.abc import Sequence
from pathlib import Path

from cml.ast import OutcomeKind
from interpreter import DecodingCosts, ScriptedSession, Settings, run_virtual
from interpreter.drivers.virtual import TimedOutcomes
from interpreter.events import Began, Outcome, Row, Start
from interpreter.scripted import turns_of
from interpreter.trace import Header, write_trace

TIMES_US = {"find": 120_000, "weather": 80_000, "search": 900_000, "send": 60_000}
LATE = (
    'Let me look. [CALL] a [HEAD] weather("Paris") [END] [CALL] b [HEAD] find("Ann") [END] And now'
    ' [CALL] c [HEAD] search("hotels") [END][TRAP] all [END] then [CALL] d [HEAD]'
    ' send(to="search-result") [END][TRAP][END] All is done, I think.'
)


def run_rows(
    text: str,
    *,
    settings: Settings,
    token_us: int = 20_000,
    planned: Sequence[tuple[int, Began]] = (),
) -> list[Row]:
    """The rows of a session in which a model writes some text; form feeds end its turns."""

    def functions(start: Start) -> TimedOutcomes:
        value = f"{start.function}-result"
        return [(TIMES_US[start.function], Outcome(OutcomeKind.RETURNED, value))]

    session = ScriptedSession(turns_of(text, most=10_000))
    costs = DecodingCosts(token_us=token_us)
    return list(run_virtual(session, functions, settings, costs, planned))


def write_run(
    path: Path,
    text: str = LATE,
    *,
    workers: int = 0,
    token_us: int = 20_000,
    settings: Settings | None = None,
) -> Path:
    """Write the trace of a session in which a model writes some text."""
    settings = settings or Settings(workers=workers)
    rows = run_rows(text, settings=settings, token_us=token_us)
    with path.open("wb") as file:
        for _ in write_trace(file, Header(1, settings, "virtual", "script", "Hotels"), rows):
            pass
    return path
