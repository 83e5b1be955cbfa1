"""Inert regions: nothing in them is CML, however the text is cut."""

from hypothesis import given
from hypothesis import strategies as st

from cml import Call, Lexer, Profile, Text, parse, render
from cml.ast import OutcomeKind
from cml.regions import RegionLexer
from interpreter import ScriptedSession, Settings, run_virtual
from interpreter.events import Outcome

PROFILE = Profile(regions=(("<think>", "</think>"), ("```", "```")))
PARTS = [
    "<think>",
    "</think>",
    "```",
    "[CALL] a [HEAD] f('<think>') [END]",
    "[CALL]",
    "[END]",
    "[TRAP]",
    "\\",
    "<th",
    "[CA",
    " x",
    '"',
]
texts = st.lists(st.sampled_from(PARTS), max_size=12).map("".join)


def merged(symbols):
    out = []
    for symbol in symbols:
        if symbol.marker is None and out and out[-1][0] is None:
            out[-1] = (None, out[-1][1] + symbol.text)
        else:
            out.append((symbol.marker, symbol.text))
    return out


def lexed(pieces, lexer):
    symbols = [symbol for piece in pieces for symbol in lexer.feed(piece)]
    symbols += lexer.close()
    assert "".join(symbol.text for symbol in symbols) == "".join(pieces)
    assert [s.offset for s in symbols] == [
        sum(len(t.text) for t in symbols[:i]) for i in range(len(symbols))
    ]
    return merged(symbols)


@given(texts, st.integers(1, 9))
def test_how_a_text_is_cut_never_shows(text, size) -> None:
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert lexed(pieces, RegionLexer(PROFILE)) == lexed([text], RegionLexer(PROFILE))


@given(texts)
def test_without_regions_in_the_text_both_lexers_agree(text) -> None:
    plain = text.replace("<think>", "").replace("```", "")
    assert lexed([plain], RegionLexer(PROFILE)) == lexed([plain], Lexer())


@given(texts)
def test_printed_text_reads_as_the_same_tree(text) -> None:
    context = parse(text, PROFILE)
    assert parse(render(context, PROFILE), PROFILE) == context


def test_a_quoted_call_is_text_and_a_tag_in_a_string_is_content() -> None:
    items = parse("<think>[CALL] f() [END]</think> [CALL] g(x='<think>') [END] ok", PROFILE).items
    assert [type(item) for item in items] == [Text, Call, Text]
    assert items[1].kwargs == {"x": "<think>"}


def test_nothing_is_dispatched_from_a_region_and_nothing_goes_in() -> None:
    script = (
        "[CALL] a [HEAD] f() [END]<think> I might [CALL] b [HEAD] f() [END] but no </think>. Done."
    )
    session = ScriptedSession(script)
    rows = list(
        run_virtual(
            session, lambda _: [(5_000, Outcome(OutcomeKind.RETURNED, 1))], Settings(PROFILE)
        )
    )
    assert session.context.count("[INTR]") == 1
    assert session.context.index("</think>") < session.context.index("[INTR]")
    assert sum(row.rule == "Step/call" for row in rows) == 1
