"""What becomes of a context at a trap: kept, moved to the host's memory, or dropped and read again.

A context that is kept costs nothing as long as there is memory for whoever else decodes. Where
memory is short, it costs the time that it lies there unused; to let it go costs the time that it
takes to have it back. Once the wait has outlasted what was expected, the time waited so far is what
is known of it: to let go as soon as that is the dearer of the two never costs more than twice the
least. (`interpreter.schedule.paper.trap_costs` draws how this and other ways to choose compare.)
"""

from collections.abc import Callable
from statistics import median
from typing import TYPE_CHECKING, Final

from interpreter.drivers.driver import monotonic_us
from interpreter.schedule.data.measured import ContextMoves
from interpreter.session import Strategy, Suspended
from model_adapters.hf.kv_context import KvContext
from model_adapters.opening import AtTrap

if TYPE_CHECKING:
    import torch

_LOOK_AGAIN_US: Final = 1_000_000
_TRIES: Final = 3
_SHORT: Final = 0.1
"""Memory is short when less than this part of it is free."""


def choose_strategy(
    moves: ContextMoves | None,
    tokens: int,
    waited_us: int,
    wait_us: int | None,
    *,
    is_short: bool,
    can_swap: bool,
) -> Suspended:
    """Return what is cheapest, and when to choose again.

    Args:
        moves: What it takes to let a context go, as measured; None where nothing was: then it stays.
        tokens: How long the context is.
        waited_us: How long the trap has lasted.
        wait_us: How much longer it is expected to last; None where nobody can tell.
        is_short: Whether memory is short.
        can_swap: Whether there is other memory to move a context to.
    """
    if moves is None:
        return Suspended("keep")
    if not is_short:
        return Suspended("keep", _LOOK_AGAIN_US)
    ways: list[tuple[int, Strategy]] = [(moves.recompute_us(tokens), "recompute")]
    if can_swap:
        ways.append((moves.swap_us(tokens), "swap"))
    leave_us, way = min(ways)
    if wait_us is None:
        left_us = leave_us - waited_us  # until the wait has cost as much
        return Suspended(way) if left_us <= 0 else Suspended("keep", left_us)
    return Suspended(way) if wait_us >= leave_us else Suspended("keep", wait_us)


class TrappedContext:
    """Lets a context go while a turn is trapped, and has it back.

    Args:
        context: The tokens and their cache.
        at_trap: What becomes of it.
        moves: What that takes, as measured; without it `auto` keeps every context.
    """

    def __init__(
        self, context: KvContext, at_trap: AtTrap = "auto", moves: ContextMoves | None = None
    ) -> None:
        self._context = context
        self._at_trap = at_trap
        self._moves = moves
        self._strategy: Strategy | None = None
        self._since_us = 0

    def suspend(self, wait_us: int | None) -> Suspended:
        """Let the context go, or keep it for now (Embed/suspend)."""
        now_us = monotonic_us()
        if self._strategy is None:
            self._since_us = now_us
        if self._strategy in {"swap", "recompute"}:  # it is gone
            return Suspended(self._strategy)
        chosen = self._choose(now_us - self._since_us, wait_us)
        if chosen.strategy == "swap":
            self._context.swap_out()
        elif chosen.strategy == "recompute":
            self._context.forget()
        self._strategy = chosen.strategy
        return chosen

    def resume(self) -> None:
        """Have the context back. One that was dropped is read when the next scores are wanted."""
        if self._strategy == "swap":
            self._context.swap_in()
        self._strategy = None

    def _choose(self, waited_us: int, wait_us: int | None) -> Suspended:
        if self._at_trap != "auto":
            return Suspended(self._at_trap)
        device = self._context.device
        return choose_strategy(
            self._moves,
            len(self._context.ids),
            waited_us,
            wait_us,
            is_short=is_memory_short(device),
            can_swap=device.type != "cpu",
        )


def is_memory_short(device: "torch.device") -> bool:
    """Whether less than a tenth of a device's memory is free for contexts."""
    import torch

    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return (free + unused) / total < _SHORT
    import psutil

    memory = psutil.virtual_memory()
    return bool(memory.available / memory.total < _SHORT)


def measure_moves(context: KvContext) -> ContextMoves:
    """Measure what it takes to let a context go and to have it back; it is as it was afterwards.

    Args:
        context: At least some hundreds of tokens long, for figures that say something.
    """
    context.scores()
    out_us, back_us, read_us = [], [], []
    for _ in range(_TRIES):
        out_us.append(_took_us(context.swap_out, context.device))
        back_us.append(_took_us(context.swap_in, context.device))
        context.forget()
        read_us.append(_took_us(context.scores, context.device))
    tokens = len(context.ids)
    return ContextMoves(*(round(median(us) * 1_000 / tokens) for us in (out_us, back_us, read_us)))


def _took_us(act: Callable[[], object], device: "torch.device") -> int:
    """Time something to the end of what it has a device do."""
    import torch

    begun_us = monotonic_us()
    act()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return monotonic_us() - begun_us
