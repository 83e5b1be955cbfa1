"""Sessions under watch: each verb is done, and what it did to the context is held to its clause."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias, TypeVar

from cml.ast import OutcomeKind
from cml.wording import difference
from interpreter.drivers.decoding import MOST_EMPTY, piece_fault
from interpreter.events import Delivery, Outcome
from interpreter.session import TOKENS, Ability, Batch, EndOfDecoding, Piece, Session, able

Can = TypeVar("Can")

CONTROL_SPELLINGS: Final = (
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<|start|>",
    "<|end|>",
    "<|eot_id|>",
    "<s>",
    "</s>",
    "<eos>",
    "<end_of_turn>",
    "<tool_call>",
)
"""How control tokens of well-known models are spelled."""

BATCH: Final = Batch(
    '[INTR] job1 [HEAD] {"city": "Oslo", "degrees": 18} [END]',
    (Delivery("job1", Outcome(OutcomeKind.RETURNED, {"city": "Oslo", "degrees": 18})),),
)


class SessionError(AssertionError):
    """A session broke the contract; the message names the clause and what came back."""


def require(clause: str, fault: str | None) -> None:
    """Raise what is wrong, if anything is.

    Raises:
        SessionError: Something is.
    """
    if fault is not None:
        raise SessionError(f"{clause}: {fault}")


def same(found: object, expected: object, clause: str, what: str) -> None:
    """Raise where something is not what it should be.

    Raises:
        SessionError: It is not.
    """
    if found != expected:
        raise SessionError(f"{clause}: {what}: {difference(expected, found)}")


class Watched:
    """One session with its verbs watched.

    Args:
        session: The session.
        context: Returns the text of its context from the end of its prompt on; where None is given, it is
            the attribute `context` of the session, if that is a text.
    """

    def __init__(self, session: Session, context: Callable[[], str] | None = None) -> None:
        self.session = session
        self._context = context or _shown_by(session)
        self._tokens = able(session, TOKENS)
        self.is_at_end = False
        self._empty = 0
        self._partial = False

    @property
    def is_seen(self) -> bool:
        """Whether there is any way to see what is in the context."""
        return self._tokens is not None or self._context is not None

    @property
    def ids(self) -> tuple[int, ...]:
        """The tokens of the context; none where they cannot be had."""
        return self._tokens.ids if self._tokens else ()

    @property
    def text(self) -> str:
        """The text of the context from the end of its prompt on; empty where it cannot be had."""
        return self._context() if self._context else ""

    def able(self, ability: Ability[Can]) -> Can:
        """Return the session as one with an ability that others of its kind declare.

        Raises:
            SessionError: This one does not.
        """
        found = able(self.session, ability)
        if found is None:
            raise SessionError(f"Embed/abilities: only some of the sessions have {ability.name!r}")
        return found

    def decode(self) -> Piece | EndOfDecoding:
        """Decode once (Embed/piece)."""
        ids, text, found = self.ids, self.text, _typed(self.session.decode())
        self.is_at_end = isinstance(found, EndOfDecoding)
        match found:
            case Piece():
                self._empty = 0 if found.text else self._empty + 1
                too_many = f"{self._empty} pieces in a row without a character"
                require("Embed/piece", too_many if self._empty > MOST_EMPTY else None)
                if self._context:
                    same(self.text, text + found.text, "Embed/piece", "the context with a piece")
                if self._tokens:
                    same(self.ids[: len(ids)], ids, "Embed/piece", "the context before a piece")
                    same(len(self.ids), len(ids) + found.tokens, "Embed/piece", "its tokens")
                self._partial = found.partial
            case EndOfDecoding():
                self._see_end(ids, text)
        return found

    def _see_end(self, ids: tuple[int, ...], text: str) -> None:
        """The end token is not kept, nor a character that was only begun."""
        if self._tokens:
            same(self.ids, ids[: len(self.ids)], "Embed/piece", "the context after an end")
            kept = "an end leaves a character that is only begun in the context"
            require("Embed/piece", kept if self._partial and len(self.ids) == len(ids) else None)
        if self._context:
            same(self.text, text, "Embed/piece", "the context after an end")
        self._empty, self._partial = 0, False

    def append(self, batch: Batch = BATCH) -> int:
        """Append (Embed/append): once, at the end, as it is; return its tokens."""
        ids, text = self.ids, self.text
        tokens: object = self.session.append(batch)
        if type(tokens) is not int or tokens < 0:
            raise SessionError(f"Embed/append: append() returned {tokens!r}; expected its tokens")
        if self._context:
            same(self.text, text + batch.text, "Embed/append", "the context")
        if self._tokens:
            encoded = self._tokens.encode(batch.text)
            what = f"the tokens of the context with {batch.text!r}"
            same(self.ids, ids + encoded, "Embed/append", what)
            same(tokens, len(encoded), "Embed/append", "how many tokens append() says")
        return tokens

    def rewind(self, characters: int) -> None:
        """Rewind (Embed/rewind): so many characters, and no others."""
        ids, text = self.ids, self.text
        self.session.rewind(characters)
        if self._context:
            same(self.text, text[: len(text) - characters], "Embed/rewind", "the context")
        if self._tokens and not characters:
            same(self.ids, ids, "Embed/rewind", "the context after a rewind of nothing")

    def pieces(self, steps: int) -> list[Piece]:
        """Decode so many pieces and on to a whole character; fewer where the model comes to an end."""
        found: list[Piece] = []
        while len(found) < steps or found[-1].partial:
            piece = self.decode()
            if isinstance(piece, EndOfDecoding):
                break
            found.append(piece)
        return found

    def written(self, steps: int) -> str:
        """Decode as `pieces` does, and return the text."""
        return "".join(piece.text for piece in self.pieces(steps))


def _shown_by(session: object) -> Callable[[], str] | None:
    """Return how to read the text of a context that a session shows itself; None where it shows none."""

    def shown() -> str:
        return str(getattr(session, "context", ""))

    return shown if isinstance(getattr(session, "context", None), str) else None


def _typed(found: object) -> Piece | EndOfDecoding:
    match found:
        case Piece():
            require("Embed/piece", piece_fault(found) or _half_character(found.text))
            return found
        case EndOfDecoding("stop" | "length"):
            return found
        case _:
            expected = "expected a Piece, or an EndOfDecoding with 'stop' or 'length'"
            raise SessionError(f"Embed/piece: decode() returned {found!r}; {expected}")


def _half_character(text: str) -> str | None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return f"the piece {text!r} holds half a character"
    return None


class Bench:
    """Makes sessions to be treated in this way and that; each is closed in the end.

    Args:
        make: Makes a fresh session, always with the same prompt.
        control: How control tokens are spelled.
        steps: How many pieces a story decodes at a time.
    """

    def __init__(self, make: Callable[[], Watched], control: Sequence[str], steps: int) -> None:
        self._make = make
        self.control = tuple(control)
        self.steps = steps

    @contextmanager
    def session(self) -> Iterator[Watched]:
        """A fresh session."""
        watched = self._make()
        try:
            yield watched
        finally:
            watched.session.close()

    def written_after(self, treat: Callable[[Watched], object]) -> str:
        """What a session writes that wrote something, was treated in a way, and went on."""
        with self.session() as watched:
            watched.pieces(self.steps // 2)
            treat(watched)
            return watched.written(self.steps)


Story: TypeAlias = Callable[[Bench], str | None]
"""Puts sessions to one clause. It raises a `SessionError`, or returns why it could not; or None."""


def nothing(_: Watched) -> None:
    """Treat a session in no way."""
