"""A session that plays a script: the test double, and the model of the simulator."""

import re
import time
from collections.abc import Iterable, Iterator
from typing import Final

from cml.arguments import require
from cml.profile import Profile, Spelling
from cml.text.regions import make_lexer
from interpreter.errors import HostError
from interpreter.session import PROMPTS, RESTORE, Ability, Batch, EndOfDecoding, Piece

_PIECES: Final = "strings, interpreter.Piece and interpreter.EndOfDecoding"
_PROFILE: Final = Profile()


class ScriptedSession:
    """Decodes what it was given, and records what was appended.

    Args:
        pieces: What each decoding step produces. A string is a piece of one token. An
            `EndOfDecoding` in the middle is what a model says before it is made to go on.
        pause_s: Real time that each decoding step takes, in seconds; none for virtual clocks.
    """

    abilities: frozenset[Ability[object]] = frozenset({PROMPTS, RESTORE})

    def __init__(self, pieces: Iterable[Piece | EndOfDecoding | str], pause_s: float = 0.0) -> None:
        require(pieces, Iterable, f"a script is an iterable of {_PIECES}")
        self._pause_s = pause_s
        self._pieces: Iterator[Piece | EndOfDecoding | str] = iter(pieces)
        self._parts: list[str] = []
        self._rest = ""  # of a piece that was restored in part

    @property
    def context(self) -> str:
        """Everything decoded and appended so far."""
        return "".join(self._parts)

    def decode(self) -> Piece | EndOfDecoding:
        """Play the next piece; after the last, the end."""
        if self._pause_s:
            time.sleep(self._pause_s)
        rest, self._rest = self._rest, ""
        played = Piece(rest) if rest else self._next()
        if isinstance(played, Piece):
            self._parts.append(played.text)
        return played

    def restore(self, decoded: Piece | EndOfDecoding) -> None:
        """Pass over what was played before (Embed/restore).

        Raises:
            HostError: The script says something else there.
        """
        if isinstance(decoded, EndOfDecoding):
            if self._rest or self._next() != decoded:
                raise HostError("Embed/restore", "the script goes on where the trace has an end")
            return
        while len(self._rest) < len(decoded.text):
            played = next(self._pieces, None)
            if played is None:
                raise HostError("Embed/restore", "the script ends before the trace does")
            if not isinstance(played, EndOfDecoding):  # an end that an interrupt came before
                self._rest += played if isinstance(played, str) else played.text
        if not self._rest.startswith(decoded.text):
            message = f"the script says {self._rest!r} where the trace has {decoded.text!r}"
            raise HostError("Embed/restore", message)
        self._rest = self._rest.removeprefix(decoded.text)
        self._parts.append(decoded.text)

    def _next(self) -> Piece | EndOfDecoding:
        played = next(self._pieces, EndOfDecoding("stop"))
        if isinstance(played, EndOfDecoding):
            return played
        piece = Piece(played) if isinstance(played, str) else played
        require(piece, Piece, f"a script holds {_PIECES}")
        return piece

    def prompt(self, text: str) -> int:
        """Append what a person says before a turn begins."""
        return self.append(Batch(text))

    def append(self, batch: Batch) -> int:
        """Append interrupts; they count one token for each four characters, at least one."""
        self._parts.append(batch.text)
        return max(1, -(-len(batch.text) // 4))

    def rewind(self, characters: int) -> None:
        """Drop the last characters of the context."""
        self._rest = ""
        kept = self.context
        self._parts = [kept[: len(kept) - characters]]

    def close(self) -> None:
        """Nothing is held."""


TURN: Final = "\f"
"""What ends a turn in a script: a form feed, the character that ends a page."""


def turns_of(
    script: str, most: int, profile: Profile = _PROFILE
) -> list[str | Piece | EndOfDecoding]:
    """Cut a script into the pieces of its turns.

    Args:
        script: What a model writes, its turns one after another with a form feed between them.
        most: How many pieces a turn has at most; then its output limit is reached.
        profile: How contexts are written. Where markers are tokens, what would be one in text is.
    """
    is_token = profile.markers is Spelling.TOKEN
    played: list[str | Piece | EndOfDecoding] = []
    for turn in script.split(TURN):
        pieces = [*_marked(turn, profile)] if is_token else pieces_of(turn)
        played += pieces[:most]
        played.append(EndOfDecoding("length" if len(pieces) > most else "stop"))
    return played


def pieces_of(text: str) -> list[str]:
    """Cut a text into pieces of about the size of a token: a word or a mark, with its space."""
    return re.findall(r"\s?\w{1,6}|\s?[^\w\s]|\s", text)


def _marked(text: str, profile: Profile) -> Iterator[str | Piece]:
    lexer = make_lexer(profile, generated=True)
    for symbol in (*lexer.feed(text), *lexer.close()):
        if symbol.marker is None:
            yield from pieces_of(symbol.text)
        else:
            yield Piece(symbol.text, marker=symbol.marker)
