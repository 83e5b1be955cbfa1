"""`cml view`: traces on a page, served to a browser of this machine, or in one file."""

import asyncio
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from cml.terminal.files import INPUT_FILE, OUTPUT_FILE, writing
from cml.terminal.output import print_text
from cml.wording import counted
from interpreter.errors import missing_extra
from interpreter.page.document import page_file
from interpreter.page.shown import (
    ShownTrace,
    page_parts,
    read_shown,
    say_if_cut,
    title_of,
)
from interpreter.schedule.commands.options import check_suffix

_HOST: Final = "127.0.0.1"


@click.command("view")
@click.argument("traces", type=INPUT_FILE, nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=OUTPUT_FILE,
    help="FILE.html: the page as one file, which fetches nothing; no server then.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="The port of the server; one that is free if absent.",
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
def view_command(
    traces: tuple[str, ...], *, output: Path | None, port: int | None, opens: bool
) -> None:
    """Show TRACES on a page: the text, the calls over time, each row with its rule.

    Without --output the page is served on the loopback until Ctrl-C, under an address that holds a
    token.

    Exit status: 0 good, 1 a trace is at fault, 2 usage, 130 ended by Ctrl-C.
    """
    check_suffix(output, (".html",), "--output")
    if output is not None and (port is not None or opens):
        message = "--port and --open are for a server; with --output there is none"
        raise click.UsageError(message)
    shown = [read_shown(trace) for trace in traces]
    for path, trace in zip(traces, shown, strict=True):
        say_if_cut(path, trace)
    if output is None:
        _serve(shown, port or 0, opens=opens)
        return
    with writing(output):
        output.write_text(page_file(title_of(shown[0]), page_parts(shown)), encoding="utf-8")
    print_text(f"{counted(len(shown), 'trace')} shown in {output}", err=True)


def _serve(shown: Sequence[ShownTrace], port: int, *, opens: bool) -> None:
    """Serve traces until Ctrl-C."""
    try:
        from model_adapters.serving import server
        from model_adapters.serving.traces.app import make_traces_app
    except ImportError as error:
        raise click.ClickException(f"{missing_extra('page', error)}, or give --output") from None
    try:
        listening = server.listen(_HOST, port)
    except server.ListeningError as error:
        raise click.BadParameter(str(error), param_hint="'--port'") from None
    with listening:
        token = server.new_token()
        address = server.address_of(_HOST, listening, token).page
        bound_port = listening.getsockname()[1]
        app = make_traces_app(page_parts(shown), token=token, port=bound_port, name=_HOST)
        print_text(address)
        if opens and not webbrowser.open(address):
            print_text("no browser was found to open it in", err=True)
        asyncio.run(server.serve_app(app, listening))
