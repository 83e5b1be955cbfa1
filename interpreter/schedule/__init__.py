"""Call-level simulation of asynchronous function calling: models, policies, bounds, data.

`interpreter.simulate` simulates workloads; what it takes and returns is here.
"""

from interpreter.schedule.costs import PRESETS, Costs, CostsError, parse_costs
from interpreter.schedule.models.timing import MODELS, POLICIES, Model, PolicyName
from interpreter.schedule.simulate import Options
from interpreter.schedule.studies.experiment import Experiment
from interpreter.schedule.studies.report import (
    PolicySummary,
    SimulatedRun,
    SimulationReport,
    WorkloadReport,
)
from interpreter.schedule.workload import (
    Fault,
    Workload,
    WorkloadCall,
    WorkloadError,
    parse_workload,
    read_workloads,
)

__all__ = [
    "MODELS",
    "POLICIES",
    "PRESETS",
    "Costs",
    "CostsError",
    "Experiment",
    "Fault",
    "Model",
    "Options",
    "PolicyName",
    "PolicySummary",
    "SimulatedRun",
    "SimulationReport",
    "Workload",
    "WorkloadCall",
    "WorkloadError",
    "WorkloadReport",
    "parse_costs",
    "parse_workload",
    "read_workloads",
]
