"""How findings are written: for people, as JSON, as SARIF. All of them while they come."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TextIO

import msgspec

import cml
from cml.diagnostics import Diagnostic, Severity
from cml.terminal.foreign import json_text, visible
from cml.terminal.output import name_of
from cml.terminal.styled import console
from cml.tools.report import Window, print_diagnostic
from cml.tools.sarif import sarif_head, sarif_results
from cml.wording import counted


@dataclass(frozen=True, slots=True)
class Findings:
    """What is found in a file, as it is read.

    Args:
        file: Its name.
        diagnostics: What is wrong, in order; reading them reads the file.
        window: The text last read, to quote from.
    """

    file: str
    diagnostics: Iterator[Diagnostic]
    window: Window | None


class _Count:
    """Counts findings on their way."""

    def __init__(self) -> None:
        self.severities = dict.fromkeys(Severity, 0)

    def over(self, diagnostics: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
        for diagnostic in diagnostics:
            self.severities[diagnostic.severity] += 1
            yield diagnostic

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


def write_text(findings: Iterable[Findings], out: TextIO) -> bool:
    """Write findings for people to standard error, and one line a file to `out`.

    Returns:
        Whether all files are valid.
    """
    errors = console(stderr=True)
    all_valid = True
    for finding in findings:
        count = _Count()
        for diagnostic in count.over(finding.diagnostics):
            print_diagnostic(errors, finding.file, diagnostic, finding.window)
        empty = " (the file is empty)" if finding.window and finding.window.is_empty else ""
        out.write(f"{visible(finding.file)}: {count.in_words()}{empty}\n")
        all_valid &= count.is_valid
    return all_valid


def write_json(findings: Iterable[Findings], out: TextIO) -> bool:
    """Write one JSON document, spec/validation.schema.json.

    Returns:
        Whether all files are valid.
    """
    all_valid = True
    out.write('{"files":[')
    for number, finding in enumerate(findings):
        count = _Count()
        out.write(f'{"," if number else ""}{{"file":{_json(name_of(finding.file))},"diagnostics":[')
        _write_list(map(_json, count.over(finding.diagnostics)), out)
        out.write(f'],"valid":{_json(count.is_valid)}}}')
        all_valid &= count.is_valid
    out.write("]}\n")
    return all_valid


def write_sarif(findings: Iterable[Findings], out: TextIO) -> bool:
    """Write one SARIF 2.1.0 log.

    Returns:
        Whether all files are valid.
    """
    before, after = _json(sarif_head(cml.__version__)).split('"results":[]')
    count = _Count()
    results = (
        _json(result)
        for finding in findings
        for result in sarif_results(finding.file, count.over(finding.diagnostics))
    )
    out.write(f'{before}"results":[')
    _write_list(results, out)
    out.write(f"]{after}\n")
    return count.is_valid


def _write_list(parts: Iterable[str], out: TextIO) -> None:
    out.writelines(f"{',' if number else ''}{part}" for number, part in enumerate(parts))


def _json(value: object) -> str:
    return json_text(msgspec.json.encode(value))


WRITERS: Final[dict[str, Callable[[Iterable[Findings], TextIO], bool]]] = {
    "text": write_text,
    "json": write_json,
    "sarif": write_sarif,
}
