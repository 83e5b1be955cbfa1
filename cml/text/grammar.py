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
from cml.symbols import BEGUN_PATTERN, MARKER_NAMES, NO_MARKER_PATTERN

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
    """Return the terminals for text that is no marker, written out from the five names."""
    names = "|".join(sorted(MARKER_NAMES))
    return (
        rf"NO_MARKER: /\\?({NO_MARKER_PATTERN})/"
        "\n"
        rf"ESCAPED_MARKER: /\\\[({names})\]/"
        "\n"
        rf"BEGUN_MARKER: /{BEGUN_PATTERN}/"
        "\n"
        rf"BEGUN_ESCAPE: /\\({BEGUN_PATTERN})/"
        "\n"
    )


if __name__ == "__main__":
    print(marker_terminals(), end="")
