"""What a session declares beside its verbs (Embed/abilities)."""

import pytest

from cml.text.grammar import specification
from interpreter import HostError, ScriptedSession
from interpreter.session import (
    ABILITIES,
    CONTEXT_LEFT,
    SUSPEND,
    TOKENS,
    Ability,
    abilities_of,
    able,
)


class Roomy(ScriptedSession):
    abilities: frozenset[Ability[object]] = frozenset({CONTEXT_LEFT})
    context_left = 7


class Boastful(ScriptedSession):
    abilities: frozenset[Ability[object]] = frozenset({SUSPEND})

    def resume(self) -> None: ...


class Modest(ScriptedSession):
    """Can what it does not declare."""

    context_left = 7


class Bare:
    """The four verbs of a script, and nothing else."""

    decode = ScriptedSession.decode
    append = ScriptedSession.append
    rewind = ScriptedSession.rewind
    close = ScriptedSession.close


def test_a_session_without_the_attribute_has_no_abilities() -> None:
    assert abilities_of(Bare()) == frozenset()
    assert able(Modest([]), CONTEXT_LEFT) is None


def test_what_is_declared_can_be_used() -> None:
    roomy = able(Roomy([]), CONTEXT_LEFT)
    assert roomy is not None
    assert roomy.context_left == 7
    assert able(Roomy([]), TOKENS) is None


def test_what_is_declared_has_to_be_there() -> None:
    with pytest.raises(HostError, match=r"'suspend' without 'suspend' \(Embed/abilities\)"):
        abilities_of(Boastful([]))


@pytest.mark.parametrize(
    "declared", [{"suspend"}, frozenset({"suspend"}), None, frozenset({Ability("fly", Roomy)})]
)
def test_only_abilities_can_be_declared(declared: object) -> None:
    session = ScriptedSession([])
    vars(session)["abilities"] = declared
    with pytest.raises(HostError, match="Embed/abilities"):
        abilities_of(session)


def test_the_specification_names_every_ability_with_its_members() -> None:
    text = (specification() / "5-embedding.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    told = {row[0].strip("| "): row for row in rows if len(row) > 2}
    for ability in ABILITIES:
        _, members_told, clause = told[ability.name]
        assert clause.startswith(f"**{ability.clause}**")
        members = [name.partition("(")[0] for name in members_told.split("`")[1::2]]
        assert frozenset(members) == ability.members
