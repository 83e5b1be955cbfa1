"""What limited a real run, what the best order would have given, whether calling so pays.

Every figure comes from the call-level simulator: the run is played again as it was, and then with
one thing changed. The change that gains most names what limited the run.
"""

from typing import Final

import msgspec

from cml.wording import counted
from interpreter.schedule.advice.limits import MATTERS, Limit, find_limits, play_as_written
from interpreter.schedule.advice.observed import Observation
from interpreter.schedule.costs import Costs
from interpreter.schedule.graph import build_graph
from interpreter.schedule.models.synchronous import rounds, spread_us
from interpreter.schedule.plan import Plan, build_plan
from interpreter.schedule.simulate import run_policy
from interpreter.schedule.wording import milliseconds
from interpreter.schedule.workload import Workload, WorkloadCall


class Advice(msgspec.Struct, frozen=True):
    """What there is to say of a run; times in microseconds.

    Args:
        total_us: How long it took, without the pauses between its turns.
        paused_us: How long those were.
        reading_us: How long it read what it was asked, until the first words of each turn came: a part of
            all that follows.
        decode_us: How long the model was decoding after that.
        played_us: What the simulator makes of the same run; all else is compared with this.
        best_us: What the best order that was found gives.
        best_order: Identifiers in that order.
        sync_us: One call after another, without traps, no request counted.
        sync_parallel_us: In rounds of all ready calls, the same.
        rounds: How many such rounds there are.
        break_even_us: What all tokens that only asynchronous calling needs may cost in all before
            Sync-Parallel is as fast, no request counted; negative: Sync-Parallel is faster.
        limits: What held it up, the worst first; at least 1% of the run each, without its reading.
        sentences: All of it for people.
    """

    total_us: int
    paused_us: int
    reading_us: int
    decode_us: int
    played_us: int
    best_us: int
    best_order: tuple[str, ...]
    sync_us: int
    sync_parallel_us: int
    rounds: int
    break_even_us: int
    limits: tuple[Limit, ...]
    sentences: tuple[str, ...]


def advise(observation: Observation, workers: int = 0) -> Advice:
    """Say what limited a run and what would help.

    Args:
        observation: The run; at least one call.
        workers: How many calls could run at once; 0 is without limit.
    """
    plan = observed_plan(observation, workers)
    run = observation.run
    reading_us = run.reading_us  # nothing else goes on in it, whatever the order
    played_us = reading_us + play_as_written(plan)
    best = run_policy(plan, "auto")
    best_us = min(reading_us + best.makespan_us, played_us)
    order = best.order if best_us < played_us else list(range(plan.size))
    names = tuple(
        observation.written[call].id for call in order if observation.written[call].function
    )
    limits = find_limits(plan, observation, played_us - reading_us, best_us - reading_us, names)
    in_rounds = (
        [call for call in batch if observation.written[call].function]
        for batch in rounds(plan.graph)
    )
    batches = [batch for batch in in_rounds if batch]
    writing_us = reading_us + run.decode_us - run.trap_us
    sync_parallel_us = writing_us + _running_us(plan, batches)
    advice = Advice(
        total_us=run.total_us,
        paused_us=observation.paused_us,
        reading_us=reading_us,
        decode_us=run.decode_us,
        played_us=played_us,
        best_us=best_us,
        best_order=names,
        sync_us=run.synchronous_us,
        sync_parallel_us=sync_parallel_us,
        rounds=len(batches),
        break_even_us=sync_parallel_us - played_us,
        limits=limits,
        sentences=(),
    )
    return msgspec.structs.replace(advice, sentences=_sentences(advice, len(observation.calls)))


def observed_plan(observation: Observation, workers: int) -> Plan:
    """Return a run as the simulator plays it; the position of a call is its place as written.

    Args:
        observation: The run.
        workers: How many calls can run at once; 0 is without limit.
    """
    calls = tuple(
        WorkloadCall(
            id=call.id,
            generate_tokens=call.generate_us,  # at a microsecond a token
            execute_us=call.execute_us,
            after=call.needs,
        )
        for call in observation.written
    )
    costs = Costs(token_us=1, answer_tokens=observation.answer_us)
    return build_plan(build_graph(Workload(id="run", calls=calls)), costs, "async", workers)


