"""From the words of `--tools` to functions: Python files, and servers of the Model Context Protocol."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from interpreter.tools.python import ToolFile, ToolOfFile, load_tools
from model_adapters.mcp.connection import Connection
from model_adapters.mcp.tools import mcp_tools
from model_adapters.prompt import examples_of

MCP: Final = "mcp:"


def open_tools(sources: Sequence[str], stack: ExitStack, *, apart: bool = False) -> ToolFile:
    """Return the tools of all sources, in their order; a name that was given away is left out.

    Args:
        sources: Files of Python, `mcp:COMMAND`, `mcp:URL`.
        stack: Ends the servers; functions may be called until then.
        apart: Whether those of files are to be called in other processes.

    Raises:
        ToolError: A file is none, or defines no tool, or holds `EXAMPLES` that are none.
        AdapterError: A server cannot be had.
        MissingExtraError: There is one, and the extra `mcp` is not installed.
    """
    all_tools = ToolFile({}, {})
    for source in sources:
        found = _opened(source, stack, apart=apart)
        all_tools.left_out.update(found.left_out)
        for name, function in found.functions.items():
            if name in all_tools.functions:
                all_tools.left_out[name] = f"a tool of that name comes before the one of {source}"
            else:
                all_tools.functions[name] = function
    examples_of(all_tools.functions.values())  # a backend that tells none checks none
    return all_tools


def _opened(source: str, stack: ExitStack, *, apart: bool) -> ToolFile:
    if source.startswith(MCP):
        return mcp_tools(stack.enter_context(Connection(source.removeprefix(MCP))))
    found = load_tools(Path(source))
    if not apart:
        return found
    path = Path(source).resolve()
    carried = {name: ToolOfFile(path, name, each) for name, each in found.functions.items()}
    return ToolFile({**carried}, found.left_out)
