"""What came of a run: counts, the circumstances, and each result; as text, JSON, JUnit, HTML or a badge."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import Final

import msgspec

from cml.terminal.foreign import html_text, json_text, visible, visible_lines
from cml.wording import counted
from interpreter.errors import missing_extra
from interpreter.schedule.charts.page import page, table
from model_adapters.conformance.badge import Verdict, badge
from model_adapters.conformance.behaviour import ABOUT, Behaviour
from model_adapters.conformance.check import ENDINGS, CheckEnding, CheckResult
from model_adapters.conformance.circumstances import AnyCircumstances

_STYLE: Final = """
td:nth-child(n+3){overflow-wrap:anywhere;min-width:3.2rem}
@media (max-width:900px){tr:has(th){display:none}
 tr:has(td:nth-child(3)){display:block;border-bottom:2px solid var(--pale);padding:.3rem 0}
 tr:has(td:nth-child(3))>td{display:block;border:0;padding:.1rem .3rem}
 tr:has(td:nth-child(3))>td:empty{display:none}}
"""
"""Every column has its place on a wide page; on a narrow one each check is a paragraph."""
_NAMED: Final = 5
"""As many checks that were not exercised for the same reason are named in a text."""
_BAD: Final = {"fail", "error"}
_ORDER: Final[tuple[CheckEnding, ...]] = ("fail", "error", "expected-fail", "not exercised", "pass")


class ConformanceReport(msgspec.Struct, frozen=True):
    """A run.

    Args:
        circumstances: What it depends on.
        results: What each check came to, in the order of the checks.
        took_s: How long all of them took, in seconds.
        behaviour: How the model behaved when it was free; None where that was not asked for.
    """

    circumstances: AnyCircumstances
    results: tuple[CheckResult, ...]
    took_s: float
    behaviour: Behaviour | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many checks ended in which way."""
        found = Counter(result.ending for result in self.results)
        return {ending: found[ending] for ending in ENDINGS}

    @property
    def is_good(self) -> bool:
        """Whether nothing failed that was not expected to, and something was put to the test."""
        counts = self.counts
        return not any(counts[ending] for ending in _BAD) and counts["pass"] > 0

    @property
    def verdict(self) -> Verdict:
        """How a badge shows it: good, bad, or of too little to say so."""
        if not self.is_good:
            return "bad"
        unseen = self.counts["not exercised"]
        return "mostly unseen" if 2 * unseen > len(self.results) else "good"

    @property
    def in_words(self) -> str:
        """The counts, in words; what there is none of is left out, but for passes."""
        told = {"pass": "passed", "fail": "failed", "error": "broke off"}
        return ", ".join(
            f"{count} {told.get(ending, ending)}"
            for ending, count in self.counts.items()
            if count or ending == "pass"
        )


def as_text(report: ConformanceReport) -> str:
    """Return a report for people: what failed, what could not be seen and why, and the counts."""
    lines = [f"{name}: {value}" for name, value in _facts(report)]
    for result in _sorted(report):
        match result.ending:
            case "pass" | "not exercised":
                continue
            case ending:
                rules = f" ({', '.join(result.rules)})" if result.rules else ""
                lines += ["", f"{ending.upper()} {result.id}{rules}"]
                lines += [f"  {result.does}", f"  {result.message}"]
                lines += [f"  alone: {result.repeat}"] if result.repeat else []
    lines += _unseen(report)
    return "\n".join([*lines, "", report.in_words, *_behaved(report.behaviour)])


def _unseen(report: ConformanceReport) -> Iterator[str]:
    """Yield what was not exercised by its reason, the most frequent first; of many checks their kinds alone."""
    by_reason: dict[str, list[str]] = {}
    for result in report.results:
        if result.ending == "not exercised":
            by_reason.setdefault(result.message, []).append(result.id)
    for reason, ids in sorted(by_reason.items(), key=lambda each: -len(each[1])):
        kinds = Counter(identifier.partition("/")[0] for identifier in ids)
        many = (f"{kind} ({count})" for kind, count in kinds.items())
        yield from ("", f"NOT EXERCISED {counted(len(ids), 'check')}: {reason}")
        yield f"  {', '.join(ids if len(ids) <= _NAMED else many)}"


def _behaved(behaviour: Behaviour | None) -> list[str]:
    if behaviour is None:
        return []
    width = max(map(len, behaviour.shares))
    told = [f"  {name:{width}}  {each.with_count}" for name, each in behaviour.shares.items()]
    broke_off = [f"  {behaviour.fault}"] if behaviour.fault else []
    return [
        "",
        f"BEHAVIOUR, {counted(behaviour.dialogues, 'dialogue')}: {ABOUT}",
        *told,
        *broke_off,
    ]


