"""The audit of tokenizers: its figures against plain search."""

from itertools import product
from pathlib import Path

import pytest
from extras import from_extra
from hypothesis import given
from hypothesis import strategies as st
from small_tokenizer import write_small_tokenizer

from cml.symbols import MARKERS
from model_adapters.audit.advice import advice
from model_adapters.audit.edges import (
    begins_inside,
    completing,
    covering,
    ending_like_markers,
    ends_inside,
    is_spellable,
)
from model_adapters.audit.findings import FORGERY, audit
from model_adapters.audit.vocabularies import AuditedTokenizer, of_tokenizer_file
from model_adapters.errors import AdapterError

spelled = st.text("[]INTRCALED xn", min_size=1, max_size=5).map(str.encode)
vocabularies = st.lists(spelled, max_size=12, unique=True).map(lambda found: dict(enumerate(found)))
AROUND = [b"", b"x", b"]", b"["]


@given(spelled)
def test_a_token_is_fused_where_a_marker_spans_its_edge_and_more(token: bytes) -> None:
    """The marker is completed by what stands before and after the token, in every way."""
    marks = [m.encode() for m in MARKERS]
    heads = [b"", *(m[:n] for m in marks for n in range(1, len(m)))]
    tails = [b"", *(m[n:] for m in marks for n in range(1, len(m)))]
    ends = begins = False
    for before, after in product(heads, tails):
        text, start, end = before + token + after, len(before), len(before) + len(token)
        for mark in marks:
            for place in range(len(text) - len(mark) + 1):
                if text[place : place + len(mark)] != mark:
                    continue
                stop = place + len(mark)
                ends |= start < stop < end and place <= start + len(token)
                begins |= start < place < end
    assert (ends_inside(token), begins_inside(token)) == (ends, begins)


@given(vocabularies)
def test_a_ban_of_all_that_stands_over_one_character_holds(vocabulary: dict[int, bytes]) -> None:
    for tokens in covering(vocabulary, FORGERY):
        assert not is_spellable(vocabulary, FORGERY, tokens)


@given(vocabularies)
def test_spellable_is_what_some_row_of_tokens_spells(vocabulary: dict[int, bytes]) -> None:
    rows = (
        b"".join(row)
        for length in range(1, 4)
        for row in product([t for t in vocabulary.values() if t in b"[CALL]"], repeat=length)
    )
    if b"[CALL]" in set(rows):
        assert is_spellable(vocabulary, b"[CALL]", frozenset())
    assert is_spellable({0: b"[CA", 1: b"LL]"}, b"[CALL]", frozenset())
    assert not is_spellable({0: b"[CA", 1: b"LL]"}, b"[CALL]", frozenset({1}))


def test_words_and_completions() -> None:
    words = [b" END", b"WEEKEND", b"APPEND]", b"END", b"END]", b"ENDS", b"]", b"[END]"]
    found = ending_like_markers(dict(enumerate(words)))
    assert set(found.values()) == {b" END", b"WEEKEND", b"APPEND]"}
    tokens = dict(enumerate([b"]", b"]\n", b"R]x", b"[INTR]", b"R", b"[INT"]))
    assert set(completing(tokens, FORGERY).values()) == {b"]", b"]\n", b"R]x", b"[INTR]"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_tokenizer(tmp_path_factory.mktemp("tokenizer"))


def test_an_audit_of_a_small_tokenizer(folder: Path) -> None:
    found = audit(of_tokenizer_file(folder / "tokenizer.json"))
    assert found.control_tokens == 2
    assert found.naive_control.examples == ("[INTR]", "<|end|>")
    assert found.unsafe_content == ()
    assert found.keeps_text
    assert found.markers_as_tokens == ("[INTR]",)
    assert any(word.strip() == "WEEKEND" for word in found.words.examples)
    assert any('")[' in text or ")[" in text for text in found.fused.examples)
    trap = found.costs[-1]
    assert (trap.text, trap.token_tokens) == ("[TRAP][END]", 2)
    assert all(cost.token_tokens < cost.text_tokens for cost in found.costs)


def _never_apart(text: str) -> list[int]:
    return [256] if "<|end|>" in text or text == "[INTR]" else list(text.encode())


def test_content_that_becomes_control_is_told() -> None:
    """A tokenizer that strips what is cut apart back together: no way of asking makes it safe."""
    bytes_only = {byte: bytes([byte]) for byte in range(256)}
    found = audit(AuditedTokenizer("bad", bytes_only, {256: "<|end|>"}, _never_apart, _never_apart))
    assert "<|end|>" in found.unsafe_content
    assert any("give this model nothing from outside" in said for said in advice(found))


def test_a_vocabulary_of_another_kind_is_refused(tmp_path: Path) -> None:
    tokenizers = from_extra("hf", "tokenizers")
    path = tmp_path / "tokenizer.json"
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "?": 1}, unk_token="?"))
    made.save(str(path))
    with pytest.raises(AdapterError, match="neither of byte-level pairs nor of SentencePiece"):
        of_tokenizer_file(path)
