"""`cml evaluate` with a script that calls nothing: how it goes on, and together."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conftest import Cml, Files

WORDS = ("evaluate", "script:words.cml", "--json")


def evaluated(cml: "Cml", *words: str) -> Any:
    found = cml(*WORDS, *words)
    assert found.status == 0, found.err
    return json.loads(found.out)


def test_some_at_a_time_give_what_one_by_one_does(cml: "Cml", files: "Files") -> None:
    (files.folder / "words.cml").write_text("I have no function for that.")
    asked = ("--dialogues", "7", "--calling", "async", "--calling", "sync")
    assert evaluated(cml, *asked, "--at-once", "3") == evaluated(cml, *asked)


def test_what_is_kept_is_not_played_again(cml: "Cml", files: "Files") -> None:
    (files.folder / "words.cml").write_text("I have no function for that.")
    kept = Path("kept.jsonl")
    first = evaluated(cml, "--dialogues", "3", "--keep", "kept.jsonl")
    lines = kept.read_bytes()
    (files.folder / "words.cml").write_text("Something else.")
    second = evaluated(cml, "--dialogues", "5", "--keep", "kept.jsonl")
    assert kept.read_bytes().startswith(lines)
    assert second["played"][:3] == first["played"]
    assert len(second["played"]) == 5
    assert evaluated(cml, "--dialogues", "5", "--keep", "kept.jsonl")["played"] == second["played"]


def test_what_was_kept_of_something_else_is_refused(cml: "Cml", files: "Files") -> None:
    (files.folder / "words.cml").write_text("Hello.")
    evaluated(cml, "--dialogues", "1", "--keep", "kept.jsonl")
    found = cml(*WORDS, "--dialogues", "1", "--keep", "kept.jsonl", "--seed", "2")
    assert found.status == 1
    assert "kept.jsonl: it holds plays of" in found.err
