"""Scripts that a session plays, with markers in text and as tokens."""

from hypothesis import given
from hypothesis import strategies as st

from cml.ast import OutcomeKind
from cml.profile import Profile, Spelling
from cml.text.regions import make_lexer
from interpreter import EndOfDecoding, Piece, ScriptedSession, Settings, run_virtual
from interpreter.events import Decoded, Outcome
from interpreter.runs import read_run
from interpreter.scripted import turns_of

ONE = Outcome(OutcomeKind.RETURNED, 1)
TOKENS = Profile(markers=Spelling.TOKEN)
PARTS = ("[CALL]", "[HEAD]", "[TRAP]", "[END]", "[E", "a", " f(", ")", "'", '"', "\\", " ", "\n")
scripts = st.lists(st.sampled_from(PARTS), max_size=16).map("".join) | st.text(max_size=20)


@given(scripts)
def test_a_script_in_tokens_has_the_markers_that_it_has_in_text(script: str) -> None:
    *pieces, end = turns_of(script.replace("\f", ""), 1_000, TOKENS)
    assert end == EndOfDecoding("stop")
    text = "".join(piece if isinstance(piece, str) else piece.text for piece in pieces)
    assert text == script.replace("\f", "")
    lexer = make_lexer(Profile(), generated=True)
    symbols = (*lexer.feed(text), *lexer.close())
    assert [piece.marker for piece in pieces if isinstance(piece, Piece)] == [
        symbol.marker for symbol in symbols if symbol.marker is not None
    ]


def test_turns_and_limits_are_those_of_text() -> None:
    script = "[TRAP][END]one two\fthree"
    for profile in (Profile(), TOKENS):
        ends = [p.reason for p in turns_of(script, 2, profile) if isinstance(p, EndOfDecoding)]
        assert ends == ["length", "stop"]


def test_a_script_runs_in_tokens_as_in_text() -> None:
    script = '[CALL] a [HEAD] f(x="[END]") [END] so [TRAP][END] done'
    contexts = []
    for profile in (Profile(), TOKENS):
        settings = Settings(profile=profile)
        session = ScriptedSession(turns_of(script, 1_000, profile))
        rows = list(run_virtual(session, lambda _: [(9, ONE)], settings))
        [call] = read_run(settings, rows).calls
        assert (call.function, call.value) == ("f", 1)
        written = [row.event.symbol for row in rows if isinstance(row.event, Decoded)]
        assert sum(symbol.marker is not None for symbol in written) == 5
        contexts.append(session.context)
    assert contexts[0].split() == contexts[1].split()
