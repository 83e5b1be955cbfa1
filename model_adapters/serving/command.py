"""`cml serve`: a model that calls functions while it decodes, behind HTTP."""

from contextlib import ExitStack
from typing import Final

import click

from cml.terminal.entry import leaving_at_once
from cml.terminal.options import json_option
from cml.terminal.output import print_json, print_text
from cml.terminal.styled import console
from interpreter.errors import HostError, MissingExtraError, missing_extra
from interpreter.state import DeliverWhen, Settings
from interpreter.tools.declared import ToolError
from model_adapters.backends import Request, require_backend
from model_adapters.commands.chat import chat_command
from model_adapters.commands.run import tools_told
from model_adapters.commands.view.start_line import StartLine
from model_adapters.errors import AdapterError, UnknownBackendError

_SHARED: Final = {
    "tools",
    "backend",
    "max_tokens",
    "deliver",
    "deadline_s",
    "device",
    "yes",
}
_FIRST_QUESTION: Final = "Hello."
"""What the session is asked with which the model is loaded; it is closed at once."""


@click.command("serve", params=[one for one in chat_command.params if one.name in _SHARED])
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Where to listen. Any other than the loopback lets other machines in.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    show_default=True,
    help="The port; 0 takes one that is free.",
)
@click.option(
    "--sessions",
    type=click.IntRange(1, 1_000),
    default=4,
    show_default=True,
    help="How many sessions may be open at a time; a model on this machine takes memory for each.",
)
@json_option
def serve_command(
    tools: tuple[str, ...],
    backend: str,
    host: str,
    port: int,
    *,
    sessions: int,
    max_tokens: int,
    deliver: DeliverWhen,
    deadline_s: float | None,
    device: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Serve a model that calls functions while it decodes: a page, an API, a chat endpoint.

    The address that is printed holds a token; without it nobody is answered. Clients of OpenAI's API
    take the address that ends in /v1 as their base URL and the token as their key. Ctrl-C ends it.

    Exit status: 1 the input is at fault, 2 usage, 130 ended by Ctrl-C.
    """
    try:
        from model_adapters.serving import server
        from model_adapters.serving.source import Source
    except ImportError as error:
        raise click.ClickException(str(missing_extra("page", error))) from None
    deadline_us = None if deadline_s is None else round(deadline_s * 1e6)
    settings = Settings(deliver=deliver, deadline_us=deadline_us)
    try:
        require_backend(backend)
        with ExitStack() as stack:
            functions = tools_told(tools, stack)
            listening = stack.enter_context(server.listen(host, port))
            line = stack.enter_context(StartLine(console(stderr=True)))
            request = Request(
                backend,
                _FIRST_QUESTION,
                functions,
                max_tokens,
                device=device,
                yes=yes,
                sessions=sessions,
            )
            with leaving_at_once(line.stop):
                source = Source(request, settings)
            line.stop()
            token = server.new_token()
            address = server.address_of(host, listening, token)
            if not server.is_loopback(host):
                print_text(
                    f"Warning: {host} lets other machines in; the token and all that is said go over "
                    "the network as they are",
                    err=True,
                )
            if as_json:
                print_json(address)
            else:
                print_text(f"page        {address.page}")
                print_text(f"OpenAI API  base_url={address.base_url} api_key={address.token}")
            server.serve(source, listening, host=host, token=token)
    except UnknownBackendError as error:
        raise click.BadParameter(str(error), param_hint="'--backend'") from None
    except server.ListeningError as error:
        raise click.BadParameter(str(error), param_hint="'--host' or '--port'") from None
    except (AdapterError, MissingExtraError, ToolError, HostError) as error:
        raise click.ClickException(str(error)) from None
