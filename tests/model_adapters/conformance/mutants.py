"""Every sabotaged session and driver, with the check that is made for its fault."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from sabotaged_drivers import SABOTAGED_DRIVERS
from sabotaged_realtime import SABOTAGED_REALTIME
from sabotaged_sessions import BROKEN, CONTROL, SABOTAGED, Toy

from cml.profile import Level
from interpreter.drivers.realtime import Runtime
from interpreter.drivers.virtual import Drive, run_virtual
from model_adapters.conformance.check import CheckResult
from model_adapters.conformance.checks import chosen
from model_adapters.conformance.running import run_checks
from model_adapters.conformance.subject import RealtimeDrive, Subject, request_of

LIMIT_S: Final = 1.0


class Mutant(NamedTuple):
    name: str
    fault: str
    check: str
    make: type[Toy] = Toy
    drive: Drive = run_virtual
    run: RealtimeDrive = Runtime


def _sessions() -> Iterator[Mutant]:
    of_contract = {
        make: f"session/{clause.removeprefix('Embed/')}"
        for clause, some in BROKEN.items()
        for make in some
    }
    for make, check in {**of_contract, **SABOTAGED}.items():
        yield Mutant(make.__name__, first_line(make.__doc__), check, make)


def first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0]


MUTANTS: Final = (
    *_sessions(),
    *(
        Mutant(name, fault, check, drive=drive)
        for name, (drive, check, fault) in SABOTAGED_DRIVERS.items()
    ),
    *(
        Mutant(name, fault, check, run=run)
        for name, (run, check, fault) in SABOTAGED_REALTIME.items()
    ),
)


def results_of(
    mutant: Mutant, only: tuple[str, ...] = (), limit_s: float = LIMIT_S
) -> list[CheckResult]:
    """Run checks on a mutant; all that there are where none is named."""
    subject = Subject(mutant.make, request_of("mutant"), mutant.drive, CONTROL, mutant.run)
    checks = chosen(Level.EXTENDED, only)
    return list(
        run_checks(checks, subject, limit_s=limit_s, given_up=lambda: None, repeat=lambda _: "")
    )


def mutants_table() -> str:
    """The table of the document: what was sabotaged, and which check says so."""
    lines = ["| sabotaged | what is wrong | the check that is made for it |", "|---|---|---|"]
    lines += [f"| {mutant.name} | {mutant.fault} | `{mutant.check}` |" for mutant in MUTANTS]
    return "\n".join(lines)
