"""Foreign text made visible: what a model, a tool, a file or its name says cannot act on a terminal, nor
on a page, nor pass for other text there. Every writer that people read has its text from here.
"""

import json
import re
import unicodedata
from html import escape
from typing import Final

_CONTROL_PICTURES: Final = 0x2400
_DELETE: Final = 0x7F
_DELETE_PICTURE: Final = "\N{SYMBOL FOR DELETE}"
_JOINERS: Final = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
# Letters and marks by their category, and yet nothing is to be seen of them.
_BLANK: Final = frozenset(
    "\N{COMBINING GRAPHEME JOINER}\N{HANGUL CHOSEONG FILLER}\N{HANGUL JUNGSEONG FILLER}"
    "\N{HANGUL FILLER}\N{HALFWIDTH HANGUL FILLER}\N{BRAILLE PATTERN BLANK}"
)
_MEANT_BY_MARKDOWN: Final = re.compile(r"[\\`*_{}\[\]<>#|~&!]")
_NOT_PLAIN: Final = re.compile(r"[^\n -~]+")


def visible(text: str) -> str:
    """Return a text of the same length, on one line, that cannot act on a terminal or disguise itself.

    Characters that control a terminal, turn the direction of what follows, or take no room, are
    replaced by one that is seen; a tab and any other white space by a blank. A joiner stays where
    scripts and emoji need it: after a character that is not ASCII.

    Args:
        text: What somebody else wrote.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, " " + text[:-1], text))


def visible_lines(text: str) -> str:
    """Return the same for prose: its line feeds and tabs stay.

    Args:
        text: What somebody else wrote.
    """
    lines = text.split("\n")
    return "\n".join("\t".join(map(visible, line.split("\t"))) for line in lines)


def html_text(text: str) -> str:
    """Return a text as it may stand in HTML, SVG and XML: in an element, or between quotes.

    Args:
        text: What somebody else wrote; its line feeds and tabs stay.
    """
    return escape(visible_lines(text))


def markdown_text(text: str) -> str:
    """Return a text as it may stand in a line of Markdown, or in a cell of a table there.

    Args:
        text: What somebody else wrote.
    """
    return _MEANT_BY_MARKDOWN.sub(r"\\\g<0>", visible(text))


def json_text(encoded: bytes) -> str:
    r"""Return JSON of the same value in which what is not seen is spelt out, as in `\u202e`.

    Args:
        encoded: JSON in UTF-8.
    """
    return _NOT_PLAIN.sub(lambda found: "".join(map(_spelt, found[0])), encoded.decode("utf-8"))


def _spelt(character: str) -> str:
    is_seen = character.isprintable() and character not in _BLANK
    return character if is_seen else json.dumps(character)[1:-1]


def _shown(before: str, character: str) -> str:
    if character in _JOINERS:
        joins = not before.isascii() and before.isprintable()
        return character if joins else "\N{REPLACEMENT CHARACTER}"
    if character.isprintable() and character not in _BLANK:
        return character
    code = ord(character)
    if character == "\t" or unicodedata.category(character) == "Zs":
        return " "
    if code == _DELETE:
        return _DELETE_PICTURE
    return chr(_CONTROL_PICTURES + code) if code < ord(" ") else "\N{REPLACEMENT CHARACTER}"
