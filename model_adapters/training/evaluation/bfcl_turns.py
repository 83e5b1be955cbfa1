"""First turns of BFCL's multi-turn data: the model's calls are carried out, and what they leave counts.

By the leaderboard's own rules (its `multi_turn_checker`): after the turn the backends are in the state
in which the calls of the ground truth leave them, and everything that those returned was returned to
the model too, in any order. Other calls may be made on the way.
"""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from cml.ast import OutcomeKind
from cml.profile import Body
from interpreter.drivers.virtual import TimedOutcomes, run_virtual
from interpreter.events import Outcome, Start, failure
from interpreter.schedule.data.bfcl import BfclError, read_samples
from interpreter.schedule.data.bfcl_backends import (
    MODULES,
    CallError,
    Classes,
    Scenario,
    call_method,
    call_written,
    load_classes,
    open_backends,
    read_scenarios,
)
from interpreter.session import DecodingCosts, Session
from interpreter.state import Settings
from interpreter.tools.declared import Tool
from interpreter.tools.names import spelled_tools
from model_adapters.prompt import Message
from model_adapters.training.evaluation.bfcl_schemas import BfclFunction, described

if TYPE_CHECKING:
    from cml.ast import Json

_DOCUMENTS: Final = "bfcl_eval/data/multi_turn_func_doc"
_EXECUTE_US: Final = 200_000


class BfclTurn(msgspec.Struct, frozen=True):
    """A first turn.

    Args:
        question: What a person asks.
        tools: What may be called.
        scenario: Where the backends begin.
        classes: What they are made of.
        calls: Those of the ground truth, as they are written in Python.
        chat: What was said before: nothing.
    """

    question: str
    tools: tuple[Tool, ...]
    scenario: Scenario
    classes: Classes
    calls: tuple[str, ...]
    chat: tuple[Message, ...] = ()

    def open_backends(self) -> list[object]:
        """Return the backends, where they begin."""
        return open_backends(self.scenario, self.classes)


def read_first_turns(wheel: Path) -> tuple[BfclTurn, ...]:
    """Read the first turns of the data, and load what their backends are made of.

    Args:
        wheel: The wheel of bfcl-eval.

    Raises:
        BfclError: The wheel cannot be read.
        MissingExtraError: A package that a backend needs is not installed.
    """
    try:
        documents, known = _documents(wheel), read_scenarios(wheel)
        samples = read_samples(wheel, "multi_turn_base")
        scenarios = [known[sample.id] for sample in samples]
    except (OSError, KeyError, StopIteration, zipfile.BadZipFile, msgspec.DecodeError) as error:
        raise BfclError(f"{wheel}: first turns cannot be read: {error}") from None
    classes = load_classes(wheel, scenarios)
    return tuple(
        BfclTurn(
            "\n".join(message["content"] for message in scenario.question[0]),
            _tools(scenario, documents),
            scenario,
            classes,
            tuple(call.text for call in sample.calls),
        )
        for scenario, sample in zip(scenarios, samples, strict=True)
    )


def is_turn_done(
    session: Session, turn: BfclTurn, settings: Settings, costs: DecodingCosts
) -> bool:
    """Let a model take a turn; return whether it did what is asked.

    Args:
        session: The model, with the question in its context.
        turn: What is asked.
        settings: What the host chose.
        costs: What decoding costs.

    Raises:
        HostError: The session broke its contract.
    """
    backends, returned = turn.open_backends(), list[object]()
    offered = {tool.name for tool in turn.tools}

    def functions(start: Start) -> TimedOutcomes:
        if start.function not in offered:
            return [(_EXECUTE_US, failure("LookupError", f"there is no {start.function}"))]
        try:
            result = call_method(backends, start.function, start.args, start.kwargs)
        except CallError as error:
            returned.append(str(error))
            return [(_EXECUTE_US, failure(error.kind, error.message))]
        returned.append(result)
        return [(_EXECUTE_US, Outcome(OutcomeKind.RETURNED, _as_json(result)))]

    for _ in run_virtual(session, functions, settings, costs):
        pass
    return is_reached(turn, backends, returned)


def is_reached(turn: BfclTurn, backends: Sequence[object], returned: Sequence[object]) -> bool:
    """Whether backends are as the ground truth leaves them, and returned at least what it is told.

    Args:
        turn: What was asked.
        backends: Those of the model.
        returned: What its calls returned.
    """
    own = turn.open_backends()
    left = list(returned)
    for result in [_result(own, text) for text in turn.calls]:
        if result not in left:
            return False
        left.remove(result)
    return all(map(_is_same_state, backends, own))


def _is_same_state(one: object, other: object) -> bool:
    """Whether two backends are in the same state; what is private is none of it."""
    public = [name for name in vars(other) if not name.startswith("_")]
    return all(getattr(one, name) == getattr(other, name) for name in public)


def _result(backends: Sequence[object], text: str) -> object:
    try:
        return call_written(backends, text)
    except CallError as error:
        return str(error)


def _documents(wheel: Path) -> dict[str, tuple[BfclFunction, ...]]:
    """Return the functions of each backend."""
    with zipfile.ZipFile(wheel) as archive:
        return {
            name: tuple(
                msgspec.json.decode(line, type=BfclFunction)
                for line in archive.read(f"{_DOCUMENTS}/{module}.json").splitlines()
            )
            for name, module in MODULES.items()
        }


def _tools(scenario: Scenario, documents: Mapping[str, Sequence[BfclFunction]]) -> tuple[Tool, ...]:
    tools = [
        described(function)
        for name in scenario.involved_classes
        for function in documents[name]
        if function.name not in scenario.excluded_function
    ]
    return spelled_tools(tools, Body.PYTHON)


def _as_json(result: object) -> "Json":
    found: Json = msgspec.json.decode(msgspec.json.encode(result, enc_hook=str))
    return found
