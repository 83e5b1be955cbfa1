"""What a session offers its model: the host's functions, under the names that bodies write."""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from cml.arguments import kind_of
from cml.profile import Body
from interpreter.errors import HostError
from interpreter.state import Settings
from interpreter.tools.arguments import load_checks
from interpreter.tools.declared import Tool
from interpreter.tools.names import function_names
from interpreter.tools.signature import Function, tool_of


class Offered(msgspec.Struct, frozen=True):
    """One function.

    Args:
        name: The host's own name for it.
        function: The function.
        tool: What a model is told of it.
    """

    name: str
    function: Function
    tool: Tool


def offer(functions: Mapping[str, Function], body: Body) -> dict[str, Offered]:
    """Return what a session offers, by the names that its bodies write.

    Args:
        functions: The host's functions, by its own names.
        body: The language of the bodies; a Python body writes some names otherwise (Embed/alias).

    Raises:
        HostError: A function cannot be called, or its name is no text or empty.
    """
    for name, function in functions.items():
        if not name or type(name) is not str:
            raise HostError("Embed/alias", f"{name!r} is no name of a function; give a text")
        if not callable(function):
            raise HostError("Embed/start", f"the function {name!r} is {kind_of(function)}")
    load_checks()
    return {
        spelled: Offered(name, functions[name], tool_of(functions[name], name))
        for name, spelled in function_names(functions, body).items()
    }


def offered_settings(offered: Mapping[str, Offered], settings: Settings) -> Settings:
    """Return the settings of a session with what its functions say.

    Args:
        offered: What the session offers.
        settings: What the host chose. What it says of a function, under its own name or the one
            that bodies write, counts before what the function declares.
    """
    spelled = {each.name: name for name, each in offered.items()}
    estimates = {name: each.tool.estimate_us for name, each in offered.items()}
    deadlines = {name: each.tool.deadline_us for name, each in offered.items()}
    return replace(
        settings,
        functions=tuple(offered),
        aliases={name: each.name for name, each in offered.items() if name != each.name},
        estimates_us=_merged(estimates, settings.estimates_us, spelled),
        deadlines_us=_merged(deadlines, settings.deadlines_us, spelled),
    )


def _merged(
    declared: Mapping[str, int | None], chosen: Mapping[str, int], spelled: Mapping[str, str]
) -> dict[str, int]:
    known = {name: us for name, us in declared.items() if us is not None}
    return known | {spelled.get(name, name): us for name, us in chosen.items()}
