"""From a session's pieces to the machine's symbols (spec/5-embedding.md, section 2)."""

from typing import Final

import msgspec

from cml.arguments import kind_of
from cml.profile import Profile, Spelling
from cml.symbols import Marker, Symbol
from cml.text.lexer import Lexer
from cml.text.literals import LiteralError, scalar_values
from cml.text.regions import RegionLexer, make_lexer
from interpreter.errors import HostError
from interpreter.events import Decoded, Ended
from interpreter.session import Batch, EndOfDecoding, Piece, Session


class DecodeAnswer(msgspec.Struct, frozen=True):
    """One answer to a Decode effect, with the decoding steps that it took.

    Args:
        event: The next symbol, or the end.
        pieces: What the session decoded for it; none where the symbol was left over.
    """

    event: Decoded | Ended
    pieces: tuple[Piece, ...]


_LONGEST_PIECE: Final = 1_048_576
MOST_EMPTY: Final = 1_000
"""Pieces in a row that complete no character. A character has at most four bytes; more than so many
steps without one is a session that does nothing, for ever."""


class Decoder:
    """Answers Decode effects one symbol at a time.

    A token may hold several symbols, and a symbol several tokens: what is left over answers the
    next Decode, and `boundary` tells the machine whether something is.

    Args:
        session: The model's context.
        profile: How the context is written.

    Raises:
        TypeError: The session is none.
    """

    def __init__(self, session: Session, profile: Profile) -> None:
        _require_session(session)
        self._session = session
        self._lexer = _lexer(profile)
        self._partial = False
        self._empty = 0
        self._end: Ended | None = None

    @property
    def received(self) -> int:
        """Characters that the model has written, without those that were taken back."""
        return self._lexer.received

    def next(self) -> DecodeAnswer:
        """Decode until a symbol is complete or the model has come to its end."""
        pieces: list[Piece] = []
        while True:
            if symbol := self._lexer.pull():
                return DecodeAnswer(Decoded(symbol, self._is_boundary()), tuple(pieces))
            if end := self._end:
                self.end_turn()
                return DecodeAnswer(end, tuple(pieces))
            match self._decode():
                case EndOfDecoding(reason):
                    outside = not self._lexer.in_region
                    self._end = Ended(reason, outside)
                    if rest := self._lexer.close():  # one text: nothing more could be pulled
                        return DecodeAnswer(Decoded(rest[0], outside), tuple(pieces))
                case Piece() as piece:
                    self._count_empty(piece)
                    pieces.append(piece)
                    self._partial = piece.partial
                    self._push(piece)

    def _push(self, piece: Piece) -> None:
        match self._lexer:
            case _Tokens():
                self._lexer.push(piece)
            case _:
                self._lexer.push(piece.text)

    def _decode(self) -> Piece | EndOfDecoding:
        """Let the session decode, and see that it keeps Embed/piece."""
        decoded: object = self._session.decode()
        match decoded:
            case EndOfDecoding("stop" | "length"):
                return decoded
            case Piece():
                if (fault := piece_fault(decoded)) is None:
                    return decoded
            case EndOfDecoding(reason):
                fault = f"decode() ended with the reason {reason!r}; expected 'stop' or 'length'"
            case _:
                fault = f"decode() returned a {type(decoded).__name__}; expected a Piece or an "
                fault += "EndOfDecoding"
        raise HostError("Embed/piece", fault)

    def _count_empty(self, piece: Piece) -> None:
        self._empty = 0 if piece.text else self._empty + 1
        if self._empty > MOST_EMPTY:
            message = f"decode() returned {self._empty} pieces in a row without a character"
            raise HostError("Embed/piece", message)

    def _is_boundary(self) -> bool:
        return not (self._lexer.holding or self._partial or self._lexer.in_region)

    def wrote(self, symbol: Symbol) -> None:
        """Be as if this symbol had answered the last Decode; the session is told elsewhere (Embed/resume).

        Raises:
            HostError: The lexer reads it otherwise here.
        """
        self._push(Piece(symbol.text, marker=symbol.marker))
        # A text may end as a marker begins: what came with it in one piece showed that none begins there.
        read = (*iter(self._lexer.pull, None), *self._lexer.release())
        if not read or any(each.marker != symbol.marker for each in read):
            raise HostError("Embed/resume", f"{symbol.text!r} is no symbol where the trace has it")

    def append(self, batch: Batch) -> int:
        """Append interrupts; return their number of tokens. An end that is not told yet is
        forgotten: the model has something new to go on from.
        """
        self._end = None
        self._lexer.appended()
        tokens: object = self._session.append(batch)
        if type(tokens) is not int or tokens < 0:
            raise HostError("Embed/append", f"append() returned {tokens!r}; expected its tokens")
        return tokens

    def rewind(self, offset: int) -> None:
        """Take what the model wrote from this offset on back out of the context."""
        characters = self.received - offset
        self._lexer.discard(offset)
        self._end = None
        if characters > 0:
            self._session.rewind(characters)

    def end_turn(self) -> None:
        """Forget what is begun or left over: what comes next follows an interrupt or a prompt, not
        this text.
        """
        self._end = None
        self._lexer.close()
        self._lexer.appended()


