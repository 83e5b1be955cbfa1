"""Lints: what is allowed, and was probably not meant so (spec/2-validity.md, section 2.3).

A near miss is text that was probably meant as a marker. It stays text; the lint says so, because a
model or a person who writes one waits for something that never comes.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from cml.ast import Malformed
from cml.diagnostics import START, Diagnostic, Position, Span, advance, diagnose
from cml.profile import Body
from cml.symbols import MARKER_NAMES, OPENERS, Marker, Symbol
from cml.text.identifiers import JSON_CONSTANTS
from cml.text.literals import CALL_QUOTES, VALUE_QUOTES, blank_strings

_LONGEST: Final = 24
_NO_LETTERS: Final = r"[^\[\]［］\r\nA-Za-z\x80-\U0010ffff]*+"
_CANDIDATE: Final = re.compile(
    rf"[\[［](?!{_NO_LETTERS}[\]］])[^\[\]［］\r\n]{{1,{_LONGEST}}}[\]］]"
)
_BEGUN: Final = re.compile(rf"[\[［][^\[\]［］\r\n]{{0,{_LONGEST}}}\Z")
# Capital letters of other alphabets that look like the letters of the five names.
_LOOKALIKES: Final = str.maketrans("АСЕНІРТΑΕΗΙΝΡΤԀ", "ACEHIPTAEHINPTD")
# A value; what an equals sign follows is the name of an argument. That no word goes on in one is looked at
# after it was found, so that three letters are looked for and no more.
_JSON_CONSTANT: Final = re.compile(
    rf"(?:{'|'.join(JSON_CONSTANTS)})"
    + "".join(rf"(?<!\w{word})" for word in JSON_CONSTANTS)
    + r"\b(?![ \t\r\n]*=)"
)
_CLOSERS: Final = {f"/{marker.name}": "END" for marker in OPENERS} | {"/END": "END"}


class NearMisses:
    """Finds near misses in prose that comes in pieces; keeps one begun candidate at most."""

    def __init__(self) -> None:
        self._begun = ""
        self._start = START

    def take(self, prose: Symbol, place: Callable[[int], Position]) -> Iterable[Diagnostic]:
        """Return the near misses that a further run of prose completes.

        Args:
            prose: The run; it follows the one before directly, or `reset` was called.
            place: Where an offset of it is; not asked where the run is beyond suspicion.
        """
        text = self._begun + prose.text
        if "[" not in text and "［" not in text:
            return ()
        begun = _BEGUN.search(text, max(0, len(text) - _LONGEST - 1))
        if begun is None and not _CANDIDATE.search(text):
            self._begun = ""
            return ()
        begin = self._start if self._begun else place(prose.offset)
        self._begun = begun[0] if begun else ""
        if begun:
            self._start = advance(begin, text[: begun.start()])
        return near_misses(text, begin)

    def reset(self) -> None:
        """Forget a begun candidate: a marker stands here."""
        self._begun = ""


def near_misses(text: str, start: Position) -> Iterator[Diagnostic]:
    """Yield the near misses in a text that begins at `start`."""
    position, offset = start, 0
    for candidate in _CANDIDATE.finditer(text):
        meant = meant_marker(candidate[0])
        if meant is None:
            continue
        position = advance(position, text[offset : candidate.start()])
        offset = candidate.start()
        end = advance(position, candidate[0])
        message = f"{_visible(candidate[0])} is text, not a marker; was {meant} meant?"
        yield diagnose("Lint/near-miss", message, Span(position, end))


def near_misses_in_block(block: Malformed, body: Body) -> Iterator[Diagnostic]:
    """Yield the near misses that may be why a block is malformed; none inside its strings."""
    if block.fault.rule == "Valid/limit":
        return
    quotes = {Marker.CALL.value: CALL_QUOTES[body], Marker.INTR.value: VALUE_QUOTES}
    opener = block.source.partition("]")[0] + "]"
    yield from near_misses(blank_strings(block.source, quotes.get(opener, "")), block.span.start)


def json_constants(body: str) -> tuple[str, ...]:
    """Return the constants that a Python body spells as JSON does, in order, each once.

    Args:
        body: A body that was read.
    """
    if not _JSON_CONSTANT.search(body):
        return ()
    code = blank_strings(body, CALL_QUOTES[Body.PYTHON])
    return tuple(dict.fromkeys(_JSON_CONSTANT.findall(code, code.index("("))))


def meant_marker(bracketed: str) -> str | None:
    """Return the marker that a bracketed word resembles, or None if it is one or resembles none.

    It resembles a marker when it differs in case, spaces, invisible characters, accents, width or
    look-alike letters only; when it is a closing tag; or when, in capitals and with the same first
    letter, one letter is missing, added or swapped with its neighbour.
    """
    word = bracketed[1:-1]
    if word in MARKER_NAMES and bracketed == f"[{word}]":
        return None
    plain = _plain(word)
    if plain in MARKER_NAMES:
        return f"[{plain}]"
    if plain in _CLOSERS:
        return f"[{_CLOSERS[plain]}]"
    if not (word.isascii() and word.isalpha() and word.isupper()):
        return None
    return next((f"[{name}]" for name in sorted(MARKER_NAMES) if _is_slip(word, name)), None)


def _plain(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word).upper().translate(_LOOKALIKES)
    kept = (c for c in letters if c.isalpha() or (c.isascii() and c.isprintable() and c != " "))
    return "".join(kept)


def _is_slip(word: str, name: str) -> bool:
    """Whether one letter is missing, added or swapped with its neighbour, never the first."""
    if word[:1] != name[:1]:
        return False
    if len(word) == len(name):
        swapped = (
            name[:i] + name[i + 1] + name[i] + name[i + 2 :] for i in range(1, len(name) - 1)
        )
        return word in swapped
    longer, shorter = (word, name) if len(word) > len(name) else (name, word)
    return shorter in {longer[:i] + longer[i + 1 :] for i in range(1, len(longer))}


def _visible(text: str) -> str:
    """Spell out the characters that cannot be seen."""
    return "".join(c if c.isprintable() else f"<U+{ord(c):04X}>" for c in text)
