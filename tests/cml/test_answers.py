"""The example of spec/answers.md is what the reference answers. `python tests/cml/test_answers.py`
writes it.
"""

import re
from pathlib import Path
from typing import Any, Final

import msgspec

from cml.text.grammar import specification
from cml.vectors.answer import answer
from cml.vectors.runner import LanguageAnswer, LanguageRequest

PAGE: Final = Path(str(specification())) / "answers.md"
PART: Final = re.compile(r"(<!-- example: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
REQUEST: Final[dict[str, Any]] = {
    "id": "example",
    "input": {
        "pieces": [
            'Look: [CALL] a [HEAD] find("x", n=2.0) [END] [CA',
            'LL] send(a, to=a["mail"][0]) [END]\n[TRAP] a [END]',
            '[INTR] a [HEAD] {"mail": ["m@x"]} [END]',
            "[call] is not \\[CALL]. [TRAP] b c [END]",
        ]
    },
    "profile": {"level": "extended"},
}


def encoded(value: object) -> str:
    """JSON on one line, with spaces."""
    return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()


def lines_of(document: dict[str, Any]) -> str:
    """JSON with a line for each entry, and for each entry of an array of objects."""
    entries = []
    for name, value in document.items():
        if isinstance(value, list) and isinstance(value[0], dict):
            written = "[\n  " + ",\n  ".join(map(encoded, value)) + "\n ]"
        else:
            written = encoded(value)
        entries.append(f' "{name}": {written}')
    return "```json\n{\n" + ",\n".join(entries) + "\n}\n```\n"


def example() -> LanguageAnswer:
    return answer(msgspec.convert(REQUEST, LanguageRequest))


def regenerated(page: str) -> str:
    parts = {"request": REQUEST, "answer": msgspec.to_builtins(example())}
    return PART.sub(lambda part: part[1] + lines_of(parts[part[2]]) + part[3], page)


def test_the_example_is_what_the_reference_answers() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert len(PART.findall(page)) == 2
    assert regenerated(page) == page


def test_the_example_shows_every_kind_of_item_and_every_field() -> None:
    shown = example()
    kinds = {type(item).__struct_config__.tag for item in shown.context}
    assert kinds == {"text", "call", "interrupt", "trap", "malformed"}
    page = PAGE.read_text(encoding="utf-8").partition("## An example")[0]
    documents = [shown, *shown.context, shown.diagnostics[0], shown.context[0].span.start]
    fields = {name for document in documents for name in document.__struct_fields__}
    assert {name for name in fields if f"`{name}`" not in page and f'"{name}"' not in page} == set()


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text(encoding="utf-8"))
    assert [link for link in links if not (PAGE.parent / link).exists()] == []


if __name__ == "__main__":
    PAGE.write_text(regenerated(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
