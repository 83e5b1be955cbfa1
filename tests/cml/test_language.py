"""Properties of the language: two readers agree, printing round-trips, cuts never show."""

import json
from typing import Any

import msgspec
import pytest
from cml_strategies import PROFILES, any_text, contexts, cuts
from fault_reader import first_fault
from hypothesis import given
from hypothesis import strategies as st
from lark_reader import read_by_grammar
from trying import tries

from cml import (
    Body,
    CmlError,
    Context,
    Level,
    Lexer,
    Limits,
    Malformed,
    Profile,
    Symbol,
    Text,
    parse,
    render,
    validate,
)
from cml.symbols import LONGEST_MARKER, Marker, WholeBlock
from cml.tools.documents import context_document

BODIES = pytest.mark.parametrize("body", list(Body))


def exact(context: Context) -> str:
    """A context with the types of its values, which `==` blurs: 1, 1.0 and True."""
    return repr([(item, getattr(item, "kwargs", None)) for item in _without_places(context)])


def _without_places(context: Context) -> Any:
    def bare(document: Any) -> Any:
        match document:
            case dict():
                dropped = {"span", "body"} if "kind" in document else set()
                return {k: bare(v) for k, v in document.items() if k not in dropped}
            case list():
                return [bare(entry) for entry in document]
            case _:
                return document

    return bare(msgspec.to_builtins(context_document(context).context))


def merged(symbols: list[Symbol]) -> list[tuple[int, str, Marker | None]]:
    """Symbols with adjacent texts joined."""
    joined: list[tuple[int, str, Marker | None]] = []
    for symbol in symbols:
        if joined and joined[-1][2] is None and symbol.marker is None:
            offset, text, _ = joined.pop()
            joined.append((offset, text + symbol.text, None))
        else:
            joined.append((symbol.offset, symbol.text, symbol.marker))
    return joined


def lex(pieces: list[str] | list[bytes], body: Body) -> list[Symbol]:
    lexer = Lexer(PROFILES[body])
    symbols = [symbol for piece in pieces for symbol in lexer.feed(piece)]
    return [*symbols, *lexer.close()]


@BODIES
@given(st.data())
def test_no_cut_shows_in_the_symbols(body: Body, data: st.DataObject) -> None:
    text = data.draw(any_text(body))
    whole = merged(lex([text], body))
    assert merged(lex(data.draw(cuts(text)), body)) == whole
    assert merged(lex(data.draw(cuts(text.encode())), body)) == whole
    assert "".join(part for _, part, _ in whole) == text


@BODIES
@given(st.data())
def test_no_cut_shows_in_the_diagnostics(body: Body, data: st.DataObject) -> None:
    """Bytes that are not UTF-8 included."""
    source = data.draw(any_text(body).map(str.encode) | st.binary(max_size=40))
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(source)))
        source = source[:at] + data.draw(st.binary(max_size=3)) + source[at:]
    whole = validate(source, PROFILES[body])
    assert validate(data.draw(cuts(source)), PROFILES[body]) == whole


@BODIES
@tries(150)
@given(st.data(), st.booleans())
def test_symbols_at_once_are_symbols_one_by_one(
    body: Body, data: st.DataObject, generated: bool
) -> None:
    """What is left of the input between two pieces is the same, too."""
    text = data.draw(any_text(body))
    profile = PROFILES[body]
    at_once, one_by_one = (Lexer(profile, generated=generated) for _ in range(2))
    for piece in data.draw(cuts(text) | cuts(text.encode())):
        one_by_one.push(piece)
        assert at_once.feed(piece) == tuple(iter(one_by_one.pull, None))
        assert after(at_once) == after(one_by_one)
        if isinstance(piece, str) and data.draw(st.integers(0, 9)) == 0:
            back = data.draw(st.integers(0, at_once.offset))
            for lexer in (at_once, one_by_one):
                lexer.discard(back)
                lexer.appended()
    assert at_once.close() == one_by_one.close()


@BODIES
@tries(150)
@given(st.data())
def test_whole_blocks_are_their_symbols(body: Body, data: st.DataObject) -> None:
    text = data.draw(any_text(body))
    by_symbols, by_blocks = Lexer(PROFILES[body]), Lexer(PROFILES[body])
    for piece in data.draw(cuts(text)):
        symbols = by_symbols.feed(piece)
        by_blocks.push(piece)
        apart: list[Symbol] = []
        for symbol in by_blocks.ready(whole_blocks=True):
            if isinstance(symbol, WholeBlock):
                inside = lex([symbol.text], body)
                assert inside[0].marker is symbol.marker
                assert inside[-1].marker is Marker.END
                heads = [s.offset for s in inside if s.marker is Marker.HEAD]
                assert list(symbol.heads) == heads
                apart += [Symbol(s.text, symbol.offset + s.offset, s.marker) for s in inside]
            else:
                apart.append(symbol)
        assert tuple(apart) == symbols
        assert after(by_blocks) == after(by_symbols)


