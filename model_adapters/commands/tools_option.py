"""Options that say which tools there are, and where they are called."""

import os
import sys
from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import ExitStack, redirect_stdout
from io import StringIO
from typing import Final

import click
import msgspec

from cml.terminal.files import require_readable
from cml.terminal.output import print_text
from interpreter.executors.processes import Processes
from interpreter.tools.signature import Function
from model_adapters.tools import MCP, open_tools

_MIB: Final = 2**20
_MEMORY_MIB: Final = 1_024


class _Tools(click.Path):
    """Where tools come from. Only a file can be looked at before it is used."""

    name = "tools"

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """Return the word as it is, once it is known that it names something."""
        source = os.fspath(value)
        if not source.startswith(MCP):
            require_readable(source)
        elif not source.removeprefix(MCP).strip():
            self.fail("mcp: names no server; give mcp:COMMAND or mcp:URL", param, ctx)
        return source


TOOLS: Final = _Tools()
"""Type of an option that names tools."""

isolate_option: Final = click.option(
    "--isolate",
    is_flag=True,
    help="Call the functions of files in processes of their own, which a deadline ends.",
)
memory_option: Final = click.option(
    "--memory",
    "memory_mib",
    type=click.IntRange(min=16),
    metavar="MIB",
    help="With --isolate: how much memory such a process may use for its calls; on Linux"
    f" {_MEMORY_MIB:,} by default.",
)


class ToolsChoice(msgspec.Struct, frozen=True):
    """Which tools there are, and where they are called.

    Args:
        sources: The words of `--tools`.
        isolate: Whether the functions of files are called in processes of their own.
        memory_mib: How much memory such a process may use, in MiB; None for the default.
    """

    sources: tuple[str, ...]
    isolate: bool
    memory_mib: int | None


def tools_told(tools: ToolsChoice, stack: ExitStack) -> Mapping[str, Function]:
    """Open what `--tools` names, and say what of it is no tool, and what it printed."""
    printed = StringIO()
    try:
        with redirect_stdout(printed):  # nothing else runs yet
            loaded = open_tools(tools.sources, stack, apart=tools.isolate)
    finally:
        if words := printed.getvalue().rstrip():
            print_text(f"printed while tools were loaded: {words}", err=True)
    for name, why in loaded.left_out.items():
        print_text(f"{name} is left out of the tools: {why}", err=True)
    return loaded.functions


def executor_chosen(tools: ToolsChoice, stack: ExitStack) -> Executor | None:
    """Return where functions are called; None for threads of this process.

    Raises:
        click.BadParameter: The options do not go together, or not on this system.
    """
    memory_mib = tools.memory_mib
    if not tools.isolate:
        if memory_mib is not None:
            raise click.BadParameter("it needs --isolate", param_hint="'--memory'")
        return None
    if memory_mib is None and sys.platform.startswith("linux"):
        memory_mib = _MEMORY_MIB
    try:
        pool = Processes(memory_bytes=None if memory_mib is None else memory_mib * _MIB)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--isolate'") from None
    return stack.enter_context(pool)
