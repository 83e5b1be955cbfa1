"""The tables of docs/reach_of_the_vectors.md. `python tests/reach/reach_document.py` writes them.

Each share has a table of faults and says which vectors the reference fails as it is at the moment.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import reach_language
import reach_machine
import reach_schedules
from reach_faults import Fault, committed

PAGE: Final = Path(__file__).parents[2] / "docs" / "reach_of_the_vectors.md"
PART: Final = re.compile(r"(<!-- reach: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
HEADING: Final = "| decided otherwise | the text | vectors that fail |\n|---|---|---|\n"


class Share(NamedTuple):
    """Faults, and what finds them.

    Args:
        faults: The decisions taken the other way.
        failing: Which of the vectors with these names, or of all, the reference fails now.
    """

    faults: tuple[Fault, ...]
    failing: Callable[..., list[str]]


SHARES: Final = {
    "language": Share(reach_language.FAULTS, reach_language.failing),
    "machine": Share(reach_machine.FAULTS, reach_machine.failing),
    "schedules": Share(reach_schedules.FAULTS, reach_schedules.failing),
}


def row(share: Share, fault: Fault) -> str:
    """Return the line of a fault: the first vectors that find it, and how many more do."""
    with committed(fault):
        names = share.failing()
    shown = ", ".join(f"`{name}`" for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"| {fault.decision} | {fault.rule} | {shown}{more} |\n"


def regenerated(page: str) -> str:
    """Return the page with its tables made anew."""

    def table(part: re.Match[str]) -> str:
        share = SHARES[part[2]]
        return part[1] + HEADING + "".join(row(share, fault) for fault in share.faults) + part[3]

    return PART.sub(table, page)


if __name__ == "__main__":
    PAGE.write_text(regenerated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
