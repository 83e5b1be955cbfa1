"""The table of backends on the page of conformance: a report takes the place of what stood there."""

import importlib
from pathlib import Path
from types import ModuleType

import msgspec
import pytest
from msgspec.structs import replace

from cml.profile import Level, Spelling
from model_adapters.conformance.check import CheckEnding, CheckResult
from model_adapters.conformance.circumstances import circumstances
from model_adapters.conformance.report import ConformanceReport, as_json
from model_adapters.conformance.subject import request_of

ROOT = Path(__file__).parents[3]
PAGE = """Before.

<!-- backends -->
| old |
| `openai` | a model | 7 | 0 | 345 | 98 s | 2026-01-01 |
| `script` | words | 1 | 1 | 0 | 1 s | 2026-01-01 |

- `openai`, not exercised: why (345)
- `script`, `a/b` failed: it did
<!-- end -->

After.
"""


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("conformance_of_backends")


def reported(table: ModuleType, backend: str, markers: Spelling, *endings: CheckEnding) -> object:
    """A report as `cml conformance --report` writes it, read again."""
    about = circumstances(request_of(backend, markers=markers), "words", Level.EXTENDED)
    about = replace(about, engines="an engine 1.0")
    results = tuple(
        CheckResult(f"kind/{n}", "Does.", ("R",), ending, "" if ending == "pass" else "it | is so")
        for n, ending in enumerate(endings)
    )
    return msgspec.json.decode(as_json(ConformanceReport(about, results, 61.4)), type=table.Run)


def test_a_report_takes_the_place_of_an_older_one_and_the_others_stay(table: ModuleType) -> None:
    runs = [
        reported(table, "script:words.txt", Spelling.TEXT, "pass", "not exercised"),
        reported(table, "hf", Spelling.TOKEN, "pass", "fail"),
    ]
    page = table.with_runs(PAGE, runs)
    lines = page.splitlines()
    assert [line.split("`")[1] for line in lines if line.startswith("| `")] == [
        "openai",
        "script",
        "hf --markers token",
    ]
    [script] = [line for line in lines if line.startswith("| `script`")]
    assert script.startswith("| `script` | words; an engine 1.0 | 1 | 0 | 1 | 61 s | ")
    assert [line for line in lines if line.startswith("- ")] == [
        "- `openai`, not exercised: why (345)",
        "- `script`, not exercised: it \\| is so (1)",
        "- `hf --markers token`, `kind/1` failed: it \\| is so",
    ]
    assert page.startswith("Before.\n\n<!-- backends -->\n| backend |")
    assert page.endswith("<!-- end -->\n\nAfter.\n")
    assert table.with_runs(page, runs) == page


def test_what_decodes_behind_an_address_is_said_before_its_report(
    table: ModuleType, tmp_path: Path
) -> None:
    about = circumstances(request_of("openai:http://h/v1"), "m at http://h/v1", Level.EXTENDED)
    report = tmp_path / "vllm.json"
    report.write_text(as_json(ConformanceReport(about, (), 1.0)), encoding="utf-8")
    run = table.read(f"vLLM 0.32.0={report}")
    assert table.row(run).startswith("| `openai: vLLM` | m; vLLM 0.32.0 | 0 | 0 | 0 | 1 s | ")
    assert table.read(str(report)).name == "openai"


def test_the_page_has_the_table(table: ModuleType) -> None:
    page = table.DOCUMENT.read_text(encoding="utf-8")
    assert table.with_runs(page, []) == page
