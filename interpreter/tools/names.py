"""Names that bodies can spell: each name of a tool, and the alias that a Python body writes.

A JSON body names anything. A Python body names ASCII identifiers, and dotted ones for functions, so
a name such as `get-weather`, `2fa` or `größe` gets an alias there: without accents, `_` for each
character that cannot stand, `_` before a digit, and a number where the alias is taken. Names that
need none keep theirs, so an alias never shadows a name, and the table can be read backwards.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from cml.profile import Body
from cml.text.identifiers import ascii_name
from interpreter.tools.declared import Tool
from interpreter.tools.schema import Schema, properties, required

_ARGUMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FUNCTION: Final = re.compile(rf"{_ARGUMENT.pattern}(?:\.{_ARGUMENT.pattern})*")


def function_names(names: Iterable[str], body: Body) -> dict[str, str]:
    """Return how the bodies of a session write each function's name.

    Args:
        names: The functions' own names.
        body: The language of the bodies.
    """
    return _spelled(names, body, _FUNCTION)


def argument_names(names: Iterable[str], body: Body) -> dict[str, str]:
    """Return how the bodies of a session write the names of one tool's arguments."""
    return _spelled(names, body, _ARGUMENT)


def spelled_tools(tools: Sequence[Tool], body: Body) -> tuple[Tool, ...]:
    """Return tools with each name as the bodies of a session write it.

    Args:
        tools: Under their own names.
        body: The language of the bodies.
    """
    names = function_names((tool.name for tool in tools), body)
    return tuple(
        replace(tool, name=names[tool.name], parameters=spelled_parameters(tool.parameters, body))
        for tool in tools
    )


def spelled_parameters(parameters: Schema, body: Body) -> Schema:
    """Return the schema of a tool's arguments with each name as the bodies write it."""
    named = properties(parameters)
    names = argument_names(named, body)
    if all(own == alias for own, alias in names.items()):
        return parameters
    spelled: Schema = {
        **parameters,
        "properties": {names[name]: schema for name, schema in named.items()},
    }
    if "required" in parameters:
        spelled["required"] = [names.get(name, name) for name in required(parameters)]
    return spelled


def _spelled(names: Iterable[str], body: Body, spelling: re.Pattern[str]) -> dict[str, str]:
    own = list(names)
    if body is Body.JSON:
        return {name: name for name in own}
    taken = {name for name in own if spelling.fullmatch(name)}
    aliases: dict[str, str] = {}
    for name in own:
        aliases[name] = name if name in taken else _free(ascii_name(name), taken)
        taken.add(aliases[name])
    return aliases


def _free(alias: str, taken: set[str]) -> str:
    number, free = 1, alias
    while free in taken:
        number += 1
        free = f"{alias}_{number}"
    return free
