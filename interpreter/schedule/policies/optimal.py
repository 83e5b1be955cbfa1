"""The proved optimum of an asynchronous run, by the CP-SAT solver of OR-Tools.

Needs the extra `optimal`. The model leaves out what traps and requests cost; the order that it
finds is then played by the full accounting, and the result says whether it is proved.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from interpreter.errors import missing_extra
from interpreter.schedule.graph import least_order
from interpreter.schedule.models.asynchronous import inverse, run_async
from interpreter.schedule.models.timing import Timing
from interpreter.schedule.plan import Plan
from interpreter.schedule.policies.bounds import lower_bound_us

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import CpModel, IntVar

DEFAULT_SECONDS: Final = 10.0


class Optimum(msgspec.Struct, frozen=True):
    """The best run found and the best bound proved.

    Args:
        timing: The run.
        lower_bound_us: No run of the plan is shorter, in microseconds.
    """

    timing: Timing
    lower_bound_us: int

    @property
    def proved(self) -> bool:
        """Whether no run of the plan is shorter."""
        return self.timing.makespan_us == self.lower_bound_us


def find_optimum(plan: Plan, hint: Timing, *, seconds: float = DEFAULT_SECONDS) -> Optimum:
    """Find the best order of writing (Time/policy-optimal).

    It knows the true execution times, and so is a yardstick rather than a policy that could run.

    Args:
        plan: The run.
        hint: A run to begin from; never is the result worse.
        seconds: Time limit of the solver.

    Raises:
        MissingExtraError: OR-Tools is not installed.
    """
    bound_us = lower_bound_us(plan)
    if hint.makespan_us == bound_us:
        return Optimum(hint, bound_us)
    order, solver_bound_us = _solve(plan, hint, bound_us, seconds)
    priority = inverse(order)
    found = run_async(plan, priority, fixed=True)
    best = min(found, hint, key=lambda timing: timing.makespan_us)
    return Optimum(best, max(bound_us, solver_bound_us))


def _solve(plan: Plan, hint: Timing, bound_us: int, seconds: float) -> tuple[list[int], int]:
    """Return the best order found, and a bound in microseconds."""
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise missing_extra("optimal", error) from None
    closing_us = plan.last_batch_us + plan.answer_us
    model = cp_model.CpModel()
    starts = _add_calls(model, plan, bound_us - closing_us, hint.makespan_us - closing_us)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    solver.parameters.max_time_in_seconds = seconds
    status = solver.solve(model)
    bound_us = round(solver.best_objective_bound) + closing_us
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return hint.order, bound_us
    return least_order(plan.graph, [solver.value(start) for start in starts]), bound_us


def _add_calls(model: "CpModel", plan: Plan, least_us: int, most_us: int) -> "list[IntVar]":
    """Add what holds: one generator writes, workers run, and results come before what needs them."""
    end = model.new_int_var(least_us, most_us, "end")
    written, ran, starts = [], [], []
    begins = []
    for call in range(plan.size):
        start = model.new_int_var(plan.start_us, most_us, "")
        begin = model.new_int_var(plan.start_us, most_us, "") if plan.workers else None
        length_us = plan.generate_us[call]
        written.append(model.new_fixed_size_interval_var(start, length_us, ""))
        if begin is None:
            begins.append(start + length_us)
        else:
            model.add(begin >= start + length_us)
            ran.append(model.new_fixed_size_interval_var(begin, plan.execute_us[call], ""))
            begins.append(begin + 0)
        starts.append(start)
    for call, begin_us in enumerate(begins):
        known_us = begin_us + plan.execute_us[call] + plan.deliver_us[call]
        model.add(end >= known_us)
        for other in plan.graph.successors[call]:
            model.add(starts[other] >= known_us)
    for at_us, message in plan.messages:
        for call in plan.successors[message]:
            model.add(starts[call] >= at_us)
    model.add_no_overlap(written)
    if ran:
        model.add_cumulative(ran, [1] * len(ran), plan.workers)
    model.minimize(end)
    return starts
