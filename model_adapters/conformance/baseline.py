"""Expected failures: a file of ids, one a line. It can only grow shorter: a stale entry is a failure."""

from collections.abc import Collection, Iterable, Iterator

from msgspec.structs import replace

from model_adapters.conformance.check import CheckResult


def read_baseline(text: str) -> frozenset[str]:
    """Return the ids that a baseline names; what stands after a `#` is a comment."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return frozenset(line for line in lines if line)


def against_baseline(result: CheckResult, baseline: Collection[str]) -> CheckResult:
    """Return a result as a baseline has it."""
    if result.id not in baseline:
        return result
    match result.ending:
        case "fail" | "error":
            return replace(result, ending="expected-fail")
        case "pass":
            stale = "the baseline expects this to fail, and it passes: take it out of the baseline"
            return replace(result, ending="fail", message=stale)
        case _:
            return result


def unknown_entries(baseline: Iterable[str], known: Collection[str]) -> Iterator[CheckResult]:
    """Yield a failure for each id of a baseline that no check has."""
    for identifier in sorted(set(baseline) - set(known)):
        message = "the baseline names it, and there is no such check: take it out of the baseline"
        yield CheckResult(identifier, "An entry of the baseline.", (), "fail", message)
