"""Authors of stories: for each shape, what is offered, what is asked, and what has to be called."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

import msgspec

from model_adapters.training.data.boxes import ToolBox, key_of
from model_adapters.training.data.casts import Cast
from model_adapters.training.data.catalog import Fact
from model_adapters.training.data.questions import (
    SMALL_TALK,
    also,
    as_sentence,
    asking,
    instead,
    requesting,
)
from model_adapters.training.data.stories import Earlier, Remark, Tale
from model_adapters.training.data.toolbox import result_key


def one_call(cast: Cast) -> Tale:
    """One fact of one thing."""
    fact = cast.fact()
    thing = cast.thing(fact)
    cast.look_up(fact, thing)
    return cast.story("one", _ask(cast.random, fact, thing))


def one_deed(cast: Cast) -> Tale:
    """One deed."""
    deed = cast.random.choice(cast.box.deeds)
    asked = cast.do(deed)
    return cast.story(
        "deed", requesting(cast.random, [cast.random.choice(deed.asks).format(**asked)])
    )


def facts_of_one(cast: Cast) -> Tale:
    """Several facts of one thing."""
    first = cast.fact()
    same = [f for f in cast.box.facts if f.kind.name == first.kind.name and f != first]
    count = min(cast.random.choice((1, 1, 2, 2, 3)), len(same))
    facts = [first, *cast.random.sample(same, count)]
    thing = cast.thing(first)
    for fact in facts:
        cast.look_up(fact, thing)
    phrases = [f"the {fact.phrase.format(thing)}" for fact in facts]
    if cast.random.random() < 0.65:
        bare = [f"the {_bare(fact)}" for fact in facts]
        opening = cast.random.choice(
            (*first.kind.openings, "About {}:", "I have questions about {}.")
        )
        if cast.random.random() < 0.3:
            question = asking(cast.random, [phrases[0], *bare[1:]])
        else:
            question = f"{opening.format(thing)} {asking(cast.random, bare)}"
    else:
        question = asking(cast.random, phrases)
    return cast.story("several facts", question)


def one_of_several(cast: Cast) -> Tale:
    """One fact of several things."""
    fact = cast.fact()
    things = cast.things(fact, cast.random.choice((2, 2, 2, 3, 3, 4)))
    if len(things) == 1:
        return one_call(cast)
    for thing in things:
        cast.look_up(fact, thing)
    if cast.random.random() < 0.7:
        joint = fact.phrase.replace("{}", _joint(things))
        question = asking(cast.random, [f"the {joint}"])
    else:
        question = f"Compare the {fact.phrase.format(things[0])} with {_joint(things[1:])}."
    return cast.story("several things", question)


def mixed(cast: Cast) -> Tale:
    """Facts of several things, and deeds, in one go."""
    asks, phrases = [], []
    for _ in range(cast.random.choice((2, 2, 2, 3))):
        if cast.box.deeds and cast.random.random() < 0.3:
            deed = cast.random.choice(cast.box.deeds)
            asked = cast.do(deed)
            asks.append(as_sentence(cast.random.choice(deed.asks).format(**asked)))
            continue
        fact = cast.fact()
        thing = cast.thing(fact)
        cast.look_up(fact, thing)
        asks.append(_ask(cast.random, fact, thing))
        phrases.append(f"the {fact.phrase.format(thing)}")
    is_list = len(phrases) == len(asks) and cast.random.random() < 0.6
    return cast.story("mixed", asking(cast.random, phrases) if is_list else " ".join(asks))


def chained(cast: Cast) -> Tale:
    """A deed with a fact: by a future where the tool says what it returns, else by waiting."""
    chain, fact, deed = cast.random.choice(cast.box.chains)
    thing = cast.thing(fact)
    cast.look_up(fact, thing)
    is_object = cast.box.offered[key_of(fact)].form == "object"
    earlier = Earlier(0, result_key(fact.name) if is_object else "", waits=not is_object)
    asked = cast.do(deed, {chain.argument: (earlier, f"the {fact.phrase.format(thing)}")})
    question = as_sentence(cast.random.choice(chain.asks).format(thing, **asked))
    return cast.story("future" if is_object else "chain", question)


def failing(cast: Cast) -> Tale:
    """One or two facts; one of them cannot be had, is busy at first, or takes too long."""
    story = cast.random.choice((one_call, facts_of_one, one_of_several))
    told = story(cast)
    number = cast.random.randrange(len(cast.wishes))
    cast.fail(number, cast.random.choice(("fails", "fails", "busy", "expires")))
    return msgspec.structs.replace(told, shape="failure", wishes=tuple(cast.wishes))


def added(cast: Cast) -> Tale:
    """A person asks for one more thing while the model is at work."""
    fact, more = cast.fact(), cast.fact()
    thing, *others = cast.things(fact, 2)
    is_same_kind = more.kind == fact.kind and more != fact
    other = thing if is_same_kind else cast.thing(more) if more != fact else [thing, *others][-1]
    cast.look_up(fact, thing)
    late = cast.look_up(more, other)
    cast.wishes.remove(late)
    text = also(cast.random, f"tell me the {more.phrase.format(other)}")
    message = Remark(_moment_us(cast), text, adds=(late,))
    return cast.story("added", _ask(cast.random, fact, thing), (message,))


def changed(cast: Cast) -> Tale:
    """A person wants something else than they said at first."""
    fact = cast.fact()
    old, *others = cast.things(fact, 2)
    new = others[0] if others else f"{old} II"
    cast.look_up(fact, old)
    late = cast.look_up(fact, new)
    cast.wishes.pop()
    message = Remark(_moment_us(cast), instead(cast.random, old, new), (late,), frozenset({0}))
    return cast.story("changed", _ask(cast.random, fact, old), (message,))


def nothing(cast: Cast) -> Tale:
    """Small talk, or a wish that no tool fulfils."""
    if cast.random.random() < 0.25:
        question, reply = cast.random.choice(SMALL_TALK)
        return cast.story("small talk", question, reply=reply)
    fact = cast.random.choice(cast.box.missing)
    thing = cast.thing(fact)
    cast.facts.append(key_of(fact))
    reply = f"I have no function for the {fact.phrase.format(thing)}."
    question = asking(cast.random, [f"the {fact.phrase.format(thing)}"])
    return cast.story("no tool", question, reply=reply)


_REPORTS: Final = ("half done", "at 50 percent", "searching", "connected", "3 of 6 steps")

SHAPES: Final[dict[Callable[[Cast], Tale], int]] = {
    one_call: 16,
    one_deed: 14,
    facts_of_one: 18,
    one_of_several: 15,
    mixed: 13,
    chained: 26,
    failing: 6,
    added: 3,
    changed: 2,
    nothing: 11,
}
"""Each shape with how often it comes."""


def draw_story(random: Random, box: ToolBox) -> Tale:
    """Return a story of any shape that the box has tools for."""
    needed: dict[Callable[[Cast], Tale], Sequence[object]] = {
        one_deed: box.deeds,
        chained: box.chains,
        nothing: box.missing,
    }
    weights = {**SHAPES, chained: SHAPES[chained] * box.chain_weight}
    shapes = {
        shape: weight
        for shape, weight in weights.items()
        if not (shape in needed and not needed[shape])
    }
    shape = random.choices([*shapes], [*shapes.values()])[0]
    while asks_twice(story := shape(Cast(random, box))):
        pass
    return story


def reporting(random: Random, story: Tale) -> Tale:
    """Return a story whose calls say half-way how far they are."""
    told = (
        msgspec.structs.replace(wish, progress=random.choice(_REPORTS)) for wish in story.wishes
    )
    return msgspec.structs.replace(story, wishes=tuple(told))


def asks_twice(story: Tale) -> bool:
    """Whether two calls of a story are the same: what comes back can be told of neither."""
    calls = [(wish.function, wish.arguments) for wish in story.wishes]
    return any(call in calls[:number] for number, call in enumerate(calls))


def _ask(random: Random, fact: Fact, thing: str) -> str:
    if fact.asks and random.random() < 0.5:
        return as_sentence(random.choice(fact.asks).format(thing))
    phrase = asking(random, [f"the {fact.phrase.format(thing)}"])
    if random.random() < 0.15:
        return f"{random.choice(fact.kind.openings).format(thing)} {phrase}"
    return phrase


def _bare(fact: Fact) -> str:
    """Return a phrase without its thing: `weather` of `weather in {}`."""
    words = fact.phrase.split(" ")
    end = words.index("{}")
    start = end - 1 if words[end - 1] not in {"the", "a"} else end - 2
    return " ".join([*words[:start], *words[end + 1 :]])


def _joint(things: Sequence[str]) -> str:
    *first, last = things
    return f"{', '.join(first)} and {last}" if first else last


def _moment_us(cast: Cast) -> int:
    return round(cast.random.uniform(0, 0.8) * max(300_000, cast.wishes[0].execute_us))
