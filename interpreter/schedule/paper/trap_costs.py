"""What to do with the cached context during a trap: keep it, swap it out, or compute it again.

The paper keeps it when both others cost more than the expected wait, and else takes the cheaper
of them, once. Here the choice is made again while the wait goes on: once the wait has outlasted
its estimate, what is still to come is taken to be as long as what has passed. The careful way
trusts no estimate: it lets go once it has waited as long as letting go costs.

Cost of a trap: the time that the context lies in the accelerator's memory unused, plus the time
that getting it back takes. All of it is a model with stated parameters, not a measurement.
"""

from math import exp
from random import Random
from typing import Final

import msgspec

from interpreter.schedule.charts.charts import Curve, Curves
from interpreter.schedule.data.durations import Durations
from interpreter.session import Strategy


class Hardware(msgspec.Struct, frozen=True, kw_only=True):
    """A model on a machine; figures as data sheets give them, half of the peak assumed.

    Args:
        name: What it is.
        bytes_per_token: Cached keys and values of one token.
        link_bytes_per_us: Speed of the way to the host's memory and back.
        token_us: Computing one token of a long input, attention left out.
        attention_us: Attention of one token to one token before it.
    """

    name: str
    bytes_per_token: int
    link_bytes_per_us: float
    token_us: float
    attention_us: float

    def swap_us(self, tokens: int) -> float:
        """Time to swap a context out and in again: linear in its length."""
        return 2 * tokens * self.bytes_per_token / self.link_bytes_per_us

    def recompute_us(self, tokens: int) -> float:
        """Time to compute a context again: quadratic in its length."""
        return tokens * self.token_us + tokens * tokens / 2 * self.attention_us

    def cheaper(self, tokens: int) -> tuple[Strategy, float]:
        """Return the cheaper way to let a context go, and its cost in microseconds."""
        swap_us, recompute_us = self.swap_us(tokens), self.recompute_us(tokens)
        return ("swap", swap_us) if swap_us <= recompute_us else ("recompute", recompute_us)


# Llama-3.2-3B: 28 layers, 8 heads of 128 for keys and for values, 2 bytes each; 3.2e9 weights.
# 82e6 operations a microsecond are half of 165 TFLOPS.
_FAST: Final = Hardware(
    name="Llama-3.2-3B, RTX 4090, PCIe 4.0 x16 (25 GB/s)",
    bytes_per_token=114_688,
    link_bytes_per_us=25_000,
    token_us=78.0,
    attention_us=0.0042,
)
HARDWARE: Final = (
    _FAST,
    msgspec.structs.replace(
        _FAST, name="the same, link shared or slow (1.5 GB/s)", link_bytes_per_us=1_500
    ),
)

CONTEXTS: Final = (250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000)


def crossover_chart(hardware: Hardware) -> Curves:
    """Draw what swapping and recomputing cost; a wait below both is waited out."""
    tokens = tuple(float(count) for count in CONTEXTS)
    swap = tuple(hardware.swap_us(count) / 1000 for count in CONTEXTS)
    recompute = tuple(hardware.recompute_us(count) / 1000 for count in CONTEXTS)
    cross = crossover_tokens(hardware)
    marks = () if cross is None else ((float(cross), f"equal at {cross:,} tokens"),)
    return Curves(
        f"{hardware.name}: keep below both curves, else the lower one",
        "tokens of context",
        "expected wait (ms)",
        (Curve("swap out and in", tokens, swap), Curve("recompute", tokens, recompute)),
        logarithmic=True,
        marks=marks,
    )


def crossover_tokens(hardware: Hardware) -> int | None:
    """Return the length of context from which swapping is cheaper; None if at any length."""
    per_token_us = 2 * hardware.bytes_per_token / hardware.link_bytes_per_us
    if per_token_us <= hardware.token_us:
        return None
    return round(2 * (per_token_us - hardware.token_us) / hardware.attention_us)


def cost_once_us(leave_us: float, wait_us: float, expected_us: float) -> float:
    """Cost of a trap when the choice is made once, at its beginning.

    Args:
        leave_us: Letting the context go and getting it back.
        wait_us: How long the trap really lasts.
        expected_us: How long it was expected to last.
    """
    return wait_us if expected_us < leave_us else leave_us


def cost_again_us(leave_us: float, wait_us: float, expected_us: float) -> float:
    """Cost of a trap when the choice is made again at each step; the parameters are the same."""
    if expected_us >= leave_us:
        return leave_us
    leaves_at_us = max(expected_us, leave_us)
    return wait_us if wait_us <= leaves_at_us else leaves_at_us + leave_us


def cost_waited_us(leave_us: float, wait_us: float) -> float:
    """Cost of a trap when only the time waited so far counts; never above twice the least."""
    return wait_us if wait_us <= leave_us else 2 * leave_us


def regret_chart(hardware: Hardware, sigma: float, seed: int, traps: int = 4_000) -> Curves:
    """Draw the mean cost of each way to choose, over that of one who knows the wait.

    Args:
        hardware: Where.
        sigma: Spread of the estimates.
        seed: Seed of waits and estimates.
        traps: How many are drawn for each length of context.
    """
    means: dict[str, list[float]] = {
        "once, by the estimate": [],
        "again at each step, by estimate and time waited": [],
        "again at each step, by time waited alone": [],
    }
    for tokens in CONTEXTS:
        random = Random(f"{seed}/{tokens}")  # noqa: S311 (reproducible, not secret)
        leave_us = hardware.cheaper(tokens)[1]
        sums, best = dict.fromkeys(means, 0.0), 0.0
        for _ in range(traps):
            wait_us = Durations().draw_us(random)
            expected_us = wait_us * exp(random.gauss(0.0, sigma))
            best += min(wait_us, leave_us)
            costs_us = (
                cost_once_us(leave_us, wait_us, expected_us),
                cost_again_us(leave_us, wait_us, expected_us),
                cost_waited_us(leave_us, wait_us),
            )
            for name, cost_us in zip(sums, costs_us, strict=True):
                sums[name] += cost_us
        for name, total in sums.items():
            means[name].append(total / best)
    xs = tuple(float(count) for count in CONTEXTS)
    curves = tuple(Curve(name, xs, tuple(ys)) for name, ys in means.items())
    title = f"Cost of a trap over the least possible, estimates off by σ = {sigma:g}"
    return Curves(title, "tokens of context", "cost / least", curves, logarithmic=True)
