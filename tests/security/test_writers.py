"""Nothing that a model, a tool, a person, a file or its name says can run in what we write, or disguise it."""

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from trying import tries
from writers import WRITERS, Form, spelt_out

from cml.terminal.foreign import visible

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
TRICKS = (
    *"\x00\x07\x08\x0b\x1b\x7f\x85\x9b\x9d\u00ad\u2028\u2029\u200b\ufeff\u3164\ue000\U000e0041<>&\"'`|*_#\\$!~",
    *BIDI,
    "\x1b[31m",
    "\x1b]8;;http://e.example\x07",
    "\x9b2J",
    "</script><script>hit()</script>",
    "<img src=x onerror=hit()>",
    "\"' onload=hit() x='",
    "]]>",
    "-->",
    "<!--",
    "{{hit()}}",
    "`${hit()}`",
    "![x](javascript:hit())",
    "<javascript:hit()>",
    "\n# h\n",
    "[u]: javascript:hit()",
    "| a |",
    "&lt;",
    "[bold]",
    ":smile:",
)
# No marker: who writes what is not the question here.
plain = st.characters(codec="utf-8", exclude_characters="[]")
hostile = st.lists(st.one_of(st.sampled_from(TRICKS), plain), max_size=8).map("".join)
QUIET = "x"


class _Skeleton(HTMLParser):
    """The elements of a page with the names of their attributes, and what can be read of it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.read: list[str] = []
        self.code: list[str] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self._open = tag if dict(attrs).get("type") != "application/json" else "data"
        for name, value in attrs:
            if name == "srcdoc":
                self.feed_inner(value or "")
            else:
                self.read.append(value or "")

    def feed_inner(self, page: str) -> None:
        inner = skeleton(page)
        self.elements += inner.elements
        self.read += inner.read
        self.code += inner.code

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        match self._open:
            case "data":
                assert all(json.loads(line) for line in data.strip("\n").split("\n"))
            case "script" | "style":
                self.code.append(data)
            case _:
                self.read.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def skeleton(page: str) -> _Skeleton:
    found = _Skeleton()
    found.feed(page)
    found.close()
    return found


def check_terminal(text: str, quiet: str) -> None:
    del quiet
    assert [c for c in text if not (c.isprintable() or c in "\n\t")] == []


def check_html(text: str, quiet: str) -> None:
    found, expected = skeleton(text), skeleton(quiet)
    assert found.elements == expected.elements
    assert _without_digests(found.code) == _without_digests(expected.code)
    check_terminal("".join(found.read), "")


def _without_digests(code: list[str]) -> list[str]:
    return [re.sub(r"sha256-[\w+/=]+", "", part) for part in code]


def check_xml(text: str, quiet: str) -> None:
    del quiet
    check_terminal(text, "")
    for element in ET.fromstring(text).iter():
        tag = str(element.tag).rpartition("}")[2]
        assert tag not in {"script", "foreignObject", "a", "image"}
        assert [name for name, _ in element.items() if name.startswith("on")] == []
        links = [value for name, value in element.items() if name.endswith("href")]
        assert all(link.startswith("#") for link in links)


def check_markdown(text: str, quiet: str) -> None:
    check_terminal(text, "")
    assert _rendered(text) == _rendered(quiet)


def _rendered(text: str) -> list[tuple[str, tuple[str, ...]]]:
    return skeleton(MarkdownIt("commonmark").enable("table").render(text)).elements


def check_json(text: str, quiet: str) -> None:
    del quiet
    check_terminal(text, "")
    json.loads(text)


CHECKS = {
    "terminal": check_terminal,
    "html": check_html,
    "xml": check_xml,
    "markdown": check_markdown,
    "json": check_json,
}


def _cases(*, slow: bool) -> list[str]:
    return [name for name, writer in WRITERS.items() if writer.is_slow is slow]


@pytest.mark.parametrize("name", _cases(slow=False))
@given(text=hostile)
@tries(40)
def test_no_writer_lets_a_text_run_or_hide(name: str, text: str) -> None:
    check(name, text)


@pytest.mark.parametrize("name", _cases(slow=True))
def test_no_picture_lets_a_text_run_or_hide(name: str) -> None:
    check(name, "".join(trick for trick in TRICKS if len(trick) < 6))


def check(name: str, text: str) -> None:
    form: Form = WRITERS[name].form
    CHECKS[form](WRITERS[name].write(text), WRITERS[name].write(QUIET))


@given(text=hostile)
def test_json_that_shows_all_says_the_same(text: str) -> None:
    assert json.loads(spelt_out({text: [text, 1.5, None]})) == {text: [text, 1.5, None]}
    assert msgspec.json.decode(spelt_out(text)) == text


@given(text=hostile)
def test_markdown_says_what_is_seen(text: str) -> None:
    from cml.terminal.foreign import markdown_text

    read = skeleton(MarkdownIt("commonmark").render(f"x{markdown_text(text)}x")).read
    assert "".join(read).strip("\n") == f"x{visible(text)}x"
