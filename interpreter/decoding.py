"""From a session's pieces to the machine's symbols (spec/5-embedding.md, section 2)."""

import msgspec

from cml.profile import Profile
from cml.regions import make_lexer
from cml.symbols import Symbol
from interpreter.events import Decoded, Ended
from interpreter.session import EndOfDecoding, Piece, Session


class Step(msgspec.Struct, frozen=True):
    """One answer to a Decode effect, with the decoding steps that it took.

    Args:
        event: The next symbol, or the end.
        pieces: What the session decoded for it; none where the symbol was left over.
    """

    event: Decoded | Ended
    pieces: tuple[Piece, ...]


class Decoder:
    """Answers Decode effects one symbol at a time.

    A token may hold several symbols, and a symbol several tokens: what is left over answers the
    next Decode, and `boundary` tells the machine whether something is.

    Args:
        session: The model's context.
        profile: How the context is written.
    """

    def __init__(self, session: Session, profile: Profile) -> None:
        self._session = session
        self._lexer = make_lexer(profile, generated=True)
        self._received = 0
        self._partial = False
        self._end: Ended | None = None

    def next(self) -> Step:
        """Decode until a symbol is complete or the model has come to its end."""
        pieces: list[Piece] = []
        while True:
            if symbol := self._lexer.pull():
                return Step(Decoded(symbol, self._is_boundary()), tuple(pieces))
            if self._end is not None:
                return Step(self._take_end(), tuple(pieces))
            match self._session.decode():
                case EndOfDecoding(reason):
                    outside = not self._lexer.in_region
                    self._end = Ended(reason, outside)
                    if rest := self._lexer.close():
                        return Step(Decoded(_joined(rest), outside), tuple(pieces))
                case Piece() as piece:
                    pieces.append(piece)
                    self._received += len(piece.text)
                    self._partial = piece.partial
                    self._lexer.push(piece.text)

    def _is_boundary(self) -> bool:
        return not (self._lexer.holding or self._partial or self._lexer.in_region)

    def append(self, text: str) -> int:
        """Append text of the runtime; return its number of tokens. An end that is not told yet is
        forgotten: the model has something new to go on from.
        """
        self._end = None
        self._lexer.appended()
        return self._session.append(text)

    def rewind(self, offset: int) -> None:
        """Take what the model wrote from this offset on back out of the context."""
        self._lexer.discard(offset)
        self._end = None
        if self._received > offset:
            self._session.rewind(self._received - offset)
            self._received = offset

    def _take_end(self) -> Ended:
        end, self._end = self._end or Ended("stop"), None
        return end


def _joined(symbols: tuple[Symbol, ...]) -> Symbol:
    return Symbol("".join(symbol.text for symbol in symbols), symbols[0].offset)
