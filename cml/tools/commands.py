"""Commands of the language: validate, parse, explain."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from itertools import chain, groupby
from typing import BinaryIO, Final, TypeAlias

import click

from cml.ast import Context
from cml.diagnostics import RULES, CmlError, Diagnostic, Severity
from cml.parser import parse, read_symbols
from cml.profile import Profile
from cml.terminal.files import (
    INPUT_FILE,
    STDIN,
    UnreadableError,
    in_words,
    reading,
    require_readable,
)
from cml.terminal.options import json_option
from cml.terminal.output import print_json
from cml.tools.documents import context_document
from cml.tools.explain import UnknownRuleError, explain, rule_names
from cml.tools.outline import outline
from cml.tools.profile_names import ProfileError, read_profile
from cml.tools.report import Window
from cml.tools.writers import WRITERS, Findings, status_of, write
from cml.validity import check_symbols, validate
from cml.wording import nearest

TraceChecker: TypeAlias = Callable[[bytes, BinaryIO], Iterator[Diagnostic]]
"""Validates a trace, of whose first line the beginning was read already."""

_PIECE_BYTES: Final = 65_536
_HEADER: Final = re.compile(rb'\s*\{[^\n]*"cml_trace"\s*:')
"""What the first line of a trace holds (Trace/format)."""
_HEADER_BYTES: Final = 4_096
_CODE: Final = re.compile(r"CML\d*$", re.IGNORECASE)


_profile_option = click.option(
    "--profile",
    default="python",
    show_default=True,
    help="Body language and level, as in `json` or `python,core`; or a JSON file with a profile.",
)


def _read_profile(name: str) -> Profile:
    is_file = name.endswith(".json")
    if is_file:
        require_readable(name)
    try:
        return read_profile(name)
    except ProfileError as error:
        if is_file:
            raise click.ClickException(str(error)) from None
        raise click.BadParameter(str(error), param_hint="'--profile'") from None


def validate_command(check_trace: TraceChecker) -> click.Command:
    """Return the command that validates contexts and traces.

    Args:
        check_trace: Validates a trace; the layer above knows how.
    """

    @click.command("validate")
    @click.argument("files", metavar="FILE...", nargs=-1)
    @click.option(
        "--files-from",
        "listed",
        type=INPUT_FILE,
        help="Check also the files that this one names, each in a line or before a NUL (git ls-files -z).",
    )
    @click.option(
        "--format",
        "form",
        type=click.Choice(sorted(WRITERS)),
        default="text",
        show_default=True,
        help="How to report.",
    )
    @click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
    @_profile_option
    def command(
        files: tuple[str, ...], listed: str | None, form: str, as_json: bool, profile: str
    ) -> None:
        """Check contexts and traces; - is standard input.

        A trace is known by its name, which ends in .jsonl, or by its first line. A file that cannot
        be read keeps no other from being checked.

        Exit status: 0 all are valid, 1 one is not, 2 one cannot be read.
        """
        used = _read_profile(profile)
        if listed is not None:
            files += _names_in(listed)
            if STDIN in files and listed == STDIN:
                raise click.UsageError("- is both a file and the list of files")
        elif not files:
            raise click.UsageError("Missing argument 'FILE...', or --files-from.")
        findings = (_findings(file, used, check_trace) for file in files)
        sys.exit(status_of(write("json" if as_json else form, findings)))

    return command


def _names_in(listed: str) -> tuple[str, ...]:
    """Return the names that a file lists; a name may hold a line feed where NULs end them."""
    with reading(listed) as opened:
        content = opened.read()
    names = content.split(b"\0") if b"\0" in content else content.splitlines()
    return tuple(os.fsdecode(name) for name in names if name)


@click.command("parse")
@click.argument("file", metavar="FILE", type=INPUT_FILE)
@json_option
@_profile_option
def parse_command(file: str, *, as_json: bool, profile: str) -> None:
    """Print the tree of a context: its text, calls, interrupts and traps, with their places.

    Exit status: 0 it is valid, 1 it is not, 2 it cannot be read.
    """
    used = _read_profile(profile)
    with reading(file) as opened:
        window = Window()
        source = b"".join(window.follow([opened.read()]))
    try:
        context = parse(source, used)
    except CmlError:
        context = Context(())
    found = validate(source, used)
    if as_json:
        print_json(context_document(context, found))
    else:
        click.echo(outline(context), nl=False)
        WRITERS["text"]([Findings(file, iter(found), window)], sys.stderr)
    sys.exit(1 if any(d.severity is Severity.ERROR for d in found) else 0)


@click.command("explain")
@click.argument("rule", metavar="RULE")
def explain_command(rule: str) -> None:
    """Print what the specification says of a rule, with its examples.

    RULE is a code, such as CML106, or a name, such as Valid/body.
    """
    try:
        text = explain(rule)
    except UnknownRuleError:
        raise click.UsageError(f"there is no rule {rule!r}; {_advice(rule)}") from None
    if sys.stdout.isatty():
        from rich.markdown import Markdown

        from cml.terminal.styled import console

        console().print(Markdown(text))
    else:
        click.echo(text, nl=False)


def _advice(rule: str) -> str:
    """Say which rules there are. Codes that look alike have nothing else in common."""
    if _CODE.match(rule):
        return f"the codes are {', '.join(_code_ranges())}"
    return nearest(rule, rule_names(), least=0.4) or "see spec/2-validity.md"


def _code_ranges() -> Iterator[str]:
    """Yield the first and the last code of each hundred; none between them is missing."""
    for _, codes in groupby(sorted(rule.code for rule in RULES.values()), lambda code: code[:-2]):
        listed = list(codes)
        yield f"{listed[0]} to {listed[-1]}"


def _findings(file: str, profile: Profile, check_trace: TraceChecker) -> Findings:
    window = None if file.endswith(".jsonl") else Window()
    return Findings(file, _diagnostics(file, profile, check_trace, window), window)


def _diagnostics(
    file: str, profile: Profile, check_trace: TraceChecker, window: Window | None
) -> Iterator[Diagnostic]:
    """Yield what is wrong with a file. A context goes through a window; a name may say that it is none.

    Raises:
        UnreadableError: The file cannot be read, or no further.
    """
    require_readable(file)
    try:
        with reading(file) as opened:
            begun = b"" if window is None else opened.readline(_HEADER_BYTES)
            if window is None or _HEADER.match(begun):
                yield from check_trace(begun, opened)
            else:
                pieces = chain([begun], iter(lambda: opened.read(_PIECE_BYTES), b""))
                yield from check_symbols(read_symbols(window.follow(pieces), profile), profile)
    except OSError as error:
        raise UnreadableError(file, in_words(error)) from None
