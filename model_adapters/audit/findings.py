"""What an audit finds: plain figures of a tokenizer, and the examples that they count."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from cml.ast import Call, Interrupt, Item, OutcomeKind, Trap
from cml.printer import render
from cml.profile import Body, Profile
from cml.symbols import MARKER_PATTERN, MARKERS, Marker
from model_adapters.audit.edges import (
    completing,
    covering,
    ending_like_markers,
    fused,
    is_spellable,
)
from model_adapters.audit.vocabularies import AuditedTokenizer

_EXAMPLES: Final = 12
_MARKER: Final = re.compile(f"({MARKER_PATTERN})")
_CALL: Final = Call(id="job1", function="get_weather", kwargs={"city": "Oslo"})
_BLOCKS: Final[Mapping[str, tuple[Item, Body]]] = {
    "call": (_CALL, Body.PYTHON),
    "call, JSON": (_CALL, Body.JSON),
    "interrupt": (Interrupt("job1", OutcomeKind.RETURNED, {"celsius": 18}), Body.PYTHON),
    "trap": (Trap(), Body.PYTHON),
}
_PROSE: Final = "It is 18 °C in Oslo [1]; see a[0] and\n日本.\n"
FORGERY: Final = Marker.INTR.value.encode()
"""The one marker that a model may never write."""


class BlockCost(msgspec.Struct, frozen=True):
    """How many tokens a block is.

    Args:
        block: Which one, in words.
        text: Its characters in the text profile.
        text_tokens: Its tokens there.
        token_tokens: Its tokens in the token profile, where each marker is one.
    """

    block: str
    text: str
    text_tokens: int
    token_tokens: int


class TokenSet(msgspec.Struct, frozen=True):
    """A set of tokens: how many, and some of them as they are spelled."""

    count: int
    examples: tuple[str, ...]


class Mask(msgspec.Struct, frozen=True):
    """What it takes to keep a model from `[INTR]` in the text profile.

    Args:
        completing: TokenSet that a mask that sees the text forbids, each only where it completes the
            marker. Nothing else is lost to it.
        banned: TokenSet that a fixed ban of what only `[INTR]` is encoded to forbids everywhere.
        is_leaky: Whether `[INTR]` can still be spelled with the tokens that such a ban leaves.
        needed: The fewest tokens that can stand over some one byte of it: a fixed ban of all of them
            holds, and costs every other word that they spell.
    """

    completing: TokenSet
    banned: TokenSet
    is_leaky: bool
    needed: TokenSet


class TokenizerAudit(msgspec.Struct, frozen=True):
    """All that was found.

    Args:
        name: What the tokenizer is called.
        tokens: How many tokens it has, control tokens included.
        control_tokens: How many of them control, or were added.
        fused: TokenSet that hold a marker's edge and something else.
        words: Words that end as a marker does.
        costs: What each block costs in each profile.
        mask: What a mask forbids.
        markers_as_tokens: The markers that are tokens of this vocabulary already.
        naive_control: Control tokens that text becomes where nobody prevents it.
        unsafe_content: Spellings of control tokens that content becomes all the same.
        keeps_text: Whether text that is encoded, in parts as in one, is the same text again.
    """

    name: str
    tokens: int
    control_tokens: int
    fused: TokenSet
    words: TokenSet
    costs: tuple[BlockCost, ...]
    mask: Mask
    markers_as_tokens: tuple[str, ...]
    naive_control: TokenSet
    unsafe_content: tuple[str, ...]
    keeps_text: bool


def audit(tokenizer: AuditedTokenizer) -> TokenizerAudit:
    """Return what an audit of a tokenizer finds; some seconds for a large one."""
    control = dict(tokenizer.control)
    spelled = sorted({*control.values(), *MARKERS})
    naive = [text for text in spelled if control.keys() & set(tokenizer.naive(text))]
    unsafe = [text for text in spelled if control.keys() & set(tokenizer.content(text))]
    known = {text.decode(errors="replace") for text in tokenizer.ordinary.values()}
    return TokenizerAudit(
        name=tokenizer.name,
        tokens=tokenizer.size,
        control_tokens=len(control),
        fused=_tokens(fused(tokenizer.ordinary).values()),
        words=_tokens(ending_like_markers(tokenizer.ordinary).values()),
        costs=tuple(_cost(tokenizer, name, *block) for name, block in _BLOCKS.items()),
        mask=_mask(tokenizer),
        markers_as_tokens=tuple(m for m in MARKERS if m in known or m in control.values()),
        naive_control=_tokens(text.encode() for text in naive),
        unsafe_content=tuple(unsafe),
        keeps_text=_keeps_text(tokenizer),
    )


def _cost(tokenizer: AuditedTokenizer, name: str, item: Item, body: Body) -> BlockCost:
    text = render([item], Profile(body=body))
    apart = [part for part in _MARKER.split(text) if part]
    return BlockCost(
        block=name,
        text=text,
        text_tokens=len(tokenizer.content(text)),
        token_tokens=sum(1 if p in MARKERS else len(tokenizer.content(p)) for p in apart),
    )


def _mask(tokenizer: AuditedTokenizer) -> Mask:
    ordinary = tokenizer.ordinary
    others = {i for m in MARKERS if m.encode() != FORGERY for i in tokenizer.content(m)}
    banned = frozenset(tokenizer.content(FORGERY.decode())) - others
    needed = min(covering(ordinary, FORGERY), key=len)
    return Mask(
        completing=_tokens(completing(ordinary, FORGERY).values()),
        banned=_tokens(ordinary.get(token, b"") for token in banned),
        is_leaky=is_spellable(ordinary, FORGERY, banned),
        needed=_tokens(ordinary[token] for token in needed),
    )


def _keeps_text(tokenizer: AuditedTokenizer) -> bool:
    blocks = [render([item], Profile(body=body)) for item, body in _BLOCKS.values()]
    parts = [_PROSE, *blocks]
    in_parts = [token for part in parts for token in tokenizer.content(part)]
    whole = "".join(parts)
    return tokenizer.text(in_parts) == whole == tokenizer.text(tokenizer.content(whole))


def _tokens(spelled: Iterable[bytes]) -> TokenSet:
    found = sorted(spelled, key=lambda text: (len(text), text))
    texts = (text.decode(errors="backslashreplace") for text in found[:_EXAMPLES])
    return TokenSet(len(found), tuple(texts))