def as_json(report: ConformanceReport) -> str:
    """Return a report as JSON."""
    document = {
        **msgspec.to_builtins(report.circumstances),
        "took_s": report.took_s,
        "is_good": report.is_good,
        "counts": report.counts,
        "results": report.results,
        **({"behaviour": _behaviour(report.behaviour)} if report.behaviour else {}),
    }
    return json_text(msgspec.json.format(msgspec.json.encode(document), indent=1)) + "\n"


def _behaviour(behaviour: Behaviour) -> Mapping[str, object]:
    shares = [
        {"measure": name, "good": each.good, "of": each.of, "interval": each.interval}
        for name, each in behaviour.shares.items()
    ]
    return {"dialogues": behaviour.dialogues, "shares": shares, "fault": behaviour.fault}


def require_junit() -> None:
    """Find out whether JUnit reports can be written.

    Raises:
        MissingExtraError: The extra `conformance` is not installed.
    """
    try:
        import junitparser  # noqa: F401
    except ImportError as error:
        raise missing_extra("conformance", error) from error


def as_junit(report: ConformanceReport) -> str:
    """Return a report as JUnit XML: the checks alone, for nothing of the behaviour passes or fails.

    Raises:
        MissingExtraError: The extra `conformance` is not installed.
    """
    require_junit()
    from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

    kinds = {"fail": Failure, "error": Error, "not exercised": Skipped, "expected-fail": Skipped}
    suite = TestSuite(visible(report.circumstances.command))
    for name, value in _facts(report):
        suite.add_property(name, visible(value))
    for result in report.results:
        kind, _, name = visible(result.id).partition("/")
        case = TestCase(name, classname=kind, time=result.took_s or 0)
        if result.ending in kinds:
            message = f"{result.ending}: {visible_lines(result.message)}"
            why = kinds[result.ending](message, result.ending)
            why.text = visible_lines(f"{result.does}\n{result.message}\n{result.repeat}")
            case.result = [why]
        suite.add_testcase(case)
    document = JUnitXml()
    document.add_testsuite(suite)
    written = BytesIO()
    document.write(written)
    return written.getvalue().decode()


def as_html(report: ConformanceReport) -> str:
    """Return a report as a page of its own."""
    facts = table((), [*_facts(report), ("came to", report.in_words)])
    rows = [
        (r.ending, r.id, r.message, r.does, ", ".join(r.rules), _time(r), r.repeat)
        for r in _sorted(report)
    ]
    header = ("ended", "check", "what was found", "what it does", "rules", "took", "alone")
    command = report.circumstances.command
    return page(
        command,
        f"<h1>{html_text(command)}</h1>{_badge(report)}{facts}<h2>Checks</h2>"
        f"{table(header, rows)}{_behaviour_section(report.behaviour)}",
        _STYLE,
    )


def _time(result: CheckResult) -> str:
    return "" if result.took_s is None else f"{result.took_s:.1f} s"


def _behaviour_section(behaviour: Behaviour | None) -> str:
    if behaviour is None:
        return ""
    rows = [(name, each.with_count) for name, each in behaviour.shares.items()]
    broke_off = f"<p>{html_text(behaviour.fault)}</p>" if behaviour.fault else ""
    title = (
        f"<h2>Behaviour, {counted(behaviour.dialogues, 'dialogue')}</h2><p>{html_text(ABOUT)}.</p>"
    )
    return f"{title}{table(('measure', 'share'), rows)}{broke_off}"


def as_badge(report: ConformanceReport) -> str:
    """Return a badge as SVG."""
    return _badge(report) + "\n"


def _badge(report: ConformanceReport) -> str:
    told, total = report.in_words, len(report.results)
    if report.verdict == "mostly unseen":
        told = f"only {told.replace(' passed', f' of {total} passed')}"
    return badge(f"{report.circumstances.level.value}: {told}", report.verdict)


def _facts(report: ConformanceReport) -> Sequence[tuple[str, str]]:
    told = {**msgspec.to_builtins(report.circumstances), "took": f"{report.took_s:.1f} s"}
    facts = ((name.replace("_", " "), str(value)) for name, value in told.items())
    return [fact for fact in facts if fact != ("engines", "")]


def _sorted(report: ConformanceReport) -> list[CheckResult]:
    return sorted(report.results, key=lambda result: _ORDER.index(result.ending))


WRITERS: Final[Mapping[str, Callable[[ConformanceReport], str]]] = {
    ".json": as_json,
    ".xml": as_junit,
    ".html": as_html,
    ".svg": as_badge,
}
"""How a report is written, by the end of the file's name."""
