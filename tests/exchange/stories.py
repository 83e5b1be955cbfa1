"""Sessions of no format in particular: what a reader could make of a file."""

from hypothesis import strategies as st

from cml.ast import OutcomeKind
from interpreter.events import Outcome, failure
from interpreter.exchange.happenings import (
    CallAnswered,
    Carried,
    ModelCalled,
    ModelWaits,
    ModelWrote,
    PersonSpoke,
)

texts = st.one_of(
    st.text("ab[]\\ CALINTR\n", max_size=12), st.sampled_from(["[INTR]", "x\\", "[CALL] a"])
).filter(bool)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
names = st.sampled_from(["a", "call-1", "call 1", "user1", "END", "f:0", "call_1", "é", "x" * 90])
functions = st.sampled_from(["f", "cancel", "get-weather", "files/read"])
outcomes = st.one_of(
    values.map(lambda value: Outcome(OutcomeKind.RETURNED, value)),
    st.just(failure("error", "no")),
    st.just(failure("cancelled", "no", OutcomeKind.CANCELLED)),
)
progress = values.map(lambda value: Outcome(OutcomeKind.PROGRESS, value))


@st.composite
def stories(draw: st.DrawFn) -> list[Carried]:
    """A valid session: every call is answered once, after it; a wait ends when all are."""
    story: list[Carried] = [PersonSpoke(0, draw(texts))]
    free = draw(st.lists(names, unique=True, max_size=5))
    pending: list[str] = []
    is_waiting = False
    for _ in range(draw(st.integers(0, 14))):
        is_waiting &= bool(pending)
        kinds = ["answer", "progress"] * bool(pending)
        kinds += [] if is_waiting else ["write", "speak", "wait"] + ["call"] * bool(free)
        match draw(st.sampled_from(kinds)):
            case "answer":
                call = pending.pop(draw(st.integers(0, len(pending) - 1)))
                story.append(CallAnswered(0, call, draw(outcomes)))
            case "progress":
                story.append(CallAnswered(0, draw(st.sampled_from(pending)), draw(progress)))
            case "write":
                story.append(ModelWrote(0, draw(texts)))
            case "speak":
                story.append(PersonSpoke(0, draw(texts)))
            case "wait":
                is_waiting = True
                story.append(ModelWaits(0))
            case _:
                pending.append(free.pop())
                kwargs = draw(st.dictionaries(texts, values, max_size=2))
                story.append(ModelCalled(0, pending[-1], draw(functions), kwargs))
    story += [CallAnswered(0, call, draw(outcomes)) for call in pending]
    return [_placed(item, number, draw(st.integers(0, 3))) for number, item in enumerate(story, 1)]


def _placed(item: Carried, line: int, after: int) -> Carried:
    fields = {name: getattr(item, name) for name in item.__struct_fields__}
    return type(item)(**{**fields, "line": line, "at_us": 1_000 * line + after if after else None})
