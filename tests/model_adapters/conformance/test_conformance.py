"""The conformance suite catches what is wrong, and nothing else."""

import json
import logging
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from extras import from_extra
from mutants import MUTANTS, Mutant, results_of
from sabotaged_sessions import CONTROL, Toy

from cml.profile import Level, Spelling
from interpreter import ScriptedSession
from model_adapters.conformance.baseline import against_baseline, read_baseline, unknown_entries
from model_adapters.conformance.check import ENDINGS, Check, CheckResult
from model_adapters.conformance.checks import MECHANISM, all_checks, chosen
from model_adapters.conformance.circumstances import circumstances
from model_adapters.conformance.forcing import script_of
from model_adapters.conformance.report import WRITERS, ConformanceReport, as_text
from model_adapters.conformance.running import run_checks
from model_adapters.conformance.subject import Subject, request_of

GOOD = Mutant("Toy", "", "")


def test_a_good_session_passes_all_that_can_be_put_to_the_test() -> None:
    left = {
        result.id: result.ending
        for result in results_of(GOOD, limit_s=60)
        if result.ending != "pass"
    }
    assert set(left.values()) == {"not exercised"}
    assert all(identifier.startswith("vectors/tokens-") for identifier in left)


def test_where_markers_are_tokens_the_stories_are_told_in_tokens() -> None:
    request = request_of("script", markers=Spelling.TOKEN)
    subject = Subject(lambda _: ScriptedSession(["one ", "two "]), request)
    checks = chosen(Level.EXTENDED, ("driver", "realtime", "vectors"))
    results = run_checks(
        checks, subject, limit_s=60, given_up=lambda: None, repeat=lambda check: check.id
    )
    endings = {result.id: result.ending for result in results}
    passed = {identifier for identifier, ending in endings.items() if ending == "pass"}
    assert set(endings.values()) == {"pass", "not exercised"}
    of_tokens = {name for name in endings if name.startswith("vectors/tokens-")}
    assert of_tokens <= passed
    assert {"vectors/travel", "vectors/forged-inside-a-call-before-a-string"} <= passed
    assert endings["vectors/call-decoded-past-a-trap"] == "not exercised"
    assert {"driver/critical-section", "driver/forging-result", "realtime/abort"} <= passed
    assert endings["driver/split-markers"] == "not exercised"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught_by_the_check_that_is_made_for_it(mutant: Mutant) -> None:
    [result] = results_of(mutant, (mutant.check,))
    assert result.ending in {"fail", "error"}
    assert result.message
    if mutant.check.startswith("session/") and result.ending == "fail":
        assert result.message.startswith(result.rules[0])


def test_what_a_driver_logs_in_a_check_names_the_check(caplog: pytest.LogCaptureFixture) -> None:
    def exercise(_: Subject) -> None:
        logging.getLogger("interpreter").warning("left behind: %s", "job1")

    check = Check("kind/it", "Does.", ("Embed/piece",), exercise)
    subject = Subject(Toy, request_of("toy"), control=CONTROL)
    given = {"limit_s": 60, "given_up": lambda: None, "repeat": lambda check: check.id}
    assert [result.ending for result in run_checks((check,), subject, **given)] == ["pass"]
    logging.getLogger("interpreter").warning("after it")
    assert caplog.messages == ["kind/it: left behind: job1", "after it"]


def test_checks_have_ids_of_their_own_rules_and_a_sentence() -> None:
    checks = all_checks()
    assert len({check.id for check in checks}) == len(checks)
    assert [check.id for check in checks if not check.rules or not check.does.endswith(".")] == []


def test_the_rules_of_checks_are_those_of_the_specification() -> None:
    chapters = Path(__file__).parents[3].joinpath("spec").glob("*.md")
    known = set(
        re.findall(r"\b[A-Z][a-z]+/[a-z-]+", "".join(each.read_text() for each in chapters))
    )
    assert {rule for check in all_checks() for rule in check.rules} <= known


def test_each_level_contains_the_one_below() -> None:
    core, futures, extended = ({check.id for check in chosen(level)} for level in Level)
    assert {check.id for check in MECHANISM} < core < futures < extended


def test_a_word_chooses_all_checks_of_its_kind() -> None:
    assert {check.id.partition("/")[0] for check in chosen(Level.CORE, ("driver",))} == {"driver"}
    with pytest.raises(LookupError, match="no check"):
        chosen(Level.CORE, ("drive",))


