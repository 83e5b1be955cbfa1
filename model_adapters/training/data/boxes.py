"""Boxes of tools: what one model is offered, and what can be asked for with it."""

from collections.abc import Iterator, Sequence
from functools import cache
from random import Random
from typing import Final
from zlib import crc32

import msgspec
from msgspec.structs import replace

from cml.profile import Body
from interpreter.tools.declared import Tool
from interpreter.tools.names import spelled_tools
from model_adapters.training.data.catalog import Catalog, Chain, Deed, Fact, read_catalog
from model_adapters.training.data.chains import chain_of, derived_chains, evenly_drawn
from model_adapters.training.data.toolbox import Offering, ResultForm, offer_deed, offer_fact
from model_adapters.training.data.values import Names, invented_word
from model_adapters.training.data.variety import WIDE, Variety

_FORMS: Final[tuple[ResultForm, ...]] = ("sentence", "sentence", "plain", "plain", "object")
_CHAIN_FORMS: Final[tuple[ResultForm, ...]] = ("plain", "object")
_INVENTED: Final = 0.25
_CHAINED: Final = 0.4
_DERIVED: Final = 0.7  # of the chains
_INVENTED_OF_CHAINS: Final = 0.5  # of the derived, where they are wide
_LONGEST_US: Final = 3_000_000
_HELD_OUT: Final = 6  # one in so many
_FEW_CHAINS: Final = 2


class Scene(msgspec.Struct, frozen=True):
    """What boxes are drawn from.

    Args:
        catalog: What may be asked for.
        derived: Chains of its facts and deeds beside those that the catalogue spells out.
        spare: What may be offered beside it.
        names: Names of things.
        held_out: Whether they are those that are never trained on.
        variety: What else they differ in.
    """

    catalog: Catalog
    derived: tuple[Chain, ...]
    spare: Catalog
    names: Names
    held_out: bool
    variety: Variety


class ToolBox(msgspec.Struct, frozen=True):
    """A box of tools.

    Args:
        facts: What may be looked up with them.
        deeds: What may be done.
        chains: What may be done with what was looked up.
        missing: Facts that can be asked for, and there is no tool for them.
        offered: The tools, by the keys of what they do.
        tools: The tools as a model is told of them, in any order.
        names: Names of things.
        rich: In which part of the results the value comes as services put it.
        chain_weight: How many times as often as by default it is asked for a chain.
    """

    facts: tuple[Fact, ...]
    deeds: tuple[Deed, ...]
    chains: tuple[tuple[Chain, Fact, Deed], ...]
    missing: tuple[Fact, ...]
    offered: dict[str, Offering]
    tools: tuple[Tool, ...]
    names: Names
    rich: float
    chain_weight: float

    def is_chained(self, source: Fact | Deed) -> bool:
        """Whether its value is an argument of a deed in one of the chains."""
        return any(source == fact for _, fact, _ in self.chains)


def key_of(source: Fact | Deed) -> str:
    """Return the name of a fact or deed in the whole catalogue."""
    return f"{source.kind.name} {source.name}" if isinstance(source, Fact) else source.name


def scene_of(split: str, variety: Variety = WIDE) -> Scene:
    """Return what the dialogues of a split are drawn from: `train` or `test`.

    The two have no fact, no deed, no chain and no name of a thing in common; what is offered and
    not asked for is of `train` in both.

    Args:
        split: Which.
        variety: What dialogues differ in.
    """
    held_out = split == "test"
    whole = read_catalog()
    asked, spare = (
        part if variety.tools is None else _few(part, variety.tools)
        for part in (_part(whole, held_out=held_out), _part(whole, held_out=False))
    )
    names = Names(lambda name: is_held_out(name) is held_out, variety.names)
    return Scene(asked, derived_chains(asked), spare, names, held_out, variety)


def is_held_out(key: str) -> bool:
    """Whether a fact, a deed or a name is one of those that are never trained on."""
    return crc32(key.encode()) % _HELD_OUT == 0 or key in _of_unseen_chains()


@cache
def _of_unseen_chains() -> frozenset[str]:
    unseen = read_catalog().unseen
    return frozenset({" ".join(chain.fact) for chain in unseen} | {chain.deed for chain in unseen})


def draw_box(random: Random, scene: Scene) -> ToolBox:
    """Return a box of tools: of a few kinds of things, some deeds, and what nobody asks for."""
    chains = tuple(_perhaps_chain(random, scene))
    facts = [fact for _, fact, _ in chains]
    for _ in range(random.choice((1, 1, 2))):
        facts += _same_kind(random, scene.catalog.facts)
    facts = [*{key_of(f): f for f in facts}.values()]
    facts = [
        fact if _is_in(fact, chains) else _perhaps_invented(random, scene, fact) for fact in facts
    ]
    deeds = [deed for _, _, deed in chains]
    deeds += random.sample([*scene.catalog.deeds.values()], random.choice((0, 1, 1, 2)))
    deeds = [*{deed.name: deed for deed in deeds}.values()]
    asked: list[Fact | Deed] = [*facts, *deeds]
    sources = asked + _spare(random, scene.spare, facts, _distractors(random))
    is_estimated = random.random() < scene.variety.estimates
    offered: dict[str, Offering] = {}
    for source in sources:
        of_chain = isinstance(source, Fact) and _is_in(source, chains)
        form = random.choice(_CHAIN_FORMS if of_chain else _FORMS)
        one = _offer(random, scene.variety, source, form, is_estimated)
        if one.tool.name not in {other.tool.name for other in offered.values()}:
            offered[key_of(source)] = one
    tools = [each.tool for each in offered.values()]
    random.shuffle(tools)
    kept = [source for source in asked if key_of(source) in offered]
    return ToolBox(
        tuple(source for source in kept if isinstance(source, Fact)),
        tuple(source for source in kept if isinstance(source, Deed)),
        tuple(c for c in chains if {key_of(c[1]), key_of(c[2])} <= {*offered}),
        tuple(fact for fact in scene.catalog.facts if key_of(fact) not in offered),
        offered,
        spelled_tools(tools, Body.PYTHON),
        scene.names,
        scene.variety.rich,
        scene.variety.chain_weight,
    )


