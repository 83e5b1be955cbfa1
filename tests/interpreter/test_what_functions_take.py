"""Public functions of the interpreter say in one sentence what they take, given something else."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import pytest

import cml
import interpreter
from cml.profile import Profile
from interpreter import AsyncRuntime, Runtime, ScriptedSession, Sessions, Settings, run_virtual

SCRIPT = ScriptedSession(())
PIECES = "strings, interpreter.Piece and interpreter.EndOfDecoding"
VERBS = "a session has the verbs decode, append, rewind and close"
COSTS = "costs are interpreter.schedule.Costs, such as one of PRESETS"
WORKLOADS = "workloads are an iterable of them, as read_workloads is"
EXECUTOR = "an executor is a concurrent.futures.Executor"
DECODER = "a decoder is a concurrent.futures.Executor, 'at once' or None"
WRONG: list[tuple[Callable[..., object], tuple[object, ...], str]] = [
    (ScriptedSession, (5,), f"a script is an iterable of {PIECES}, not an int"),
    (
        lambda pieces: ScriptedSession(pieces).decode(),
        ([5],),
        f"a script holds {PIECES}, not an int",
    ),
    (run_virtual, (5, dict), f"{VERBS}; an int has no decode"),
    (run_virtual, (SCRIPT, {}), "functions are a callable that answers each start, not a dict"),
    (run_virtual, (SCRIPT, dict, 5), "settings are interpreter.Settings, not an int"),
    (Settings, ("core",), "the profile of settings is a cml.Profile, not a str"),
    (interpreter.simulate, (5,), f"{WORKLOADS}, not an int"),
    (interpreter.simulate, ([5],), "a workload is an interpreter.schedule.Workload, not an int"),
    (interpreter.simulate, ([], "gpt-4o"), f"{COSTS}, not a str"),
    (cml.Lexer, ("json",), "a profile is a cml.Profile, not a str"),
]


@pytest.mark.parametrize(("function", "values", "said"), WRONG)
def test_something_else_is_named(
    function: Callable[..., object], values: tuple[object, ...], said: str
) -> None:
    with pytest.raises(TypeError) as caught:
        function(*values)
    assert str(caught.value) == said


@pytest.mark.parametrize("form", [Runtime, AsyncRuntime])
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((5, {}), f"{VERBS}; an int has no decode"),
        ((SCRIPT, ["f"]), "functions are a mapping of names to functions, not a list"),
        ((SCRIPT, {}, "core"), "settings are interpreter.Settings, not a str"),
        ((SCRIPT, {}, {}), "settings are interpreter.Settings, not a dict"),
        ((SCRIPT, {}, None, 4), f"{EXECUTOR}, not an int"),
    ],
)
def test_a_runtime_names_what_it_takes(
    form: Callable[..., object], values: tuple[object, ...], said: str
) -> None:
    with pytest.raises(TypeError) as caught:
        form(*values)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    "form", [partial(Runtime, SCRIPT, {}), partial(AsyncRuntime, SCRIPT, {}), Sessions]
)
def test_a_decoder_is_what_it_may_be(form: Callable[..., object]) -> None:
    """Any other word would be taken for `at once`: a model that blocks holds up all sessions then."""
    with pytest.raises(TypeError) as caught:
        form(decoder="threads")
    assert str(caught.value) == f"{DECODER}, not a str"


def test_sessions_name_what_they_take() -> None:
    make: Callable[..., Sessions] = Sessions
    with pytest.raises(TypeError, match="most_open is a number of sessions, not a str"):
        make(most_open="many")
    with pytest.raises(TypeError, match=f"{EXECUTOR}, not an int"):
        make(4)


@pytest.mark.parametrize("part", ["body", "level", "limits", "markers"])
def test_a_part_of_a_profile_is_of_its_kind(
    part: Literal["body", "level", "limits", "markers"],
) -> None:
    make: Callable[..., Profile] = Profile
    with pytest.raises(TypeError, match=rf"{part} of a profile is a cml\.profile\.\w+, not 'text'"):
        make(**{part: "text"})
