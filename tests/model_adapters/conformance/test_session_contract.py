"""Every session that is here keeps the contract; one that breaks a clause is told which."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from sabotaged_sessions import BROKEN, CONTROL, Toy, text_of

from cml.text.grammar import specification
from interpreter import ScriptedSession
from interpreter.schedule.data.measured import Measurement
from interpreter.session import (
    ABILITIES,
)
from model_adapters.hf.session import HfSession
from model_adapters.opening import GREEDY, AtTrap, Sampling
from model_adapters.prompt import Message
from model_adapters.testing import SessionError, check_session
from model_adapters.testing.abilities import STORIES as OF_ABILITIES
from model_adapters.testing.verbs import STORIES as OF_VERBS
from model_adapters.tokens.chat_tokens import chat_ids

if TYPE_CHECKING:
    from model_adapters.hf.model import HfModel

MEASURED = Measurement(
    backend="hf",
    model="tiny",
    measured_at="",
    token_us=9,
    context_token_ns=0,
    interrupt_token_ns=0,
    call_tokens=0,
    trap_tokens=0,
)
ASK = (Message("user", "Count from one to twenty, in words."),)
WORDS = [f"word{number} " for number in range(200)]


def check(make: Callable[[], Toy]) -> tuple[str, ...]:
    checked = check_session(make, context_of=text_of, control=CONTROL)
    assert checked.not_exercised == {}
    return checked.held


def test_there_is_a_story_for_every_ability_and_a_clause_for_every_story() -> None:
    assert set(OF_ABILITIES) == set(ABILITIES)
    text = (specification() / "5-embedding.md").read_text(encoding="utf-8")
    clauses = {*OF_VERBS, *(ability.clause for ability in ABILITIES)}
    assert [clause for clause in clauses if f"**{clause}**" not in text] == []


def test_a_session_with_every_ability_passes_every_story() -> None:
    assert set(check(Toy)) == {*OF_VERBS, *(ability.clause for ability in ABILITIES)}


def test_a_script_passes() -> None:
    checked = check_session(lambda: ScriptedSession(WORDS))
    assert checked.held == (*OF_VERBS, "Embed/prompts", "Embed/restore")
    assert checked.not_exercised == {}


CHANCE = Sampling(temperature=2.0, seed=5)


FEW = Sampling(1.5, top_k=40, top_p=0.9)


@pytest.mark.parametrize(
    ("tiny", "sampling", "at_trap"),
    [
        ("full attention", GREEDY, "keep"),
        ("full attention", FEW, "recompute"),
        ("sliding window", CHANCE, "swap"),
        pytest.param("sliding window", GREEDY, "keep", marks=pytest.mark.slow),
        pytest.param("full attention", CHANCE, "swap", marks=pytest.mark.slow),
        pytest.param("sliding window", FEW, "recompute", marks=pytest.mark.slow),
    ],
    indirect=["tiny"],
)
def test_a_session_of_transformers_passes(
    tiny: "HfModel", sampling: Sampling, at_trap: AtTrap
) -> None:
    def make() -> HfSession:
        return HfSession(
            tiny, ASK, max_tokens=400, sampling=sampling, at_trap=at_trap, measured=MEASURED
        )

    checked = check_session(make, context_of=lambda session: text_after(session, tiny))
    left = {"Embed/seeds"} if sampling == GREEDY else set()
    assert set(checked.not_exercised) == left
    assert {*checked.held, *left} == {*OF_VERBS, *(ability.clause for ability in ABILITIES)}


@pytest.mark.model
@pytest.mark.slow
def test_a_session_of_the_embedded_model_passes(model: "HfModel") -> None:
    checked = check_session(lambda: HfSession(model, ASK), steps=6)
    assert set(checked.not_exercised) == {"Embed/seeds"}


def text_after(session: HfSession, model: "HfModel") -> str:
    """The text of the context from the prompt on, without a character that is only begun."""
    ids = list(session.ids[len(chat_ids(model, ASK)) :])
    return str(model.tokenizer.decode(ids[: len(ids) - session._segment.begun]))


def test_what_cannot_be_seen_is_not_said_to_hold() -> None:
    class Veiled:
        """A session that shows its verbs alone."""

        def __init__(self) -> None:
            session = ScriptedSession(WORDS)
            self.decode, self.append = session.decode, session.append
            self.rewind, self.close = session.rewind, session.close

    checked = check_session(Veiled)
    assert "nothing shows the context" in checked.not_exercised["Embed/append"]
    assert "Embed/append" not in checked.held


def test_a_session_that_says_nothing_passes_nothing_that_takes_words() -> None:
    checked = check_session(lambda: ScriptedSession([]))
    assert {"Embed/piece", "Embed/rewind", "Embed/apart"} <= set(checked.not_exercised)


# --------------------------------------------------------------------------------- sabotage


@pytest.mark.parametrize(
    ("clause", "broken"), [(c, each) for c, some in BROKEN.items() for each in some]
)
def test_a_session_that_breaks_a_clause_is_caught(clause: str, broken: type[Toy]) -> None:
    with pytest.raises(SessionError) as caught:
        check_session(broken, control=CONTROL)
    assert str(caught.value).startswith(clause)
