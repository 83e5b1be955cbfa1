"""Behaviour: what the model does when nothing forces it. It is told in shares, and nothing of it passes or fails."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import TimeoutError as TimedOut
from typing import Final, TypeVar

import msgspec

from interpreter.executors.threads import DaemonThreads
from model_adapters.backends import BackendSessions
from model_adapters.conformance.running import fault_of
from model_adapters.opening import Request
from model_adapters.training.evaluation.playing import CALLINGS
from model_adapters.training.evaluation.report import measured
from model_adapters.training.evaluation.shares import Share, share
from model_adapters.training.evaluation.trials import (
    BerkeleyQuestion,
    answer_questions,
    held_out_dialogues,
    play_dialogues,
)

Observed = TypeVar("Observed")
ABOUT: Final = (
    "the model writes what it likes, without a mask; shares of what gave the occasion, in brackets "
    "Wilson's interval of 95%"
)


class Behaviour(msgspec.Struct, frozen=True):
    """How a model behaved.

    Args:
        dialogues: How many were played to their end.
        measures: Each measure of `cml evaluate`, of the dialogues that gave the occasion for it.
        questions: For each category of the Berkeley leaderboard how many were answered with
            accepted calls.
        fault: Why it broke off before its end; empty where it did not.
    """

    dialogues: int
    measures: dict[str, Share]
    questions: dict[str, Share]
    fault: str = ""

    @property
    def shares(self) -> dict[str, Share]:
        """Return all shares, by what they are of."""
        asked = {f"bfcl {category}": found for category, found in self.questions.items()}
        return {**self.measures, **asked}


def observe(
    sessions: BackendSessions,
    asked: Request,
    *,
    seed: int,
    dialogues: int,
    questions: Mapping[str, Sequence[BerkeleyQuestion]],
    limit_s: float,
    advance: Callable[[], object],
) -> Behaviour:
    """Let a model play dialogues and answer questions. What breaks off ends it; the rest stands.

    Args:
        sessions: Opens them.
        asked: What is asked of the backend in all of them.
        seed: Of the dialogues.
        dialogues: How many.
        questions: Those of each category.
        limit_s: How long one may take, in seconds.
        advance: Is called after each.
    """
    drawn = held_out_dialogues(seed, dialogues)
    trials = play_dialogues(sessions, asked, drawn, CALLINGS[:1])
    played, fault = _taken(trials, limit_s, advance)
    answered: dict[str, Share] = {}
    for category, asks in questions.items():
        if not fault:
            found, fault = _taken(answer_questions(sessions, asked, asks), limit_s, advance)
            answered[category] = share(found)
    return Behaviour(len(played), measured(played), answered, fault)


def _taken(
    trials: Iterator[Observed], limit_s: float, advance: Callable[[], object]
) -> tuple[list[Observed], str]:
    """Return the trials that came to their end, and why the next one did not; empty for none."""
    threads, taken = DaemonThreads("cml-trial"), list[Observed]()
    try:
        while (trial := threads.submit(next, trials, None).result(timeout=limit_s)) is not None:
            taken.append(trial)
            advance()
    except TimedOut:
        return taken, f"number {len(taken) + 1} did not come to its end within {limit_s:g} s"
    except (Exception, SystemExit) as error:  # noqa: BLE001  a backend is somebody else's
        return taken, f"number {len(taken) + 1} broke off: {fault_of(error)[1]}"
    finally:
        threads.shutdown(wait=False)
    return taken, ""
