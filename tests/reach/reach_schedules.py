"""The decisions of the accounting and the policies, each taken the other way."""

from collections.abc import Iterable
from typing import Final

from reach_faults import Edit, Fault, Other

from cml.vectors.runner import vector_files
from interpreter.schedule import plan, simulate
from interpreter.schedule.models import asynchronous, futures, synchronous
from interpreter.schedule.policies import auto, bounds, facts, keys, lookahead
from interpreter.schedule.policies.lookahead import Lookahead
from interpreter.vectors.questions import schedule_differences
from interpreter.vectors.schedules import calculate, decode_schedule, schedule_request

_VECTORS: Final = {
    name: vector
    for name, file in vector_files("schedules").items()
    if (vector := decode_schedule(file.read_bytes())).policy != "optimal"  # needs a solver
}


def failing(names: Iterable[str] = _VECTORS) -> list[str]:
    """Return those of some vectors that the reference fails, as it is now."""
    return [name for name in names if not _is_right(name)]


def _is_right(name: str) -> bool:
    vector = _VECTORS[name]
    try:
        found = calculate(schedule_request(name, vector))
    except NameError:
        raise  # the fault does not run: it would be seen by every vector
    except Exception:  # noqa: BLE001 - a fault may break anything
        return False
    return not list(schedule_differences(vector, found))


def _fault(decision: str, rule: str, *edits: Edit | Other) -> Fault:
    return Fault(decision, rule, edits)


# Where estimates are the truth a trial is a copy, and asks for none.
_ESTIMATE = Edit(
    lookahead.Lookahead.try_out,
    "progress.copy() if self.is_exact else start_trial(self._plan, progress)",
    "start_trial(self._plan, progress)",
)
_ESTIMATED: Final = "max(progress.now_us, begin_us + plan.estimate_us[call])"

_WAITING: Final = (
    _fault(
        "Sync-Parallel has any number of workers",
        "Time/workers",
        Edit(synchronous.spread_us, "if not 0 < workers < len(execute_us):", "if True:"),
    ),
    _fault(
        "all may pay for a last request, but Sync and Sync-Parallel",
        "Time/final-request",
        Edit(
            synchronous.final_us,
            'if costs.final_request == "none" else',
            'if costs.final_request != "sync" else',
        ),
    ),
    _fault(
        "no last request is paid by Sync and Sync-Parallel",
        "Time/sync-answer",
        Edit(synchronous.final_us, 'if costs.final_request == "none" else', "if True else"),
    ),
    _fault(
        "Sync pays a request before its first call too",
        "Time/sync-request",
        Edit(
            synchronous.run_sync,
            "if begun:\n            now_us += costs",
            "if True:\n            now_us += costs",
        ),
    ),
    _fault(
        "Sync writes calls in the order of the list, whatever their task",
        "Time/sync-order",
        Edit(synchronous.run_sync, "if apart else", "if False else"),
    ),
    _fault(
        "each round of Sync-Parallel is of one task",
        "Time/sync-parallel-round",
        Edit(synchronous.rounds, "if graph.arrivals_us else", "if True else"),
    ),
)

_DELIVERING: Final = (
    _fault(
        "what becomes due while a batch is delivered is part of it",
        "Time/async-deliver",
        Edit(
            asynchronous._deliver,
            "cost_us += plan.deliver_us[call]",
            "cost_us += plan.deliver_us[call]; limit += plan.deliver_us[call] * stride",
        ),
    ),
    _fault(
        "each interrupt is a request of Async-Naive",
        "Time/naive-request",
        Edit(
            asynchronous._deliver,
            "cost_us += plan.deliver_us[call]",
            "cost_us += plan.deliver_us[call] + plan.batch_us",
        ),
    ),
    _fault(
        "the last batch costs Async-Naive a request, answer or not",
        "Time/naive-last",
        Edit(plan.build_plan, "batch_us if answered else 0", "batch_us"),
    ),
    _fault(
        "a trap costs nothing",
        "Time/async-trap",
        Edit(plan.build_plan, "trap_us=costs.trap_tokens * token_us", "trap_us=0"),
    ),
    _fault(
        "a message costs Async-Naive nothing",
        "Time/arrival",
        Edit(
            asynchronous._deliver,
            "return cost_us + (",
            "return cost_us if call >= size else cost_us + (",
        ),
    ),
)

