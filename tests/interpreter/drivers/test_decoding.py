"""The decoder: symbols from pieces, and what it refuses of a session (Embed/piece, Embed/append)."""

import pytest

from cml.profile import Profile, Spelling
from cml.symbols import Marker, Symbol
from interpreter import EndOfDecoding, HostError, Piece, ScriptedSession
from interpreter.drivers.decoding import MOST_EMPTY, Decoder
from interpreter.events import Decoded, Ended
from interpreter.session import Batch

TEXT = Profile()
TOKENS = Profile(markers=Spelling.TOKEN)
REGIONS = Profile(regions=(("<think>", "</think>"),))
STOP = EndOfDecoding("stop")


class Recorded(ScriptedSession):
    """A script that gives a number of tokens as told, and remembers what was taken back."""

    def __init__(self, *pieces, tokens: object = 1) -> None:
        super().__init__(pieces)
        self.tokens = tokens
        self.rewound: list[int] = []

    def append(self, batch):
        super().append(batch)
        return self.tokens

    def rewind(self, characters) -> None:
        super().rewind(characters)
        self.rewound.append(characters)


class Says(ScriptedSession):
    """Its one step gives whatever a host's may, of any type."""

    def __init__(self, value: object) -> None:
        super().__init__([])
        self.values = iter([value])

    def decode(self):
        return next(self.values)


def decoder(*pieces: Piece | EndOfDecoding | str, profile: Profile = TEXT) -> Decoder:
    return Decoder(ScriptedSession(pieces), profile)


def text(symbol: str, offset: int = 0, *, boundary: bool = True) -> Decoded:
    return Decoded(Symbol(symbol, offset), boundary)


def call(offset: int, *, boundary: bool = True) -> Decoded:
    return Decoded(Symbol("[CALL]", offset, Marker.CALL), boundary)


# ------------------------------------------------------------------------------- what is no piece

LONGEST = 1_048_576


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("a", "decode() returned a str; expected a Piece or an EndOfDecoding"),
        (None, "decode() returned a NoneType; expected a Piece or an EndOfDecoding"),
        (
            EndOfDecoding("full"),
            "decode() ended with the reason 'full'; expected 'stop' or 'length'",
        ),
        (Piece(5), "the text of a piece is a int; expected a str"),
        (Piece("\ud83d"), "the text of a piece cannot be written as UTF-8: "),
        (Piece("x" * (LONGEST + 1)), "a piece of 1,048,577 characters; one has at most 1,048,576"),
        (Piece("a", tokens=-1), "a piece of -1 tokens; expected a whole number"),
        (Piece("a", tokens=True), "a piece of True tokens; expected a whole number"),
        (Piece("a", tokens=1.0), "a piece of 1.0 tokens; expected a whole number"),
        (Piece("a", partial=0), "partial is 0; expected True or False"),
        (Piece("a", marker=Marker.CALL), "a piece 'a' with the marker <Marker.CALL: '[CALL]'>; "),
        (
            Piece("[CALL]", marker="[CALL]"),
            "a piece '[CALL]' with the marker '[CALL]'; its text is",
        ),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_a_session_may_not_decode_is_told(value, fault) -> None:
    with pytest.raises(HostError) as found:
        Decoder(Says(value), TEXT).next()
    assert found.value.clause == "Embed/piece"
    assert fault in str(found.value)


@pytest.mark.parametrize(
    "piece", [Piece("x" * LONGEST), Piece("a", tokens=0), Piece("a", tokens=2)]
)
def test_a_piece_comes_as_it_is(piece) -> None:
    answer = decoder(piece).next()
    assert answer.pieces == (piece,)
    assert answer.event == text(piece.text)


@pytest.mark.parametrize("profile", [TEXT, TOKENS])
def test_as_many_pieces_as_may_complete_no_character(profile) -> None:
    some = [Piece("", partial=True)] * MOST_EMPTY
    decoded = decoder(*some, "a", *some, "b", profile=profile)
    for offset, letter in enumerate("ab"):
        answer = decoded.next()
        assert answer.event == text(letter, offset)
        assert len(answer.pieces) == MOST_EMPTY + 1


def test_more_pieces_without_a_character_are_told() -> None:
    decoded = decoder(*[Piece("")] * (MOST_EMPTY + 1), "a")
    with pytest.raises(
        HostError, match=r"1001 pieces in a row without a character \(Embed/piece\)"
    ):
        decoded.next()


@pytest.mark.parametrize("tokens", [None, True, 1.0, "1", -1])
def test_what_append_may_not_return_is_told(tokens) -> None:
    with pytest.raises(HostError, match="Embed/append"):
        Decoder(Recorded(tokens=tokens), TEXT).append(Batch("x"))