def _running_us(plan: Plan, batches: list[list[int]]) -> int:
    """Add the rounds of Sync-Parallel up, each as long as its calls take on the workers."""
    return sum(
        spread_us([plan.execute_us[call] for call in batch], plan.workers) for batch in batches
    )


def _sentences(advice: Advice, calls: int) -> tuple[str, ...]:
    return (*_about_run(advice, calls), _about_order(advice), *_about_paying(advice, calls))


def _about_run(advice: Advice, calls: int) -> list[str]:
    share = advice.decode_us / max(1, advice.total_us)
    paused = f", without the {milliseconds(advice.paused_us)} between its turns,"
    sentences = [
        f"The run took {milliseconds(advice.total_us)}{paused if advice.paused_us else ''} for {counted(calls, 'call')}; the first words came"
        f" after {milliseconds(advice.reading_us)}, and then the model decoded for"
        f" {milliseconds(advice.decode_us)} ({share:.0%} of the run)."
    ]
    off = abs(advice.played_us - advice.total_us) / max(1, advice.total_us)
    if off >= MATTERS:
        sentences.append(
            f"Played again by the simulator it takes {milliseconds(advice.played_us)} ({off:.0%} off);"
            " what follows compares with that."
        )
    if not advice.limits:
        sentences.append("Nothing in particular held it up.")
    for position, limit in enumerate(advice.limits):
        lead = "What limited it most" if position == 0 else "Then"
        gain = limit.gain_us / max(1, advice.played_us)
        sentences.append(
            f"{lead}: {_NAMES[limit.what]}. {limit.sentence} {_CHANGES[limit.what]} the run would"
            f" have ended {milliseconds(limit.gain_us)} ({gain:.0%}) sooner."
        )
    return sentences


_NAMES: Final = {
    "decoding": "decoding",
    "call": "waiting for one call",
    "chain": "a chain of dependent calls",
    "workers": "the workers",
    "order": "the order of the calls",
}


_CHANGES: Final = {
    "decoding": "Had decoding taken no time,",
    "call": "Had that call returned at once,",
    "chain": "Had no call needed another,",
    "workers": "With workers without limit",
    "order": "In the best order found",
}


def _about_order(advice: Advice) -> str:
    gain_us = advice.played_us - advice.best_us
    if not gain_us:
        return "No better order of the calls was found."
    return (
        f"The best order found, {', '.join(advice.best_order)}, takes {milliseconds(advice.best_us)}:"
        f" {milliseconds(gain_us)} ({gain_us / advice.played_us:.0%}) less."
    )


def _about_paying(advice: Advice, calls: int) -> list[str]:
    saved_us, played_us = advice.break_even_us, advice.played_us
    first = (
        f"Called one after another, the same would have taken {milliseconds(advice.sync_us)}; in"
        f" {counted(advice.rounds, 'round')} of all ready calls (Sync-Parallel), {milliseconds(advice.sync_parallel_us)}."
    )
    if saved_us > 0:
        return [
            first,
            f"Asynchronous calling pays here even where a request costs nothing: it saves"
            f" {milliseconds(saved_us)} ({saved_us / max(1, advice.sync_parallel_us):.0%}), as long as the"
            f" tokens that only it needs cost less than that, {milliseconds(saved_us // calls)} a call.",
        ]
    # Every round but the first asks the model again, and so does the answer.
    needed_us = -saved_us / advice.rounds
    return [
        first,
        f"Asynchronous calling does not pay here where a request costs nothing: it gives"
        f" {milliseconds(played_us)}. It pays once a request of Sync-Parallel takes more than"
        f" {milliseconds(round(needed_us))}.",
    ]
