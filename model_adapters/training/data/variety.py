"""What training dialogues differ in; each kind of variety can be switched off."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

Portion = Annotated[float, Meta(ge=0, le=1)]


class Variety(msgspec.Struct, frozen=True):
    """What training dialogues differ in.

    Args:
        names: How many things of each kind have names; all, and invented ones, if absent.
        tools: Of how many facts and deeds tools are made, each always named and described alike; of
            all, and of invented ones, in the manner of many people, if absent.
        chains: Whether calls may take the results of others.
        chain_weight: How many times as often they do as by default, which is in one dialogue of twelve.
        wide_chains: Whether each argument that can be a result is one as often as any other, and half of
            the facts that give it are invented; else each fact that fits an argument counts, so that two
            chains in three are sums and products, and of named facts alone.
        estimates: In which part of the boxes of tools it is told how long each takes.
        midst: In which part of the dialogues results may come in the midst of prose; in the others
            only while the model waits.
        rich: In which part of the results the value comes as services put it, with other words and
            numbers, instead of alone.
        progress: In which part of the dialogues calls report progress.
    """

    names: Annotated[int, Meta(ge=2)] | None = None
    tools: Annotated[int, Meta(ge=6)] | None = None
    chains: bool = True
    chain_weight: Annotated[float, Meta(ge=0, le=1_000_000)] = 1.0
    wide_chains: bool = False
    estimates: Portion = 0.2
    midst: Portion = 0.85
    rich: Portion = 0.4
    progress: Portion = 0.08


WIDE: Final = Variety()
"""All of it, as `cml dataset` has it by default."""
