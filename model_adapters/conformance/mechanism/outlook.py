"""What a session would write next: the same for equal contexts, however they came to be."""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from cml.symbols import Marker
from interpreter.session import LOGPROBS, MASKS, TOKENS, Batch, Logprob, abilities_of
from model_adapters.conformance.forcing import Forced
from model_adapters.conformance.subject import Subject
from model_adapters.testing import SessionError
from model_adapters.testing.watched import Watched, same

Outlook: TypeAlias = tuple[tuple[Logprob, ...], ...] | str
"""The likeliest tokens at some points of a given continuation; of a session that tells none, what it
writes behind it."""

_ALONG: Final = " and so on"
_LIKELIEST, _LOOKED_AMONG = 5, 40
_STEPS: Final = 8
_ROUNDING: Final = 1.0
"""How much two logarithms of a probability may differ that rounding alone sets apart: models that compute in
16 bits or in blocks of 8 came to half a unit. A token at the wrong place costs several."""
_RARE: Final = -6.0
"""The logarithm of a probability below which rounding says nothing."""


def outlook(watched: Watched) -> Outlook:
    """Look ahead. The session is of no more use afterwards."""
    abilities = abilities_of(watched.session)
    if not {MASKS, TOKENS} <= abilities:
        return watched.written(_STEPS)
    if LOGPROBS not in abilities:
        # What was taken back is barred from coming next, and from nothing else.
        for _ in _along(watched):
            pass
        return watched.written(_STEPS)
    tells = watched.able(LOGPROBS)
    seen = [tells.logprobs(_LOOKED_AMONG)]
    seen += [tells.logprobs(_LOOKED_AMONG) for _ in _along(watched)]
    return tuple(seen)


def _along(watched: Watched) -> Iterator[None]:
    """Have it write the continuation, a token at a time."""
    for token in watched.able(TOKENS).encode(_ALONG):
        watched.able(MASKS).allow([token])
        watched.decode()
        yield


def fresh_outlook(subject: Subject, treated: Forced) -> Outlook | None:
    """Look ahead in a fresh session that wrote the same tokens itself, and was never treated at all.

    Args:
        subject: The backend.
        treated: A session that was treated otherwise, before anybody looked ahead in it.

    Returns:
        None where the session tells no tokens.
    """
    if TOKENS not in abilities_of(treated.watched.session):
        return None
    with subject.session() as fresh:
        masks, ids = fresh.able(MASKS), treated.watched.ids
        same(ids[: len(fresh.ids)], fresh.ids, "Embed/append", "the prompt in the context")
        reserved = fresh.able(TOKENS).encode(Marker.INTR.value)
        for token in ids[len(fresh.ids) :]:
            if (token,) == reserved:  # no mask lets a model write it
                fresh.append(Batch(Marker.INTR.value))
                continue
            masks.allow([token])
            fresh.decode()
        same(fresh.ids, ids, "Embed/masks", "the tokens of a context that was written one by one")
        return outlook(fresh)


def require_alike(found: Outlook, expected: Outlook, rule: str, what: str) -> None:
    """Raise where two outlooks differ by more than rounding.

    Raises:
        SessionError: They do.
    """
    if isinstance(found, str) or isinstance(expected, str):
        same(found, expected, rule, what)
        return
    for ours, theirs in zip(expected, found, strict=True):
        if fault := _difference(ours, theirs):
            raise SessionError(f"{rule}: {what}: {fault}")


def _difference(expected: Sequence[Logprob], found: Sequence[Logprob]) -> str | None:
    told = {each.token: each.logprob for each in found}
    for each in expected[:_LIKELIEST]:
        other = told.get(each.token)
        if each.logprob < _RARE:
            continue
        if other is None or abs(other - each.logprob) > _ROUNDING:
            has = "is not among the likeliest" if other is None else f"has {other:.2f}"
            return f"the token {each.token} {has}; in a fresh context it has {each.logprob:.2f}"
    return None
