"""Whole characters out of text that comes in chunks: some servers cut them in two."""


class WholeCharacters:
    """Joins the halves of characters that JSON writes in two."""

    def __init__(self) -> None:
        self._held = ""

    def add(self, text: str) -> str:
        """Take a chunk; return the whole characters, with U+FFFD for halves without their other."""
        joined = self._held + text
        self._held = joined[-1:] if "\ud800" <= joined[-1:] <= "\udbff" else ""
        return whole_characters(joined[: len(joined) - len(self._held)])


def whole_characters(text: str) -> str:
    """Return text with its halves of characters joined; U+FFFD for those without their other."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
