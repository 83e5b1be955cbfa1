"""Inert regions: nothing in them is CML, however the text is cut."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cml import Call, CmlError, Lexer, Marker, Profile, Text, parse, render
from cml.ast import OutcomeKind
from cml.text.regions import RegionLexer
from interpreter import ScriptedSession, Settings, run_virtual
from interpreter.events import Outcome

PROFILE = Profile(regions=(("<think>", "</think>"), ("```", "```")))
# Strings that begin alike, hold each other, are the same, and overlap with markers.
ENTANGLED = Profile(
    regions=(
        ("<t", "t>"),
        ("<th ", "[END]"),
        ("h x", "x"),
        ("]x", "\\"),
        ("x[EN", "x["),
        ("x[EN", "]"),
        ("EAD", "<"),
    )
)
BOTH = pytest.mark.parametrize("profile", [PROFILE, ENTANGLED], ids=["apart", "entangled"])
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


def by_definition(text, profile):
    """The markers and the regions of prose: what is complete first counts, of several the longest."""
    markers = {marker.value for marker in Marker}
    closings = dict(reversed(profile.regions))
    spellings = sorted(markers | closings.keys(), key=len, reverse=True)
    found, begin, end, marker_end = [], 0, 0, 0
    while end < len(text):
        end += 1
        spelled = next((s for s in spellings if text[begin:end].endswith(s)), None)
        if spelled in markers:
            before = text[marker_end : end - len(spelled)]
            if (len(before) - len(before.rstrip("\\"))) % 2 == 0:
                found.append((end - len(spelled), end))
                begin = marker_end = end
        elif spelled:
            closed = text.find(closings[spelled], end)
            begin = len(text) if closed < 0 else closed + len(closings[spelled])
            found.append((end - len(spelled), begin))
            end = begin
    return found


@BOTH
@given(texts, st.integers(1, 9))
def test_how_a_text_is_cut_never_shows(profile, text, size) -> None:
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert lexed(pieces, RegionLexer(profile)) == lexed([text], RegionLexer(profile))


@BOTH
@given(st.text("\\[]<>/thinkx HEADN`").map(lambda text: text.replace("[H", "[HEAD]")))
@example("```[END]``` [END]```")
@example("<think [END]")
@example("x[END]")
def test_prose_is_cut_where_the_definition_says(profile, text) -> None:
    """Between two cuts stands one symbol: text never comes in more symbols than it must."""
    ended = text + "."  # which begins nothing, so that nothing is held back
    cuts = {0, *(at for span in by_definition(ended, profile) for at in span)} - {len(ended)}
    assert [symbol.offset for symbol in RegionLexer(profile).feed(ended)] == sorted(cuts)


@pytest.mark.parametrize("piece", [b"<think>caf\xe9.", b"caf\xe9<think>"])
def test_bytes_that_are_no_text_are_found_in_and_before_a_region(piece) -> None:
    lexer = RegionLexer(PROFILE)
    with pytest.raises(CmlError) as refused:
        lexer.feed(piece)
    assert refused.value.offset == piece.index(b"\xe9")


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
