"""The grammar of spec/cml.lark, as Lark reads it.

It parses call bodies in Python syntax (`cml.text.bodies`), and whole contexts as the reference that
the incremental lexer and the parser are held against. The part of it that spells "text which is
no marker" follows from the five names alone; `python -m cml.text.grammar` prints it.
"""

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cml.profile import Body
from cml.symbols import MARKER_NAMES, Marker

if TYPE_CHECKING:
    from lark import Lark

_BODY_RULE: Final = re.compile(r"^_body: python_call.*$", re.MULTILINE)
_BODY_START: Final = {Body.PYTHON: "python_call", Body.JSON: "json_value"}


def specification() -> Traversable:
    """Return the folder of the specification: package data, or the folder in a checkout."""
    installed = files("cml") / "spec"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "spec"


def grammar_text(body: Body = Body.PYTHON) -> str:
    """Return the text of the grammar for contexts whose call bodies are in the given language."""
    text = (specification() / "cml.lark").read_text(encoding="utf-8")
    return _BODY_RULE.sub(f"_body: {_BODY_START[body]}", text)


@cache
def context_grammar(body: Body = Body.PYTHON) -> "Lark":
    """Return the parser of whole contexts."""
    from lark import Lark

    return Lark(grammar_text(body), parser="lalr", start="context", propagate_positions=True)


@cache
def body_grammar() -> "Lark":
    """Return the parser of call bodies in Python syntax."""
    from lark import Lark

    return Lark(grammar_text(), parser="lalr", start="python_call")


def marker_terminals() -> str:
    """Return the terminals for text that is no marker, written out from the five names.

    A `[` is certain to open no marker as soon as a character follows its longest begun marker that
    does not continue one. Such a begun marker may also be cut off by a `[`, a backslash or the end.
    """
    prefixes = sorted({m.value[:n] for m in Marker for n in range(1, len(m.value))})
    breaks = "|".join(re.escape(p) + _not_continuing(p) for p in prefixes)
    begun = "|".join(re.escape(p) for p in sorted(prefixes, key=len, reverse=True))
    names = "|".join(sorted(MARKER_NAMES))
    return (
        rf"NO_MARKER: /\\?({breaks})/"
        "\n"
        rf"ESCAPED_MARKER: /\\\[({names})\]/"
        "\n"
        rf"BEGUN_MARKER: /{begun}/"
        "\n"
        rf"BEGUN_ESCAPE: /\\({begun})/"
        "\n"
    )


def _not_continuing(prefix: str) -> str:
    following = {m.value[len(prefix)] for m in Marker if m.value.startswith(prefix)}
    return "[^" + "".join(re.escape(c) for c in sorted(following)) + r"\[\\]"


if __name__ == "__main__":
    print(marker_terminals(), end="")
