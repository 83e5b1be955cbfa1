"""A fresh session becomes what the rows of a trace say, verb by verb."""

import pytest

from cml.profile import Profile
from cml.symbols import Marker, Symbol
from interpreter import HostError, ScriptedSession
from interpreter.drivers.decoding import Decoder
from interpreter.drivers.restoring import Restoring
from interpreter.events import Began, Decoded, Ended, Finish, Rewind, Row
from interpreter.session import PROMPTS, RESTORE, Batch, EndOfDecoding, Piece
from interpreter.vectors.runs import RunVector, run_vectors

VECTORS = run_vectors()


class Told:
    """A session that writes down what it is told."""

    abilities = frozenset({RESTORE, PROMPTS})

    def __init__(self) -> None:
        self.context = ""
        self.restored: list[Piece | EndOfDecoding] = []
        self.prompts: list[str] = []
        self.rewinds = 0

    def decode(self) -> EndOfDecoding:
        return EndOfDecoding("stop")

    def restore(self, decoded: Piece | EndOfDecoding) -> None:
        self.restored.append(decoded)
        self.context += decoded.text if isinstance(decoded, Piece) else ""

    def append(self, batch: Batch) -> int:
        self.context += batch.text
        return 1

    def rewind(self, characters: int) -> None:
        self.rewinds += 1
        self.context = self.context[: len(self.context) - characters]

    def prompt(self, text: str) -> int:
        self.prompts.append(text)
        return 1

    def close(self) -> None:
        pass


class TakesNoPrompts(Told):
    abilities = frozenset({RESTORE})


def played(
    rows: tuple[Row, ...], profile: Profile | None = None, session: Told | None = None
) -> tuple[Told, Decoder]:
    told = session or Told()
    decoder = Decoder(told, profile or Profile())
    Restoring(told, decoder, profile or Profile()).play(rows)
    return told, decoder


def written(vector: RunVector) -> list[Piece | EndOfDecoding]:
    """What the model wrote, by the rows."""
    events = (row.event for row in vector.rows)
    return [
        Piece(event.symbol.text, marker=event.symbol.marker)
        if isinstance(event, Decoded)
        else EndOfDecoding(event.reason)
        for event in events
        if isinstance(event, Decoded | Ended)
    ]


@pytest.mark.parametrize("name", VECTORS)
def test_it_is_told_what_the_rows_say(name: str) -> None:
    vector = VECTORS[name]
    told, _ = played(vector.rows, vector.settings.profile)
    effects = [effect for row in vector.rows for effect in row.effects]
    prompts = [row.event.prompt for row in vector.rows if isinstance(row.event, Began)]
    assert told.context == vector.context
    assert told.restored == written(vector)
    assert told.rewinds == sum(isinstance(effect, Rewind) for effect in effects)
    assert told.prompts == [prompt for prompt in prompts if prompt]


@pytest.mark.parametrize("name", VECTORS)
def test_after_each_row_as_much_is_written_as_it_says(name: str) -> None:
    told, profile = Told(), VECTORS[name].settings.profile
    decoder = Decoder(told, profile)
    restoring = Restoring(told, decoder, profile)
    for row in VECTORS[name].rows:
        if isinstance(row.event, Decoded):
            assert decoder.received == row.event.symbol.offset
        restoring.play([row])


def row(event: object, *effects: object) -> Row:
    return Row(0, "Step/text", event, effects)


def test_a_further_prompt_is_asked_and_none_where_the_context_has_it() -> None:
    told, _ = played((row(Began()), row(Began("And then?"))))
    assert told.prompts == ["And then?"]


def test_a_session_that_takes_no_prompts_is_told_before_it_misses_one() -> None:
    assert played((row(Began()),), session=TakesNoPrompts())[0].prompts == []
    with pytest.raises(HostError, match=r"further prompt.*Embed/resume"):
        played((row(Began("And then?")),), session=TakesNoPrompts())


def test_a_session_that_cannot_be_told_is_refused_at_once() -> None:
    session = ScriptedSession([])
    session.abilities = frozenset({PROMPTS})
    with pytest.raises(HostError, match=r"needs the ability 'restore'.*Embed/resume"):
        Restoring(session, Decoder(session, Profile()), Profile())


def test_a_backslash_before_a_stop_escapes_nothing_in_the_next_turn() -> None:
    stopped = row(None, Finish("stopped"))
    text, marker = Symbol("x\\"), Symbol("[CALL]", 2, Marker.CALL)
    told, _ = played((row(Decoded(text)), stopped, row(Began()), row(Decoded(marker))))
    assert told.restored[-1] == Piece("[CALL]", marker=Marker.CALL)
