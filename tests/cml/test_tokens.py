"""The token profile: reserved ids are markers, everything else is text."""

from collections.abc import Sequence

import pytest
from cml_strategies import content, contexts
from hypothesis import given
from hypothesis import strategies as st

from cml import Body, CmlError, Malformed, Marker, PrintError, Profile, Symbol, Text, parse
from cml.parser import parse_symbols
from cml.printer import render_symbols
from cml.profile import Spelling
from cml.text.tokens import TokenLexer

RESERVED = {marker: 100 + number for number, marker in enumerate(Marker)}
TEXT = 7


def lex(tokens: Sequence[tuple[int, str | bytes]]) -> list[Symbol]:
    lexer = TokenLexer(RESERVED)
    symbols = [symbol for token, text in tokens if (symbol := lexer.take(token, text))]
    lexer.close()
    return symbols


@pytest.mark.parametrize("body", list(Body))
@given(st.data())
def test_what_is_written_as_tokens_reads_the_same(body: Body, data: st.DataObject) -> None:
    """Texts are cut into single bytes: where a tokenizer cuts does not matter."""
    profile = Profile(body=body, markers=Spelling.TOKEN)
    context = data.draw(contexts(body))
    tokens: list[tuple[int, str | bytes]] = []
    for symbol in render_symbols(context, profile):
        if symbol.marker:
            tokens.append((RESERVED[symbol.marker], ""))
        else:
            encoded = symbol.text.encode()
            tokens += [(TEXT, encoded[i : i + 1]) for i in range(len(encoded))]
    assert parse_symbols(lex(tokens), profile) == context


@given(content)
def test_text_is_never_a_marker(text: str) -> None:
    profile = Profile(markers=Spelling.TOKEN)
    context = parse_symbols(lex([(TEXT, text)]), profile)
    assert context.items == ((Text(text),) if text else ())


@given(st.lists(st.sampled_from([*Marker, "a", "[END]", "f(1)", '"', "\\"]), max_size=12))
def test_anything_at_all_has_a_meaning(parts: list[Marker | str]) -> None:
    tokens = [(RESERVED[p], "") if isinstance(p, Marker) else (TEXT, p) for p in parts]
    lexer = TokenLexer(RESERVED, generated=True)
    for token, text in tokens:
        lexer.take(token, text)
        assert lexer.interruptible == (lexer.mode.value == "prose")
    profile = Profile(markers=Spelling.TOKEN)
    context = parse_symbols(lex(tokens), profile)
    assert parse_symbols(render_symbols(context, profile), profile) == context


def test_a_marker_cannot_cut_a_character() -> None:
    lexer = TokenLexer(RESERVED)
    assert lexer.take(TEXT, "é".encode()[:1]) is None
    assert lexer.holding
    assert not lexer.interruptible
    with pytest.raises(CmlError, match="UTF-8"):
        lexer.take(RESERVED[Marker.END], "")


def test_bytes_that_are_not_utf_8() -> None:
    with pytest.raises(CmlError) as refused:
        lex([(TEXT, b"ab\xff")])
    assert refused.value.offset == 2


def test_rewinding() -> None:
    lexer = TokenLexer(RESERVED, generated=True)
    lexer.take(TEXT, "abc")
    forged = lexer.take(RESERVED[Marker.INTR], "")
    assert forged is not None
    lexer.discard(forged.offset)
    assert lexer.take(TEXT, "d") == Symbol("d", 3)


def test_each_marker_needs_an_id_of_its_own() -> None:
    wrongs: list[dict[Marker, int]] = [{}, dict.fromkeys(Marker, 1)]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="token id of its own"):
            TokenLexer(wrong)


def test_a_malformed_block_keeps_its_tokens_and_what_is_spelled_like_them() -> None:
    tokens = [(RESERVED[Marker.CALL], ""), (TEXT, "f('[END]', ["), (RESERVED[Marker.END], "")]
    profile = Profile(markers=Spelling.TOKEN)
    context = parse_symbols(lex(tokens), profile)
    (item,) = context.items
    assert isinstance(item, Malformed)
    assert (item.source, item.markers) == ("[CALL]f('[END]', [[END]", (0, 18))
    assert render_symbols(context, profile) == tuple(lex(tokens))


def test_a_malformed_block_of_the_text_profile_has_no_tokens() -> None:
    with pytest.raises(PrintError, match="of the text profile"):
        render_symbols(parse("[CALL] f( [END]"))
