"""What is measured, where it is kept, and what it decides."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpreter import DecodingCosts, EndOfDecoding, Piece, ScriptedSession
from interpreter.schedule.commands.options import load_costs
from interpreter.schedule.costs import Costs
from interpreter.schedule.data.measured import (
    ContextMoves,
    Measurement,
    MeasurementError,
    keep_measurement,
    measured_path,
    measurement_of,
    measurements,
    newest_measurement,
)
from interpreter.schedule.paper.trap_costs import cost_again_us
from interpreter.session import Batch
from model_adapters.calibration import calibrate, told
from model_adapters.errors import AdapterError
from model_adapters.hf.suspending import choose_strategy
from model_adapters.opening import Opened

if TYPE_CHECKING:
    from model_adapters.hf.model import HfModel

MOVES = ContextMoves(swap_out_token_ns=6_000, swap_in_token_ns=4_000, read_token_ns=80_000)
ONE = Measurement(
    backend="hf",
    model="one on cpu",
    measured_at="2026-11-25T12:00:00+00:00",
    token_us=40_000,
    context_token_ns=2_600,
    interrupt_token_ns=3_000_400,
    call_tokens=12,
    trap_tokens=6,
    moves=MOVES,
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CML_CACHE", str(tmp_path / "new"))
    return tmp_path / "new"


# ---------------------------------------------------------------------------------- measuring


class Clockwork(ScriptedSession):
    """Every verb takes what it is said to, by a clock of its own."""

    def __init__(self, costs: DecodingCosts, every: int = 10**9) -> None:
        super().__init__([])
        self.costs_of = costs
        self.now_us = self.context_tokens = self.unread = self.steps = 0
        self.every = every

    def decode(self) -> Piece | EndOfDecoding:
        self.steps += 1
        self.now_us += self.unread * self.costs_of.interrupt_token_us + self.costs_of.token_us
        self.now_us += self.context_tokens * self.costs_of.context_token_us
        self.unread = 0
        if self.steps % self.every == 0:
            return EndOfDecoding("stop")
        self.context_tokens += 1
        return Piece("x")

    def append(self, batch: Batch) -> int:
        tokens = len(batch.text) // 4
        self.unread += tokens
        self.context_tokens += tokens
        return tokens


@given(st.integers(1, 10**6), st.integers(0, 10**4), st.integers(3, 40))
def test_what_a_session_takes_is_what_is_measured(token_us: int, more_us: int, every: int) -> None:
    session = Clockwork(DecodingCosts(token_us=token_us, interrupt_token_us=more_us), every)
    found = calibrate(Opened(session, "m"), "script:x", "now", clock=lambda: session.now_us)
    assert (found.token_us, found.interrupt_token_ns) == (token_us, more_us * 1_000)
    assert found.context_token_ns == 0
    assert found.moves is None


def test_what_the_context_adds_is_measured() -> None:
    session = Clockwork(DecodingCosts(token_us=1_000, context_token_us=3))
    found = calibrate(Opened(session, "m"), "script:x", "now", clock=lambda: session.now_us)
    assert found.context_token_ns == pytest.approx(3_000, rel=0.15)
    assert found.token_us == pytest.approx(1_000, rel=0.1)


def test_a_model_that_only_ends_is_given_up() -> None:
    session = Clockwork(DecodingCosts(), every=1)
    with pytest.raises(AdapterError, match="comes to its end all the time"):
        calibrate(Opened(session, "m"), "script:x", "now", clock=lambda: session.now_us)


def test_a_model_of_transformers_is_measured_with_the_ways_of_its_context(tiny: "HfModel") -> None:
    from model_adapters.hf.session import HfSession
    from model_adapters.prompt import Message

    session = HfSession(tiny, (Message("user", "Hi."),), max_tokens=10_000)
    with pytest.raises(AdapterError, match="too small"):  # 512 tokens, and bytes are tokens
        calibrate(Opened(session, "tiny"), "hf:tiny", "now")
    session = HfSession(tiny, (Message("user", "Hi."),))
    ids, scores = session.ids, session._context.scores()
    moves = session.measure_moves()
    assert moves.read_token_ns > 0
    assert session.ids == ids
    assert session._context.scores().allclose(scores, atol=1e-4)


# ------------------------------------------------------------------------------------ keeping


def test_the_newest_of_each_model_is_kept(cache: Path) -> None:
    import msgspec

    other = msgspec.structs.replace(ONE, model="other", moves=None)
    newer = msgspec.structs.replace(ONE, token_us=5)
    for each in (ONE, other, newer):
        assert keep_measurement(each) == measured_path()
    assert measurements() == (newer, other)
    assert newest_measurement() == newer
    assert measurement_of("other") == other
    assert measurement_of("third") is None
    assert [path.name for path in cache.iterdir()] == ["measured.json"]


def test_where_nothing_was_measured_it_is_said_what_to_do() -> None:
    assert measurements() == ()
    with pytest.raises(MeasurementError, match="run cml calibrate first"):
        newest_measurement()


@pytest.mark.parametrize("content", [b"", b"{}", b"[{}]", b'[{"token_us": -1}]', b"\xff"])
def test_a_file_that_cannot_be_read_is_named_and_replaced(content: bytes) -> None:
    measured_path().parent.mkdir()
    measured_path().write_bytes(content)
    with pytest.raises(MeasurementError, match=r"measured\.json: .*; delete it and run"):
        measurements()
    assert measurement_of("one on cpu") is None
    keep_measurement(ONE)
    assert measurements() == (ONE,)


def test_the_simulator_takes_the_newest_and_says_which(
    capsys: pytest.CaptureFixture[str],
) -> None:
    keep_measurement(ONE)
    assert load_costs("measured") == Costs(
        token_us=40_000,
        interrupt_token_us=3_000,
        async_call_tokens=12,
        sync_call_tokens=18,
        parallel_call_tokens=12,
        parallel_round_tokens=6,
        trap_tokens=6,
    )
    said = f"--costs measured: {ONE.model} ({ONE.backend}), {ONE.measured_at}, out of {measured_path()}"
    assert capsys.readouterr() == ("", f"{said}\n")
    assert ONE.decoding == DecodingCosts(40_000, 3_000, 0, 3)


def test_people_are_told_every_figure() -> None:
    figures = dict(told(ONE))
    assert figures["a decoded token"] == "40.00 ms (25.0 a second)"
    assert figures["to read 1,000 tokens again"] == "80.00 ms"
    assert figures["to move them out"] == "6.00 ms"
    assert len(figures) == 8


# ----------------------------------------------------------------------------------- choosing


def choose(tokens: int, waited_us: int, wait_us: int | None, **options: bool) -> object:
    told = choose_strategy(
        MOVES, tokens, waited_us, wait_us, **{"is_short": True, "can_swap": True, **options}
    )
    return (told.strategy, told.again_us)


def test_a_context_is_let_go_where_the_wait_is_dearer() -> None:
    assert choose(1_000, 0, 9_999) == ("keep", 9_999)
    assert choose(1_000, 0, 10_000) == ("swap", None)
    assert choose(1_000, 0, 79_999, can_swap=False) == ("keep", 79_999)
    assert choose(1_000, 0, 80_000, can_swap=False) == ("recompute", None)


def test_a_wait_of_which_nobody_can_tell_counts_as_long_as_it_has_lasted() -> None:
    assert choose(1_000, 0, None) == ("keep", 10_000)
    assert choose(1_000, 4_000, None) == ("keep", 6_000)
    assert choose(1_000, 10_000, None) == ("swap", None)


def test_where_memory_is_plenty_a_context_stays_and_is_looked_at_again() -> None:
    assert choose(10**6, 10**9, 10**9, is_short=False) == ("keep", 1_000_000)


def test_what_was_never_measured_is_kept() -> None:
    told = choose_strategy(None, 10**6, 10**9, None, is_short=True, can_swap=True)
    assert (told.strategy, told.again_us) == ("keep", None)


@given(
    tokens=st.integers(1, 10_000),
    wait_us=st.integers(1, 10**6),
    expected_us=st.none() | st.integers(1, 10**6),
    can_swap=st.booleans(),
)
def test_the_choice_costs_what_the_model_of_it_says(
    tokens: int, wait_us: int, expected_us: int | None, can_swap: bool
) -> None:
    """As `cost_again_us`, which the studies draw; and without an estimate at most twice the least."""
    leave_us = MOVES.swap_us(tokens) if can_swap else MOVES.recompute_us(tokens)
    now_us, cost_us = 0, wait_us
    while now_us < wait_us:
        known = None if expected_us is None or now_us >= expected_us else expected_us - now_us
        told = choose_strategy(MOVES, tokens, now_us, known, is_short=True, can_swap=can_swap)
        if told.strategy != "keep":
            cost_us = now_us + leave_us
            break
        assert told.again_us is not None
        assert told.again_us > 0
        now_us += told.again_us
    assert cost_us == (
        cost_again_us(leave_us, wait_us, expected_us or 0) if now_us != wait_us else wait_us
    )
    if expected_us is None:
        assert cost_us <= 2 * min(wait_us, leave_us)
