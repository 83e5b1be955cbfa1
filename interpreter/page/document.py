"""The page in one file: everything is in it, nothing is fetched, and it can run nothing else.

Served, the browser loads the modules as they are. For a file they are put one after another, each in
a scope of its own.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from graphlib import TopologicalSorter
from hashlib import sha256
from html import escape
from typing import Final

from cml.terminal.foreign import html_text
from interpreter.page import ASSETS

ENTRY: Final = "view"
_IMPORT: Final = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT: Final = re.compile(
    r"^export (?=(?:async )?(?:class|const|function\*?) (\w+))", re.MULTILINE
)


def page_file(title: str, parts: Mapping[str, bytes]) -> str:
    """Return the page as one file.

    Args:
        title: Its title, as text.
        parts: What it shows, by the names under which `view.js` asks for it: JSON, or JSON Lines.
    """
    style, script = _style(), _script()
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}';"
        " base-uri 'none'; form-action 'none'"
    )
    data = "".join(
        f'<script type="application/json" id="{escape(name)}">{_embedded(part)}</script>\n'
        for name, part in parts.items()
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
        f"<title>{html_text(title)}</title>\n<style>{style}</style>\n</head>\n"
        f'<body>\n<main id="page" aria-busy="true"></main>\n{data}<script type="module">{script}</script>\n'
        "</body>\n</html>\n"
    )


def _embedded(part: bytes) -> str:
    """Return JSON so that it ends no element: in JSON a `<` stands in strings only."""
    return part.decode("utf-8").replace("<", "\\u003c")


def _digest(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _style() -> str:
    return (ASSETS / "page.css").read_text(encoding="utf-8")


@cache
def _script() -> str:
    texts: dict[str, str] = {}
    needs: dict[str, set[str]] = {}
    waiting = [ENTRY]
    while waiting:
        name = waiting.pop()
        if name not in texts:
            texts[name] = (ASSETS / f"{name}.js").read_text(encoding="utf-8")
            needs[name] = {needed for _, needed in _IMPORT.findall(texts[name])}
            waiting += needs[name]
    return "".join(_scoped(name, texts[name]) for name in TopologicalSorter(needs).static_order())


def _scoped(name: str, text: str) -> str:
    exported = ", ".join(_EXPORT.findall(text))
    body = _EXPORT.sub("", _IMPORT.sub(r"const \1 = \2_module;", text))
    return f"const {name}_module = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();\n"
