"""`pytest --cml-backend=BACKEND`, as a project that tests its own backend runs it."""

import os
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import model_adapters.backends
import model_adapters.conformance.checks  # noqa: F401  what is imported in a test is forgotten after it

pytest_plugins = ("pytester",)

ROOT = Path(__file__).parents[3]
POINTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
OTHERS = ("cacheprovider", "hypothesispytest", "anyio", "xdist", "timeout")
WITHOUT_OTHERS = [word for other in OTHERS for word in ("-p", f"no:{other}")]
"""Plugins that are not what these tests are about: to import them takes longer than to run them."""
ADAPTER = """
from time import sleep
from interpreter import EndOfDecoding, ScriptedSession

WORDS = [f"word{n} " for n in range(500)]

def good(request):
    return ScriptedSession([*WORDS[: request.max_tokens], EndOfDecoding("length")])

class Twice(ScriptedSession):
    def append(self, batch):
        super().append(batch)
        return super().append(batch)

def twice(request):
    return Twice(WORDS)

class Hanging(ScriptedSession):
    def rewind(self, characters):
        sleep(3600)

def hanging(request):
    return Hanging(WORDS)

def broken(request):
    raise ValueError("no weights")
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch):
    """Runs pytest where the distribution is installed: its entry points, and the tree under test."""
    installed = pytester.mkdir("installed")
    info = installed / "cml_lang_here-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cml-lang-here\nVersion: 0\n")
    points = "\n".join(f"{name} = {module}" for name, module in POINTS["pytest11"].items())
    (info / "entry_points.txt").write_text(f"[pytest11]\n{points}\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(installed)]))
    (pytester.path / "given_adapter.py").write_text(ADAPTER)

    def run(*words: str) -> pytest.RunResult:
        return pytester.run(sys.executable, "-m", "pytest", *WITHOUT_OTHERS, *words, timeout=240)

    return run


@pytest.fixture
def run_here(pytester: pytest.Pytester):
    """Runs pytest in this process, which is quicker: the distribution is installed here, too."""
    (pytester.path / "given_adapter.py").write_text(ADAPTER)
    pytester.syspathinsert()

    def run_here(*words: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess(*WITHOUT_OTHERS, *words)

    return run_here


def checking(factory: str, *only: str) -> list[str]:
    words = [f"--cml-only={identifier}" for identifier in only]
    return [f"--cml-backend=python:given_adapter:{factory}", "-W", "error", *words]


def test_each_check_is_a_test_and_what_was_not_exercised_is_no_pass(run) -> None:
    found = run(*checking("good", "session", "driver"), "-v", "--junit-xml=report.xml")
    outcomes = found.parseoutcomes()
    assert found.ret == 0
    assert set(outcomes) == {"passed", "skipped"}
    found.stdout.fnmatch_lines(
        [
            "CML conformance: backend python:given_adapter:good, level extended, seed 0",
            "cml::session/append PASSED*",
            "cml::session/tokens SKIPPED (session/tokens: not exercised: the sess*",
            "cml::driver/past-trap PASSED*",
        ]
    )
    cases = {case.get("name"): case for case in ET.parse("report.xml").iter("testcase")}
    assert cases["driver/forged"].find("properties/property").attrib == {
        "name": "rules",
        "value": "Step/forged, Embed/taken-back",
    }


def test_a_failure_says_what_was_found_and_how_to_see_it_alone(run_here) -> None:
    found = run_here(*checking("twice", "session/append", "session/close"), "--cml-seed=3")
    assert (found.ret, found.parseoutcomes()) == (1, {"passed": 1, "failed": 1})
    alone = "--cml-backend=python:given_adapter:twice --cml-seed=3 --cml-only=session/append"
    found.stdout.fnmatch_lines(
        ["fail: Embed/append: *", "rules: Embed/append", f"alone: pytest {alone} -m *"]
    )
    found.stdout.no_fnmatch_line("*Traceback*")


def test_a_baseline_makes_expected_failures_and_goes_stale(run_here) -> None:
    Path("known.txt").write_text(
        "session/append  # goes in twice\nsession/close  # mended\nsession/tokens\nsession/no\n"
    )
    only = ("session/append", "session/close", "session/tokens")
    found = run_here(*checking("twice", *only), "--cml-baseline=known.txt", "-v")
    assert found.ret == 1
    assert found.parseoutcomes() == {"xfailed": 1, "failed": 2, "skipped": 1}
    found.stdout.fnmatch_lines(
        [
            "cml::session/append XFAIL (the baseline expects it)*",
            "cml::session/close FAILED*",
            "cml::session/tokens SKIPPED*",
            "cml::session/no FAILED*",
        ]
    )
    found.stdout.fnmatch_lines(["*there is no such check: take it out of the baseline*"])


def test_a_check_that_hangs_is_cut_off_and_the_next_one_runs(run) -> None:
    only = ("session/rewind", "session/close")
    found = run(*checking("hanging", *only), "--cml-timeout=2")
    assert (found.ret, found.parseoutcomes()) == (1, {"passed": 1, "failed": 1})
    found.stdout.fnmatch_lines(["error: it did not come to its end within 2 s"])


def test_other_tests_run_beside_the_checks_and_marks_choose(run_here) -> None:
    Path("test_own.py").write_text("def test_own():\n    pass\n")
    words = checking("good", "session/append", "session/piece")
    assert run_here(*words).parseoutcomes() == {"passed": 3}
    marked = run_here(*words, "-m", "cml_conformance", "-k", "append", "--strict-markers")
    assert marked.parseoutcomes() == {"passed": 1, "deselected": 2}


def test_a_backend_that_cannot_be_opened_is_told_once(run_here) -> None:
    found = run_here(*checking("broken"))
    assert (found.ret, found.parseoutcomes()) == (1, {"failed": 1})
    found.stdout.fnmatch_lines(
        ["*ValueError: no weights*", "*python:given_adapter:broken cannot be opened*"]
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--cml-backend=nonsense"], "*is no backend*"),
        (
            checking("good", "nonsense"),
            "*there is no check 'nonsense'*; `cml conformance --list` shows all",
        ),
        ([*checking("good"), "--cml-level=all"], "*expected one of core, futures, extended*"),
        (
            [*checking("good"), "--cml-baseline=nowhere"],
            "*--cml-baseline nowhere: *there is no such file*",
        ),
    ],
)
def test_a_mistake_is_told_as_one_of_usage(run_here, words: list[str], told: str) -> None:
    found = run_here(*words)
    assert found.ret == pytest.ExitCode.USAGE_ERROR
    found.stderr.fnmatch_lines([f"ERROR: {told}"])


def test_without_the_option_nothing_of_the_suite_is_imported(run) -> None:
    Path("test_own.py").write_text(
        "import sys\n"
        "def test_own():\n"
        "    ours = {'cml', 'interpreter', 'model_adapters'}\n"
        "    found = sorted(name for name in sys.modules if name.partition('.')[0] in ours)\n"
        "    plugin = 'model_adapters.conformance.plugin'\n"
        "    assert found == ['model_adapters', 'model_adapters.conformance', plugin]\n"
    )
    assert run().parseoutcomes() == {"passed": 1}
