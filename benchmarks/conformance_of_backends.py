"""The table of backends in docs/conformance.md, out of reports of the suite.

    cml conformance hf --report hf.json
    cml conformance llamacpp --report llamacpp.json
    python examples/serve_gguf.py FILE.gguf        and beside it, with the address that it prints,
    cml conformance openai:ADDRESS/v1 --report openai.json
    python benchmarks/conformance_of_backends.py hf.json llamacpp.json openai.json

It runs nothing itself. The versions of the engines are those that are installed where it is run.
"""

import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "conformance.md"
PART: Final = re.compile(r"(<!-- backends -->\n).*?(<!-- end -->)", re.DOTALL)
ENGINES: Final = {
    "hf": ("transformers", "torch"),
    "llamacpp": ("xllamacpp",),
    "openai": ("xllamacpp",),
}
FAILED: Final = ("fail", "error", "expected-fail")


class Found(msgspec.Struct):
    """What a check came to."""

    id: str
    ending: str
    message: str


class Run(msgspec.Struct):
    """What the table needs of a report."""

    backend: str
    model: str
    begun_at: str
    took_s: float
    results: list[Found]

    @property
    def kind(self) -> str:
        """The word before the colon: an address says nothing to others."""
        return self.backend.partition(":")[0]

    def count(self, endings: Iterable[str]) -> int:
        """How many checks ended so."""
        return sum(result.ending in endings for result in self.results)


def model_of(run: Run) -> str:
    """Return the model in words, without the folders and the address of one machine."""
    return re.sub(r"\S*/(?=\S)", "", run.model.partition(" at http")[0])


def row(run: Run) -> str:
    engines = ", ".join(f"{name} {version(name)}" for name in ENGINES.get(run.kind, ()))
    cells = (
        f"`{run.kind}`",
        f"{model_of(run)}; {engines}" if engines else model_of(run),
        str(run.count(("pass",))),
        str(run.count(FAILED)),
        str(run.count(("not exercised",))),
        f"{run.took_s:.0f} s",
        run.begun_at[:10],
    )
    return f"| {' | '.join(cells)} |"


def causes(runs: Sequence[Run]) -> list[str]:
    """Say of each check that failed why, and of those not exercised why, each reason once."""
    told: list[str] = []
    for run in runs:
        told += [
            f"- `{run.kind}`, `{found.id}` failed: {one_line(found.message)}"
            for found in run.results
            if found.ending in FAILED
        ]
        reasons = Counter(
            one_line(found.message) for found in run.results if found.ending == "not exercised"
        )
        if reasons:
            each = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
            told.append(f"- `{run.kind}`, not exercised: {each}")
    return told


def one_line(message: str) -> str:
    return " ".join(message.split()).replace("|", "\\|").replace("<", "&lt;")


def main() -> None:
    runs = [msgspec.json.decode(Path(path).read_bytes(), type=Run) for path in sys.argv[1:]]
    if not runs:
        sys.exit(__doc__)
    lines = [
        "| backend | model and engine | passed | failed | not exercised | took | day |",
        "|---|---|---|---|---|---|---|",
        *map(row, runs),
        "",
        *causes(runs),
    ]
    text = "\n".join(lines)
    page = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(
        PART.sub(lambda found: f"{found[1]}{text}\n{found[2]}", page), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
