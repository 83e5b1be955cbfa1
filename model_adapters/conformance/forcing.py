"""A session that is forced along a script: token by token, by masks of one token.

So the mechanism of any model is seen apart from what it would like to write.
"""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import msgspec

from cml.profile import Profile, Spelling
from cml.symbols import MARKERS, Marker
from cml.text.regions import make_lexer
from cml.vectors.runner import MARKER_NAMES
from interpreter.scripted import ScriptedSession, pieces_of
from interpreter.session import (
    CONTEXT_LEFT,
    LOGPROBS,
    MASKS,
    PROMPTS,
    SUSPEND,
    TOKENS,
    Ability,
    Batch,
    EndOfDecoding,
    Piece,
    Suspended,
    abilities_of,
)
from interpreter.vectors.runs import ScriptedToken
from model_adapters.errors import AdapterError
from model_adapters.testing import SessionError
from model_adapters.testing.watched import Watched, same

_CHARACTERS_A_TOKEN: Final = 4
_UNSTEERED: Final = "nothing forces this session: declare the abilities 'masks' and 'tokens'"
_BARRED: Final = "this session lets no model write [INTR]: nothing can be forged"
_FULL: Final = "the context of this session is too small for the story"
_INSIDE: Final = re.compile(rf"(?<=\[)(?={'|'.join(re.escape(marker[1:]) for marker in MARKERS)})")
"""Where a marker that is spelled in text is cut, so that no token of it is the reserved one."""


class NotExercised(Exception):
    """Something could not be put to the test; the message says why."""


class Steered(msgspec.Struct, frozen=True):
    """A session, and how it is told what to write next.

    Args:
        watched: The session.
        writings: Cuts a step into what it writes at a time; returns for each how to have it do so.
    """

    watched: Watched
    writings: Callable[[ScriptedToken], list[Callable[[], object]]]


def steered(watched: Watched, spelling: Spelling = Spelling.TEXT) -> Steered:
    """Return a session as one that can be told what to write.

    Args:
        watched: The session.
        spelling: How its markers are spelled.

    Raises:
        NotExercised: It cannot.
    """
    session = watched.session
    if type(session) is ScriptedSession:
        return _script()
    if not {MASKS, TOKENS} <= abilities_of(session):
        raise NotExercised(_UNSTEERED)
    masks, tokens = watched.able(MASKS), watched.able(TOKENS)

    def allowing(token: int) -> Callable[[], object]:
        return lambda: masks.allow([token])

    def writings(step: ScriptedToken) -> list[Callable[[], object]]:
        is_cut = spelling is Spelling.TOKEN and step.marker is None
        parts = _INSIDE.split(step.text) if is_cut else [text_of(step)]
        return [allowing(token) for part in parts for token in tokens.encode(part)]

    return Steered(watched, writings)


def _script() -> Steered:
    """A scripted session is told by its script."""
    told: deque[Piece] = deque()

    def script() -> Iterator[Piece]:
        while told:
            yield told.popleft()

    session = ScriptedSession(script())

    def telling(piece: Piece) -> Callable[[], object]:
        return lambda: told.append(piece)

    def writings(step: ScriptedToken) -> list[Callable[[], object]]:
        if step.marker is not None:
            return [telling(Piece(text_of(step), marker=Marker[step.marker]))]
        return [telling(Piece(text)) for text in pieces_of(step.text)]

    return Steered(Watched(session), writings)