def _perhaps_chain(random: Random, scene: Scene) -> Iterator[tuple[Chain, Fact, Deed]]:
    variety = scene.variety
    if random.random() >= _CHAINED * variety.chain_weight or not variety.chains:
        return
    is_derived = random.random() < _DERIVED
    if is_derived and variety.wide_chains:
        yield _wide_chain(random, scene)
    else:
        chain = random.choice(scene.derived if is_derived else scene.catalog.chains)
        yield from _resolved(scene.catalog, chain)


def _wide_chain(random: Random, scene: Scene) -> tuple[Chain, Fact, Deed]:
    """Return a chain for any argument that can be a result, often of a fact that nobody has heard of."""
    drawn = evenly_drawn(random, scene.derived)
    [(chain, fact, deed)] = _resolved(scene.catalog, drawn)
    if scene.variety.tools or random.random() >= _INVENTED_OF_CHAINS:
        return chain, fact, deed
    kind = random.choice(scene.catalog.facts).kind
    fact = _invented(random, scene, replace(fact, kind=kind))
    return chain_of(fact, deed, chain.argument), fact, deed


def draw_execute_us(random: Random) -> int:
    """Return how long a call takes: most some tenths of a second, some nothing, some long."""
    part: float = random.random() ** 2.5
    return round(_LONGEST_US * part)


def _part(whole: Catalog, *, held_out: bool) -> Catalog:
    """Return the half of the catalogue that is held out, or the other."""
    facts = tuple(f for f in whole.facts if is_held_out(key_of(f)) is held_out)
    deeds = {n: d for n, d in whole.deeds.items() if is_held_out(n) is held_out}
    return _with_chains(replace(whole, facts=facts, deeds=deeds))


def _few(part: Catalog, most: int) -> Catalog:
    """Return so many facts and deeds of a catalogue, with those of its first chains, and their kinds."""
    chains = part.chains[:_FEW_CHAINS]
    first = {chain.fact for chain in chains}
    kinds = {kind for kind, _ in first}
    facts = [fact for fact in part.facts if fact.kind.name in kinds]
    facts.sort(key=lambda fact: (fact.kind.name, fact.name) not in first)
    deeds = [*(chain.deed for chain in chains), *part.deeds]
    kept = [*dict.fromkeys(deeds)][: most // 3]
    return _with_chains(
        replace(
            part,
            facts=tuple(facts[: most - len(kept)]),
            deeds={name: part.deeds[name] for name in kept},
            chains=chains,
        )
    )


def _with_chains(part: Catalog) -> Catalog:
    """Return a catalogue with those of its chains for which it has both the fact and the deed."""
    return replace(part, chains=tuple(c for c in part.chains if [*_resolved(part, c)]))


def _resolved(catalog: Catalog, chain: Chain) -> Iterator[tuple[Chain, Fact, Deed]]:
    for fact in catalog.facts:
        if (fact.kind.name, fact.name) == chain.fact and chain.deed in catalog.deeds:
            yield chain, fact, catalog.deeds[chain.deed]


def _is_in(fact: Fact, chains: Sequence[tuple[Chain, Fact, Deed]]) -> bool:
    return any(fact == first for _, first, _ in chains)


def _same_kind(random: Random, facts: Sequence[Fact]) -> list[Fact]:
    """Return some facts of one kind of things."""
    kind = random.choice(facts).kind
    same = [fact for fact in facts if fact.kind == kind]
    return random.sample(same, min(len(same), random.choice((1, 2, 3, 3, 4))))


def _perhaps_invented(random: Random, scene: Scene, fact: Fact) -> Fact:
    """Return the fact, or one of something that nobody has heard of."""
    if scene.variety.tools or random.random() >= _INVENTED:
        return fact
    return _invented(random, scene, fact)


def _invented(random: Random, scene: Scene, fact: Fact) -> Fact:
    """Return a fact of the same kind of things, with values of the same kind, of another name."""
    while is_held_out(f"{fact.kind.name} {(word := invented_word(random))}") is not scene.held_out:
        pass
    preposition = random.choice(("of", "in", "for", "on"))
    return Fact(word, fact.kind, f"{word} {preposition} {{}}", (), fact.value)


def _distractors(random: Random) -> int:
    """Mostly a few; now and then many."""
    ranges = (0, 1), (1, 4), (5, 22)
    return random.randint(*random.choices(ranges, (55, 40, 5))[0])


def _spare(random: Random, spare: Catalog, asked: Sequence[Fact], count: int) -> list[Fact | Deed]:
    """Return what nobody asks for, the half of it near to what they do."""
    kinds = {fact.kind for fact in asked}
    near = [fact for fact in spare.facts if fact.kind in kinds] or spare.facts
    pools: tuple[Sequence[Fact | Deed], ...] = (near, near, spare.facts, [*spare.deeds.values()])
    return [random.choice(random.choice(pools)) for _ in range(count)]


def _offer(
    random: Random, variety: Variety, source: Fact | Deed, form: ResultForm, is_estimated: bool
) -> Offering:
    estimate_us = max(100_000, round(draw_execute_us(random), -5)) if is_estimated else None
    manner = random if variety.tools is None else Random(key_of(source))  # noqa: S311
    if isinstance(source, Fact):
        return offer_fact(manner, source, form, estimate_us)
    return offer_deed(manner, source, form, estimate_us)
