"""What became of each call of a simulated run, read from its steps."""

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

from interpreter.schedule.narration.spans import TimeSpan


class CallLife(msgspec.Struct, frozen=True):
    """One call of a simulated run; times in microseconds from time zero.

    Args:
        call: Its position.
        opened_us: When the model began to write it.
        written_us: When it was written.
        start_us: When it started to run.
        end_us: When it returned.
        delivered_us: The first moment from then on at which its result could go in.
    """

    call: int
    opened_us: int
    written_us: int
    start_us: int
    end_us: int
    delivered_us: int


def call_lives(spans: Sequence[TimeSpan]) -> list[CallLife]:
    """Return the calls of a run, in the order of its spans.

    Args:
        spans: Its steps. A model that waits for rounds writes no call by itself: there a call
            is written when it starts.
    """
    written = {span.call: span for span in spans if span.kind == "generate"}
    boundaries_us = sorted(
        span.end_us for span in spans if span.kind in ("generate", "trap", "wait")
    )
    lives = []
    for span in spans:
        if span.kind == "execute" and span.call is not None:
            known = bisect_left(boundaries_us, span.end_us)
            delivered_us = boundaries_us[known] if known < len(boundaries_us) else span.end_us
            block = written.get(span.call)
            opened_us, written_us = (
                (block.start_us, block.end_us) if block else (span.start_us, span.start_us)
            )
            life = (opened_us, written_us, span.start_us, span.end_us, delivered_us)
            lives.append(CallLife(span.call, *life))
    return lives
