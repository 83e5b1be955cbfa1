"""JSON values: what is read at once is what is read with care."""

from collections.abc import Callable
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st
from trying import tries

from cml import Body, Limits, Profile
from cml.text.bodies import read_body
from cml.text.invocation import BodyError
from cml.text.json_values import JsonError, read_json, read_with_care

GOOD = r"""1 -2 -0 2.5 1e3 -1.5E-2 12345 "a" "a\n" "\u00e9" "\ud83d\ude00" "\\ud800" "é" true null []"""
ODD = r"""01 1e999 1. .5 -1e999 NaN Infinity -Infinity "\ud800" "\udc00x" 'a' "a True +1 1_0 "\x" "\" ]"""


def written(seed: int) -> str:
    """A JSON value, now and then nearly one."""
    random = Random(seed)
    oddity = random.choice([0, 0.03, 0.1])

    def pick(good: list[str], odd: list[str]) -> str:
        return random.choice(odd if random.random() < oddity else good)

    def value(depth: int) -> str:
        kind = random.randrange(5 if depth else 3)
        if kind < 3:
            return pick(GOOD.split(), [*ODD.split(), '"\t"', '"\ud800"', "", "\ufeff1"])
        keys = ['"a": ', '"b":', '"$ref":', '"\\u0061":', '"path" :']
        inside = [
            (pick(keys, ["a:", '"a"', '"\\ud800":']) if kind == 3 else "") + value(depth - 1)
            for _ in range(random.randrange(4))
        ]
        end = pick(["", " ", "\r\n"], [",", "\x0b", "\u00a0"])
        return "[{"[kind == 3] + ", ".join(inside) + end + "]}"[kind == 3]

    return value(3)


def told(read: Callable[[str, Limits], object], text: str, limits: Limits) -> tuple[object, ...]:
    """What a reader makes of a text: a value, with its types, or its fault."""
    try:
        return (repr(read(text, limits)),)
    except JsonError as error:
        return str(error), error.offset, error.rule


texts = st.integers(0, 2**32).map(written)


@tries(1_000)
@given(texts, st.sampled_from([400, 1, 2, 4_000]))
@example("1" * 401, 400)
@example("[" * 128 + "]" * 128, 400)
@example("[" * 100_000, 400)
def test_what_is_read_at_once_is_what_is_read_with_care(text: str, digits: int) -> None:
    limits = Limits(digits=digits)
    assert told(read_json, text, limits) == told(read_with_care, text, limits)


@tries(200)
@given(texts)
def test_references_are_found_however_their_key_is_spelled(value: str) -> None:
    """A body is read the same when each `$` of it is written as an escape."""

    def read(text: str) -> str:
        try:
            return repr(read_body(text, Profile(body=Body.JSON)))
        except BodyError as error:
            return error.rule

    body = f'{{"name": "f", "arguments": {{"x": {value}}}}}'
    assert read(body) == read(body.replace("$", "\\u0024"))
