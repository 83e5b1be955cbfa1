"""The tools of an MCP server as functions that a session may call."""

from typing import TYPE_CHECKING

from cml.ast import Json
from interpreter.tools.declared import Tool, ToolError, tool, tool_from_json
from interpreter.tools.progress import current_progress
from interpreter.tools.python import ToolFile
from interpreter.tools.signature import Function
from model_adapters.mcp.connection import Connection
from model_adapters.mcp.contents import value_of

if TYPE_CHECKING:
    import mcp_types


def mcp_tools(connection: Connection) -> ToolFile:
    """Return the tools that a server lists, as functions, and those that cannot be taken.

    A schema is taken as it is. What the server reports on its way becomes progress, a cancelled
    call is cancelled at the server, and a result is what `value_of` makes of it.

    Args:
        connection: It has to stay open while they are called.
    """
    functions: dict[str, Function] = {}
    left_out: dict[str, str] = {}
    for listed in connection.tools:
        if listed.name in functions:
            left_out[listed.name] = f"another tool is called {listed.name}"
        elif listed.execution and listed.execution.task_support == "required":
            left_out[listed.name] = (
                "it is called as a task only, which the MCP SDK has no verbs for"
            )
        else:
            try:
                functions[listed.name] = _function(connection, _described(listed))
            except ToolError as error:
                left_out[listed.name] = str(error)
    return ToolFile(functions, left_out)


def _described(listed: "mcp_types.Tool") -> Tool:
    return tool_from_json(listed.model_dump(mode="json", by_alias=True, exclude_none=True))


def _function(connection: Connection, described: Tool) -> Function:
    @tool(
        name=described.name,
        description=described.description,
        parameters=described.parameters,
        result=described.result,
        idempotent=described.idempotent,
    )
    async def call(**arguments: Json) -> object:  # a hint that says nothing costs nothing to read
        return value_of(await connection.call(described.name, arguments, current_progress()))

    return call
