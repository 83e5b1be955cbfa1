"""Characters of a text that comes in pieces, as text or as bytes of UTF-8 (Syntax/encoding)."""

import codecs


class Characters:
    """Makes whole characters of pieces, up to the first place that is not UTF-8."""

    def __init__(self) -> None:
        self._decoder: codecs.IncrementalDecoder | None = None  # made where bytes come
        self.fault: str | None = None
        """Why there is nothing more, after what was taken."""

    @property
    def is_partial(self) -> bool:
        """Whether bytes were received that are not yet a character."""
        return self._decoder is not None and bool(self._decoder.getstate()[0])

    def take(self, piece: str | bytes) -> str:
        """Return the characters that a piece completes."""
        if isinstance(piece, bytes):
            return self._decode(piece, final=False)
        return piece if piece.isascii() else self._checked(piece)

    def end(self) -> None:
        """End the input: it is no text if it ends inside a character."""
        if self._decoder is not None:
            self._decode(b"", final=True)

    def reset(self) -> None:
        """Forget what was received."""
        self._decoder = None
        self.fault = None

    def _decode(self, piece: bytes, *, final: bool) -> str:
        if self._decoder is None:
            self._decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            return self._decoder.decode(piece, final)
        except UnicodeDecodeError as error:
            self.fault = error.reason
            return error.object[: error.start].decode("utf-8")

    def _checked(self, piece: str) -> str:
        """Return what of a piece is Unicode text, up to half of a surrogate pair."""
        try:
            piece.encode()
        except UnicodeEncodeError as error:
            self.fault = "half of a surrogate pair"
            return piece[: error.start]
        return piece


def not_utf_8(content: str | bytes) -> str | None:
    """Say where something is not UTF-8, in the words of all commands; None if it is.

    Args:
        content: What could not be read; a text holds half a character, if any.
    """
    try:
        content.encode() if isinstance(content, str) else content.decode()
    except (UnicodeEncodeError, UnicodeDecodeError) as error:
        return f"not UTF-8 at byte {error.start + 1}"
    return None
