"""The table of backends in docs/conformance.md, out of reports of the suite.

    cml conformance script:FILE --report script.json      some hundred words of text
    cml conformance hf --report hf.json
    cml conformance hf --markers token --report hf_token.json
    cml conformance llamacpp --report llamacpp.json
    python examples/serve_gguf.py FILE.gguf        and beside it, with the address that it prints,
    cml conformance openai:ADDRESS/v1 --report openai.json
    python benchmarks/conformance_of_backends.py script.json hf.json hf_token.json llamacpp.json openai.json "vLLM 0.32.0=vllm.json"

It runs nothing itself. What a report says takes the place of what the table has of that backend; the rest stays. A report does not
know what decodes behind an address: that is said before it, or else it is llama.cpp's server in the version that is installed.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "conformance.md"
PART: Final = re.compile(r"(<!-- backends -->\n)(.*?)(<!-- end -->)", re.DOTALL)
SERVERS: Final = {"openai": "xllamacpp"}
"""What a server decodes with that a report only knows the address of."""
FAILED: Final = ("fail", "error", "expected-fail")
HEADER: Final = (
    "| backend | model and engine | passed | failed | not exercised | took | day |",
    "|---|---|---|---|---|---|---|",
)


class Found(msgspec.Struct):
    """What a check came to."""

    id: str
    ending: str
    message: str


class Run(msgspec.Struct):
    """What the table needs of a report."""

    backend: str
    model: str
    engines: str
    markers: str
    begun_at: str
    took_s: float
    results: list[Found]
    server: str = ""

    @property
    def kind(self) -> str:
        """The word before the colon: an address says nothing to others."""
        return self.backend.partition(":")[0]

    @property
    def name(self) -> str:
        """What the table calls it."""
        kind = f"{self.kind}: {self.server.partition(' ')[0]}" if self.server else self.kind
        return kind if self.markers == "text" else f"{kind} --markers {self.markers}"

    def count(self, endings: Iterable[str]) -> int:
        """How many checks ended so."""
        return sum(result.ending in endings for result in self.results)


def model_of(run: Run) -> str:
    """Return the model in words, without the folders and the address of one machine."""
    return re.sub(r"\S*/(?=\S)", "", run.model.partition(" at http")[0])


def row(run: Run) -> str:
    package = SERVERS.get(run.kind)
    engines = run.server or (f"{package} {version(package)}" if package else run.engines)
    cells = (
        f"`{run.name}`",
        f"{model_of(run)}; {engines}" if engines else model_of(run),
        str(run.count(("pass",))),
        str(run.count(FAILED)),
        str(run.count(("not exercised",))),
        f"{run.took_s:.0f} s",
        run.begun_at[:10],
    )
    return f"| {' | '.join(cells)} |"


def causes(run: Run) -> list[str]:
    """Say of each check that failed why, and of those not exercised why, each reason once."""
    told = [
        f"- `{run.name}`, `{found.id}` failed: {one_line(found.message)}"
        for found in run.results
        if found.ending in FAILED
    ]
    reasons = Counter(
        one_line(found.message) for found in run.results if found.ending == "not exercised"
    )
    if reasons:
        each = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
        told.append(f"- `{run.name}`, not exercised: {each}")
    return told


def one_line(message: str) -> str:
    return " ".join(message.split()).replace("|", "\\|").replace("<", "&lt;")


def with_runs(page: str, runs: Iterable[Run]) -> str:
    """Return the page with what the reports say in the place of what it has of their backends."""
    found = PART.search(page)
    if found is None:
        sys.exit(f"{DOCUMENT} has no part for the table of backends")
    rows: dict[str, str] = {}
    told: dict[str, list[str]] = {}
    for line in found[2].splitlines():
        _, name, *_ = [*line.split("`", 2), ""]
        if line.startswith("| `"):
            rows[name] = line
        elif line.startswith("- `"):
            told.setdefault(name, []).append(line)
    for run in runs:
        rows[run.name], told[run.name] = row(run), causes(run)
    lines = [*HEADER, *rows.values(), "", *(line for name in rows for line in told.get(name, ()))]
    text = "\n".join(lines)
    return f"{page[: found.start(2)]}{text}\n{page[found.end(2) :]}"


def read(argument: str) -> Run:
    server, _, path = argument.rpartition("=")
    run = msgspec.json.decode(Path(path).read_bytes(), type=Run)
    run.server = server
    return run


def main() -> None:
    runs = [read(argument) for argument in sys.argv[1:]]
    if not runs:
        sys.exit(__doc__)
    page = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(with_runs(page, runs), encoding="utf-8")


if __name__ == "__main__":
    main()
