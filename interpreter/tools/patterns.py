"""JSON Schema as jsonschema holds it, with patterns that cannot keep the process.

Schemas come from servers, and Python's `re` tries what it may try: `^(a+)+$` against thirty
characters keeps it for minutes, in one step that lets no other thread run. So neither a thread nor
a deadline is a cure, and no bound on the length of a text is short enough. RE2 is asked instead,
whose time grows with the length of the text alone. What it has no means for (a look around, a
reference back, more than a thousand repetitions, a fault in the pattern) is not held here: whoever
asked for it sees the arguments, too. A reference that leads nowhere, or back to itself, says nothing,
either; nor does a keyword whose value is none of JSON Schema, nor what references nest too deep.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from cml.ast import Json
from interpreter.tools.schema import Schema, as_schema, properties, required

if TYPE_CHECKING:
    import re2
    from jsonschema import Draft202012Validator, FormatChecker, ValidationError

    Faults: TypeAlias = Iterator[ValidationError]

_KEPT: Final = 1024
_NONSENSE: Final = (
    *(TypeError, AttributeError, ValueError, ArithmeticError, LookupError, RecursionError),
)
_REFERRED: "Final[ContextVar[dict[tuple[str, int, int], list[ValidationError]]]]" = ContextVar(
    "referred"
)
"""What each reference came to for each value, while one value is held to its schema."""
_BY_PATTERN: Final = "patternProperties"


def matches(pattern: str, text: str) -> bool | None:
    """Whether a pattern is found in a text; None where that cannot be told in linear time.

    Args:
        pattern: As JSON Schema writes it.
        text: Half of a character, which is no text, counts as a question mark.
    """
    compiled = _compiled(pattern)
    return None if compiled is None else bool(compiled.search(text.encode("utf-8", "replace")))


def faults(value: Json, schema: Schema, formats: "FormatChecker") -> "list[ValidationError]":
    """Return what of a value a schema of draft 2020-12 does not allow; nothing is fetched.

    The message of a property that is missing, and of one too many, is its name.

    Args:
        value: The value.
        schema: The schema.
        formats: What knows its formats.
    """
    before = _REFERRED.set({})
    try:
        return list(_holding(json.dumps(schema), formats).iter_errors(value))
    finally:
        _REFERRED.reset(before)


@lru_cache(maxsize=_KEPT)
def _holding(schema: str, formats: "FormatChecker") -> "Draft202012Validator":
    """Return what holds values to a schema; to make it takes longer than to hold a small value."""
    from referencing import Registry

    # jsonschema would ask `re` which properties a pattern has evaluated.
    is_evaluated = f'"{_BY_PATTERN}"' not in schema
    kind = _kind(is_evaluated)
    return kind(json.loads(schema), format_checker=formats, registry=Registry())


@cache
def _kind(is_evaluated: bool) -> "type[Draft202012Validator]":
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    held: dict[str, Callable[..., Faults]] = {
        **Draft202012Validator.VALIDATORS,
        "pattern": _pattern,
        _BY_PATTERN: _pattern_properties,
        "additionalProperties": _additional_properties,
        "required": _required,
        **{name: _reference(name) for name in ("$ref", "$dynamicRef")},
    }
    if not is_evaluated:
        held["unevaluatedProperties"] = lambda *_: iter(())
    sound = {keyword: _sound(hold) for keyword, hold in held.items()}
    kind: type[Draft202012Validator] = extend(Draft202012Validator, sound)  # type: ignore[no-untyped-call]
    return kind


@lru_cache(maxsize=_KEPT)
def _compiled(pattern: str) -> "re2._Regexp | None":
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern.encode("utf-8"), options)
    except (re2.error, UnicodeEncodeError):
        return None


# ----------------------------------------- the keywords that jsonschema holds in another way


def _pattern(_: object, pattern: str, instance: Json, __: Schema) -> "Faults":
    from jsonschema import ValidationError

    if isinstance(instance, str) and matches(pattern, instance) is False:
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: "Draft202012Validator", patterns: Mapping[str, Json], instance: Json, _: Schema
) -> "Faults":
    for name, value in instance.items() if isinstance(instance, dict) else ():
        for pattern, schema in patterns.items():
            if matches(pattern, name):
                yield from validator.descend(
                    value, as_schema(schema), path=name, schema_path=pattern
                )


def _additional_properties(
    validator: "Draft202012Validator", others: Json, instance: Json, schema: Schema
) -> "Faults":
    """Hold it for what no property names, and no pattern names or may name."""
    from jsonschema import ValidationError

    named, patterns = properties(schema), schema.get(_BY_PATTERN)
    tried = list(patterns) if isinstance(patterns, dict) else []
    for name, value in instance.items() if isinstance(instance, dict) else ():
        if name in named or any(matches(pattern, name) is not False for pattern in tried):
            continue
        if others is False:
            yield ValidationError(name)
        else:
            yield from validator.descend(value, as_schema(others), path=name)


def _required(_: object, __: Json, instance: Json, schema: Schema) -> "Faults":
    from jsonschema import ValidationError

    if isinstance(instance, dict):
        yield from (ValidationError(name) for name in required(schema) if name not in instance)


def _reference(keyword: str) -> "Callable[..., Faults]":
    """Return how a keyword that refers is held: to what it leads, if it leads anywhere.

    One reference is followed once for one value: a circle ends, and two references in each of many
    schemas do not take two to the power of their number.
    """
    from jsonschema import Draft202012Validator, ValidationError

    follow = Draft202012Validator.VALIDATORS[keyword]

    def hold(
        validator: "Draft202012Validator", reference: Json, instance: Json, schema: Schema
    ) -> "Faults":
        referred = _REFERRED.get()
        place = (keyword, id(schema), id(instance))
        if place not in referred:
            referred[place] = []
            referred[place] = list(follow(validator, reference, instance, schema))
        # Copies: who descends writes the path into what comes up.
        yield from map(ValidationError.create_from, referred[place])

    return hold


def _sound(hold: "Callable[..., Faults]") -> "Callable[..., Faults]":
    """Return how a keyword is held whose value may be none of JSON Schema: then it says nothing."""
    from jsonschema.exceptions import UnknownType
    from referencing.exceptions import Unresolvable

    def hold_if_sound(*asked: object) -> "Faults":
        try:
            return iter([*hold(*asked)])
        except (*_NONSENSE, UnknownType, Unresolvable):
            return iter(())

    return hold_if_sound
