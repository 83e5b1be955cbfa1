"""`cml serve`: a model that calls functions while it decodes, behind HTTP."""

from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Final

import click

from cml.terminal.entry import leaving_at_once
from cml.terminal.options import json_option
from cml.terminal.output import only_ours, print_json, print_text
from cml.terminal.styled import console
from interpreter.errors import missing_extra
from interpreter.executors.printing import keeping_prints
from interpreter.state import DeliverWhen, Settings
from model_adapters.backends import Request, require_backend
from model_adapters.commands.chat import chat_command
from model_adapters.commands.options import given_options, options_of
from model_adapters.commands.run import run_command
from model_adapters.commands.telling import telling
from model_adapters.commands.tools_option import ToolsChoice, executor_chosen, tools_told
from model_adapters.commands.view.start_line import StartLine

if TYPE_CHECKING:
    from model_adapters.serving.server import ServerAddress

_FROM_CHAT: Final = (
    *("tools", "backend", "max_tokens", "max_calls", "deliver", "deadline_s"),
    *("isolate", "memory_mib", "device", "yes"),
)
_SHARED: Final = [*options_of(chat_command, _FROM_CHAT), *options_of(run_command, ("min_calls",))]
_FIRST_QUESTION: Final = "Hello."
"""What the session is asked with which the model is loaded; it is closed at once."""
_LETS_IN: Final = (
    "lets other machines in; the token, and all that is said, go over the network as they are"
)


@click.command("serve", params=_SHARED)
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
    min_calls: int,
    max_calls: int | None,
    deliver: DeliverWhen,
    deadline_s: float | None,
    isolate: bool,
    memory_mib: int | None,
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
        from model_adapters.serving.live.source import Source
    except ImportError as error:
        raise click.ClickException(str(missing_extra("page", error))) from None
    deadline_us = None if deadline_s is None else round(deadline_s * 1e6)
    settings = Settings(deliver=deliver, deadline_us=deadline_us)
    with telling(), ExitStack() as stack:
        require_backend(backend, given_options())
        chosen = ToolsChoice(tools, isolate, memory_mib)
        functions = tools_told(chosen, stack)
        executor = executor_chosen(chosen, stack)
        try:
            listening = stack.enter_context(server.listen(host, port))
        except server.ListeningError as error:
            raise click.BadParameter(str(error), param_hint="'--host' or '--port'") from None
        line = stack.enter_context(StartLine(console(stderr=True)))
        request = Request(
            backend,
            _FIRST_QUESTION,
            functions,
            max_tokens,
            min_calls,
            max_calls,
            device,
            yes,
            sessions=sessions,
        )
        with leaving_at_once(line.stop):
            source = Source(request, settings, executor)
        line.stop()
        token = server.new_token()
        _tell(server.address_of(host, listening, token), as_json=as_json)
        if not server.is_loopback(host):
            print_text(f"Warning: {host} {_LETS_IN}", err=True)
        stack.enter_context(only_ours() if as_json else nullcontext())
        stack.enter_context(keeping_prints())
        server.serve(source, listening, host=host, token=token)


def _tell(address: "ServerAddress", *, as_json: bool) -> None:
    """Say where the server is to be found, to a person or a program."""
    if as_json:
        print_json(address)
        return
    print_text(f"page        {address.page}")
    print_text(f"OpenAI API  base_url={address.base_url} api_key={address.token}")
