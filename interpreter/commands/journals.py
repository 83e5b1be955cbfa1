"""`cml journals`: the sessions that a database keeps, and a trace of one of them."""

import sys
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from cml.terminal.files import OUTPUT_FILE, writing
from cml.terminal.foreign import visible
from cml.terminal.options import json_option
from cml.terminal.output import print_json, print_text
from cml.terminal.styled import console, print_table
from cml.wording import counted
from interpreter.commands.journal_places import JournalPlace, journal_place, opened_journals
from interpreter.errors import HostError, MissingExtraError
from interpreter.journals import Kept


def _place(value: str) -> JournalPlace:
    """Return what a word names, for the `type` of an argument."""
    place = journal_place(value)
    if place is None:
        raise click.BadParameter(
            f"{value!r} is no database; give sqlite:FILE or postgresql://HOST/NAME"
        )
    return place


@click.command("journals")
@click.argument("place", type=_place, metavar="PLACE")
@click.option(
    "-o",
    "--output",
    type=OUTPUT_FILE,
    help="Where to write the trace of the session that PLACE names.",
)
@json_option
def journals_command(place: JournalPlace, output: Path | None, *, as_json: bool) -> None:
    """List the sessions that the database PLACE keeps, or the one that PLACE names.

    PLACE is sqlite:FILE or postgresql://HOST/NAME, with #SESSION behind it for one session of it: it is what
    `cml run --trace` wrote to, and what `cml resume` goes on from. A session is over, owned by a worker,
    or left: anybody may go on with it. With --output its trace is written to a file, and nothing is listed
    but by --json. Where the first line of one is damaged, the status is 1.
    """
    if output and not place.session:
        raise click.BadParameter("it needs a session, as PLACE#SESSION", param_hint="'--output'")
    try:
        with opened_journals(place) as journals:
            found = journals.kept(place.session or None)
            if output:
                lines = journals.lines(place.session)
                with writing(output):
                    output.write_bytes(b"".join(lines))
    except (HostError, MissingExtraError) as error:
        raise click.ClickException(f"{place}: {error}") from None
    if as_json:
        print_json({"place": str(place), "sessions": found})
    else:
        if not output:
            _show(place, found)
        _tell_faults(found)
    if output:
        print_text(f"the trace of {place} is written to {output}", err=True)
    if any(each.fault for each in found):
        sys.exit(1)


def _show(place: JournalPlace, found: list[Kept]) -> None:
    table = Table("session", "is", "owners", "instants", "asked", box=None)
    for each in found:
        key, asked = Text(visible(each.key)), Text(visible(each.prompt))
        table.add_row(key, _standing(each), f"{each.owners:,}", f"{each.instants:,}", asked)
    if found:
        print_table(console(), table)
    print_text(f"{counted(len(found), 'session')} in {JournalPlace(place.url)}")


def _tell_faults(found: list[Kept]) -> None:
    for each in found:
        if each.fault:
            print_text(f"{visible(each.key)} is damaged: {each.fault}", err=True)


def _standing(kept: Kept) -> str:
    if kept.fault:
        return "damaged"
    if kept.is_over:
        return "over"
    return f"owned, {kept.lease_us / 1e6:.0f} s yet" if kept.lease_us else "left"