@pytest.mark.parametrize("tokens", [0, 1, 7])
def test_append_gives_the_tokens_of_the_session(tokens) -> None:
    assert Decoder(Recorded(tokens=tokens), TEXT).append(Batch("x")) == tokens


@pytest.mark.parametrize("verb", ["decode", "append", "rewind", "close"])
def test_a_session_has_all_verbs(verb) -> None:
    lacking = type("Lacking", (ScriptedSession,), {verb: None})
    with pytest.raises(TypeError, match=f"has no {verb}"):
        Decoder(lacking([]), TEXT)


# ------------------------------------------------------------------------- boundaries and the end


def test_inside_a_character_is_no_boundary() -> None:
    decoded = decoder(Piece("a", partial=True), "b")
    assert decoded.next().event == text("a", boundary=False)
    assert decoded.next().event == text("b", 1)


def test_what_is_taken_back_takes_a_remembered_end_with_it() -> None:
    session = Recorded("x[", STOP, "y")
    decoded = Decoder(session, TEXT)
    assert [decoded.next().event for _ in "x["] == [text("x", boundary=False), text("[", 1)]
    decoded.rewind(1)
    assert session.rewound == [1]
    assert decoded.next().event == text("y", 1)


def test_nothing_is_taken_back_where_nothing_was_written() -> None:
    session = Recorded("x")
    decoded = Decoder(session, TEXT)
    decoded.next()
    decoded.rewind(1)
    assert session.rewound == []


@pytest.mark.parametrize("ended", [True, False])
def test_a_turn_that_is_over_leaves_nothing_to_the_next(ended) -> None:
    decoded = decoder("x[", STOP, "[CALL]", STOP) if ended else decoder("x\\", "[CALL]", STOP)
    for _ in range(1 + ended):
        decoded.next()
    decoded.end_turn()
    assert decoded.next().event == call(2)


# ----------------------------------------------------------------------- what a trace says was written


def told(symbols: list[Symbol], *pieces: str, profile: Profile = TEXT) -> Decoder:
    decoded = decoder(*pieces, profile=profile)
    for symbol in symbols:
        decoded.wrote(symbol)
    return decoded


def test_the_decoder_goes_on_after_what_a_trace_says() -> None:
    assert told([Symbol("x", 0), Symbol("[", 1)], "CALL]").next().event == text("CALL]", 2)
    assert told([Symbol("x\\", 0)], "[CALL]").next().event == text("[CALL]", 2)
    opened = told([Symbol("[CALL]", 0, Marker.CALL)], "[INTR]")
    assert opened.next().event == Decoded(Symbol("[INTR]", 6, Marker.INTR))
    opened = told([Symbol("[CALL]", 0, Marker.CALL)], "a", profile=TOKENS)
    assert opened.next().event == text("a", 6)


def test_a_text_that_ends_as_a_marker_begins_is_one_symbol_where_the_trace_says_so() -> None:
    """What came with it in one piece showed that no marker begins there: `[CA[CA[CALL]`."""
    assert decoder("[CA[CA[CALL]").next().event == text("[CA[CA", boundary=False)
    assert told([Symbol("[CA[CA", 0)], "[CALL]").next().event == call(6)


def test_a_region_that_a_trace_opens_is_open_until_the_end() -> None:
    inside = told([Symbol("<think>a", 0)], "b", profile=REGIONS)
    assert inside.next().event == text("b", 8, boundary=False)
    begun = told([Symbol("<think>a</", 0)], "b", profile=REGIONS)
    assert begun.next().event == text("b", 10, boundary=False)
    over = told([Symbol("<think>a", 0)], "b", profile=REGIONS)
    over.end_turn()
    assert over.next().event == text("b", 8)


def test_a_backslash_that_a_trace_has_before_an_end_escapes_nothing_after_it() -> None:
    over = told([Symbol("x\\", 0)], "[CALL]")
    over.end_turn()
    assert over.next().event == call(2)


@pytest.mark.parametrize(
    "symbol",
    [
        Symbol("", 0),
        Symbol("a[CALL]", 0),
        Symbol("[CALL]", 0),
        Symbol("[CALL]a", 0, Marker.CALL),
        Symbol("a", 0, Marker.CALL),
    ],
    ids=repr,
)
def test_what_is_no_symbol_here_is_told(symbol) -> None:
    with pytest.raises(HostError, match="Embed/resume"):
        told([symbol])


def test_an_end_that_comes_after_the_last_symbol() -> None:
    decoded = decoder("x", EndOfDecoding("length"))
    assert decoded.next().event == text("x")
    assert decoded.next().event == Ended("length")
