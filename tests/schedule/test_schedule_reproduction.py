"""The published evaluation beside ours."""

import json
import zipfile
from pathlib import Path

import pytest
from extras import from_extra
from hypothesis import given
from hypothesis import strategies as st

from interpreter.schedule.costs import Costs
from interpreter.schedule.data.bfcl import BfclError
from interpreter.schedule.data.bfcl_needs import find_needs
from interpreter.schedule.paper import theorems
from interpreter.schedule.paper.published import FIGURES, NOT_REPRODUCED
from interpreter.schedule.paper.report import write_reproduction
from interpreter.schedule.paper.reproduction import Setup
from interpreter.schedule.paper.trap_costs import (
    HARDWARE,
    cost_again_us,
    cost_once_us,
    cost_waited_us,
    crossover_tokens,
)

BACKEND = """
class GorillaFileSystem:
    def __init__(self):
        self.here, self.log = "/", {}
    def _load_scenario(self, config, long_context=False):
        self.folders = config["folders"]
    def cd(self, folder):
        self.here = folder
        return {"here": folder}
    def ls(self):
        return [self.here]
    def rm(self, name):
        if name not in self.folders:
            raise ValueError(name)
        self.folders.remove(name)
    def tag(self, name):
        self.log[name] = True
        return {"token": "tag-" + name}
    def use(self, token):
        return None
"""


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel of the same form as that of bfcl-eval."""
    path = tmp_path / "bfcl_eval-1-py3-none-any.whl"
    folder = "bfcl_eval/data/possible_answer/BFCL_v4"
    parallel = [
        {"id": f"p{i}", "ground_truth": [{"f": {"x": [i]}}, {"g": {"y": ["long text"]}}]}
        for i in range(4)
    ]
    turns = [
        {"id": f"t{i}", "ground_truth": [["cd(folder='a')", "ls()"][: 1 + i % 2]]} for i in range(6)
    ]
    asked = [
        {
            "id": f"t{i}",
            "question": [[{"role": "user", "content": "Look into a"}]],
            "initial_config": {"GorillaFileSystem": {"folders": ["a"]}},
            "involved_classes": ["GorillaFileSystem"],
        }
        for i in range(6)
    ]
    package = "bfcl_eval/eval_checker/multi_turn_eval/func_source_code"
    with zipfile.ZipFile(path, "w") as archive:
        for depth in range(1, 5):
            archive.writestr("/".join([*package.split("/")[:depth], "__init__.py"]), "")
        archive.writestr(f"{package}/gorilla_file_system.py", BACKEND)
        asked_lines = "\n".join(map(json.dumps, asked))
        archive.writestr("bfcl_eval/data/BFCL_v4_multi_turn_base.json", asked_lines)
        archive.writestr(f"{folder}_parallel.json", "\n".join(map(json.dumps, parallel)))
        archive.writestr(f"{folder}_multi_turn_base.json", "\n".join(map(json.dumps, turns)))
    return path


def test_the_report_holds_every_published_figure(wheel: Path, tmp_path: Path) -> None:
    from_extra("plot", "matplotlib")
    setup = Setup(wheel=wheel, count=5)
    write_reproduction(setup, tmp_path / "r")
    text = (tmp_path / "r" / "asynclm.md").read_text()
    for figure in FIGURES:
        assert (
            f"| {figure.data} | {figure.preset} | {figure.ratio} | {figure.published:.2f}x" in text
        )
    for reason in NOT_REPRODUCED:
        assert reason in text
    page = (tmp_path / "r" / "asynclm.html").read_text()
    for picture in ("ratios", "traps-1", "traps-2", "traps-again"):
        assert f"({picture}.svg)" in text
        assert (tmp_path / "r" / f"{picture}.svg").is_file()
        assert f'id="{picture}"' in page
    write_reproduction(setup, tmp_path / "s")
    assert (tmp_path / "s" / "asynclm.html").read_text() == page


@pytest.mark.parametrize(
    ("calls", "needs"),
    [
        (["cd(folder='a')", "ls()"], ((), (0,))),
        (["ls()", "tag(name='x')"], ((), ())),
        (["tag(name='x')", "tag(name='y')", "ls()"], ((), (), ())),
        (["tag(name='x')", "use(token='tag-x')"], ((), (0,))),
        (["ls()", "cd(folder='a')", "ls()"], ((), (0,), (0, 1))),
        (["rm(name='a')", "rm(name='a')"], ((), (0,))),
        (["ls()"] * 6, ((), (0,), (1,), (2,), (3,), (4,))),
    ],
)
def test_needs_are_found_by_executing(
    wheel: Path, calls: list[str], needs: tuple[tuple[int, ...], ...]
) -> None:
    assert find_needs(wheel, {"t0": calls}) == {"t0": needs}


def test_something_else_than_the_wheel_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.whl"
    other.write_bytes(b"not a wheel")
    with pytest.raises(BfclError, match="bfcl-eval"):
        write_reproduction(Setup(wheel=other), tmp_path / "r")


AS_PRINTED = {
    "6.1: Async ≤ Sync-Parallel, when it adds its tokens (4 a call and 2 a trap, against 1 a call"
    " and 3 a round)",
    "6.1: Sync-Parallel < Sync, for any number of calls",
    "6.2: the error is O(ρ²), as printed",
    "6.3: LPT is optimal when calls need others",
    "6.3: LPT is optimal when workers are limited",
}
"""The claims of the paper that fail as they are printed."""


def failing() -> set[str]:
    return {one.claim for one in theorems.check_theorems() if not one.holds}


def test_theorems_hold_and_fail_where_they_should() -> None:
    assert failing() == AS_PRINTED
    assert theorems.check_theorems() == theorems.check_theorems()


def test_what_is_found_of_a_theorem_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a world without tokens of the protocol, in which every LPT is the best, less fails."""
    monkeypatch.setattr(theorems, "_WITH_TOKENS", Costs(token_us=1))
    monkeypatch.setattr(theorems, "_lpt_us", theorems._best_us)
    assert failing() == {
        claim for claim in AS_PRINTED if "for any number" in claim or "O(ρ²)" in claim
    }
    monkeypatch.setattr(theorems, "_lpt_us", lambda plan: theorems._best_us(plan) + 1)
    assert "6.3: LPT is optimal for independent calls" in failing()


TIME = st.floats(0, 1e7)


@given(leave_us=TIME, wait_us=TIME, expected_us=TIME)
def test_no_choice_beats_one_who_knows(leave_us: float, wait_us: float, expected_us: float) -> None:
    least = min(leave_us, wait_us)
    assert cost_once_us(leave_us, wait_us, expected_us) >= least
    assert cost_again_us(leave_us, wait_us, expected_us) >= least
    assert least <= cost_waited_us(leave_us, wait_us) <= 2 * least
    assert cost_once_us(leave_us, wait_us, wait_us) == least


@pytest.mark.parametrize("hardware", HARDWARE, ids=lambda one: one.name)
def test_the_crossover_is_where_both_cost_the_same(hardware) -> None:
    cross = crossover_tokens(hardware)
    if cross is None:
        assert all(hardware.swap_us(n) < hardware.recompute_us(n) for n in (1, 100, 100_000))
    else:
        assert hardware.swap_us(cross) == pytest.approx(hardware.recompute_us(cross), rel=1e-3)
