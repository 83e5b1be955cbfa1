"""A session on a server that can be asked for messages only, and cannot continue one.

What is lost: a message that an interrupt breaks off stays broken off. The interrupts go in as a
message of their own, and the model begins a new one; it may repeat itself, and it cannot end the
word that it was in. Calls in the server's own form (`tool_calls`) are told to the runtime as calls
of CML, and the model waits after them: it is asked again when the first outcome is there.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec

from cml.profile import Profile
from cml.wording import counted
from interpreter.errors import HostError
from interpreter.events import Inject
from interpreter.interrupts import interrupt_text
from interpreter.session import Ability, Batch, EndOfDecoding, Piece
from interpreter.tools.declared import Tool
from model_adapters.openai_compat.arriving import WholeCharacters, whole_characters
from model_adapters.openai_compat.chat.calls import (
    CallDelta,
    WantedCall,
    as_cml,
    is_whole,
    take_part,
)
from model_adapters.openai_compat.chat.history import ChatHistory, NativeCall
from model_adapters.openai_compat.feed import Feed, Stream
from model_adapters.openai_compat.parts import ContextPart, cut, text_of
from model_adapters.openai_compat.server import Server, Usage, sampling_options
from model_adapters.opening import GREEDY, Sampling
from model_adapters.prompt import Message

LOSS: Final = (
    "this server continues no message: one that an interrupt breaks off stays so, "
    "and the model begins a new one"
)
_TRAP: Final = "\n[TRAP][END]"


class _Delta(msgspec.Struct, frozen=True):
    content: str | None = None
    tool_calls: tuple[CallDelta, ...] | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...] | None = None
    model: str | None = None


class _Translated(ContextPart, frozen=True):
    """What stands in the context for something that the server tells in another form."""

    call: NativeCall | None = None


class ChatSession:
    """One chat with a server (see `interpreter.session.Session`).

    Args:
        server: The server; it is closed with the session.
        messages: The chat so far; the model writes the answer.
        tools: What it is offered to call in the server's own form; with none, it has to be told of
            CML in the messages.
        profile: How calls are written in the context.
        max_tokens: How many tokens it may write; a chunk counts as one. A message whose chunks bring
            no text (parts of calls, thoughts) is cut off after so many of them, where a server does
            not do it.
        sampling: How a token is chosen.
    """

    abilities: frozenset[Ability[object]] = frozenset()

    def __init__(
        self,
        server: Server,
        messages: Sequence[Message],
        *,
        tools: Sequence[Tool] = (),
        profile: Profile | None = None,
        max_tokens: int = 512,
        sampling: Sampling = GREEDY,
    ) -> None:
        self._server = server
        self._tools = tuple(tools)
        self._profile = profile or Profile()
        self._max_tokens = max_tokens
        self._sampling = sampling
        self._decoded = 0
        self._called = 0
        self._history = ChatHistory(messages)
        self._segment: list[ContextPart] = []
        self._message_from = 0
        self._feed = Feed(server, self._begin)

    @property
    def usage(self) -> Usage:
        """What it has asked of its server so far."""
        return self._server.usage

    def decode(self) -> Piece | EndOfDecoding:
        """Take what the server sends in one chunk (Embed/decode).

        Raises:
            ServerError: The server does not give it.
        """
        if self._decoded >= self._max_tokens:
            return self._end("length")
        part = self._feed.next()
        if isinstance(part, str):
            return self._end(part)
        self._segment.append(part)
        self._decoded += part.tokens
        self._server.usage.received_tokens += part.tokens
        return Piece(part.text, tokens=part.tokens)

    def append(self, batch: Batch) -> int:
        """End the model's message; tell interrupts in one of their own (Embed/append).

        Returns:
            Their number of tokens, estimated at four characters each.
        """
        self._feed.stop()
        self._keep_message()
        if self._history.has_calls:
            for delivery in batch.interrupts:
                self._history.told(delivery, interrupt_text(Inject((delivery,)), self._profile))
        else:
            self._history.say(batch.text)
        self._segment, self._message_from = [], 0
        return max(1, len(batch.text) // 4)

    def rewind(self, characters: int) -> None:
        """End the model's message and drop its last characters (Embed/rewind).

        Raises:
            HostError: The model has generated fewer since the last append.
        """
        written = len(text_of(self._segment))
        if not 0 <= characters <= written:
            raise HostError(
                "Embed/rewind",
                f"{counted(characters, 'character')} to drop, {written} since the last append",
            )
        if characters:
            self._feed.stop()
            found = cut(self._segment, written - characters)
            kept = self._segment[: found.kept]
            self._segment = [*kept, *([ContextPart(found.put_back)] if found.put_back else [])]
            self._message_from = min(self._message_from, len(self._segment))

    def close(self) -> None:
        """Stop the server's work and close the connection."""
        self._feed.stop()
        self._server.close()

    def _end(self, reason: Literal["stop", "length"]) -> EndOfDecoding:
        self._feed.stop()
        return EndOfDecoding(reason)

    def _keep_message(self) -> None:
        """Have the history hold what the model's current message is by now."""
        message = self._segment[self._message_from :]
        calls = [part.call for part in message if isinstance(part, _Translated) and part.call]
        text = text_of(part for part in message if not isinstance(part, _Translated))
        if message:
            self._history.answer(text, calls)

    def _begin(self) -> Stream:
        """Ask for a new message."""
        self._keep_message()
        self._message_from = len(self._segment)
        server, characters = self._server, WholeCharacters()
        wanted: list[WantedCall] = []
        silent = 0
        with server.stream("/chat/completions", self._request()) as events:
            for choice in _choices(server, events):
                told = choice.delta or _Delta()
                if text := characters.add(told.content or ""):
                    yield ContextPart(text, (), 1)
                for delta in told.tool_calls or ():
                    take_part(wanted, delta)
                if reason := choice.finish_reason:
                    break
                silent += not text
                if silent > self._most_silent:
                    reason = "length"  # the server does not keep to what it was asked for
                    break
            else:
                if not events.is_done:
                    return
                reason = "stop"  # it keeps the reason to itself
            if reason == "length":
                wanted = [call for call in wanted if is_whole(call)]
            yield from self._calls(wanted)
            yield "length" if reason == "length" else "stop"

    @property
    def _most_silent(self) -> int:
        """How many chunks of a message may bring no text: parts of calls, thoughts, who speaks."""
        return self._max_tokens - self._decoded + 1

    def _request(self) -> Mapping[str, object]:
        declared = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                },
            }
            for tool in self._tools
        ]
        return {
            "model": self._server.model,
            "messages": self._history.to_send(),
            "max_tokens": self._max_tokens - self._decoded,
            **sampling_options(self._sampling),
            **({"tools": declared} if declared else {}),
            "stream": True,
        }

    def _calls(self, wanted: Sequence[WantedCall]) -> Iterator[ContextPart]:
        """Give calls in the server's form as calls of the context, and a trap after them."""
        for each in sorted(wanted, key=lambda call: call.index):
            self._called += 1
            identifier = f"call{self._called}"
            function, arguments = map(whole_characters, (each.function, each.arguments))
            call = NativeCall(each.key or identifier, identifier, function, arguments or "{}")
            text = f"\n{as_cml(call, self._profile)}"
            yield _Translated(text, (), max(1, len(text) // 4), call=call)
        if wanted:
            yield _Translated(_TRAP, (), 1)


def _choices(server: Server, events: Iterator[object]) -> Iterator[_Choice]:
    for event in events:
        chunk = msgspec.convert(event, _Chunk)
        server.require_model(chunk.model)
        yield from (chunk.choices or ())[:1]
