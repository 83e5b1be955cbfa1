"""Is an ability that a session declares really held? A story for each."""

from collections.abc import Mapping
from itertools import pairwise
from math import exp
from typing import Final, get_args

from msgspec.structs import astuple

from interpreter.session import (
    CONTEXT_LEFT,
    COSTS,
    LOGPROBS,
    MASKS,
    PROMPTS,
    RESTORE,
    SEEDS,
    SUSPEND,
    TOKENS,
    Ability,
    DecodingCosts,
    Logprob,
    Piece,
    Strategy,
    Suspended,
    abilities_of,
)
from model_adapters.testing.watched import (
    Bench,
    SessionError,
    Story,
    Watched,
    nothing,
    require,
    same,
)

_WAITS_US: Final = (None, 0, 1_000, 60_000_000, None)
_SEEDS: Final = (7, 8, 9, 10)
_MOST: Final = 5
_WORD: Final = " and"
_AFTER_RESUME: Final = "what is written after a resume"


def check_suspend(bench: Bench) -> str | None:
    """Embed/suspend: whatever becomes of the context, it goes on as if nothing had."""

    def suspended(watched: Watched) -> None:
        suspends = watched.able(SUSPEND)
        before = watched.ids, watched.text
        for wait_us in _WAITS_US:
            for _ in range(2):  # chosen again while it lasts
                _see_suspended(suspends.suspend(wait_us))
            suspends.resume()
        same((watched.ids, watched.text), before, "Embed/suspend", "the context after a resume")

    def then_appended(watched: Watched) -> None:
        suspended(watched)
        watched.append()

    expected = bench.written_after(nothing)
    same(bench.written_after(suspended), expected, "Embed/suspend", _AFTER_RESUME)
    appended = bench.written_after(Watched.append)
    same(bench.written_after(then_appended), appended, "Embed/suspend", _AFTER_RESUME)
    with bench.session() as watched:
        watched.able(SUSPEND).suspend(None)  # and closed so
    return None if expected or appended else "the model ends before it has written a character"


def _see_suspended(found: object) -> None:
    good = (
        isinstance(found, Suspended)
        and found.strategy in get_args(Strategy)
        and (found.again_us is None or (type(found.again_us) is int and found.again_us > 0))
    )
    require("Embed/suspend", None if good else f"suspend() returned {found!r}; expected Suspended")


def check_tokens(bench: Bench) -> str | None:
    """Embed/tokens: of no content a control token is made. The rest is seen at every verb."""
    with bench.session() as watched:
        tokens = watched.able(TOKENS)
        for text in ("plain words", *bench.control, "".join(bench.control)):
            if spoken := tokens.control_tokens & set(tokens.encode(text)):
                message = f"{text!r} is encoded to the control tokens {sorted(spoken)}"
                raise SessionError(f"Embed/tokens: {message}")
    return None


def check_logprobs(bench: Bench) -> str | None:
    """Embed/logprobs: in order, of probabilities that are some; and to ask changes nothing."""

    def asked(watched: Watched) -> None:
        tells = watched.able(LOGPROBS)
        found = tells.logprobs(_MOST)
        require("Embed/logprobs", _fault_of(found))
        same(tells.logprobs(_MOST), found, "Embed/logprobs", "what is told when asked again")
        same(tells.logprobs(1), found[:1], "Embed/logprobs", "the likeliest")

    expected = bench.written_after(nothing)
    same(bench.written_after(asked), expected, "Embed/logprobs", "what is written after asking")
    return None


def _fault_of(found: tuple[Logprob, ...]) -> str | None:
    values = [each.logprob for each in found]
    if not 1 <= len(found) <= _MOST:
        return f"{len(found)} were told where {_MOST} were asked for"
    if len({each.token for each in found}) < len(found):
        return "a token is told twice"
    if any(one < other for one, other in pairwise(values)):
        return f"the likeliest is not first: {values}"
    if not all(value <= 0 for value in values) or sum(map(exp, values)) > 1 + 1e-3:
        return f"no logarithms of probabilities: {values}"
    return None


def check_masks(bench: Bench) -> str | None:
    """Embed/masks: for one step, and then no longer."""
    with bench.session() as watched:
        if TOKENS not in abilities_of(watched.session):
            return "the session does not say which tokens there are: declare the ability 'tokens'"
        prompt = len(watched.ids)
        watched.pieces(bench.steps)
        own = watched.ids[prompt:]
        other = watched.able(TOKENS).encode(_WORD)[0]
    if not own:
        return "the model ends before it has written a token"
    with bench.session() as watched:
        for token in (other, own[0]):
            before = len(watched.ids)
            watched.able(MASKS).allow([token])
            watched.decode()
            same(watched.ids[before:][:1], (token,), "Embed/masks", "the only token allowed")
    with bench.session() as watched:
        watched.able(MASKS).allow([own[0]])
        watched.pieces(bench.steps)
        same(watched.ids[prompt:], own, "Embed/masks", "what follows the one step with a mask")
    return None