def test_what_is_not_at_fault_to_the_lexer_comes_whole() -> None:
    lexer = Lexer()
    lexer.push('a [CALL] f("[END]") [END][TRAP][END] b [CALL] x [HEAD] g() [END][CALL] [CALL] h(')
    parts = list(lexer.ready(whole_blocks=True))
    heads = [part.heads for part in parts if isinstance(part, WholeBlock)]
    assert heads == [(), (), (9,)]
    assert [part.text for part in parts[-2:]] == ["[CALL]", " h("]


def after(lexer: Lexer) -> tuple[object, ...]:
    return lexer.mode, lexer.offset, lexer.holding, lexer.interruptible


@BODIES
@given(st.data())
def test_the_lexer_holds_back_no_more_than_a_begun_marker(body: Body, data: st.DataObject) -> None:
    text = data.draw(any_text(body))
    lexer, received = Lexer(PROFILES[body]), 0
    for piece in data.draw(cuts(text)):
        lexer.feed(piece)
        received += len(piece)
        held = text[lexer.offset : received]
        assert len(held) < LONGEST_MARKER
        assert held == "" or any(m.value.startswith(held) and m.value != held for m in Marker)
        assert lexer.holding == bool(held)


@BODIES
@tries(300)
@given(st.data())
def test_the_parser_agrees_with_the_grammar(body: Body, data: st.DataObject) -> None:
    text = data.draw(any_text(body))
    parsed = parse(text, PROFILES[body])
    by_grammar = read_by_grammar(text, body)
    assert (by_grammar is not None) == (not parsed.diagnostics)
    if by_grammar is not None:
        assert exact(parsed) == exact(by_grammar)


@BODIES
@tries(200)
@given(st.data())
def test_the_first_fault_is_the_one_of_the_list(body: Body, data: st.DataObject) -> None:
    limits = Limits(
        *(data.draw(st.sampled_from(sizes)) for sizes in [(65_536, 40), (64, 2), (400, 2), (64, 2)])
    )
    profile = Profile(body, data.draw(st.sampled_from(Level)), limits)
    text = data.draw(any_text(body))
    for item in parse(text, profile).items:
        if not isinstance(item, Text):
            source = text[item.span.start.offset : item.span.end.offset]
            rule = item.fault.rule if isinstance(item, Malformed) else None
            if rule != "Valid/stray-marker":
                assert rule == first_fault(source, profile)


@BODIES
@given(st.data())
def test_what_is_printed_parses_to_the_same(body: Body, data: st.DataObject) -> None:
    context = data.draw(contexts(body))
    text = render(context, PROFILES[body])
    assert exact(parse(text, PROFILES[body])) == exact(context)
    assert read_by_grammar(text, body) == context


@BODIES
@given(st.data())
def test_what_is_parsed_prints_to_the_same(body: Body, data: st.DataObject) -> None:
    parsed = parse(data.draw(any_text(body)), PROFILES[body])
    text = render(parsed, PROFILES[body])
    assert exact(parse(text, PROFILES[body])) == exact(parsed)
    assert render(parse(text, PROFILES[body]), PROFILES[body]) == text


@BODIES
@given(st.data())
def test_printed_text_has_no_marker_inside_content(body: Body, data: st.DataObject) -> None:
    context = data.draw(contexts(body))
    text = render(context, PROFILES[body])
    symbols = lex([text], body)
    without_escapes = "".join(s.text for s in symbols if s.marker is None)
    found = sum(without_escapes.count(m.value) for m in Marker)
    escaped = sum(without_escapes.count("\\" + m.value) for m in Marker)
    assert found == escaped


@BODIES
@given(st.data())
def test_blocks_and_texts_cover_the_source(body: Body, data: st.DataObject) -> None:
    text = data.draw(any_text(body))
    offset = 0
    for item in parse(text, PROFILES[body]).items:
        assert item.span.start.offset == offset
        offset = item.span.end.offset
        if isinstance(item, Malformed):
            assert item.source == text[item.span.start.offset : offset]
            assert item.span.start.offset <= item.fault.span.start.offset
            assert item.fault.span.end.offset <= offset
        if isinstance(item, Text):
            assert item.text
    assert offset == len(text)


@given(st.binary() | st.text(st.characters()))
def test_anything_at_all_is_read_or_refused(source: bytes | str) -> None:
    for profile in PROFILES.values():
        validate(source, profile)
        try:
            context = parse(source, profile)
        except CmlError:
            assert validate(source, profile)[-1].rule == "Syntax/encoding"
        else:
            json.dumps(_without_places(context))
