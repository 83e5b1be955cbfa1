"""What a server that is held to a grammar has to do, whichever it is."""

from contextlib import closing
from typing import Annotated, Literal

from extras import from_extra
from msgspec import Meta

from cml.ast import OutcomeKind
from interpreter import Runtime, Settings
from interpreter.events import Delivery, Inject, Row, Start
from interpreter.session import EndOfDecoding, Session
from interpreter.tools.declared import tool
from interpreter.trace import Header, check_trace, encode_header, encode_row
from model_adapters.backends import Request, open_backend
from model_adapters.opening import Opened
from model_adapters.testing import check_session

from_extra("openai", "openai")
from model_adapters.openai_compat.completions import CompletionsSession  # noqa: E402

CONTROL = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
"""Those of this model: that others are words to it is seen of one kind of session."""


def book(city: Literal["Oslo", "Rome"], nights: Annotated[int, Meta(ge=2, le=9)] = 2) -> str:
    """Book a room."""
    return f"{nights} in {city}"


@tool(idempotent=True)
def double(x: int) -> int:
    """Twice as much."""
    return 2 * x


def held(url: str, min_calls: int = 0, max_calls: int | None = None) -> Opened:
    """Open a session whose server is held to the grammar of two functions."""
    word = f"openai:{url}?grammar=llguidance"
    functions = {"book": book, "double": double}
    counts = {"min_calls": min_calls, "max_calls": max_calls}
    return open_backend(Request(word, "Book two rooms.", functions, max_tokens=90, **counts))


def check_that_calls_fit(url: str) -> None:
    """A model that was never taught writes three calls that fit their functions."""
    opened = held(url, min_calls=3, max_calls=3)
    settings = opened.fitted(Settings())
    functions = {"book": book, "double": double}
    with closing(opened.session), Runtime(opened.session, functions, settings) as runtime:
        rows = list(runtime.run())
        header = Header(1, runtime.settings)
    started = [effect for row in rows for effect in row.effects if isinstance(effect, Start)]
    assert [start.call for start in started] == ["job1", "job2", "job3"]
    told = [told.outcome.kind for row in rows for told in deliveries(row)]
    assert told == [OutcomeKind.RETURNED] * 3
    lines = [encode_header(header), *map(encode_row, rows)]
    assert list(check_trace(lines)) == []


def check_that_answers_end_alike(url: str) -> None:
    """With a grammar and without one an answer ends with the same token."""
    words = (f"openai:{url}", f"openai:{url}?grammar=llguidance")
    [free, bound] = [open_backend(Request(word, "Say only: hi.", {})) for word in words]
    with closing(free.session), closing(bound.session):
        answers = [written(opened.session) for opened in (free, bound)]
    assert answers[0] == answers[1]


def check_the_contract(url: str) -> None:
    """A session that is held keeps the contract of all sessions."""

    def make() -> CompletionsSession:
        session = held(url).session
        assert isinstance(session, CompletionsSession)
        return session

    with closing(make()) as session:
        prompt = len(session.text)
    checked = check_session(
        make, context_of=lambda session: session.text[prompt:], control=CONTROL, steps=4
    )
    assert checked.not_exercised == {}


def written(session: Session) -> list[str | EndOfDecoding]:
    """Return what a session writes up to its end."""
    pieces: list[str | EndOfDecoding] = []
    while not isinstance(piece := session.decode(), EndOfDecoding):
        pieces += [piece.text] if piece.text else []
    return [*pieces, piece]


def deliveries(row: Row) -> list[Delivery]:
    """Return what a row tells the model."""
    return [
        told for effect in row.effects if isinstance(effect, Inject) for told in effect.interrupts
    ]
