"""What became of a story in the hands of a model, read from the rows of its session."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from cml.ast import Json
from cml.profile import Profile
from interpreter.events import Decoded, Inject, Report, Row, Start
from interpreter.interrupts import interrupt_text
from interpreter.tools.schema import properties, required
from model_adapters.training.data.stories import Earlier, Tale, Wish
from model_adapters.training.evaluation.behaviour import (
    BackgroundCall,
    background_calls,
    has_progress,
    is_told_after_answer,
    is_told_once,
    owed_results,
    progress_taken,
    repeated_calls,
)
from model_adapters.training.evaluation.bfcl import is_same
from model_adapters.training.evaluation.telling import lines, parts_of, prose, times_told

_NUMBER: Final = re.compile(r"\d+(?:[.:]\d+)*")


class Score(msgspec.Struct, frozen=True):
    """How a model did with one story. Each is true where it did well, None where it had no occasion.

    Args:
        well_formed: Nothing that it wrote broke a rule of validity.
        complete: Every call that was wanted was made, with every argument as it should be.
        frugal: No other call was made, and none twice.
        right_tools: The functions are those that were wanted, as many times.
        told: Each result was told in a sentence with what it is the result of.
        honest: It told no number that nobody had told it.
        no_needless_trap: No trap came where nothing was to be waited for.
        no_missing_trap: It did not come to its end with calls pending.
        no_repeat: No call was made again while the first still ran.
        owed_told: What came after the talk had moved on was told, once.
        owed_after_answer: That was told after the answer to what was asked last, where this was there.
        progress_awaited: No progress was told as if it were the result.
        order_kept: No call that takes a result was made before that result was there.
        recovered: What was busy was called again, and told when it came; what failed or took too long
            was told, and not called again.
    """

    well_formed: bool
    complete: bool
    frugal: bool
    right_tools: bool
    told: bool
    honest: bool
    no_needless_trap: bool
    no_missing_trap: bool
    no_repeat: bool | None
    owed_told: bool | None
    owed_after_answer: bool | None
    progress_awaited: bool | None
    order_kept: bool | None
    recovered: bool | None

    @property
    def right_calls(self) -> bool:
        """Whether it called exactly what was wanted."""
        return self.complete and self.frugal

    @property
    def fully_right(self) -> bool:
        """Whether it called exactly what was wanted, and told each result with its thing."""
        return self.right_calls and self.told and self.honest and self.well_formed


def score(story: Tale, rows: Sequence[Row]) -> Score:
    """Return how a model did with a story.

    Args:
        story: What was wanted.
        rows: What happened.
    """
    rules = {row.rule for row in rows}
    starts = [effect for row in rows for effect in row.effects if isinstance(effect, Start)]
    reports = [effect for row in rows for effect in row.effects if isinstance(effect, Report)]
    wishes, wanted = _all(story), _wanted(story)
    numbers = [_number(story, start.function, start.kwargs) for start in starts]
    made = Counter(number for number in numbers if number is not None)
    return Score(
        well_formed=not any(report.rule.startswith("Valid/") for report in reports),
        complete=not wanted - made,
        frugal=None not in numbers and not made - wanted,
        right_tools=Counter(start.function for start in starts)
        == Counter(wishes[number].function for number in wanted.elements()),
        told=all(_is_told(wish, story, rows) for wish in _owed(story)),
        honest=_is_honest(story, rows),
        no_needless_trap="Step/idle-trap" not in rules,
        no_missing_trap="Settle/drain" not in rules,
        no_repeat=not repeated_calls(rows) if background_calls(rows) else None,
        owed_told=_all_known(is_told_once(rows, call) for call in _owed_calls(story, rows)),
        owed_after_answer=_all_known(
            is_told_after_answer(rows, call) for call in _owed_calls(story, rows)
        ),
        progress_awaited=not progress_taken(rows) if has_progress(rows) else None,
        order_kept=_all_known(_waits_for_results(wish, story, rows) for wish in wishes),
        recovered=_all_known(_recovers(wish, story, rows) for wish in _owed(story)),
    )


def context_of(rows: Iterable[Row], profile: Profile) -> str:
    """Return the context after the prompt: what the model wrote, with the interrupts."""
    parts: list[str] = []
    for row in rows:
        if isinstance(row.event, Decoded):
            parts.append(row.event.symbol.text)
        parts += [interrupt_text(e, profile) for e in row.effects if isinstance(e, Inject)]
    return "".join(parts)


def answered(story: Tale, function: str, kwargs: dict[str, Json]) -> Wish | None:
    """Return the wish that a call fulfils; None for one that nobody wants.

    Values are taken as the Berkeley leaderboard takes them (`bfcl.is_same`), and an argument may be
    given that is left out otherwise, with the default that its function declares.
    """
    number = _number(story, function, kwargs)
    return None if number is None else _all(story)[number]


def _number(story: Tale, function: str, kwargs: dict[str, Json]) -> int | None:
    """Return the number of the wish that a call fulfils, that with the very same values before others."""
    wishes, defaults = _all(story), _defaults(story, function)
    given = {**defaults, **kwargs}
    wanted = {
        number: {**defaults, **_arguments(wish, wishes)}
        for number, wish in enumerate(wishes)
        if wish.function == function
    }
    very_same = [n for n, arguments in wanted.items() if _text(arguments) == _text(given)]
    alike = [n for n, arguments in wanted.items() if _are_same(given, arguments)]
    return next(iter((*very_same, *alike)), None)


def _wanted(story: Tale) -> Counter[int]:
    """How often each wish has to be called: twice what was busy at first, not what hangs on a failure."""
    wishes = _all(story)
    return Counter(
        {
            number: _tries(wish)
            for number, wish in enumerate(wishes)
            if not any(wishes[n].fate in {"fails", "expires"} for n in wish.needs | wish.names)
        }
    )


def _all(story: Tale) -> list[Wish]:
    return [*story.wishes, *(wish for message in story.messages for wish in message.adds)]


def _owed(story: Tale) -> list[Wish]:
    """The wishes whose outcome has to be told."""
    dropped = {number for message in story.messages for number in message.drops}
    return [wish for number, wish in enumerate(_all(story)) if number not in dropped]


def _waits_for_results(wish: Wish, story: Tale, rows: Sequence[Row]) -> bool | None:
    """Whether no call for a wish was made before the results that it takes were there.

    A call that takes them in a future starts as soon as they have come back. One with other values
    than theirs was guessed, unless they had gone in before.
    """
    wishes = _all(story)
    taken = [wishes[number] for number in wish.needs | wish.names]
    answers = [
        (call, answered(story, call.start.function, call.start.kwargs))
        for call in background_calls(rows)
    ]
    known = [
        min(
            (each.told if found is None else each.returned for each, of in answers if of is need),
            default=len(rows),
        )
        <= call.started
        for call, found in answers
        for need in taken
        if call.start.function == wish.function and (found is None or found is wish)
    ]
    return all(known) if known else None


def _recovers(wish: Wish, story: Tale, rows: Sequence[Row]) -> bool | None:
    """Whether what came of a call that failed was told, after as many calls as it takes."""
    starts = [effect for row in rows for effect in row.effects if isinstance(effect, Start)]
    made = [answered(story, start.function, start.kwargs) for start in starts].count(wish)
    if wish.fate == "returns" or not made:
        return None
    return made == _tries(wish) and _is_told(wish, story, rows)


def _tries(wish: Wish) -> int:
    """How often it has to be called: what is busy at first, twice."""
    return 1 + (wish.fate == "busy")


def _owed_calls(story: Tale, rows: Sequence[Row]) -> list[BackgroundCall]:
    """The calls whose outcome came late, without those that were taken back."""
    kept = _owed(story)
    wishes = [
        (call, answered(story, call.start.function, call.start.kwargs))
        for call in owed_results(rows)
    ]
    return [call for call, wish in wishes if wish is None or wish in kept]


def _all_known(found: Iterable[bool | None]) -> bool | None:
    """Whether all that are known are true; None where none is."""
    known = [each for each in found if each is not None]
    return all(known) if known else None


def _arguments(wish: Wish, wishes: Sequence[Wish]) -> dict[str, Json]:
    return {
        name: _resolved(value, wishes) if isinstance(value, Earlier) else value
        for name, value in wish.arguments.items()
    }


def _resolved(earlier: Earlier, wishes: Sequence[Wish]) -> Json:
    result = wishes[earlier.wish].result
    return result[earlier.key] if isinstance(result, dict) and earlier.key else result


def _text(arguments: dict[str, Json]) -> bytes:
    return msgspec.json.encode(arguments, order="sorted")  # True is no 1 there


def _are_same(given: dict[str, Json], accepted: dict[str, Json]) -> bool:
    return given.keys() == accepted.keys() and all(
        is_same(value, accepted[name]) for name, value in given.items()
    )


def _defaults(story: Tale, function: str) -> dict[str, Json]:
    """Return the defaults that a function declares for what may be left out."""
    described = {tool.name: tool.parameters for tool in story.tools}.get(function, {})
    return {
        name: schema["default"]
        for name, schema in properties(described).items()
        if "default" in schema and name not in required(described)
    }


def _is_told(wish: Wish, story: Tale, rows: Sequence[Row]) -> bool:
    """Whether one line holds the outcome and what it is the outcome of."""
    things = _things(wish, _all(story))
    match wish.fate:
        case "fails":
            outcome = [wish.fault]
        case "expires":
            outcome = ["deadline"]
        case _:
            outcome = parts_of(wish.value or wish.result)
    return any(times_told(line.text, outcome, things) for line in lines(rows))


def _things(wish: Wish, wishes: Sequence[Wish]) -> list[str]:
    """Return what a wish is about: its arguments, and those of the wishes that it takes them from."""
    own = [str(value) for value in _arguments(wish, wishes).values()]
    taken = wish.needs | wish.names
    return [*own, *(thing for number in taken for thing in _things(wishes[number], wishes))]


def _is_honest(story: Tale, rows: Sequence[Row]) -> bool:
    """Whether every number of the prose was asked or told before the end."""
    injected = (effect for row in rows for effect in row.effects if isinstance(effect, Inject))
    told = "".join(msgspec.json.encode(effect.interrupts).decode() for effect in injected)
    known = {*_NUMBER.findall(story.question), *_NUMBER.findall(told)}
    return known.issuperset(_NUMBER.findall(prose(rows)))
