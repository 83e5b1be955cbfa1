"""Simulate one workload under a model and a policy (spec/4-time.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, assert_never

import msgspec

from interpreter.schedule.asynchronous import run_async
from interpreter.schedule.auto import run_auto
from interpreter.schedule.bounds import lower_bound_us
from interpreter.schedule.facts import gather_facts
from interpreter.schedule.futures import run_futures
from interpreter.schedule.lookahead import MAX_CALLS, run_lookahead
from interpreter.schedule.optimal import DEFAULT_SECONDS, Optimum, find_optimum
from interpreter.schedule.plan import build_plan
from interpreter.schedule.policies import rank_calls
from interpreter.schedule.synchronous import run_sync, run_sync_parallel

if TYPE_CHECKING:
    from interpreter.schedule.costs import Costs
    from interpreter.schedule.graph import Graph
    from interpreter.schedule.plan import Plan
    from interpreter.schedule.timing import Model, PolicyName, RunnablePolicy, Timing


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulation may be told besides workload, costs, model and policy.

    Args:
        workers: How many calls can run at once; 0 is without limit.
        seed: Seed of the policy `random`.
        solver_seconds: Time limit of the policy `optimal`, for one workload.
    """

    workers: int = 0
    seed: int = 0
    solver_seconds: float = DEFAULT_SECONDS


class Result(msgspec.Struct, frozen=True):
    """A run and the best bound known for it.

    Args:
        timing: The run.
        lower_bound_us: No run of this model is shorter, in microseconds.
    """

    timing: Timing
    lower_bound_us: int


def simulate_model(
    graph: Graph,
    costs: Costs,
    model: Model,
    policies: tuple[PolicyName, ...],
    options: Options,
) -> list[Result]:
    """Run one workload under one model and several policies.

    Args:
        graph: The workload.
        costs: The accounting.
        model: The execution model.
        policies: Which order the calls are written in; Sync and Sync-Parallel keep the program
            order whatever the policy.
        options: Workers, seed, time limit.

    Returns:
        One result for each policy, in their order.
    """
    match model:
        case "sync":
            timing = run_sync(graph, costs)
        case "sync-parallel":
            timing = run_sync_parallel(graph, costs, options.workers)
        case "async" | "async-naive" | "futures":
            plan = build_plan(graph, costs, model, options.workers)
            return _run_policies(plan, policies, options)
        case _:
            assert_never(model)
    bound_us = synchronous_bound_us(graph, costs, model, options.workers)
    return [Result(timing, bound_us)] * len(policies)


def synchronous_bound_us(
    graph: Graph, costs: Costs, model: Literal["sync", "sync-parallel"], workers: int
) -> int:
    """Bound what any order could reach with the tokens and the answer of a waiting model."""
    call_tokens = {"sync": costs.sync_call_tokens, "sync-parallel": costs.parallel_call_tokens}
    priced = msgspec.structs.replace(
        costs,
        async_call_tokens=call_tokens[model],
        interrupt_token_us=0,
        final_request="none" if costs.final_request == "none" else "all",
    )
    return lower_bound_us(build_plan(graph, priced, "async", workers))


def workload_bound_us(graph: Graph, costs: Costs, workers: int) -> int:
    """Bound every run of a workload by any of the four models of the paper (Time/bound).

    Args:
        graph: The workload.
        costs: The accounting.
        workers: How many calls can run at once; 0 is without limit.
    """
    return min(
        synchronous_bound_us(graph, costs, "sync", workers),
        synchronous_bound_us(graph, costs, "sync-parallel", workers),
        lower_bound_us(build_plan(graph, costs, "async", workers)),
        lower_bound_us(build_plan(graph, costs, "async-naive", workers)),
    )


def _run_policies(plan: Plan, policies: tuple[PolicyName, ...], options: Options) -> list[Result]:
    bound_us = lower_bound_us(plan)
    timings: list[Timing] = []
    for policy in policies:
        if policy == "optimal":
            optimum = run_optimal(plan, options)
            timings.append(optimum.timing)
            bound_us = optimum.lower_bound_us
        else:
            timings.append(run_policy(plan, policy, options.seed))
    return [Result(timing, bound_us) for timing in timings]


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
            return run_futures(plan, rank_calls(facts, "longest-tail", seed))
        case "lookahead" | "lookahead-idle" | "auto" if plan.size > MAX_CALLS:
            return run_async(plan, rank_calls(facts, "fan-tail", seed))
        case "lookahead" | "lookahead-idle":
            priority = rank_calls(facts, "fan-tail", seed)
            return run_lookahead(plan, priority, idle=policy == "lookahead-idle")
        case "auto":
            return run_auto(plan, facts)
        case _:
            priority = rank_calls(facts, policy, seed)
            return run_async(plan, priority) if plan.chained else run_futures(plan, priority)


def run_optimal(plan: Plan, options: Options) -> Optimum:
    """Find the best order with the true execution times (Time/policy-optimal).

    Raises:
        MissingSolverError: OR-Tools is needed and not installed.
    """
    known = msgspec.structs.replace(plan, estimate_us=plan.execute_us)
    policies: tuple[RunnablePolicy, ...] = ("fan-tail", "lpt", "johnson", "auto")
    tried = [run_policy(known, policy, options.seed) for policy in policies]
    hint = min(tried, key=lambda timing: timing.makespan_us)
    if not plan.chained:
        return Optimum(hint, lower_bound_us(plan))
    return find_optimum(plan, hint, seconds=options.solver_seconds)