_FUTURES: Final = (
    _fault(
        "with futures deliveries of one wait overlap",
        "Time/futures-trap",
        Edit(futures._trap, "max(now_us, at_us) + sum", "at_us + sum"),
    ),
    _fault(
        "with futures a call that needs another is written after its result",
        "Time/futures",
        Edit(plan.build_plan, 'chained=model != "futures"', "chained=True"),
    ),
    _fault(
        "with futures interrupts do not count in a tail",
        "Time/policy-longest-tail",
        Edit(
            facts.gather_facts,
            "own_us = plan.estimate_us[call] + plan.deliver_us[call]",
            "own_us = plan.estimate_us[call] + plan.deliver_us[call] * plan.chained",
        ),
    ),
    _fault(
        "with futures writing counts in a fan tail",
        "Time/policy-fan-tail",
        Edit(
            facts.gather_facts,
            "plan.generate_us if plan.chained else [0] * plan.size",
            "plan.generate_us",
        ),
    ),
    _fault(
        "with futures a worker is taken by the call that could start first",
        "Time/futures-start",
        Edit(
            futures._Execution._count,
            "(self._seq[call], at_us, call)",
            "(at_us, self._seq[call], call)",
        ),
        Edit(futures._Execution._next_start_us, "self._queue[0][1]", "self._queue[0][0]"),
        Edit(futures._Execution._start, "seq, _, call = heappop", "_, seq, call = heappop"),
    ),
)

