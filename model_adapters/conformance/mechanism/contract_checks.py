"""The contract of a session, clause by clause: the stories of `model_adapters.testing`."""

from typing import Final

from interpreter.session import ABILITIES, SEEDS, Ability, abilities_of
from model_adapters.conformance.check import Check, Exercise
from model_adapters.conformance.subject import Subject
from model_adapters.testing import abilities, verbs
from model_adapters.testing.watched import Story


def _check(clause: str, story: Story, exercise: Exercise) -> Check:
    first, *_ = (story.__doc__ or "").splitlines()
    name = clause.removeprefix("Embed/")
    return Check(f"session/{name}", f"A session keeps {first}", (clause,), exercise)


def _of_verbs(clause: str, story: Story) -> Check:
    return _check(clause, story, lambda subject: story(subject.bench()))


def _of_ability(ability: Ability[object]) -> Check:
    story = abilities.STORIES[ability]

    def exercise(subject: Subject) -> str | None:
        request = subject.by_chance if ability is SEEDS else subject.request
        with subject.session(request) as watched:
            if ability not in abilities_of(watched.session):
                return f"the session does not declare the ability {ability.name!r}"
        return story(subject.bench(request))

    return _check(ability.clause, story, exercise)


CONTRACT_CHECKS: Final = (
    *(_of_verbs(clause, story) for clause, story in verbs.STORIES.items()),
    *(_of_ability(ability) for ability in ABILITIES),
)
