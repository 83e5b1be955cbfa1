"""Event logs of the OpenAI Realtime API, in the names of its general availability and of its beta.

What was sent to the server is read where the log has it; else the server's echo of it is.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import msgspec

from cml.ast import OutcomeKind
from interpreter.events import Outcome
from interpreter.exchange.foreign_json import arguments_of, json_or_text, shaped
from interpreter.exchange.happenings import (
    CallAnswered,
    ForeignError,
    Format,
    Happening,
    ModelCalled,
    ModelWrote,
    NotCarried,
    PersonSpoke,
)
from interpreter.exchange.logs import Logged, events_of


class _Content(msgspec.Struct, frozen=True):
    type: str = ""
    text: str | None = None
    transcript: str | None = None


class _Item(msgspec.Struct, frozen=True):
    type: str
    id: str | None = None
    role: str | None = None
    content: list[_Content] = []
    call_id: str | None = None
    name: str | None = None
    arguments: str = ""
    output: str = ""


class _Event(msgspec.Struct, frozen=True):
    type: str
    item: _Item | None = None
    item_id: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str = ""
    text: str = ""
    transcript: str = ""


def _read(text: str) -> Iterator[Happening]:
    logged = list(events_of(text))
    has_client = any(entry.event.get("type") == "conversation.item.create" for entry in logged)
    reader = _Reader(has_client=has_client)
    for entry in logged:
        yield from reader.read(entry)


class _Reader:
    """Reads event after event.

    Args:
        has_client: Whether the log has what was sent to the server.
    """

    def __init__(self, *, has_client: bool) -> None:
        self._added = (
            {"conversation.item.create"}
            if has_client
            else {"conversation.item.added", "conversation.item.created"}
        )
        self._called: set[str] = set()

    def read(self, logged: Logged) -> Iterator[Happening]:
        kind = logged.event.get("type")
        if not isinstance(kind, str):
            raise ForeignError(logged.line, "an event of the Realtime API has a `type`")
        if kind in self._added:
            yield from self._item(logged)
        elif kind in _READ:
            yield from _READ[kind](self, logged)
        else:
            yield NotCarried(logged.line, _lost(kind))

    def _item(self, logged: Logged) -> Iterator[Happening]:
        item = shaped(logged.event, _Event, logged.line).item
        match item:
            case _Item(type="function_call_output", call_id=str(call), output=output):
                outcome = Outcome(OutcomeKind.RETURNED, json_or_text(output))
                yield CallAnswered(logged.line, call, outcome, logged.at_us)
            case _Item(type="message", role="user", content=content):
                said = [part.text or part.transcript for part in content]
                if text := "".join(part for part in said if part):
                    yield PersonSpoke(logged.line, text, logged.at_us)
                else:
                    yield NotCarried(logged.line, "audio")
            case _Item(type="message", role="assistant") | _Item(type="function_call"):
                pass  # the server's own, which its response tells
            case _:
                yield NotCarried(logged.line, "other items")

    def called(self, logged: Logged) -> Iterator[Happening]:
        """Read a call that is complete: two events say so, and the first of them counts."""
        event = shaped(logged.event, _Event, logged.line)
        item = event.item
        if item is not None and item.type != "function_call":
            return
        source = event if item is None else item
        own = event.item_id if item is None else item.id
        if own is not None and own in self._called:
            return
        if source.name is None or source.call_id is None:
            if item is None:  # the beta says the name only in the item, which follows
                return
            raise ForeignError(logged.line, "a function call has a `name` and a `call_id`")
        if own is not None:
            self._called.add(own)
        kwargs, fault = arguments_of(source.arguments)
        yield ModelCalled(
            logged.line, source.call_id, source.name, kwargs, fault=fault, at_us=logged.at_us
        )

    def wrote(self, logged: Logged) -> Iterator[Happening]:
        """Read text, or what is heard of sound, that is complete."""
        event = shaped(logged.event, _Event, logged.line)
        if text := event.text or event.transcript:
            yield ModelWrote(logged.line, text, logged.at_us)

    def heard(self, logged: Logged) -> Iterator[Happening]:
        """Read the transcript of what a person said."""
        text = shaped(logged.event, _Event, logged.line).transcript
        if text.strip():
            yield PersonSpoke(logged.line, text.strip(), logged.at_us)


_READ: Final[Mapping[str, Callable[[_Reader, Logged], Iterator[Happening]]]] = {
    "response.function_call_arguments.done": _Reader.called,
    "response.output_item.done": _Reader.called,
    "response.output_text.done": _Reader.wrote,
    "response.text.done": _Reader.wrote,
    "response.output_audio_transcript.done": _Reader.wrote,
    "response.audio_transcript.done": _Reader.wrote,
    "conversation.item.input_audio_transcription.completed": _Reader.heard,
}


def _lost(kind: str) -> str:
    """Return under which name an event that is not read stands in the table of losses."""
    if kind.endswith(".delta"):
        return "deltas"
    if "audio" in kind:
        return "audio"
    return "other events"


REALTIME: Final = Format(
    about="an event log of the OpenAI Realtime API",
    read=_read,
    losses={
        "audio": "left out; what is heard of it is kept where the log has a transcript",
        "deltas": "left out: what they add up to is read where it is complete",
        "other items": "left out: system messages, and calls that the server makes itself",
        "other events": "left out: settings, beginnings and confirmations, rate limits",
        "when a person spoke": "what is said aloud stands where its transcript came",
        "failures": "not told from results in the format: every output counts as returned",
        "times": "kept where the log has timestamps; else each event is a millisecond after the last",
        "identifiers that are none of CML's": "spelled anew, nearly as they are",
    },
)