class Forced:
    """A session that writes what a script says, whatever its model would; all else is its own.

    It reckons tokens as a script does (spec/vectors/README.md), so that times under a virtual clock
    are those of the script. What was decoded at a time and then taken back is not written again.

    Args:
        steered: The session.
        script: What it writes, step by step; then it comes to an end.
        at_once: Whether each step is one piece; else each token is one.

    Attributes:
        context: What was written and appended, without what was taken back.
        appended: Each text that was appended, with the context before it.
        decodes: How often it was asked to decode.
        was_suspended: Set when it is suspended for the first time.
    """

    def __init__(
        self, steered: Steered, script: Iterable[ScriptedToken], *, at_once: bool = False
    ) -> None:
        self.watched = steered.watched
        self.context = ""
        self.appended: list[tuple[str, str]] = []
        self.decodes = 0
        self.was_suspended = threading.Event()
        self._is_suspended = False
        self._writings = steered.writings
        self._script = iter(script)
        self._at_once = at_once
        self._step = ScriptedToken()
        self._left: deque[Callable[[], object]] = deque()
        self._written = ""
        self._ids_at = {0: self.watched.ids}

    @property
    def abilities(self) -> frozenset[Ability[object]]:
        """Those that a driver makes use of."""
        return abilities_of(self.watched.session) & {SUSPEND, PROMPTS}

    def decode(self) -> Piece | EndOfDecoding:
        """Write the next token, or the next step."""
        self._require_resumed("decode")
        self.decodes += 1
        while not self._left:
            step = next(self._script, ScriptedToken(end="stop"))
            if step.end is not None:
                return EndOfDecoding(step.end)
            self._begin(step)
            if not self._left:
                return Piece("", took_us=step.took_us)
        took_us = self._step.took_us
        if not self._at_once:
            self._read()
            is_first = self._written == ""
            piece = self._write()
            later_us = None if took_us is None else 0
            return msgspec.structs.replace(piece, took_us=took_us if is_first else later_us)
        *_, last = (self._write() for _ in range(len(self._left)))
        return Piece(self._written, took_us=took_us, marker=last.marker)

    def write_all(self) -> None:
        """Write all that is left of the script."""
        while isinstance(self.decode(), Piece):
            pass

    def append(self, batch: Batch) -> int:
        """Append, and keep in mind where."""
        self._require_resumed("append")
        self._read()
        self.appended.append((self.context, batch.text))
        self.watched.append(batch)
        self.context += batch.text
        self._ids_at = {len(self.context): self.watched.ids}
        return max(1, -(-len(batch.text) // _CHARACTERS_A_TOKEN))

    def rewind(self, characters: int) -> None:
        """Take back. The rest of the step that was being written is not written any more."""
        self._require_resumed("rewind")
        self._read()
        self.watched.rewind(characters)
        self._left.clear()
        self.context = self.context[: len(self.context) - characters]
        at = len(self.context)
        if expected := self._ids_at.get(at):
            same(self.watched.ids, expected, "Embed/rewind", "the tokens after a rewind")
        self._ids_at = {place: ids for place, ids in self._ids_at.items() if place < at}
        self._ids_at[at] = self.watched.ids

    def close(self) -> None:
        """Close it."""
        self.watched.session.close()

    def suspend(self, wait_us: int | None) -> Suspended:
        """Suspend it."""
        self._is_suspended = True
        self.was_suspended.set()
        return self.watched.able(SUSPEND).suspend(wait_us)

    def resume(self) -> None:
        """Resume it."""
        self._is_suspended = False
        self.watched.able(SUSPEND).resume()

    def prompt(self, text: str) -> int:
        """Have it asked."""
        return self.watched.able(PROMPTS).prompt(text)

    def _require_resumed(self, verb: str) -> None:
        if self._is_suspended:
            raise SessionError(f"Embed/suspend: {verb}() was asked for before resume()")

    def _begin(self, step: ScriptedToken) -> None:
        self._step, self._written = step, ""
        self._left = deque(self._writings(step))

    def _read(self) -> None:
        """Have it read what it has: a session that may write one token alone need not. It would read
        everything in one pass at the end, and that hides what becomes of a context before.
        """
        if LOGPROBS in abilities_of(self.watched.session):
            self.watched.able(LOGPROBS).logprobs(1)

    def _write(self) -> Piece:
        self._left.popleft()()
        piece, text = self._decoded(), text_of(self._step)
        self._written += piece.text
        self.context += piece.text
        if not piece.partial:
            self._ids_at[len(self.context)] = self.watched.ids
        wanted = text[: len(self._written)] if self._left else text
        same(self._written, wanted, "Embed/piece", "what is written under a mask of one token")
        return Piece(piece.text, partial=piece.partial, marker=piece.marker)

    @property
    def _is_full(self) -> bool:
        session = self.watched.session
        return CONTEXT_LEFT in abilities_of(session) and not (
            self.watched.able(CONTEXT_LEFT).context_left
        )

    def _decoded(self) -> Piece:
        try:
            piece = self.watched.decode()
        except AdapterError:
            if self._step.marker == Marker.INTR.name:
                raise NotExercised(_BARRED) from None
            raise
        if isinstance(piece, EndOfDecoding):
            if piece.reason == "length" and self._is_full:
                raise NotExercised(_FULL)
            raise SessionError(
                f"Embed/masks: decode() ended with {piece.reason!r} where a token of "
                f"{text_of(self._step)!r} was the only one allowed"
            )
        return piece


def text_of(step: ScriptedToken) -> str:
    """Return the characters of a step; a marker has those of its name."""
    return step.text if step.marker is None else Marker[step.marker].value


def script_of(*steps: str, spelling: Spelling = Spelling.TEXT) -> tuple[ScriptedToken, ...]:
    """Return a script of these steps; where markers are tokens, each marker is a step of its own.

    Args:
        steps: What is written at a time.
        spelling: How markers are spelled.
    """
    if spelling is Spelling.TEXT:
        return tuple(map(ScriptedToken, steps))
    lexer = make_lexer(Profile())
    symbols = [symbol for step in steps for symbol in lexer.feed(step)]
    return tuple(
        ScriptedToken(marker=MARKER_NAMES[symbol.marker])
        if symbol.marker
        else ScriptedToken(symbol.text)
        for symbol in (*symbols, *lexer.close())
    )
