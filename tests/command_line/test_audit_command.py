"""`cml audit` as its users meet it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from extras import from_extra
from small_tokenizer import write_small_tokenizer

if TYPE_CHECKING:
    from conftest import Cml


def test_a_folder_and_a_file(cml: "Cml", tmp_path: Path) -> None:
    folder = write_small_tokenizer(tmp_path)
    said = cml("audit", folder)
    assert said.status == 0
    assert "* a marker begins or ends inside" in said.out
    document = json.loads(cml("audit", folder / "tokenizer.json", "--json").out)
    assert document["usable"]
    assert document["costs"][0]["block"] == "call"


def test_what_holds_no_tokenizer(cml: "Cml", tmp_path: Path) -> None:
    from_extra("hf", "tokenizers")
    said = cml("audit", tmp_path)
    assert (said.status, said.out) == (2, "")
    assert "holds no tokenizer.json" in said.err
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    said = cml("audit", tmp_path)
    assert (said.status, said.out) == (1, "")
    assert "no tokenizer that can be read" in said.err


@pytest.mark.model
def test_the_embedded_model_is_usable(cml: "Cml") -> None:
    from_extra("llamacpp", "xllamacpp")
    said = cml("audit", "--yes", "--json")
    assert said.status == 0
    found = json.loads(said.out)
    assert found["usable"]
    assert found["mask"]["is_leaky"]
    assert found["costs"][-1]["token_tokens"] == 2
