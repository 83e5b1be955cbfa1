"""One trip's calls, forced through a real model in three ways of calling, beside what the simulator says.

python benchmarks/forced_calls.py [--backend auto] [--rounds 3] [--scale 4]

Synchronous, synchronous in parallel rounds, and asynchronous: the same calls of the same functions,
which sleep for as long as the workload says. What the model writes is forced token by token, so every
token is really decoded, and every interrupt really read. In each round the costs of the machine are
measured anew (`cml calibrate`) and the simulator predicts the three makespans from them; then the
three are run. Times are of the clock on the wall, from the first call's first token to the end of the
answer; the prompt is read before.
"""

import argparse
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from threading import Event

import msgspec
from rich.console import Console
from side_by_side import machine

from cml.ast import OutcomeKind
from cml.profile import Profile
from interpreter import Runtime, Settings
from interpreter.commands.gantt import gantt
from interpreter.events import Delivery, Inject, Outcome
from interpreter.interrupts import interrupt_text
from interpreter.runs import Run, read_run
from interpreter.schedule import Workload, read_workloads
from interpreter.schedule.data.measured import Measurement
from interpreter.schedule.graph import build_graph
from interpreter.schedule.models.synchronous import rounds
from interpreter.schedule.models.timing import Model
from interpreter.schedule.simulate import Options, run_model
from interpreter.session import LOGPROBS, MASKS, TOKENS, Batch, EndOfDecoding, Piece, Session, able
from model_adapters.backends import Request, open_backend
from model_adapters.calibration import PROMPT, calibrate
from model_adapters.opening import Opened

WORKLOAD = Path(__file__).parent.parent / "examples" / "trip_workload.jsonl"
WAYS: tuple[Model, ...] = ("sync", "sync-parallel", "async")
TRAP, TRAP_ALL = "[TRAP][END]", "[TRAP] all [END]"
RESULT = "Three were found; the best of them leaves at noon and costs 120 euros."
ANSWER = "Everything is booked: you leave on Friday at noon."


def block(call: str, function: str) -> str:
    return f'[CALL] {call} [HEAD] {function}(city="Rome", day="Friday") [END]'


class ForcedSession:
    """Writes what a script says, whatever the model would.

    Args:
        session: Chooses its tokens by masks of one. What it thinks of the next is asked for each
            time: a token that is certain would be read only together with those that follow it.
        script: Gives what is written next, once what came before it is written.

    Attributes:
        told: The calls whose interrupts went in.
        asks: Is set while the model has ended a round of calls.
    """

    def __init__(
        self, session: Session, script: Callable[["ForcedSession"], Iterator[str]]
    ) -> None:
        self.told: set[str] = set()
        self.asks = Event()
        self._session = session
        self._masks, self._tokens = able(session, MASKS), able(session, TOKENS)
        self._logprobs = able(session, LOGPROBS)
        self._script = script(self)
        self._step = ""
        self._left: deque[int] = deque()
        self._force("\n")  # reads the prompt
        session.decode()

    def decode(self) -> Piece | EndOfDecoding:
        """Write the next token of the script."""
        if not self._left:
            self._step = next(self._script, "")
            if not self._step:
                return EndOfDecoding("stop")
            self._left.extend(self.encode(self._step))
        self._allow(self._left.popleft())
        found = self._session.decode()
        if not self._left and self._step in {TRAP, TRAP_ALL}:
            self.asks.set()
        return found

    def append(self, batch: Batch) -> int:
        """Append, and keep in mind whose interrupts went in."""
        self.asks.clear()
        self.told.update(delivery.id for delivery in batch.interrupts)
        return self._session.append(batch)

    def rewind(self, characters: int) -> None:
        """Take back; no script does what would make this necessary."""
        self._session.rewind(characters)

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    def encode(self, text: str) -> Sequence[int]:
        """Return the tokens of a text."""
        if self._tokens is None:
            raise SystemExit("this backend does not tell its tokens; its calls cannot be forced")
        return self._tokens.encode(text)

    def _force(self, text: str) -> None:
        for token in self.encode(text)[:1]:
            self._allow(token)

    def _allow(self, token: int) -> None:
        if self._masks is None:
            raise SystemExit("this backend takes no masks; its calls cannot be forced")
        if self._logprobs is None:
            raise SystemExit(
                "this backend tells no scores; its tokens may not be decoded one by one"
            )
        self._logprobs.logprobs(1)
        self._masks.allow([token])


# ------------------------------------------------------------------------------ what is written


def scripts(trip: Workload) -> Mapping[Model, Callable[[ForcedSession], Iterator[str]]]:
    """What the model writes in each way of calling."""
    calls = {call.id: call for call in trip.calls}
    blocks = {name: block(name, call.function or name) for name, call in calls.items()}

    def one_by_one(_: ForcedSession) -> Iterator[str]:
        for name in calls:
            yield from (blocks[name], TRAP)
        yield ANSWER

    def in_rounds(_: ForcedSession) -> Iterator[str]:
        for batch in rounds(build_graph(trip)):
            yield from (blocks[trip.calls[position].id] for position in batch)
            yield TRAP_ALL
        yield ANSWER

    def asynchronous(session: ForcedSession) -> Iterator[str]:
        left = dict(calls)
        while len(session.told) < len(calls):
            ready = (name for name, call in left.items() if session.told.issuperset(call.after))
            name = next(ready, None)
            if name is not None:
                del left[name]
            yield TRAP if name is None else blocks[name]
        yield ANSWER

    return {"sync": one_by_one, "sync-parallel": in_rounds, "async": asynchronous}


