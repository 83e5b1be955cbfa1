"""Contexts and texts for the property tests: valid, nearly valid, and anything at all."""

from functools import cache
from typing import Any, AnyStr

from hypothesis import strategies as st

from cml import Body, Call, Context, Interrupt, Item, OutcomeKind, Reference, Text, Trap, render
from cml.profile import Profile

PROFILES = {body: Profile(body=body) for body in Body}

# What goes wrong in a language like this one goes wrong at these joints.
FRAGMENTS = [
    *("[CALL]", "[INTR]", "[TRAP]", "[HEAD]", "[END]"),
    *("[CA", "LL]", "[", "]", "[E", "ND]", "END]", "[call]", "[ END ]", "[CAL]"),
    *("\\", "\\\\", '"', "'", '\\"', "\\'", "\n", "\r", "\r\n", "\t", " ", "  "),
    *(
        "job1",
        "a",
        "b",
        "f",
        "x",
        "END",
        "True",
        "None",
        "all",
        "user1",
        "error1",
        "failed",
        "A" * 65,
    ),
    *("(", ")", "{", "}", ",", ":", "=", ".", "-", "0", "1", "2.5", "1e3", "01", "1e999"),
    *(
        "+",
        "_",
        "0x",
        "0x1F",
        "1_0",
        "+3",
        "r",
        'r"\\d"',
        "\\ud83d\\ude00",
        '"a" "b"',
        '"""',
        "'''",
    ),
    *("f(1)", "g(x='y')", "a['k']", '"s"', "'[END]'", "true", "null", "{}", "[]", "(1,)"),
    *('{"name": "f", "arguments": {}}', '{"$ref": "a"}', '{"type":"t","message":"m"}'),
    *(" [HEAD] ", " [END]", "[CALL] ", "[TRAP][END]", "progress", "cancelled", "timeout"),
    *("é", "日本", "\u2028", "\u00a0", "😀", "\x00", "\ufeff", "С", "\u200b", "\\u00e9", "\\x5b"),
]

fragment_texts = st.lists(st.sampled_from(FRAGMENTS), max_size=24).map("".join)
plain_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
content = fragment_texts | plain_texts

names = st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True) | st.sampled_from(
    ["job1", "from", "class", "x", "END2", "A" * 64]
)
identifiers = names.filter(
    lambda name: not name.startswith(("user", "error", "agent_")) and name != "all"
)
paths = st.lists(content | st.integers(-5, 10**6), max_size=2).map(tuple)
references = st.builds(Reference, ref=identifiers, path=paths)
json_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | content
)
keys = content.filter(lambda key: key != "$ref")


def _nested(leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
        max_leaves=6,
    )


json_values = _nested(json_scalars)
argument_values = _nested(json_scalars | references)
functions = st.lists(names, min_size=1, max_size=3).map(".".join)
faults = st.fixed_dictionaries({"type": content, "message": content})


@cache
def calls(body: Body) -> st.SearchStrategy[Call]:
    positional = st.lists(argument_values, max_size=2 if body is Body.PYTHON else 0).map(tuple)
    named = st.dictionaries(names if body is Body.PYTHON else content, argument_values, max_size=2)
    spelled = functions if body is Body.PYTHON else functions | content.filter(bool)
    return st.builds(Call, st.none() | identifiers, spelled, positional, named)


interrupt_names = identifiers | st.sampled_from(["user1", "error12", "agent_critic3"])
interrupts = st.builds(
    Interrupt,
    interrupt_names,
    st.sampled_from([OutcomeKind.RETURNED, OutcomeKind.PROGRESS]),
    json_values,
) | st.builds(
    Interrupt,
    interrupt_names,
    st.sampled_from([OutcomeKind.FAILED, OutcomeKind.TIMEOUT, OutcomeKind.CANCELLED]),
    faults,
)
waits = st.none() | st.just("all") | st.lists(identifiers, min_size=1, max_size=3).map(tuple)
traps = st.builds(Trap, waits)


def _without_neighbouring_texts(items: list[Item]) -> Context:
    kept: list[Item] = []
    for item in items:
        if isinstance(item, Text) and kept and isinstance(kept[-1], Text):
            continue
        kept.append(item)
    return Context(tuple(kept))


@cache
def contexts(body: Body) -> st.SearchStrategy[Context]:
    texts = content.filter(bool).map(Text)
    items: st.SearchStrategy[list[Item]] = st.lists(
        texts | calls(body) | interrupts | traps, max_size=5
    )
    return items.map(_without_neighbouring_texts)


@st.composite
def nearly_valid(draw: st.DrawFn, body: Body) -> str:
    """A printed context with a few edits: cut, doubled, replaced or inserted pieces."""
    text = render(draw(contexts(body)), PROFILES[body])
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, len(text)))
        end = draw(st.integers(begin, min(len(text), begin + 8)))
        text = text[:begin] + draw(st.sampled_from(["", *FRAGMENTS])) + text[end:]
    return text


@cache
def any_text(body: Body) -> st.SearchStrategy[str]:
    return nearly_valid(body) | fragment_texts | plain_texts


@st.composite
def cuts(draw: st.DrawFn, whole: AnyStr) -> list[AnyStr]:
    """A way to cut a text or its bytes into pieces, empty ones included."""
    if draw(st.booleans()):
        return [whole[i : i + 1] for i in range(len(whole))]
    at: list[int] = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    return [whole[i:j] for i, j in zip([0, *at], [*at, len(whole)], strict=True)]
