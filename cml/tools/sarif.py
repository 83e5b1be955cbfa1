"""Diagnostics as SARIF 2.1.0, for code hosts and editors."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from cml.ast import Json
from cml.diagnostics import RULES, Diagnostic, Position
from cml.terminal.files import UnreadableError
from cml.terminal.output import name_of

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
VERSION: Final = "2.1.0"


def sarif_head(version: str) -> dict[str, Json]:
    """Return the log with one run that has every rule and no results yet.

    Args:
        version: Version of the tool.
    """
    rules: list[Json] = [
        {
            "id": rule.code,
            "name": name,
            "shortDescription": {"text": name},
            "help": {"text": rule.help},
            "defaultConfiguration": {"level": rule.severity.value},
        }
        for name, rule in RULES.items()
    ]
    driver: Json = {"name": "cml", "semanticVersion": version, "rules": rules}
    run: Json = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [],
    }
    return {"$schema": SCHEMA, "version": VERSION, "runs": [run]}


def sarif_results(file: str, diagnostics: Iterable[Diagnostic]) -> Iterable[dict[str, Json]]:
    """Yield the result of each diagnostic of a file."""
    for diagnostic in diagnostics:
        yield {
            "ruleId": diagnostic.code,
            "level": diagnostic.severity.value,
            "message": {"text": diagnostic.message},
            "locations": [
                _location(file, {"region": _region(diagnostic.span.start, diagnostic.span.end)})
            ],
        }


def sarif_invocation(unreadable: Iterable[UnreadableError]) -> dict[str, Json]:
    """Return the invocation of the run, with a notification for each file that cannot be read.

    Args:
        unreadable: Those files.
    """
    notifications: list[Json] = [
        {
            "level": "error",
            "message": {"text": name_of(fault.message)},
            "locations": [_location(fault.file)],
        }
        for fault in unreadable
    ]
    return {
        "executionSuccessful": not notifications,
        "toolExecutionNotifications": notifications,
    }


def _location(file: str, within: dict[str, Json] | None = None) -> dict[str, Json]:
    artifact: Json = {"uri": quote(file, errors="surrogateescape")}
    return {"physicalLocation": {"artifactLocation": artifact, **(within or {})}}


def _region(start: Position, end: Position) -> dict[str, Json]:
    return {
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
        "charOffset": start.offset,
        "charLength": end.offset - start.offset,
    }
