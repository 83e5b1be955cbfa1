"""What a server says of completions, as far as it is read."""

import msgspec

from model_adapters.openai_compat.dialects import Choice


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
