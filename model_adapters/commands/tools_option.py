"""The type of `--tools`: a file of Python, or an MCP server."""

import os
from typing import Final

import click

from cml.terminal.files import require_readable
from model_adapters.tools import MCP


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
