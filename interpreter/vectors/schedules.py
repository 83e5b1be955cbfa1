"""Schedule vectors: workloads and the times they come to (spec/4-time.md)."""

from typing import Final

import msgspec

from interpreter.schedule.costs import Costs
from interpreter.schedule.models.timing import Model, PolicyName
from interpreter.schedule.simulate import Options
from interpreter.schedule.studies.report import simulate
from interpreter.schedule.workload import Workload, check_workload


class ScheduleVector(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One run, calculated by hand.

    Args:
        name: That of its file, and of the workload.
        rules: Rules of the specification that it exercises.
        why: The calculation; times in microseconds.
        workload: The calls.
        costs: The accounting.
        model: The execution model.
        policy: Which order the calls are written in.
        workers: How many calls run at once; 0 is without limit.
        seed: Seed of the policy `random`.
        makespan_us: How long the run takes, in microseconds.
        order: The calls in the order in which they are written.
        lower_bound_us: The lower bound of the run, in microseconds; absent where it is not asked.
    """

    name: str
    rules: tuple[str, ...]
    why: str
    workload: Workload
    costs: Costs
    model: Model
    policy: PolicyName
    workers: int
    seed: int
    makespan_us: int
    order: tuple[str, ...]
    lower_bound_us: int | None = None


class ScheduleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run that an implementation is asked to calculate: the fields of a schedule vector that say
    which.
    """

    id: str
    workload: Workload
    costs: Costs
    model: Model
    policy: PolicyName
    workers: int = 0
    seed: int = 0


class ScheduleAnswer(msgspec.Struct, frozen=True):
    """What a run comes to: times in microseconds, and the calls in the order of writing."""

    id: str
    makespan_us: int
    order: tuple[str, ...]
    lower_bound_us: int


_DECODER: Final = msgspec.json.Decoder(ScheduleVector)


def decode_schedule(text: bytes) -> ScheduleVector:
    """Read a vector.

    Raises:
        msgspec.DecodeError: The text is no vector; the message says where.
        WorkloadError: The workload breaks a rule of the workload format.
    """
    vector = _DECODER.decode(text)
    check_workload(vector.workload)
    return vector


def schedule_request(identifier: str, vector: ScheduleVector) -> ScheduleRequest:
    """Return what an implementation is asked of a vector."""
    return ScheduleRequest(
        identifier,
        vector.workload,
        vector.costs,
        vector.model,
        vector.policy,
        vector.workers,
        vector.seed,
    )


def calculate(request: ScheduleRequest) -> ScheduleAnswer:
    """Calculate a run.

    Raises:
        MissingSolverError: The policy is `optimal`, and OR-Tools is not installed.
        WorkloadError: The workload breaks a rule of the workload format.
    """
    check_workload(request.workload)
    options = Options(workers=request.workers, seed=request.seed)
    report = simulate(
        [request.workload], request.costs, (request.model,), (request.policy,), options
    )
    run = report.workloads[0].runs[0]
    return ScheduleAnswer(request.id, run.makespan_us, tuple(run.order), run.lower_bound_us)