_POLICIES: Final = (
    _fault(
        "a policy sees the true times",
        "Time/estimate",
        Edit(plan.build_plan, "estimate_us=graph.estimate_us", "estimate_us=graph.execute_us"),
    ),
    _fault(
        "johnson counts a call that writes as long as it runs to the first",
        "Time/policy-johnson",
        Edit(
            keys.johnson,
            "call.generate_us < call.estimate_us",
            "call.generate_us <= call.estimate_us",
        ),
    ),
    _fault(
        "critical-path leaves the writing of the call out",
        "Time/policy-critical-path",
        Edit(keys.critical_path, "-call.generate_us - call.tail_us", "-call.tail_us"),
    ),
    _fault(
        "longest-tail counts the writing of the call",
        "Time/policy-longest-tail",
        Edit(keys.longest_tail, "-call.tail_us", "-call.generate_us - call.tail_us"),
    ),
    _fault(
        "a fan counts as its longest call",
        "Time/policy-fan-tail",
        Edit(facts.fan_us, "written_us += generate_us", "written_us = generate_us"),
    ),
    _fault(
        "random does not look at the workload",
        "Time/policy-random",
        Edit(keys.random, "{seed}/{call.workload}/{call.id}", "{seed}/{call.id}"),
    ),
    _fault(
        "fifteen ready calls are tried",
        "Time/policy-lookahead",
        Other(lookahead, "MAX_TRIED", 15),
    ),
    _fault(
        "all ready calls are tried",
        "Time/policy-lookahead",
        Other(lookahead, "MAX_TRIED", 10**6),
    ),
    _fault(
        "a call that has returned is on its way no more, before it is delivered",
        "Time/policy-lookahead-idle",
        Edit(
            lookahead._awaits_call,
            """    if not plan.messages:
        return bool(progress.in_flight)
    messages, stride = len(plan.messages), plan.stride
    return any(key % stride >= messages for""",
            """    messages, stride = len(plan.messages), plan.stride
    return any(key % stride >= messages and key // stride > progress.now_us for""",
        ),
    ),
    _fault(
        "a run with messages is planned as any other",
        "Time/policy-auto",
        Edit(auto.run_auto, "if plan.messages:", "if False:"),
    ),
    _fault(
        "in a trial a call that is late runs its estimate anew",
        "Time/policy-lookahead-idle",
        _ESTIMATE,
        Edit(
            lookahead._estimated_end_us,
            _ESTIMATED,
            "begin_us + plan.estimate_us[call] if begin_us + plan.estimate_us[call] >="
            " progress.now_us else progress.now_us + plan.estimate_us[call]",
        ),
    ),
    _fault(
        "in a trial a call that runs returns when it really will",
        "Time/policy-lookahead-idle",
        _ESTIMATE,
        Edit(
            lookahead._estimated_end_us,
            _ESTIMATED,
            "max(progress.now_us, begin_us + plan.execute_us[call])",
        ),
    ),
    _fault(
        "in a trial a call that waits for a worker begins at once",
        "Time/policy-lookahead-idle",
        _ESTIMATE,
        Edit(
            lookahead._estimated_end_us,
            "begin_us = trial.free_us[0]",
            "begin_us = progress.now_us",
        ),
    ),
    _fault(
        "in a trial all workers are free",
        "Time/policy-lookahead",
        _ESTIMATE,
        Edit(lookahead._estimated_end_us, "if trial.free_us:", "if False:"),
    ),
    _fault(
        "a trial knows of tasks that have not arrived",
        "Time/policy-lookahead",
        Edit(
            lookahead.start_trial,
            """    trial.left -= len(_reachable(plan, coming)) if coming else 0
    for slot in sorted(key % stride for key in progress.in_flight):
        if slot >= messages:
            trial""",
            """    for slot in sorted(key % stride for key in progress.in_flight):
        if slot < messages:
            trial.in_flight += [key for key in progress.in_flight if key % stride == slot]
        else:
            trial""",
        ),
    ),
    _fault(
        "the last of equal trials wins",
        "Time/policy-lookahead",
        Edit(
            Lookahead.improve,
            """        if best.end_us <= bounds.least_us:
            break
        if bounds.after_us(choice) < best.end_us:
            end_us = self.try_out(progress, forced=choice)
            if end_us < best.end_us:""",
            """        if True:
            end_us = self.try_out(progress, forced=choice)
            if end_us <= best.end_us:""",
        ),
    ),
    _fault(
        "lookahead-idle tries no trap",
        "Time/policy-lookahead-idle",
        Edit(Lookahead.choices, "if self._idle and", "if False and"),
    ),
    _fault(
        "lookahead tries a trap",
        "Time/policy-lookahead",
        Edit(Lookahead.choices, "if self._idle and", "if"),
    ),
    _fault(
        "auto is lookahead-idle",
        "Time/policy-auto",
        Edit(auto.run_auto, "if plan.messages:", "if True:"),
    ),
)

_BOUNDS: Final = (
    _fault(
        "the bound of Sync-Parallel counts a round for each call",
        "Time/bound-work",
        Edit(
            simulate._bounding,
            "=costs.parallel_call_tokens",
            "=costs.parallel_call_tokens + costs.parallel_round_tokens",
        ),
    ),
    _fault(
        "the last request and the answer are not counted in the bound",
        "Time/bound",
        Edit(simulate.Bounds.model_us, " + plan.last_batch_us + plan.answer_us", ""),
    ),
    _fault(
        "the bound does not look at workers",
        "Time/bound-workers",
        Edit(bounds.last_delivery_bound_us, "if plan.workers:", "if False:"),
    ),
    _fault(
        "the bound of Sync-Parallel has the tokens of Async",
        "Time/bound",
        Edit(simulate._bounding, "async_call_tokens=costs.parallel_call_tokens,", ""),
    ),
    _fault(
        "Sync is bounded as Sync-Parallel is",
        "Time/bound-sync",
        Edit(simulate.Bounds.model_us, "return self.sync_us", 'model = "sync-parallel"'),
    ),
)

FAULTS: Final = (*_WAITING, *_DELIVERING, *_FUTURES, *_POLICIES, *_BOUNDS)
