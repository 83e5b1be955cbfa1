"""An imported session is one of ours: the machine takes it, in the order of its file."""

from hypothesis import given
from hypothesis import strategies as st
from stories import stories

from cml import parse
from cml.ast import Call, Interrupt, OutcomeKind, Text, Trap
from cml.diagnostics import Diagnostic
from interpreter.drivers.replay import replay
from interpreter.events import Began, Decoded, Inject
from interpreter.exchange.chat import CHAT
from interpreter.exchange.checking import check
from interpreter.exchange.happenings import (
    CallAnswered,
    Carried,
    ModelCalled,
    ModelWaits,
    ModelWrote,
    PersonSpoke,
)
from interpreter.exchange.telling import profile_of, tell
from interpreter.interrupts import interrupt_text
from interpreter.trace import check_trace, encode_header, encode_row

PROFILE = profile_of(CHAT)


def found(story: list[Carried]) -> list[tuple[str, int]]:
    return [(one.rule, one.span.start.line) for one in _check(story)]


def _check(story: list[Carried]) -> list[Diagnostic]:
    return list(check(story, PROFILE))


def in_short(item: Carried) -> tuple[object, ...]:
    match item:
        case PersonSpoke():
            return "person", item.text
        case ModelWrote():
            return "model", item.text
        case ModelCalled():
            return "call", item.function, item.kwargs
        case ModelWaits():
            return ("wait",)
        case CallAnswered():
            return "answer", item.outcome.kind, item.outcome.value


def told_order(story: list[Carried]) -> list[tuple[object, ...]]:
    """What the trace has, in the order of its context, and its prompts where turns begin."""
    header, rows = tell(story, CHAT, "test")
    parts: list[object] = []
    for row in rows:
        match row.event:
            case Began(prompt):
                parts.append(("person", prompt or header.prompt))
            case Decoded(symbol):
                parts.append(symbol.text)
        parts += [interrupt_text(e, PROFILE) for e in row.effects if isinstance(e, Inject)]
    return list(_in_short(parts))


def _in_short(parts: list[object]):
    text = ""
    for part in [*parts, ("end",)]:
        if isinstance(part, str):
            text += part
            continue
        for item in parse(text, PROFILE).items:
            match item:
                case Text(text=said):
                    yield "model", said
                case Call():
                    yield "call", item.function, item.kwargs
                case Trap():
                    yield ("wait",)
                case Interrupt(id=str(name), value=value) if name.startswith("user"):
                    yield "person", value
                case Interrupt():
                    yield "answer", item.outcome, item.value
        text = ""
        if part != ("end",):
            yield part


def joined(items: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Prose that follows prose is one text."""
    kept: list[tuple[object, ...]] = []
    for item in items:
        if kept and item[0] == kept[-1][0] == "model":
            kept[-1] = ("model", f"{kept[-1][1]}{item[1]}")
        else:
            kept.append(item)
    return kept


@given(stories())
def test_a_valid_session_is_told_in_the_order_of_its_file(story: list[Carried]) -> None:
    if _check(story):  # a key that JSON keeps for futures, and the like
        return
    assert joined(told_order(story)) == joined(list(map(in_short, story)))


@given(stories())
def test_the_trace_is_valid_and_replays(story: list[Carried]) -> None:
    if _check(story):
        return
    header, rows = tell(story, CHAT, "test")
    kept = list(rows)
    assert not list(check_trace([encode_header(header), *map(encode_row, kept)]))
    assert list(replay(header.settings, kept)) == kept


@given(stories(), st.data())
def test_what_is_wrong_is_told_with_its_line(story: list[Carried], data: st.DataObject) -> None:
    finals = [
        item
        for item in story
        if isinstance(item, CallAnswered) and item.outcome.kind is not OutcomeKind.PROGRESS
    ]
    assert not {rule for rule, _ in found(story)} & {"Valid/one-answer", "Trace/answered"}
    if not finals:
        return
    answer = data.draw(st.sampled_from(finals))
    last = len(story) + 1
    again = CallAnswered(last, answer.call, answer.outcome)
    assert found([*story, again])[-1] == ("Valid/one-answer", last)
    unasked = CallAnswered(last, "nobody", answer.outcome)
    assert found([*story, unasked])[-1] == ("Valid/answers-a-call", last)
    without = [item for item in story if item is not answer]
    made = next(i.line for i in story if isinstance(i, ModelCalled) and i.call == answer.call)
    assert ("Trace/answered", made) in found(without)
    early = [CallAnswered(0, answer.call, answer.outcome), *without]
    assert found(early)[0] == ("Valid/answers-a-call", 0)
    twice = [*story, ModelCalled(last, answer.call, "f")]
    assert ("Valid/unique-identifier", last) in found(twice)


def test_a_wait_ends_when_all_is_answered() -> None:
    story = [ModelCalled(1, "a", "f"), ModelWaits(2), ModelWrote(3, "So."), PersonSpoke(4, "?")]
    [finding] = _check(story)
    assert (finding.rule, finding.span.start.line) == ("Trace/answered", 1)
    assert "before the session goes on in line 3" in finding.message


def test_calls_that_cannot_be_written_are_told() -> None:
    story = [
        ModelCalled(1, "a", "f", fault="its arguments are no JSON"),
        ModelCalled(2, "b", ""),
        ModelCalled(3, "c", "f", {"x": {"$ref": "a"}}),
        ModelWrote(4, "\ud800"),
    ]
    assert found(story)[:4] == [
        ("Valid/body", 1),
        ("Valid/body", 2),
        ("Valid/body", 3),
        ("Syntax/encoding", 4),
    ]
