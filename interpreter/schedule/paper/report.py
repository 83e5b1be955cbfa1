"""The reproduction as a report: tables, charts, and what cannot be reproduced."""

from pathlib import Path
from typing import Final

from interpreter.schedule.charts.charts import Columns
from interpreter.schedule.costs import PRESETS
from interpreter.schedule.paper.document import (
    Element,
    Grid,
    Heading,
    Items,
    Paragraph,
    Picture,
    write_document,
)
from interpreter.schedule.paper.published import (
    CLOUD,
    LOCAL,
    LPT_OVER_RANDOM,
    NOT_REPRODUCED,
    OVERHEAD_TOKENS,
)
from interpreter.schedule.paper.reproduction import (
    Compared,
    Reproduction,
    Setup,
    reproduce,
    rms_error,
)
from interpreter.schedule.paper.theorems import TheoremCheck, check_theorems
from interpreter.schedule.paper.trap_costs import (
    HARDWARE,
    crossover_chart,
    crossover_tokens,
    regret_chart,
)

_OURS: Final = ("ours, executed", "ours, chains", "ours, independent")
"""With the needs found by executing the calls; each needing the one before; none needing any."""


def report_elements(
    setup: Setup, found: Reproduction, theorems: tuple[TheoremCheck, ...]
) -> tuple[Element, ...]:
    """Return the report.

    Args:
        setup: What the figures were made from.
        found: The figures.
        theorems: What became of the theorems.
    """
    return (
        Heading(1, "Asynchronous LLM Function Calling, reproduced"),
        Paragraph(
            "Published figures are from arXiv 2412.07017v1. Ours are simulated, call by call, under"
            " the accounting of chapter 4 of the specification."
        ),
        *_figures(setup, found),
        Heading(2, "What cannot be reproduced, and why"),
        Items(NOT_REPRODUCED),
        Heading(2, "Theorems 6.1 to 6.3"),
        Paragraph(
            "Checked by the formulas and by search through the simulator. Where a printed claim"
            " fails, the counterexample stands beside it."
        ),
        Grid(
            ("claim", "holds", "evidence"),
            tuple((one.claim, "yes" if one.holds else "no", one.evidence) for one in theorems),
        ),
        *_traps(setup),
    )


def _figures(setup: Setup, found: Reproduction) -> tuple[Element, ...]:
    chain = rms_error((one.chain, one.figure.published) for one in found.compared)
    executed = rms_error((one.executed, one.figure.published) for one in found.compared)
    independent = rms_error((one.independent, one.figure.published) for one in found.compared)
    return (
        Heading(2, "Speed, published and ours"),
        Paragraph(_accounting(setup)),
        _comparison(found.compared),
        Paragraph(
            f"Root mean square of the relative errors over {len(found.compared)} ratios: {executed:.1%} with"
            f" the needs that executing the calls shows, {chain:.1%} as chains, {independent:.1%} as independent calls."
        ),
        Picture("ratios", _chart(found)),
        Paragraph("Tasks that arrive one by one, under the other deployment:"),
        _comparison(found.elsewhere),
        Grid(
            ("figure", "published", "ours"),
            (
                ("LPT against a random order, multi-step-parallel, local",
                 f"{LPT_OVER_RANDOM:.0%} shorter", f"{found.lpt_over_random:.1%} shorter"),
                ("the policy auto against LPT, the same", "—",
                 f"{found.best_over_lpt:.1%} shorter"),
                ("tokens that Async adds to a task", f"about {OVERHEAD_TOKENS}",
                 f"{found.overhead_tokens:.1f}"),
            ),
        ),
    )  # fmt: skip


def _comparison(compared: tuple[Compared, ...]) -> Grid:
    rows = tuple(
        (
            one.figure.data,
            one.figure.preset,
            one.figure.ratio,
            f"{one.figure.published:.2f}x",
            f"{one.executed:.2f}x ({one.executed / one.figure.published - 1:+.0%})",
            f"{one.chain:.2f}x ({one.chain / one.figure.published - 1:+.0%})",
            f"{one.independent:.2f}x ({one.independent / one.figure.published - 1:+.0%})",
        )
        for one in compared
    )
    return Grid(("data", "costs", "ratio", "published", *_OURS), rows)


