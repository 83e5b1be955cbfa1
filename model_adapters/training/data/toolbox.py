"""Tools in the manner of many authors: a fact or a deed of the catalogue, named and described."""

import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Final, Literal, TypeAlias

import msgspec

from cml.ast import Json
from interpreter.tools.declared import Tool
from model_adapters.training.data.catalog import Deed, Fact

ResultForm: TypeAlias = Literal["sentence", "plain", "object"]
"""How a tool answers: in a sentence, with the bare value, or with an object."""

_VERBS: Final = ("get", "fetch", "find", "look_up", "check", "show", "read", "query", "ask")
_SYNONYMS: Final = {
    "to": ("to", "recipient", "receiver"),
    "text": ("text", "message", "content"),
    "body": ("body", "text", "message"),
    "minutes": ("minutes", "duration", "length_minutes"),
    "amount": ("amount", "sum", "value"),
    "path": ("path", "file", "file_name"),
    "person": ("person", "name", "who"),
    "city": ("city", "place", "location"),
    "date": ("date", "day", "when"),
    "room": ("room", "place", "where"),
    "server": ("server", "host", "machine"),
    "device": ("device", "name", "appliance"),
}
_EXTRAS: Final[tuple[tuple[str, dict[str, Json]], ...]] = (
    ("units", {"enum": ["metric", "imperial"], "default": "metric"}),
    ("limit", {"type": "integer", "default": 10}),
    ("lang", {"type": "string", "default": "en"}),
    ("verbose", {"type": "boolean", "default": False}),
    ("source", {"type": "string", "default": "any"}),
    ("precision", {"type": "integer", "default": 2}),
)
_NAMES: Final[tuple[Callable[[str, str], str], ...]] = (
    lambda verb, name: f"{verb}_{name}",
    lambda verb, name: f"{verb}_{name}",
    lambda _, name: name,
    lambda verb, name: _camel(f"{verb}_{name}"),
    lambda _, name: f"{name}_lookup",
    lambda _, name: f"{name}_of",
)
_FACT_WORDS: Final = (
    "The {}.",
    "The {}.",
    "The {}.",
    "Returns the {}.",
    "Get the {}.",
    "{}",
    "Look up the {}",
)


class Offering(msgspec.Struct, frozen=True):
    """A tool with where it comes from.

    Args:
        tool: What a model is told of it.
        source: What it does.
        parameters: What its arguments are called, by their names in the catalogue; a fact has
            one, `thing`.
        form: How it answers.
    """

    tool: Tool
    source: Fact | Deed
    parameters: dict[str, str]
    form: ResultForm


def offer_fact(random: Random, fact: Fact, form: ResultForm, estimate_us: int | None) -> Offering:
    """Return a tool that looks a fact up."""
    parameter = random.choice(fact.kind.parameters)
    described = random.choice(_FACT_WORDS).format(_of_one(fact))
    name = random.choice(_NAMES)(random.choice(_VERBS), fact.name)
    schema: dict[str, Json] = {"type": "string"}
    if random.random() < 0.1:
        schema["description"] = f"Name of {fact.kind.one}."
    tool = Tool(
        name=name,
        description=described if random.random() < 0.96 else "",
        parameters=_object({parameter: schema}, random),
        result=_result(fact.name, fact.value) if form == "object" else None,
        estimate_us=estimate_us,
    )
    return Offering(tool, fact, {"thing": parameter}, form)


def offer_deed(random: Random, deed: Deed, form: ResultForm, estimate_us: int | None) -> Offering:
    """Return a tool that does something."""
    called = {name: random.choice(_SYNONYMS.get(name, (name,))) for name in deed.arguments}
    if len({*called.values()}) < len(called):
        called = {name: name for name in deed.arguments}
    schemas = {called[name]: _schema(random, kind) for name, kind in deed.arguments.items()}
    tool = Tool(
        name=deed.name if random.random() < 0.75 else _camel(deed.name),
        description=deed.description,
        parameters=_object(schemas, random),
        result=_result(deed.name, deed.value) if form == "object" else None,
        estimate_us=estimate_us,
    )
    return Offering(tool, deed, called, form)


def result_key(name: str) -> str:
    """Return under which key an object gives the value of a fact or deed."""
    return name.rpartition("_")[2]


def _of_one(fact: Fact) -> str:
    """Return the phrase of a fact for any one thing: `weather in a city`."""
    return re.sub(r"(?:\b(?:the|a) )?\{\}", fact.kind.one, fact.phrase)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _schema(random: Random, kind: str) -> dict[str, Json]:
    word, _, rest = kind.partition(" ")
    if word == "number":
        return {"type": random.choice(("integer", "integer", "number"))}
    if word == "word" and random.random() < 0.5:
        return {"enum": [*rest.split()]}
    return {"type": "string"}


def _object(properties: Mapping[str, dict[str, Json]], random: Random) -> dict[str, Json]:
    extra = dict([random.choice(_EXTRAS)]) if random.random() < 0.12 else {}
    more = {name: schema for name, schema in extra.items() if name not in properties}
    return {
        "type": "object",
        "properties": {**properties, **more},
        "required": [*properties],
        "additionalProperties": False,
    }


def _result(name: str, value: str) -> dict[str, Json]:
    kind = "integer" if value.startswith("number") else "string"
    key = result_key(name)
    return {"type": "object", "properties": {key: {"type": kind}}, "required": [key]}
