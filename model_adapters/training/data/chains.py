"""Chains that the catalogue does not spell out: any fact whose value fits an argument of any deed."""

from collections.abc import Sequence
from random import Random
from typing import Final

from model_adapters.training.data.catalog import Catalog, Chain, Deed, Fact
from model_adapters.training.data.questions import is_request

_ARGUMENT_KINDS: Final = {
    "clock": ("clock",),
    "code": ("code",),
    "date": ("date",),
    "email": ("email",),
    "number": ("number",),
    "person": ("person",),
    "place": ("place", "city"),
    "room": ("room",),
}
"""Which kinds of arguments a fact with a value of some kind can give."""
_OF_ANY_NUMBER: Final = frozenset({"add", "multiply", "root"})
_AGAIN: Final = {
    "city": "that city",
    "clock": "that time",
    "code": "that code",
    "date": "that day",
    "email": "that address",
    "number": "that number",
    "person": "them",
    "place": "that place",
    "room": "that room",
}
"""How a person names a value of some kind that they have just asked for."""


def derived_chains(catalog: Catalog) -> tuple[Chain, ...]:
    """Return every chain of a fact, and a deed with an argument of the kind of its value.

    They are asked for in the deed's own words: `book a hotel in the capital of Peru for 3 nights`, or
    `find the capital of Peru and book a hotel in that city for 3 nights`.
    """
    return tuple(
        chain_of(fact, deed, argument)
        for fact in catalog.facts
        for deed in catalog.deeds.values()
        for argument in deed.arguments
        if _fits(fact, deed, argument)
    )


def chain_of(fact: Fact, deed: Deed, argument: str) -> Chain:
    """Return the chain of a fact, and a deed with an argument that it gives."""
    return Chain((fact.kind.name, fact.name), deed.name, argument, _asks(fact, deed, argument))


def evenly_drawn(random: Random, chains: Sequence[Chain]) -> Chain:
    """Return one of some chains: each argument of each deed as often as any other, whatever gives it."""
    arguments = [*dict.fromkeys((chain.deed, chain.argument) for chain in chains)]
    drawn = random.choice(arguments)
    return random.choice([chain for chain in chains if (chain.deed, chain.argument) == drawn])


def _fits(fact: Fact, deed: Deed, argument: str) -> bool:
    kind = _first_word(deed.arguments[argument])
    if kind == "number" and deed.name not in _OF_ANY_NUMBER:
        return False
    return kind in _ARGUMENT_KINDS.get(_first_word(fact.value), ())


def _asks(fact: Fact, deed: Deed, argument: str) -> tuple[str, ...]:
    hole, named = f"{{{argument}}}", f"the {fact.phrase}"
    again = _AGAIN[_first_word(deed.arguments[argument])]
    return (
        *(way.replace(hole, named) for way in deed.asks),
        *(
            f"{begin} {named} and {way.replace(hole, again)}"
            for way in deed.asks
            if is_request(way)
            for begin in ("find", "look up")
        ),
    )


def _first_word(kind: str) -> str:
    return kind.partition(" ")[0]