def _accounting(setup: Setup) -> str:
    cloud, local = PRESETS[CLOUD], PRESETS[LOCAL]
    return (
        f"Accounting: {CLOUD} {cloud.token_us} µs a token and {cloud.request_us // 1000} ms a"
        f" request, {LOCAL} {local.token_us} µs and {local.request_us // 1000} ms; Sync adds"
        f" {cloud.sync_call_tokens} tokens a call, Sync-Parallel {cloud.parallel_call_tokens} a call"
        f" and {cloud.parallel_round_tokens} a round, Async {cloud.async_call_tokens} a call and"
        f" {cloud.trap_tokens} a trap; an answer has {cloud.answer_tokens} tokens; Sync and"
        " Sync-Parallel pay a last request for it. The order is LPT, as published."
        f" {setup.count} multi-step-parallel workloads; seed {setup.seed}; tokens {setup.tokens}."
    )


def _chart(found: Reproduction) -> Columns:
    short = {CLOUD: "cloud", LOCAL: "local"}
    names = {
        "sync-parallel vs sync": "Sync-Parallel\nvs Sync",
        "async vs sync": "Async\nvs Sync",
        "async-naive vs sync-parallel": "Naive vs\nSync-Parallel",
    }
    data = {"parallel": "parallel", "multi-step-parallel": "multi-step"}
    groups = tuple(
        f"{names[one.figure.ratio]}\n{data.get(one.figure.data, 'arriving')}"
        f"\n{short[one.figure.preset]}"
        for one in found.compared
    )
    return Columns(
        "Published ratios and ours",
        "times faster",
        groups,
        (
            ("published", tuple(one.figure.published for one in found.compared)),
            ("ours, executed", tuple(one.executed for one in found.compared)),
            ("ours, chains", tuple(one.chain for one in found.compared)),
            ("ours, independent", tuple(one.independent for one in found.compared)),
        ),
    )


def _traps(setup: Setup) -> tuple[Element, ...]:
    lines = []
    for hardware in HARDWARE:
        cross = crossover_tokens(hardware)
        lines.append(
            f"{hardware.name}: swapping is cheaper at any length."
            if cross is None
            else f"{hardware.name}: recomputing is cheaper up to {cross:,} tokens, then swapping."
        )
    pictures = [
        Picture(f"traps-{number}", crossover_chart(hardware))
        for number, hardware in enumerate(HARDWARE, start=1)
    ]
    return (
        Heading(2, "Keep, swap or recompute during a trap"),
        Paragraph(
            "A stated model, not a measurement: swapping is linear in the context (bytes a token"
            " over the speed of the link, there and back), recomputing linear plus quadratic (half"
            " of the accelerator's peak)."
        ),
        Items(tuple(lines)),
        *pictures,
        Paragraph(
            "The paper chooses once, by the expected wait. The chart compares that, over drawn"
            " waits, with choosing again at each step: after the wait has outlasted its estimate, as"
            " much again is expected as has passed; or by the time waited alone, which never costs"
            " more than twice the least, however bad the estimates are. Choosing again helps where"
            " letting go is cheap against the wait; where it is dear, a first choice is as good."
        ),
        Picture("traps-again", regret_chart(HARDWARE[0], 1.0, setup.seed)),
    )


def write_reproduction(setup: Setup, output: Path, name: str = "asynclm") -> tuple[Path, Path]:
    """Compute all figures and write the report.

    Args:
        setup: What from.
        output: Folder; made where it is not there.
        name: Name of the files.

    Returns:
        The Markdown file and the HTML file.

    Raises:
        BfclError: The wheel cannot be read or its data has another form.
        MissingExtraError: The extra `plot` is not installed.
        OSError: A file cannot be written.
    """
    elements = report_elements(setup, reproduce(setup), check_theorems(setup.seed))
    return write_document(output, name, elements)
