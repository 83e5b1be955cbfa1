"""A session that counts its tokens as it goes."""

from interpreter.session import (
    PROMPTS,
    TOKENS,
    Batch,
    EndOfDecoding,
    Piece,
    Session,
    abilities_of,
    able,
)


class CountedSession:
    """Passes on to another session whatever it is asked, abilities included.

    Args:
        session: The other one.

    Attributes:
        decoded: How many tokens the model wrote.
        read: How many it was given: the prompt, where the session knows its tokens, and whatever
            was appended.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.abilities = abilities_of(session)
        tokens = able(session, TOKENS)
        self.read = 0 if tokens is None else len(tokens.ids)
        self.decoded = 0
        self._prompted = able(session, PROMPTS)

    def __getattr__(self, name: str) -> object:
        """Return what is asked of an ability."""
        return getattr(self._session, name)

    def decode(self) -> Piece | EndOfDecoding:
        """Decode, and count."""
        decoded = self._session.decode()
        if isinstance(decoded, Piece):
            self.decoded += decoded.tokens
        return decoded

    def append(self, batch: Batch) -> int:
        """Append, and count."""
        tokens = self._session.append(batch)
        self.read += tokens
        return tokens

    def prompt(self, text: str) -> int:
        """Append a further question, where the session takes prompts, and count."""
        tokens = 0 if self._prompted is None else self._prompted.prompt(text)
        self.read += tokens
        return tokens

    def rewind(self, characters: int) -> None:
        """Rewind; what was decoded was decoded."""
        self._session.rewind(characters)

    def close(self) -> None:
        """Close."""
        self._session.close()
