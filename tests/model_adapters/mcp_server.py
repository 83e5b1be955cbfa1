"""An MCP server made with the SDK, for the tests to start: `python mcp_server.py [PORT]`."""

import asyncio
import os
import sys
import time
from pathlib import Path

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp_types import TextContent

server = MCPServer("of the tests")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool(name="get-user", structured_output=False)
def get_user(user_id: int) -> str:
    """Find a user."""
    if user_id == 0:
        raise ValueError("there is no user 0")
    return f"user {user_id} [END]"


@server.tool(structured_output=False)
async def count(to: int, context: Context) -> list[TextContent]:
    """Count, and report each step."""
    for step in range(to):
        await context.report_progress(step + 1, to, f"step {step + 1}")
        await asyncio.sleep(0.02)
    return [TextContent(text=str(step)) for step in range(to)]


@server.tool(structured_output=False)
async def rest(log: str, context: Context) -> str:
    """Rest until it is cancelled, and write down that it was."""
    await context.report_progress(0)
    try:
        await asyncio.sleep(600)
    except asyncio.CancelledError:
        Path(log).touch()  # noqa: ASYNC240  nothing else runs here
        raise
    return "rested"


@server.tool(structured_output=False)
def picture() -> list[str | Image]:
    """Draw."""
    return ["a picture", Image(data=b"\x89PNG" * 25, format="png")]


@server.tool(structured_output=False)
def die() -> str:
    """End the server in the middle of a call."""
    print("out of \x1b[31mmemory", file=sys.stderr, flush=True)
    time.sleep(0.1)
    os._exit(3)


@server.tool(structured_output=False)
async def learn(context: Context) -> str:
    """Change the tools."""
    server.remove_tool("picture")
    await context.request_context.session.send_tool_list_changed()
    return "learnt"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        server.run("streamable-http", port=int(sys.argv[1]))
    else:
        server.run()
