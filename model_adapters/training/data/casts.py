"""One story in the making: who is asked for what, and what will come of it."""

from collections.abc import Mapping
from random import Random
from typing import Final

import msgspec

from cml.ast import Json
from model_adapters.training.data.boxes import ToolBox, draw_execute_us, key_of
from model_adapters.training.data.catalog import Deed, Fact
from model_adapters.training.data.questions import capital
from model_adapters.training.data.stories import Earlier, Fate, Remark, Tale, Wish
from model_adapters.training.data.toolbox import Offering, result_key
from model_adapters.training.data.values import Drawn, draw_value, put_richly

NOT_GIVEN: Final[Mapping[str, tuple[Earlier, str]]] = {}
_SENTENCES: Final = (
    *("The {subject} is {value}.",) * 4,
    "The {subject}: {value}.",
    "{subject}: {value}.",
    "It is {value}, the {subject}.",
    "Right now the {subject} is {value}.",
)
_FAULTS: Final = (
    "no answer from the service",
    "permission denied",
    "the service is down",
    "nothing was found",
    "too many requests",
    "the connection was lost",
    "this account is closed",
    "out of order",
)


class Cast:
    """One story in the making: the wishes, for the tools of a box.

    Args:
        random: Chance.
        box: The tools, and what can be asked for.
    """

    def __init__(self, random: Random, box: ToolBox) -> None:
        self.random = random
        self.box = box
        self.wishes: list[Wish] = []
        self.facts: list[str] = []

    # ------------------------------------------------------------------------------ the wishes

    def thing(self, fact: Fact) -> str:
        """Return the name of a thing that the fact can be looked up of."""
        return self.box.names.draw(self.random, fact.kind.name)

    def things(self, fact: Fact, count: int) -> list[str]:
        """Return the names of different things; fewer where there are no more."""
        drawn = dict.fromkeys(self.thing(fact) for _ in range(8 * count))
        return [*drawn][:count]

    def fact(self) -> Fact:
        """Return a fact to ask for."""
        return self.random.choice(self.box.facts)

    def look_up(self, fact: Fact, thing: str) -> Wish:
        """Wish for a fact of a thing."""
        offered = self.box.offered[key_of(fact)]
        subject = fact.phrase.format(thing)
        value = draw_value(self.random, fact.value, self.box.names)
        arguments: dict[str, Json | Earlier] = {offered.parameters["thing"]: thing}
        return self._wish(offered, arguments, subject, value)

    def do(
        self, deed: Deed, given: "Mapping[str, tuple[Earlier, str]]" = NOT_GIVEN
    ) -> dict[str, Json]:
        """Wish for a deed; return its arguments as they are asked for.

        Args:
            deed: What is to be done.
            given: Arguments that are results of earlier wishes, and those in words.
        """
        offered = self.box.offered[key_of(deed)]
        asked: dict[str, Json] = {}
        arguments: dict[str, Json | Earlier] = {}
        for name, kind in deed.arguments.items():
            if name in given:
                arguments[offered.parameters[name]], asked[name] = given[name]
                continue
            value = draw_value(self.random, kind, self.box.names).plain
            arguments[offered.parameters[name]] = value
            asked[name] = f'"{value}"' if kind == "quote" else value
        result = draw_value(self.random, deed.value, self.box.names)
        self._wish(offered, arguments, deed.subject.format(**asked), result)
        return asked

    def _wish(
        self, offered: Offering, arguments: "dict[str, Json | Earlier]", subject: str, value: Drawn
    ) -> Wish:
        self.facts.append(key_of(offered.source))
        estimate_us = offered.tool.estimate_us
        spread = self.random.uniform(0.6, 1.5)
        result, told = self._result(offered, subject, value)
        wish = Wish(
            offered.tool.name,
            arguments,
            subject,
            result,
            max(1_000, round((estimate_us or draw_execute_us(self.random)) * spread)),
            estimate_us=estimate_us,
            value=told,
        )
        self.wishes.append(wish)
        return wish

    def _result(self, offered: Offering, subject: str, value: Drawn) -> tuple[Json, str]:
        """Return a result, and what of it has to be told where it is a sentence."""
        # What another call takes stays as it is.
        is_rich = not self.box.is_chained(offered.source) and self.random.random() < self.box.rich
        words = put_richly(self.random, value) if is_rich else value.words
        match offered.form:
            case "sentence":
                sentence = self.random.choice(_SENTENCES).format(subject=subject, value=words)
                return capital(sentence), words
            case "plain":
                return words if is_rich else value.plain, ""
            case "object":
                unit = {"unit": value.unit} if value.unit else {}
                return {result_key(offered.source.name): value.plain, **unit}, ""

    def fail(self, number: int, fate: Fate) -> None:
        """Let a wish come to grief."""
        fault = "busy, try again" if fate == "busy" else self.random.choice(_FAULTS)
        self.wishes[number] = msgspec.structs.replace(self.wishes[number], fate=fate, fault=fault)

    def story(
        self, shape: str, question: str, messages: tuple[Remark, ...] = (), reply: str = ""
    ) -> Tale:
        """Return the story."""
        tools, wishes, facts = self.box.tools, tuple(self.wishes), tuple(self.facts)
        return Tale(shape, tools, question, wishes, messages, reply, facts)
