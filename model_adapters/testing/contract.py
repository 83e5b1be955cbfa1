"""The contract of a session, as a check that any adapter can be put to (spec/5-embedding.md, 5.2).

What a model writes is its own affair, so nothing here depends on it: sessions that begin alike are
treated differently, and what they write is compared.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from interpreter.session import Session, abilities_of
from model_adapters.testing import abilities, verbs
from model_adapters.testing.watched import CONTROL_SPELLINGS, Bench, Watched

S = TypeVar("S", bound=Session)


class Checked(msgspec.Struct, frozen=True):
    """What a check came to.

    Args:
        held: The clauses that were put to the test, and held.
        not_exercised: Those that could not be, and why: that is not to have passed.
    """

    held: tuple[str, ...]
    not_exercised: Mapping[str, str]


def check_session(
    make: Callable[[], S],
    *,
    context_of: Callable[[S], str] | None = None,
    control: Sequence[str] = CONTROL_SPELLINGS,
    steps: int = 12,
) -> Checked:
    """Put a session to the contract: its verbs, and every ability that it declares.

    Args:
        make: Makes a fresh session; always with the same prompt in its context, and with no mask of
            its own. It takes the likeliest token or draws by a fixed seed: all write the same.
        context_of: Returns the text of a session's context from the end of its prompt on; without it, an
            attribute `context` of the session is taken that is a text. It, or the ability `tokens`, shows
            what an append really did.
        control: How control tokens of the model are spelled.
        steps: How many pieces to decode at a time; at least 4.

    Returns:
        What was found to hold, and what could not be put to the test.

    Raises:
        SessionError: A session broke a clause.
        HostError: It declares abilities that it does not have (Embed/abilities).
    """

    def watched() -> Watched:
        session = make()
        return Watched(session, partial(context_of, session) if context_of else None)

    bench = Bench(watched, control, steps)
    with bench.session() as one:
        declared = abilities_of(one.session)
    of_abilities = {
        able.clause: story for able, story in abilities.STORIES.items() if able in declared
    }
    stories = {**verbs.STORIES, **of_abilities}
    found = {clause: story(bench) for clause, story in stories.items()}
    return Checked(
        held=tuple(clause for clause, reason in found.items() if reason is None),
        not_exercised={clause: reason for clause, reason in found.items() if reason is not None},
    )
