"""What is simulated of every workload."""

from collections.abc import Sequence

import msgspec

from interpreter.schedule.costs import Costs
from interpreter.schedule.models.timing import MODELS, POLICIES, Model, PolicyName
from interpreter.schedule.simulate import Options


class Experiment(msgspec.Struct, frozen=True, kw_only=True):
    """What to simulate of every workload.

    Args:
        costs: The accounting.
        models: Execution models.
        policies: Scheduling policies.
        options: Workers, seed and solver time.
        noise: Spread of errors that the estimates are given on top; 0 leaves them as they are.

    Raises:
        ValueError: A name is not known, none is given, or the noise is negative.
    """

    costs: Costs
    models: tuple[Model, ...]
    policies: tuple[PolicyName, ...]
    options: Options = Options()
    noise: float = 0.0

    def __post_init__(self) -> None:
        _check_names("models", self.models, MODELS)
        _check_names("policies", self.policies, POLICIES)
        if self.noise < 0:
            raise ValueError(f"noise should be 0 or more, not {self.noise}")


def _check_names(what: str, names: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in names if name not in known]
    if isinstance(names, str) or not names or unknown:
        given = ", ".join(map(repr, unknown)) if unknown else repr(names)
        raise ValueError(f"{what} should be a tuple of some of {', '.join(known)}; got {given}")
