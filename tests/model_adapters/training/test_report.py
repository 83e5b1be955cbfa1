"""The report compares what was played in both ways, dialogue by dialogue, whatever the order."""

from msgspec.structs import replace

from model_adapters.training.evaluation.playing import Calling
from model_adapters.training.evaluation.report import Played, compared, report_markdown
from model_adapters.training.evaluation.scoring import Score
from model_adapters.training.evaluation.shares import Difference

RIGHT = Score(
    well_formed=True,
    complete=True,
    frugal=True,
    right_tools=True,
    told=True,
    honest=True,
    no_needless_trap=True,
    no_missing_trap=True,
    no_repeat=True,
    owed_told=None,
    owed_after_answer=None,
    progress_awaited=False,
    order_kept=None,
    recovered=None,
)
WRONG = replace(RIGHT, told=False)


def played(number: int, calling: Calling, score: Score) -> Played:
    question = f"Question {number}?"
    return Played(f"1/{number}/0", "one", question, 1, calling, score, 1_000_000, None, "")


ALL = [
    played(0, "async", RIGHT),
    played(0, "sync", RIGHT),
    played(1, "sync", WRONG),
    played(1, "async", RIGHT),
    played(2, "async", WRONG),  # not played synchronously
    played(3, "async", WRONG),
    played(3, "sync", WRONG),
]


def test_only_what_was_played_in_both_ways_is_compared() -> None:
    found = compared(ALL, "async", "sync", lambda score: score.fully_right)
    assert found == Difference(both=1, first_only=1, second_only=0, neither=1)


def test_the_report_counts_what_had_the_occasion() -> None:
    text = report_markdown("m", ALL)
    assert "4 dialogues of tools" in text
    assert "| fully right | 50% (15% to 85%) of 4 | 33% (6% to 79%) of 3 |" in text
    assert "| late results told once | no occasion | no occasion |" in text
    assert "| fully right | +33 (" in text
