"""How findings are written: for people, as JSON, as SARIF. All of them while they come.

A file that cannot be read is told with the others, and ends the command when all are told.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, TextIO

import msgspec

import cml
from cml.diagnostics import Diagnostic, Severity
from cml.terminal.files import FileFaultError, UnreadableError
from cml.terminal.foreign import json_text, visible
from cml.terminal.output import name_of, utf8_output
from cml.terminal.styled import console
from cml.tools.report import Window, print_diagnostic
from cml.tools.sarif import sarif_head, sarif_invocation, sarif_results
from cml.wording import counted


@dataclass(frozen=True, slots=True)
class Findings:
    """What is found in a file, as it is read.

    Args:
        file: Its name.
        diagnostics: What is wrong, in order; reading them reads the file, and may raise
            `UnreadableError`.
        window: The text last read, to quote from.
    """

    file: str
    diagnostics: Iterator[Diagnostic]
    window: Window | None


class Validated(NamedTuple):
    """What all findings come to.

    Args:
        is_valid: Whether every file that could be read is valid.
        unreadable: The others, in order.
    """

    is_valid: bool
    unreadable: tuple[UnreadableError, ...]


class _Count:
    """Counts findings on their way, and keeps what breaks them off."""

    def __init__(self) -> None:
        self.severities = dict.fromkeys(Severity, 0)
        self.unreadable: list[UnreadableError] = []

    def over(self, diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
        try:
            for diagnostic in diagnostics:
                self.severities[diagnostic.severity] += 1
                yield diagnostic
        except UnreadableError as fault:
            self.unreadable.append(fault)

    @property
    def is_valid(self) -> bool:
        return not self.severities[Severity.ERROR]

    def in_words(self) -> str:
        words = [
            counted(number, severity.value)
            for severity, number in self.severities.items()
            if number
        ]
        said = [*(["valid"] if self.is_valid else []), *words]
        return ", ".join(said)


def write_text(findings: Iterable[Findings], out: TextIO) -> Validated:
    """Write findings for people to standard error, and to `out` one line for each file that can be read."""
    errors = console(stderr=True)
    counts = []
    for finding in findings:
        counts.append(count := _Count())
        for diagnostic in count.over(finding.diagnostics):
            print_diagnostic(errors, finding.file, diagnostic, finding.window)
        if not count.unreadable:
            empty = " (the file is empty)" if finding.window and finding.window.is_empty else ""
            out.write(f"{visible(finding.file)}: {count.in_words()}{empty}\n")
    return _validated(counts)


def write_json(findings: Iterable[Findings], out: TextIO) -> Validated:
    """Write one JSON document, spec/validation.schema.json."""
    counts: list[_Count] = []
    out.write('{"files":[')
    for finding in findings:
        out.write(f'{"," if counts else ""}{{"file":{_json(name_of(finding.file))},"diagnostics":[')
        counts.append(count := _Count())
        _write_list(map(_json, count.over(finding.diagnostics)), out)
        unreadable = "".join(f',"unreadable":{_json(fault.words)}' for fault in count.unreadable)
        is_valid = count.is_valid and not count.unreadable
        out.write(f'],"valid":{_json(is_valid)}{unreadable}}}')
    out.write("]}\n")
    return _validated(counts)


def write_sarif(findings: Iterable[Findings], out: TextIO) -> Validated:
    """Write one SARIF 2.1.0 log. What cannot be read is no result, but a notification of the run."""
    before, after = _json(sarif_head(cml.__version__)).split('"results":[]')
    count = _Count()
    results = (
        _json(result)
        for finding in findings
        for result in sarif_results(finding.file, count.over(finding.diagnostics))
    )
    out.write(f'{before}"results":[')
    _write_list(results, out)
    out.write(f'],"invocations":[{_json(sarif_invocation(count.unreadable))}]{after}\n')
    return _validated([count])


def _validated(counts: list[_Count]) -> Validated:
    unreadable = tuple(fault for count in counts for fault in count.unreadable)
    return Validated(all(count.is_valid for count in counts), unreadable)


def _write_list(parts: Iterable[str], out: TextIO) -> None:
    out.writelines(f"{',' if number else ''}{part}" for number, part in enumerate(parts))


def _json(value: object) -> str:
    return json_text(msgspec.json.encode(value))


WRITERS: Final[dict[str, Callable[[Iterable[Findings], TextIO], Validated]]] = {
    "text": write_text,
    "json": write_json,
    "sarif": write_sarif,
}


def write(form: str, findings: Iterable[Findings]) -> Validated:
    """Write findings to standard output; JSON of any kind is UTF-8, whatever the terminal's encoding.

    Args:
        form: How, one of `WRITERS`.
        findings: What is found, as it is read.
    """
    if form == "text":
        return WRITERS[form](findings, sys.stdout)
    out = utf8_output()
    validated = WRITERS[form](findings, out)
    out.flush()
    return validated


def status_of(validated: Validated) -> int:
    """Return the exit status of a command that wrote findings.

    Raises:
        FileFaultError: Files cannot be read; it names them all.
    """
    if validated.unreadable:
        raise FileFaultError("\n       ".join(fault.message for fault in validated.unreadable))
    return 0 if validated.is_valid else 1
