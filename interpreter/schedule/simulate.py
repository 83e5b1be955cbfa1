"""Simulate one workload under a model and a policy (spec/4-time.md)."""

from functools import cached_property
from typing import Literal, assert_never

import msgspec

from interpreter.schedule.costs import Costs, FinalRequest
from interpreter.schedule.graph import Graph
from interpreter.schedule.models.asynchronous import run_async
from interpreter.schedule.models.futures import run_futures
from interpreter.schedule.models.synchronous import run_sync, run_sync_parallel
from interpreter.schedule.models.timing import (
    PAPER_MODELS,
    Model,
    PolicyName,
    RunnablePolicy,
    Timing,
)
from interpreter.schedule.plan import AsyncModel, Plan, build_plan
from interpreter.schedule.policies.auto import run_auto
from interpreter.schedule.policies.bounds import last_delivery_bound_us, lower_bound_us
from interpreter.schedule.policies.facts import gather_facts
from interpreter.schedule.policies.keys import prioritise
from interpreter.schedule.policies.lookahead import MAX_CALLS, run_lookahead
from interpreter.schedule.policies.optimal import DEFAULT_SECONDS, Optimum, find_optimum


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulation may be given besides workload, costs, model and policy.

    Args:
        workers: How many calls can run at once; 0 is without limit.
        seed: Seed of the policy `random`.
        solver_seconds: Time limit of the policy `optimal`, for one workload.

    Raises:
        ValueError: A number is out of range.
    """

    workers: int = 0
    seed: int = 0
    solver_seconds: float = DEFAULT_SECONDS

    def __post_init__(self) -> None:
        if self.workers < 0:
            raise ValueError(f"workers should be 0 (without limit) or more, not {self.workers}")
        if self.solver_seconds <= 0:
            raise ValueError(f"solver_seconds should be above 0, not {self.solver_seconds}")


class Result(msgspec.Struct, frozen=True):
    """A run and the best bound known for it.

    Args:
        timing: The run.
        lower_bound_us: No run of this model is shorter, in microseconds.
    """

    timing: Timing
    lower_bound_us: int


class Bounds:
    """Lower bounds on the runs of one workload, each worked out once (Time/bound).

    Args:
        graph: The workload.
        costs: The accounting.
        workers: How many calls can run at once; 0 is without limit.
    """

    def __init__(self, graph: Graph, costs: Costs, workers: int) -> None:
        self._graph = graph
        self._costs = costs
        self._workers = workers
        self._last_delivery_us: dict[tuple[int, int, bool], int] = {}

    @cached_property
    def sync_us(self) -> int:
        """How long Sync takes, in microseconds: no order of its calls takes less (Time/bound-sync)."""
        return run_sync(self._graph, self._costs).makespan_us

    def model_us(self, model: Model) -> int:
        """Bound every run of one model, in microseconds."""
        if model == "sync":
            return self.sync_us
        costs, priced_as = _bounding(self._costs, model)
        plan = build_plan(self._graph, costs, priced_as, self._workers)
        key = (costs.async_call_tokens, costs.interrupt_token_us, plan.chained)
        if key not in self._last_delivery_us:
            self._last_delivery_us[key] = last_delivery_bound_us(plan)
        return self._last_delivery_us[key] + plan.last_batch_us + plan.answer_us

    def workload_us(self) -> int:
        """Bound every run of any of the four models of the paper, in microseconds."""
        return min(map(self.model_us, PAPER_MODELS))


def _bounding(
    costs: Costs, model: AsyncModel | Literal["sync-parallel"]
) -> tuple[Costs, AsyncModel]:
    """Return what bounds a model: Sync-Parallel is bounded as Async with its tokens and answer."""
    if model != "sync-parallel":
        return costs, model
    final: FinalRequest = "none" if costs.final_request == "none" else "all"
    priced = msgspec.structs.replace(
        costs,
        async_call_tokens=costs.parallel_call_tokens,
        interrupt_token_us=0,
        final_request=final,
    )
    return priced, "async"


def simulate_model(
    graph: Graph,
    costs: Costs,
    model: Model,
    policies: tuple[PolicyName, ...],
    options: Options,
    *,
    bounds: Bounds | None = None,
) -> list[Result]:
    """Run one workload under one model and several policies.

    Args:
        graph: The workload.
        costs: The accounting.
        model: The execution model.
        policies: Which order the calls are written in; Sync and Sync-Parallel keep the program
            order whatever the policy.
        options: Workers, seed, time limit.
        bounds: What is known of the same workload under the same costs and workers.

    Returns:
        One result for each policy, in their order.

    Raises:
        MissingExtraError: OR-Tools is needed and not installed.
    """
    bounds = bounds or Bounds(graph, costs, options.workers)
    timings, proved_us = run_model(graph, costs, model, policies, options)
    bound_us = max(bounds.model_us(model), proved_us)
    return [Result(timing, bound_us) for timing in timings]


def run_model(
    graph: Graph,
    costs: Costs,
    model: Model,
    policies: tuple[PolicyName, ...],
    options: Options,
) -> tuple[list[Timing], int]:
    """Run one workload as `simulate_model` does, and work no bounds out.

    Returns:
        One run for each policy, and what a solver has proved that none is shorter than, in
        microseconds; 0 when none was asked.
    """
    match model:
        case "sync":
            return [run_sync(graph, costs)] * len(policies), 0
        case "sync-parallel":
            return [run_sync_parallel(graph, costs, options.workers)] * len(policies), 0
        case "async" | "async-naive" | "futures":
            plan = build_plan(graph, costs, model, options.workers)
            return _run_policies(plan, policies, options)
        case _:
            assert_never(model)


def _run_policies(
    plan: Plan, policies: tuple[PolicyName, ...], options: Options
) -> tuple[list[Timing], int]:
    timings: list[Timing] = []
    proved_us = 0
    for policy in policies:
        if policy == "optimal":
            optimum = run_optimal(plan, options)
            timings.append(optimum.timing)
            proved_us = optimum.lower_bound_us
        else:
            timings.append(run_policy(plan, policy, options.seed))
    return timings, proved_us


def run_policy(plan: Plan, policy: RunnablePolicy, seed: int = 0) -> Timing:
    """Play a run under a policy that knows estimates only.

    Args:
        plan: The run.
        policy: Any policy but `optimal`.
        seed: Seed of `random`.
    """
    facts = gather_facts(plan)
    match policy:
        case "lookahead" | "lookahead-idle" | "auto" if not plan.chained:
            # Never waiting for a result, the model has nothing to look ahead for: without a
            # limit of workers the longest tail is optimal (Time/futures-policy).
            return run_futures(plan, prioritise(facts, "longest-tail", seed))
        case "lookahead" | "lookahead-idle" | "auto" if plan.size > MAX_CALLS:
            return run_async(plan, prioritise(facts, "fan-tail", seed))
        case "lookahead" | "lookahead-idle":
            priority = prioritise(facts, "fan-tail", seed)
            return run_lookahead(plan, facts, priority, idle=policy == "lookahead-idle")
        case "auto":
            return run_auto(plan, facts)
        case _:
            priority = prioritise(facts, policy, seed)
            return run_async(plan, priority) if plan.chained else run_futures(plan, priority)


def run_optimal(plan: Plan, options: Options) -> Optimum:
    """Find the best order with the true execution times (Time/policy-optimal).

    Raises:
        MissingExtraError: OR-Tools is needed and not installed.
    """
    known = msgspec.structs.replace(plan, estimate_us=plan.execute_us)
    policies: tuple[RunnablePolicy, ...] = ("fan-tail", "lpt", "johnson", "auto")
    tried = [run_policy(known, policy, options.seed) for policy in policies]
    hint = min(tried, key=lambda timing: timing.makespan_us)
    if not plan.chained:
        return Optimum(hint, lower_bound_us(plan))
    return find_optimum(plan, hint, seconds=options.solver_seconds)
