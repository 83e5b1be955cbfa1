"""What a server says of completions, as far as it is read."""

from collections.abc import Iterable
from contextlib import suppress

import msgspec

from model_adapters.openai_compat.dialects import Choice
from model_adapters.openai_compat.faults import FAULTS
from model_adapters.openai_compat.server import Usage


class Cached(msgspec.Struct, frozen=True):
    """What of a prompt a server had kept."""

    cached_tokens: int | None = None


class Used(msgspec.Struct, frozen=True):
    """What a request took."""

    prompt_tokens: int | None = None
    prompt_tokens_details: Cached | None = None


class Likely(msgspec.Struct, frozen=True):
    """The likeliest beginnings, with the logarithms of their probabilities."""

    top_logprobs: tuple[dict[str, float], ...] | None = None


class Likeliest(msgspec.Struct, frozen=True):
    """A completion of one token, with what else it might have been."""

    logprobs: Likely


class Alternatives(msgspec.Struct, frozen=True):
    """What a server answers to the question for alternatives."""

    choices: tuple[Likeliest, ...]


class CompletionChunk(msgspec.Struct, frozen=True):
    """One event of a stream."""

    choices: tuple[Choice, ...] | None = None
    model: str | None = None
    usage: Used | None = None


def note_usage(usage: Usage, events: Iterable[object]) -> None:
    """Read what the server says that a request took, which comes with the end or after it.

    Args:
        usage: What it is added to.
        events: The end of a stream, and what follows.
    """
    with suppress(*FAULTS):
        for event in events:
            if used := msgspec.convert(event, CompletionChunk).usage:
                told = used.prompt_tokens_details
                usage.prompt_tokens += used.prompt_tokens or 0
                usage.cached_tokens += (told and told.cached_tokens) or 0


def likeliest_first(answer: object) -> list[str]:
    """Return the texts that could come next, the likeliest first; none where an answer tells none.

    Args:
        answer: To a request that asks for alternatives.
    """
    with suppress(msgspec.ValidationError):
        for choice in msgspec.convert(answer, Alternatives).choices:
            [likely, *_] = choice.logprobs.top_logprobs or ({},)
            return sorted(likely, key=likely.__getitem__, reverse=True)
    return []
