"""Costs of the virtual decoder: what a token, a request, a trap and an interrupt take.

The presets carry the accounting that comes nearest to the figures of "Asynchronous LLM Function
Calling" (arXiv 2412.07017, section 6); spec/4-time.md defines every parameter.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from cml.characters import not_utf_8
from interpreter.schedule.wording import fault_of_fields
from interpreter.schedule.workload import MAX_TOKENS, MAX_US

CostUs = Annotated[int, Meta(ge=0, le=MAX_US)]
CostTokens = Annotated[int, Meta(ge=0, le=MAX_TOKENS)]
FinalRequest = Literal["none", "sync", "all"]


class Costs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Parameters of the accounting (Time/costs). What a costs file leaves out is zero.

    Args:
        token_us: One decoded token, in microseconds.
        request_us: One round trip of Sync and Sync-Parallel, in microseconds.
        naive_request_us: One delivery in Async-Naive, in microseconds.
        answer_tokens: Tokens of the answer after the last result.
        sync_call_tokens: Tokens that Sync adds to each call.
        parallel_call_tokens: Tokens that Sync-Parallel adds to each call.
        parallel_round_tokens: Tokens that Sync-Parallel adds to each round.
        async_call_tokens: Tokens that Async adds to each call.
        trap_tokens: Tokens of one trap.
        interrupt_token_us: One injected token of an interrupt, in microseconds.
        session_per_task: Whether Sync (and Sync-Parallel with arrivals) answers each task apart.
        final_request: Who pays a last request before the answer.
    """

    token_us: CostUs
    request_us: CostUs = 0
    naive_request_us: CostUs = 0
    answer_tokens: CostTokens = 0
    sync_call_tokens: CostTokens = 0
    parallel_call_tokens: CostTokens = 0
    parallel_round_tokens: CostTokens = 0
    async_call_tokens: CostTokens = 0
    trap_tokens: CostTokens = 0
    interrupt_token_us: CostUs = 0
    session_per_task: bool = False
    final_request: FinalRequest = "none"


class CostsError(ValueError):
    """A costs file that breaks a rule of spec/4-time.md."""


_PUBLISHED: Final = Costs(
    token_us=5_000,
    request_us=310_000,
    naive_request_us=310_000,
    answer_tokens=40,
    sync_call_tokens=3,
    parallel_call_tokens=1,
    parallel_round_tokens=3,
    async_call_tokens=4,
    trap_tokens=2,
    session_per_task=True,
    final_request="sync",
)

PRESETS: Final[Mapping[str, Costs]] = {
    "gpt-4o": _PUBLISHED,
    "llama-3.2-3b-rtx4090": msgspec.structs.replace(
        _PUBLISHED, token_us=4_500, request_us=59_000, naive_request_us=59_000
    ),
    "closed-form": Costs(token_us=4_500, naive_request_us=59_000),
}

_DECODER = msgspec.json.Decoder(Costs)


def parse_costs(text: bytes | str) -> Costs:
    """Read a costs file.

    Args:
        text: One JSON object.

    Raises:
        CostsError: It is not JSON, or a parameter is missing, unknown or out of range.
    """
    try:
        return _DECODER.decode(text)
    except msgspec.ValidationError as error:
        format_told = "the costs format in spec/4-time.md"
        raise CostsError(fault_of_fields(error, (Costs,), format_told)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CostsError(not_utf_8(text) or f"expected one JSON object: {error}") from None
