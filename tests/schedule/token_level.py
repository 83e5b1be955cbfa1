"""A schedule, symbol by symbol: the same decisions through the real machine (Time/levels).

The call-level simulator knows only times. Here a session writes the calls and traps that it decided
on as CML, the machine starts them, interrupts go in at safe points, and the virtual clock counts.
Both must come to the same makespan, to the microsecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cml.ast import OutcomeKind
from interpreter.drivers.virtual import TimedOutcomes, run_virtual
from interpreter.events import Finish, Outcome, Said
from interpreter.schedule.models.timing import TRAP, Timing
from interpreter.scripted import ScriptedSession
from interpreter.session import Batch, DecodingCosts, EndOfDecoding, Piece
from interpreter.state import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from interpreter.events import Start
    from interpreter.schedule.plan import Plan


class TurnError(ValueError):
    """A schedule that goes beyond one turn: CML ends a turn where the model waits for a person."""


class _PlayedSession:
    """A model that carries out decisions, and knows what an interrupt costs.

    Interrupts cost tokens of one microsecond each, so that their cost is exact; delivering a batch
    costs the plan's request.
    """

    def __init__(self, plan: Plan, decisions: list[int]) -> None:
        self._plan = plan
        self._script = ScriptedSession(_pieces(plan, decisions))
        self._unreturned = plan.size

    def decode(self) -> Piece | EndOfDecoding:
        return self._script.decode()

    def append(self, batch: Batch) -> int:
        """Return the cost of a batch, in microseconds, as its number of tokens."""
        returned = [int(told.id[1:]) for told in batch.interrupts if told.id[0] == "c"]
        self._unreturned -= len(returned)
        plan = self._plan
        request_us = plan.batch_us if self._unreturned else plan.last_batch_us
        return request_us + sum(plan.deliver_us[call] for call in returned)

    def rewind(self, characters: int) -> None:
        self._script.rewind(characters)

    def close(self) -> None:
        self._script.close()


def _pieces(plan: Plan, decisions: list[int]) -> Iterator[Piece | EndOfDecoding]:
    for call in decisions:
        if call == TRAP:
            # With futures the model has written all there is to write: it waits for everything.
            yield Piece("[TRAP][END]" if plan.chained else "[TRAP] all [END]", took_us=plan.trap_us)
        else:
            yield Piece(
                f"[CALL] c{call} [HEAD] {_body(plan, call)} [END]", took_us=plan.generate_us[call]
            )
    yield Piece("answer", took_us=plan.answer_us)


def _body(plan: Plan, call: int) -> str:
    """A call names the results that it needs where the executor is to wait for them."""
    needed = [] if plan.chained else [f"c{other}" for other in plan.graph.predecessors[call]]
    return f"f{call}({', '.join(needed)})"


def play_tokens(plan: Plan, timing: Timing) -> int:
    """Carry out the decisions of a simulated run through the machine.

    Args:
        plan: The run, priced.
        timing: What the call-level simulator decided.

    Returns:
        The makespan, in microseconds.

    Raises:
        TurnError: The decisions wait for a message with no call pending.
    """

    def functions(start: Start) -> TimedOutcomes:
        call = int(start.function[1:])
        return [(plan.execute_us[call], Outcome(OutcomeKind.RETURNED, call))]

    messages = [(at_us - plan.start_us, Said(f"m{slot}")) for at_us, slot in plan.messages]
    rows = run_virtual(
        _PlayedSession(plan, timing.decisions),
        functions,
        Settings(workers=plan.workers),
        DecodingCosts(token_us=0, interrupt_token_us=1),
        messages,
    )
    end_us = 0
    for row in rows:
        if row.rule == "Step/idle-trap":
            raise TurnError("a trap with no call pending: the next message begins another turn")
        if any(isinstance(effect, Finish) for effect in row.effects):
            end_us = row.at_us
    return plan.start_us + end_us