def check_seeds(bench: Bench) -> str | None:
    """Embed/seeds: in the same context the same seed gives the same, whatever was drawn before."""

    def drawn(*seeds: int) -> str:
        def seed(watched: Watched) -> None:
            for number in seeds:
                watched.able(SEEDS).seed(number)

        return bench.written_after(seed)

    by_seed = {number: drawn(number) for number in _SEEDS}
    first = _SEEDS[0]
    same(drawn(_SEEDS[1], first), by_seed[first], "Embed/seeds", f"what seed {first} writes again")
    no_chance = "whatever the seed, the session writes the same: make one that draws by chance"
    return None if len({*by_seed.values()}) > 1 else no_chance


def check_context_left(bench: Bench) -> str | None:
    """Embed/context-left: every token counts, the model's and the runtime's."""
    with bench.session() as watched:
        window = watched.able(CONTEXT_LEFT)
        left = window.context_left
        for piece in watched.pieces(bench.steps):
            left -= piece.tokens
        if not watched.is_at_end:  # there a character that was only begun is given back
            same(window.context_left, left, "Embed/context-left", "after some pieces")
        left = window.context_left
        left -= watched.append()
        same(window.context_left, left, "Embed/context-left", "after an append")
    return None


def check_costs(bench: Bench) -> str | None:
    """Embed/costs: figures, none of them below zero, of a model that takes its time."""
    with bench.session() as watched:
        costs: object = watched.able(COSTS).costs
    figures = astuple(costs) if isinstance(costs, DecodingCosts) else ()
    good = any(figures) and all(type(figure) is int and figure >= 0 for figure in figures)
    require("Embed/costs", None if good else f"costs is {costs!r}; expected DecodingCosts")
    return None


def check_prompts(bench: Bench) -> str | None:
    """Embed/prompts: a question comes after what is there; its text is content, whatever it spells."""
    with bench.session() as watched:
        spoken: list[tuple[int, ...]] = []
        for question in ("And then?", f"And then? {''.join(bench.control)}"):
            watched.pieces(bench.steps)
            before = watched.ids
            tokens: object = watched.able(PROMPTS).prompt(question)
            count = type(tokens) is int and tokens >= 0
            told = f"prompt() returned {tokens!r}; expected its tokens"
            require("Embed/prompts", None if count else told)
            if TOKENS in abilities_of(watched.session):
                added = watched.ids[len(before) :]
                same(watched.ids[: len(before)], before, "Embed/prompts", "the context before it")
                same(tokens, len(added), "Embed/prompts", "how many tokens prompt() says")
                control = watched.able(TOKENS).control_tokens
                spoken.append(tuple(token for token in added if token in control))
        same(spoken[1:], spoken[:1], "Embed/prompts", "the control tokens of another question")
        watched.pieces(bench.steps)
    return None


def check_restore(bench: Bench) -> str | None:
    """Embed/restore: a fresh session holds what another one wrote, and goes on as if it were its own."""
    with bench.session() as watched:
        decoded = [piece for piece in watched.pieces(bench.steps) if piece.text]
        text, chosen = watched.text, watched.ids
        expected = _written_from_a_seed(watched, bench.steps)
    if not decoded:
        return "the model ends before it has written a character"
    with bench.session() as watched:
        prompt = len(watched.ids)
        for piece in decoded:
            _restore(watched, piece)
        same(watched.text, text, "Embed/restore", "the context that was restored")
        restored = watched.ids
        found = _written_from_a_seed(watched, bench.steps)
    if restored != chosen:  # the same text in other tokens: a session is made to choose these
        if MASKS not in abilities_of(watched.session):
            return "what was written is encoded to other tokens than those that were chosen"
        with bench.session() as watched:
            for token in restored[prompt:]:
                watched.able(MASKS).allow([token])
                watched.decode()
            expected = _written_from_a_seed(watched, bench.steps)
    same(found, expected, "Embed/restore", "what is written after it")
    return None


def _restore(watched: Watched, piece: Piece) -> None:
    before = watched.ids
    watched.able(RESTORE).restore(Piece(piece.text, marker=piece.marker))
    if TOKENS in abilities_of(watched.session) and piece.marker is None:
        encoded = watched.able(TOKENS).encode(piece.text)
        same(watched.ids, before + encoded, "Embed/restore", f"the context with {piece.text!r}")


def _written_from_a_seed(watched: Watched, steps: int) -> str:
    """What a session writes, whatever was drawn before."""
    if SEEDS in abilities_of(watched.session):
        watched.able(SEEDS).seed(_SEEDS[0])
    return watched.written(steps)


STORIES: Final[Mapping[Ability[object], Story]] = {
    SUSPEND: check_suspend,
    TOKENS: check_tokens,
    LOGPROBS: check_logprobs,
    MASKS: check_masks,
    SEEDS: check_seeds,
    CONTEXT_LEFT: check_context_left,
    COSTS: check_costs,
    PROMPTS: check_prompts,
    RESTORE: check_restore,
}
"""One for each ability that a session can declare."""
