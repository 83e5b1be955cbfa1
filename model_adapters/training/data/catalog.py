"""The catalogue: what can be looked up, what can be done, and what things are called (`catalog/`)."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

import msgspec

_ARGUMENT: Final = re.compile(r"\{(\w+):([^}]*)\}")


class ThingKind(msgspec.Struct, frozen=True):
    """A kind of things, such as cities.

    Args:
        name: Its name in the catalogue.
        one: One of them, in words: `a city`.
        parameters: What an argument that takes one may be called.
        openings: What a person may say of one before asking, with `{}` for it.
    """

    name: str
    one: str
    parameters: tuple[str, ...]
    openings: tuple[str, ...]


class Fact(msgspec.Struct, frozen=True):
    """Something that can be looked up of a thing.

    Args:
        name: Its name, in words joined by underscores.
        kind: What it is a fact of.
        phrase: What it is, with `{}` for the thing: `weather in {}`.
        asks: Other ways to ask for it.
        value: What comes back, in the words of `values`.
    """

    name: str
    kind: ThingKind
    phrase: str
    asks: tuple[str, ...]
    value: str


class Deed(msgspec.Struct, frozen=True):
    """Something that can be done.

    Args:
        name: Its name, in words joined by underscores.
        description: What it does, in a sentence.
        asks: Ways to ask for it, with `{name}` for each argument.
        subject: What is told of it, with the same.
        arguments: Kinds of values of its arguments, by name, in order.
        value: What comes back.
    """

    name: str
    description: str
    asks: tuple[str, ...]
    subject: str
    arguments: dict[str, str]
    value: str


class Chain(msgspec.Struct, frozen=True):
    """A fact whose value is an argument of a deed.

    Args:
        fact: What is looked up first, as its kind and name.
        deed: Name of what is done with it.
        argument: Which argument it becomes.
        asks: Ways to ask for both, with `{}` for the thing and `{name}` for the other arguments.
    """

    fact: tuple[str, str]
    deed: str
    argument: str
    asks: tuple[str, ...]


class Catalog(msgspec.Struct, frozen=True):
    """All of it.

    Args:
        facts: What can be looked up.
        deeds: What can be done, by name.
        chains: What can be done with what was looked up.
        unseen: Those of them that are never trained on.
        names: Names of things, by kind.
    """

    facts: tuple[Fact, ...]
    deeds: dict[str, Deed]
    chains: tuple[Chain, ...]
    unseen: tuple[Chain, ...]
    names: dict[str, tuple[str, ...]]


@cache
def read_catalog() -> Catalog:
    """Return the catalogue of this package."""
    kinds, actions = _toml("lookups"), _toml("actions")
    facts = [
        _fact(line, _kind(name, entries))
        for name, entries in kinds.items()
        for line in entries["facts"]
    ]
    deeds = [_deed(line) for line in actions["deeds"]]
    unseen = tuple(_chain(line) for line in actions["unseen_chains"])
    chains = (*(_chain(line) for line in actions["chains"]), *unseen)
    names = {kind: tuple(given) for kind, given in _toml("names").items()}
    return Catalog(tuple(facts), {deed.name: deed for deed in deeds}, chains, unseen, names)


def _toml(name: str) -> Any:
    text = files(__package__).joinpath("catalog", f"{name}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _parts(line: str) -> list[str]:
    return [part.strip() for part in line.split("|")]


def _ways(text: str) -> tuple[str, ...]:
    return tuple(way.strip() for way in text.split(";"))


def _kind(name: str, entries: "dict[str, list[str]]") -> ThingKind:
    one = str(entries["one"])
    return ThingKind(name, one, tuple(entries["parameters"]), tuple(entries["openings"]))


def _fact(line: str, kind: ThingKind) -> Fact:
    name, phrase, asks, value = _parts(line)
    return Fact(name, kind, phrase, _ways(asks), value)


def _deed(line: str) -> Deed:
    name, description, asks, subject, value = _parts(line)
    arguments = dict(_ARGUMENT.findall(asks.partition(";")[0]))
    plain = tuple(_ARGUMENT.sub(r"{\1}", way) for way in _ways(asks))
    return Deed(name, description, plain, subject, arguments, value)


def _chain(line: str) -> Chain:
    fact, deed, asks = _parts(line)
    kind, name = fact.split()
    target, argument = deed.split()
    return Chain((kind, name), target, argument, _ways(asks))