def test_a_session_is_forced_through_every_character_of_a_script() -> None:
    text = "Größe [CALL] a [HEAD] f(1) [END] 👩‍🚀"
    subject = Subject(Toy, request_of("toy"), control=CONTROL)
    with subject.forced(script_of(text)) as session:
        session.write_all()
        assert session.context == text
        assert bytes(token - 16 for token in session.watched.ids).decode().endswith(text)


def result(identifier: str, ending: str) -> CheckResult:
    return CheckResult(identifier, "Does.", ("Embed/piece",), ending, "why \x1b[31m")  # type: ignore[arg-type]


def test_a_baseline_expects_failures_and_never_grows_stale() -> None:
    baseline = read_baseline("a # slow server\n\n# all of this\nb\n")
    assert baseline == {"a", "b"}
    endings = {ending: against_baseline(result("a", ending), baseline).ending for ending in ENDINGS}
    assert endings == {
        "pass": "fail",
        "fail": "expected-fail",
        "expected-fail": "expected-fail",
        "not exercised": "not exercised",
        "error": "expected-fail",
    }
    assert against_baseline(result("c", "fail"), baseline).ending == "fail"
    [unknown] = unknown_entries(baseline, {"a"})
    assert (unknown.id, unknown.ending) == ("b", "fail")


def report(*endings: str) -> ConformanceReport:
    about = circumstances(request_of("script:x", seed=7), "a script", Level.CORE)
    results = tuple(result(f"kind/{n}", ending) for n, ending in enumerate(endings))
    return ConformanceReport(about, results, 1.5)


@pytest.mark.parametrize(
    ("endings", "is_good"),
    [
        (("pass", "not exercised", "expected-fail"), True),
        (("pass", "fail"), False),
        (("pass", "error"), False),
        (("not exercised",), False),
        ((), False),
    ],
)
def test_what_was_not_exercised_is_not_passed(endings: tuple[str, ...], is_good: bool) -> None:
    assert report(*endings).is_good is is_good


@pytest.mark.parametrize(
    ("endings", "verdict", "told"),
    [
        (("pass", "not exercised"), "good", "core: 1 passed, 1 not exercised"),
        (
            ("pass", *["not exercised"] * 2),
            "mostly unseen",
            "core: only 1 of 3 passed, 2 not exercised",
        ),
        (("pass", "fail", *["not exercised"] * 3), "bad", "1 failed"),
        (("not exercised",), "bad", "0 passed"),
    ],
)
def test_a_badge_is_green_only_where_most_was_put_to_the_test(
    endings: tuple[str, ...], verdict: str, told: str
) -> None:
    found = report(*endings)
    assert found.verdict == verdict
    svg = WRITERS[".svg"](found)
    assert told in svg
    assert ("#2e7d32" in svg) == (verdict == "good")


def test_a_text_tells_each_reason_once_and_names_few_checks() -> None:
    text = as_text(report("pass", "fail", *["not exercised"] * 5))
    named = ", ".join(f"kind/{n}" for n in range(2, 7))
    assert f"NOT EXERCISED 5 checks: why \x1b[31m\n  {named}\n" in text
    assert "FAIL kind/1 (Embed/piece)" in text
    many = as_text(report("pass", *["not exercised"] * 6))
    assert "NOT EXERCISED 6 checks: why \x1b[31m\n  kind (6)\n" in many


def test_a_page_has_a_heading_the_badge_and_no_empty_header() -> None:
    whole = report(*ENDINGS)
    written = WRITERS[".html"](whole)
    assert "<h1>cml conformance script:x</h1>" in written
    assert WRITERS[".svg"](whole).strip() in written
    assert "<th></th>" not in written
    assert "<th>what was found</th>" in written


def test_every_form_of_a_report_says_what_was_found() -> None:
    from_extra("conformance", "junitparser")
    whole = report(*ENDINGS)
    for form, write in WRITERS.items():
        text = write(whole)
        assert "1 failed" in text or form in {".json", ".xml"}
    document = json.loads(WRITERS[".json"](whole))
    assert document["counts"] == dict.fromkeys(ENDINGS, 1)
    assert (document["seed"], document["level"], document["is_good"]) == (7, "core", False)
    [suite] = ET.fromstring(WRITERS[".xml"](whole))
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "5", "failures": "1", "errors": "1", "skipped": "2"}
    wrong = [(each.tag, each.get("type")) for case in suite.iter("testcase") for each in case]
    assert ("failure", "fail") in wrong
    assert ("error", "error") in wrong
    assert ET.fromstring(WRITERS[".svg"](whole)).tag.endswith("svg")
