"""The backends of BFCL's multi-turn data: where they begin, and calls of their methods.

They are plain Python classes in the wheel of `bfcl-eval`, loaded from it and run here (one of them needs
mpmath: extra `bfcl`): a file system, a ticket office and others, all in memory.
"""

import ast
import importlib
import sys
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from interpreter.errors import missing_extra

_QUESTIONS: Final = "_multi_turn_base.json"
_ROOT: Final = "bfcl_eval."
_PACKAGE: Final = "bfcl_eval.eval_checker.multi_turn_eval.func_source_code."
MODULES: Final = {
    "GorillaFileSystem": "gorilla_file_system",
    "MathAPI": "math_api",
    "MessageAPI": "message_api",
    "TwitterAPI": "posting_api",
    "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot",
    "TravelAPI": "travel_booking",
    "VehicleControlAPI": "vehicle_control",
}
"""Each class with the name of its module, and of the file that describes its functions."""


Classes: TypeAlias = Mapping[str, Callable[[], object]]
"""Each class by its name."""


class CallError(Exception):
    """A call that a backend refused: the kind of its exception, and the message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


class Scenario(msgspec.Struct, frozen=True):
    """One line of the data file.

    Args:
        id: Its identifier.
        question: The messages of each turn.
        initial_config: Where each backend begins.
        involved_classes: Which backends there are.
        excluded_function: Functions of theirs that are not offered.
    """

    id: str
    question: list[list[dict[str, str]]]
    initial_config: dict[str, dict[str, object]]
    involved_classes: list[str]
    excluded_function: list[str] = []


def read_scenarios(wheel: Path) -> dict[str, Scenario]:
    """Return every sample of the data, by its identifier."""
    decoder = msgspec.json.Decoder(Scenario)
    with zipfile.ZipFile(wheel) as archive:
        name = next(
            one
            for one in archive.namelist()
            if one.startswith("bfcl_eval/data/BFCL_v") and one.endswith(_QUESTIONS)
        )
        lines = archive.read(name).splitlines()
    scenarios = (decoder.decode(line) for line in lines if line.strip())
    return {scenario.id: scenario for scenario in scenarios}


def load_classes(wheel: Path, scenarios: Iterable[Scenario]) -> Classes:
    """Load the classes of the backends of some samples. No module of the wheel stays known.

    Raises:
        MissingExtraError: A package that a backend needs is not installed.
    """
    names = {name for scenario in scenarios for name in scenario.involved_classes}
    sys.path.insert(0, str(wheel))
    try:
        modules = {name: importlib.import_module(_PACKAGE + MODULES[name]) for name in names}
    except ImportError as error:
        raise missing_extra("bfcl", error) from None
    finally:
        sys.path.remove(str(wheel))
        for name in [name for name in sys.modules if f"{name}.".startswith(_ROOT)]:
            del sys.modules[name]
    return {name: getattr(module, name) for name, module in modules.items()}


def open_backends(scenario: Scenario, classes: Classes) -> list[object]:
    """Return the backends of a sample, where they begin."""
    return [_open(name, scenario, classes) for name in scenario.involved_classes]


def _open(name: str, scenario: Scenario, classes: Classes) -> object:
    backend = classes[name]()
    load = getattr(backend, "_load_scenario", None)
    if load is not None:
        load(deepcopy(scenario.initial_config.get(name, {})))
    return backend


def call_method(
    backends: Sequence[object], name: str, args: Sequence[object], named: Mapping[str, object]
) -> object:
    """Call the method of this name; return its result.

    Raises:
        CallError: There is no such method, or it refused.
    """
    able = [each for each in backends if not name.startswith("_") and hasattr(each, name)]
    if not able:
        raise CallError("LookupError", f"there is no function {name}")
    try:
        result: object = getattr(able[0], name)(*args, **named)
    except Exception as error:  # noqa: BLE001 (an outcome of the backend's like any other)
        raise CallError(type(error).__name__, str(error)) from None
    return result


def call_written(backends: Sequence[object], text: str) -> object:
    """Carry one call out that is written in Python's syntax: constant arguments, and nothing else.

    Raises:
        ValueError: It is no such call.
        CallError: As for `call_method`.
    """
    call = ast.parse(text, mode="eval").body
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise ValueError(  # noqa: TRY004 (the data is at fault, not a caller's type)
            f"{text!r} is not a call of a function with constant arguments"
        )
    args = [ast.literal_eval(one) for one in call.args]
    named = {one.arg: ast.literal_eval(one.value) for one in call.keywords if one.arg}
    return call_method(backends, call.func.id, args, named)