class _Tokens:
    """The lexer of pieces that are one token each (Syntax/reserved-token): nothing is searched for,
    and nothing is held back but what the session itself has not completed.
    """

    holding = False
    in_region = False

    def __init__(self) -> None:
        self.received = 0
        self._symbol: Symbol | None = None

    def push(self, piece: Piece) -> None:
        """Take the next token."""
        if piece.text:
            self._symbol = Symbol(piece.text, self.received, piece.marker)
            self.received += len(piece.text)

    def pull(self) -> Symbol | None:
        """Return its symbol, once."""
        symbol, self._symbol = self._symbol, None
        return symbol

    def close(self) -> tuple[Symbol, ...]:
        """End the input: nothing is held."""
        return ()

    def release(self) -> tuple[Symbol, ...]:
        """Return what is held: nothing."""
        return ()

    def discard(self, offset: int) -> None:
        """Go on as if nothing had been received from this offset on (Embed/rewind)."""
        self._symbol, self.received = None, offset

    def appended(self) -> None:
        """Take note that the runtime appended a block here: nothing depends on it."""


def _lexer(profile: Profile) -> Lexer | RegionLexer | _Tokens:
    is_token = profile.markers is Spelling.TOKEN
    return _Tokens() if is_token else make_lexer(profile, generated=True)


def piece_fault(piece: Piece) -> str | None:
    """Return what is wrong with a piece, or None (Embed/piece): its types are a host's promise."""
    text, tokens, partial, marker = _fields(piece)
    if fault := _text_fault(text):
        return fault
    if type(tokens) is not int or tokens < 0:
        return f"a piece of {tokens!r} tokens; expected a whole number"
    if type(partial) is not bool:
        return f"partial is {partial!r}; expected True or False"
    if marker is not None and not (isinstance(marker, Marker) and text == marker.value):
        return f"a piece {text!r} with the marker {marker!r}; its text is that of the marker"
    return None


def _text_fault(text: object) -> str | None:
    if not isinstance(text, str):
        return f"the text of a piece is a {type(text).__name__}; expected a str"
    if len(text) > _LONGEST_PIECE:
        return f"a piece of {len(text):,} characters; one has at most {_LONGEST_PIECE:,}"
    try:
        scalar_values(text)
    except LiteralError as error:
        return f"the text of a piece cannot be written as UTF-8: {error}"
    return None


def _fields(piece: Piece) -> tuple[object, object, object, object]:
    return piece.text, piece.tokens, piece.partial, piece.marker


def _require_session(session: object) -> None:
    """Check that something has the verbs of a session.

    Raises:
        TypeError: It lacks one.
    """
    for verb in ("decode", "append", "rewind", "close"):
        if not callable(getattr(session, verb, None)):
            message = "a session has the verbs decode, append, rewind and close"
            raise TypeError(f"{message}; {kind_of(session)} has no {verb}")