def counted(trip: Workload, tokens: Callable[[str], int], scale: float) -> Workload:
    """The workload with the tokens of this model: of whole blocks, and of interrupts."""
    calls = []
    for call in trip.calls:
        told = Delivery(call.id, Outcome(OutcomeKind.RETURNED, RESULT))
        interrupt = interrupt_text(Inject((told,)), Profile())
        changed = {
            "generate_tokens": tokens(block(call.id, call.function or call.id)),
            "result_tokens": tokens(interrupt),
            "execute_us": round(call.execute_us * scale),
        }
        calls.append(msgspec.structs.replace(call, **changed))
    return msgspec.structs.replace(trip, calls=tuple(calls))


# ------------------------------------------------------------------------- what it should take


def predicted_s(
    trip: Workload, measurement: Measurement, tokens: Callable[[str], int]
) -> dict[Model, float]:
    """What the simulator says of each way, in seconds.

    Whoever waits pays for reading the results too, which the accounting has as the request that
    follows them: of so many tokens as a round brings on the average. A token costs what it does in
    the middle of the context, for the accounting has no cost that grows with it.
    """
    graph, costs = build_graph(trip), measurement.costs
    middle = (sum(graph.tokens) + sum(graph.result_tokens)) // 2
    results_us = sum(graph.result_tokens) * costs.interrupt_token_us
    requests = {"sync": graph.size, "sync-parallel": len(list(rounds(graph))), "async": 1}
    found: dict[Model, float] = {}
    for way in WAYS:
        own = msgspec.structs.replace(
            costs,
            token_us=costs.token_us + middle * measurement.context_token_ns // 1_000,
            request_us=0 if way == "async" else round(results_us / requests[way]),
            final_request="sync",
            sync_call_tokens=tokens(TRAP),
            parallel_call_tokens=0,
            parallel_round_tokens=tokens(TRAP_ALL),
            async_call_tokens=0,
            trap_tokens=tokens(TRAP),
            answer_tokens=tokens(ANSWER),
        )
        [timing], _ = run_model(graph, own, way, ("program",), Options())
        found[way] = timing.makespan_us / 1e6
    return found


# -------------------------------------------------------------------------------- what it takes


def measured(session: ForcedSession, trip: Workload, way: Model) -> Run:
    """Run the calls in one way."""

    def sleeping(seconds: float) -> Callable[..., str]:
        def function(**_: str) -> str:
            if way != "async":
                session.asks.wait()  # whoever calls in rounds sends a round when it is written
            time.sleep(seconds)
            return RESULT

        return function

    functions = {call.function or call.id: sleeping(call.execute_us / 1e6) for call in trip.calls}
    settings = Settings(deliver="any" if way == "async" else "idle")
    with closing(session), Runtime(session, functions, settings) as runtime:
        return read_run(runtime.settings, runtime.run())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=4.0, help="of the times that calls take")
    given = parser.parse_args()
    print(machine(), "load", *(f"{load:.1f}" for load in os.getloadavg()))
    request = Request(given.backend, PROMPT, {}, max_tokens=100_000, bare=True, yes=True)
    opened = open_backend(request)
    print(opened.model)
    with WORKLOAD.open("rb") as file:
        [written] = read_workloads(file)

    def tokens(text: str) -> int:
        found = able(opened.session, TOKENS)
        return len(found.encode(text)) if found else 0

    trip = counted(written, tokens, given.scale)
    another = opened.another or (lambda asked: open_backend(asked).session)
    said: dict[Model, list[float]] = {way: [] for way in WAYS}
    took: dict[Model, list[float]] = {way: [] for way in WAYS}
    for _ in range(given.rounds):
        fresh = Opened(another(request), opened.model)
        measurement = calibrate(fresh, given.backend, "now")
        runs = {
            way: measured(ForcedSession(another(request), scripts(trip)[way]), trip, way)
            for way in WAYS
        }
        for way, seconds in predicted_s(trip, measurement, tokens).items():
            said[way].append(seconds)
            took[way].append(runs[way].total_us / 1e6)
    for way in WAYS:
        ratios = [real / should for real, should in zip(took[way], said[way], strict=True)]
        told = ", ".join(f"{ratio:.3f}" for ratio in ratios)
        faster = median(took["sync"]) / median(took[way])
        print(
            f"{way}: {median(took[way]):.2f} s, predicted {median(said[way]):.2f} s, "
            f"{median(ratios):.3f} times ({told}); {faster:.2f} times as fast as sync, "
            f"predicted {median(said['sync']) / median(said[way]):.2f}"
        )
    Console().print(gantt(runs["async"], 100))
    opened.session.close()


if __name__ == "__main__":
    main()
