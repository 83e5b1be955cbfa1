"""Who finds a mutant: the run vectors, and where none does, the tests of the interpreter."""

import inspect
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from itertools import product
from pathlib import Path
from time import perf_counter
from types import CodeType, FrameType, ModuleType
from typing import Final, NoReturn

import pytest
import reach_machine
from hypothesis import Phase, settings
from mutations import Mutant
from reach_faults import Fault, committed

from interpreter.rules import RULES, rule_name

_TESTS: Final = Path(__file__).parents[1] / "interpreter"
sys.path += map(str, (_TESTS.parent, _TESTS, *(path for path in _TESTS.iterdir() if path.is_dir())))
_LONGEST_S: Final = 0.5
_AGAIN_S: Final = 0.5
"""Of CPU time. A vector takes a few hundredths of it: what takes so long does not end."""
_LONGEST_TESTS_S: Final = 60.0
_WAITS_S: Final = (20, 40, 80, 160, 320)
"""Of the clock on the wall, for a file of tests: who waits for what never comes takes no CPU time. A
mutant that is cut off has not ended only where the right code takes a quarter of that at most; where
the machine is too busy for it, both have longer."""


class DoesNotEnd(Exception):
    """A mutant that goes on and on."""


@contextmanager
def committing(mutant: Mutant) -> Iterator[None]:
    """Let the mutant be what runs, also where what the right one gave is remembered."""
    with committed(Fault(mutant.change, mutant.function, (mutant.edit,))):
        _forget()
        yield
    _forget()


def _forget() -> None:
    rule_name.cache_clear()
    for name in ("stepping", "settling_in"):
        vars(RULES).pop(name, None)


def _stop(signal_number: int, frame: FrameType | None) -> None:
    raise DoesNotEnd


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    before = signal.signal(signal.SIGVTALRM, _stop)
    # Again and again: what is raised while a collector or a library in C calls back is swallowed.
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds, _AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


class Vectors:
    """The run vectors, each known with what it takes and which functions it comes through."""

    def __init__(self) -> None:
        self._through: defaultdict[CodeType, list[str]] = defaultdict(list)
        names = sorted(reach_machine.VECTORS, key=self._takes_s)
        for name in names:
            for code in _entered(name):
                self._through[code].append(name)

    def finds(self, mutant: Mutant) -> str | None:
        """Return the first vector that fails with a mutant, the quick ones first; or None."""
        names = self._through[mutant.edit.function.__code__]
        with committing(mutant):
            return next((name for name in names if _fails(name)), None)

    def _takes_s(self, name: str) -> float:
        begin = perf_counter()
        assert not _fails(name)
        return perf_counter() - begin


def _fails(name: str) -> bool:
    try:
        with _limited(_LONGEST_S):
            return reach_machine.failing([name]) != []
    except (DoesNotEnd, NameError):  # the second is a mutant as good as any
        return True


def _entered(name: str) -> set[CodeType]:
    entered: set[CodeType] = set()

    def look(frame: FrameType, what: str, _: object) -> None:
        entered.add(frame.f_code)

    _forget()
    sys.setprofile(look)
    try:
        _fails(name)
    finally:
        sys.setprofile(None)
    return entered


def tests_find(mutant: Mutant, names: Sequence[str]) -> str | None:
    """Return the first of some files of tests of the interpreter in which one fails with a mutant.

    They run in a process of their own, which inherits what is imported, and the mutant. It calls the
    test functions itself: to start pytest takes longer than most of them.

    Raises:
        RuntimeError: The machine is too slow to say of a mutant that it does not end.
    """
    for name in names:
        cases = list(_cases(import_module(name)))
        if not _all_pass(cases, mutant):
            return name
    return None


def _all_pass(cases: Sequence[Callable[[], object]], mutant: Mutant) -> bool:
    for within_s in _WAITS_S:
        with committing(mutant):
            ended = _ended(cases, within_s)
        if ended != -signal.SIGALRM:
            return ended == 0
        if _ended(cases, within_s // 4) == 0:
            return False
    raise RuntimeError(f"the tests are too slow here to say of {mutant[:2]} that it does not end")


def _ended(cases: Sequence[Callable[[], object]], within_s: int) -> int:
    """Run tests in a process of their own, and return how it ended: 0 if none has failed in time."""
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(within_s)  # the system ends it, whatever it waits for
        _run(cases)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _cases(module: ModuleType) -> Iterator[Callable[[], object]]:
    """Yield the tests of a file with their parameters, but for slow ones and those with fixtures."""
    for name, function in vars(module).items():
        if not name.startswith("test_"):
            continue
        marks = getattr(function, "pytestmark", [])
        spaces = [_values(mark) for mark in marks if mark.name == "parametrize"]
        for values in product(*spaces):
            given = {key: value for each in values for key, value in each.items()}
            if given.keys() == inspect.signature(function).parameters.keys() and not any(
                mark.name == "slow" for mark in marks
            ):
                yield partial(function, **given)


def _values(mark: pytest.Mark) -> list[dict[str, object]]:
    names, values = mark.args
    keys = [key.strip() for key in names.split(",")] if isinstance(names, str) else names
    return [dict(zip(keys, each if len(keys) > 1 else (each,), strict=True)) for each in values]


def _run(cases: Sequence[Callable[[], object]]) -> NoReturn:
    """Run tests and end the process: with 0 if none fails or goes on without end."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    failed = True
    try:
        with _limited(_LONGEST_TESTS_S):
            for case in cases:
                case()
        failed = False
    finally:
        os._exit(failed)


# The same few examples every time: what only luck finds is not found.
settings.register_profile(
    "few", max_examples=10, derandomize=True, deadline=None, phases=(Phase.explicit, Phase.generate)
)
settings.load_profile("few")
