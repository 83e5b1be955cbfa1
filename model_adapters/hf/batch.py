"""Many sessions decoded together: one thread has the model read a row of each in one pass.

A session asks for its next scores and waits. Each pass takes one token of everyone who waits, and
fills what rows are left with what else is unread: prompts and interrupts go in beside the decoding of
the others, and never instead of it. Who is at a trap asks for nothing, and has no row.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final, Self

from interpreter.drivers.driver import monotonic_us
from model_adapters.errors import AdapterError
from model_adapters.hf.growing import growing_cache
from model_adapters.hf.kv_context import KvContext
from model_adapters.hf.model import HfModel
from model_adapters.hf.rows import Rows, UnreadTokens, equal_widths

if TYPE_CHECKING:
    import torch
    from transformers import DynamicCache

_WIDTHS: Final = (8, 16, 32)
_PATIENCE: Final = 4
"""What part of the time of a pass is waited for those who had a row in it."""


class DecodingBatch:
    """Decodes sessions together (see `Reader`): `HfSession(model, messages, batch=batch)`.

    Each session is driven from a thread of its own, and waits there for its scores. What it decodes
    depends on its own context alone, to the last bit, where `exact` is true.

    Args:
        model: The weights.
        rows: How many tokens a pass can read; more sessions than these take turns.

    Raises:
        AdapterError: The model's attention is of a kind that cannot be computed row by row.
    """

    def __init__(self, model: HfModel, *, rows: int = 64) -> None:
        self.device = model.device
        self._network = model.network
        self._rows = Rows(model)
        widths = (*(width for width in _WIDTHS if width < rows), rows)
        equal = equal_widths(model, self._rows, widths)
        self.exact = bool(equal)
        self._widths = equal or (rows,)
        self._changed = threading.Condition()
        self._waiting: dict[KvContext, Future[torch.Tensor]] = {}
        self._reading: tuple[KvContext, ...] = ()
        self._expected: set[KvContext] = set()
        self._pass_us = 0
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="decoding batch", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def new_cache(self) -> "DynamicCache":
        """Return an empty cache."""
        return growing_cache(self._network)

    def scores(self, context: KvContext) -> "torch.Tensor":
        """Wait until what is unread of a context is read; return the scores of the next token.

        Raises:
            AdapterError: The batch is closed.
        """
        asked: Future[torch.Tensor] = Future()
        with self._changed:
            if self._is_closed:
                raise AdapterError("the batch is closed; close its sessions first")
            self._waiting[context] = asked
            self._expected.discard(context)
            self._changed.notify_all()
        return asked.result()

    def leave(self, context: KvContext) -> None:
        """Wait for a context no longer. If it is being read, that pass ends first."""
        with self._changed:
            self._expected.discard(context)
            if asked := self._waiting.pop(context, None):
                asked.cancel()
            self._changed.notify_all()
            self._changed.wait_for(lambda: context not in self._reading)

    def close(self) -> None:
        """Decode no more. Whoever waits gets an `AdapterError`."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while self._is_gathered():
            try:
                self._read()
            except Exception as error:  # noqa: BLE001  whatever torch raises is theirs who wait
                self._answer_all(error)
        self._answer_all(AdapterError("the batch was closed"))

    def _is_gathered(self) -> bool:
        """Wait for somebody to read for, and a little for all others; false when it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            self._changed.wait_for(
                lambda: not self._expected or self._is_closed,
                timeout=self._pass_us / _PATIENCE / 1e6,
            )
            self._expected.clear()
            return not self._is_closed

    def _read(self) -> None:
        """Make one pass, and answer those of whom all is read."""
        with self._changed:
            if not self._waiting:  # whoever it was that asked has left
                return
            unread = [len(context.ids) - context.read for context in self._waiting]
            counts = share_rows(unread, self._widths[-1])
            self._reading = tuple(self._waiting)[: len(counts)]
        begun_us = monotonic_us()
        parts = [
            UnreadTokens(
                context.ids[context.read : context.read + count], context.read, context.cache
            )
            for context, count in zip(self._reading, counts, strict=True)
        ]
        width = next(width for width in self._widths if width >= sum(counts))
        found = self._rows.scores(parts, width)
        with self._changed:
            self._pass_us = monotonic_us() - begun_us
            for context, count, scores in zip(self._reading, counts, found, strict=True):
                context.read += count
                asked = self._waiting.pop(context, None)
                if asked is None:  # it left meanwhile
                    continue
                if context.read < len(context.ids):
                    self._waiting[context] = asked  # behind those who had no row
                else:
                    self._expected.add(context)
                    asked.set_result(scores)
            self._reading = ()
            self._changed.notify_all()

    def _answer_all(self, error: Exception) -> None:
        with self._changed:
            self._reading = ()
            for context, asked in self._waiting.items():
                context.forget()  # nobody knows how far it was read
                asked.set_exception(error)
            self._waiting.clear()
            self._changed.notify_all()


def share_rows(unread: Sequence[int], rows: int) -> tuple[int, ...]:
    """Return how many rows each of the first contexts gets: one each, then as many as it can use.

    Args:
        unread: How many tokens are unread of each context that waits, at least one, in the order in
            which they came.
        rows: How many there are.
    """
    first = unread[:rows]
    left = rows - len(first)
    counts = []
    for tokens in first:
        more = min(tokens - 1, left)
        left -= more
        counts.append(1 + more)
    return tuple(counts)
