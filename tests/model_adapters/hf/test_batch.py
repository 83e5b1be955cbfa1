"""Sessions that decode in one batch: none can tell from its tokens who else was there."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

import msgspec
import pytest
from extras import from_extra
from hypothesis import given
from hypothesis import strategies as st
from trying import tries
from waiting import wait_until

from interpreter import Runtime, Sessions
from interpreter.runs import read_run
from interpreter.session import Batch, EndOfDecoding, Piece
from interpreter.state import Settings
from model_adapters.errors import AdapterError
from model_adapters.opening import AtTrap, Request, Sampling
from model_adapters.prompt import Message
from model_adapters.testing import check_session
from model_adapters.tokens.chat_tokens import chat_ids

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from model_adapters.hf.model import HfModel
else:
    torch = from_extra("hf", "torch")

from model_adapters.hf.batch import DecodingBatch, share_rows
from model_adapters.hf.kv_context import KvContext
from model_adapters.hf.rows import Rows, UnreadTokens
from model_adapters.hf.session import HfSession

SCRIPT = "[CALL] job1 [HEAD] f(x=1) [END] and [TRAP] all [END] so."


@pytest.fixture(scope="module")
def batch(tiny: "HfModel") -> Iterator[DecodingBatch]:
    with DecodingBatch(tiny, rows=16) as made:
        assert made.exact
        yield made


class Step(msgspec.Struct, frozen=True):
    """What is done with a session."""

    verb: Literal["decode", "append", "rewind", "trap", "prompt"]
    amount: int
    at_trap: AtTrap = "keep"


class Story(msgspec.Struct, frozen=True):
    """A session from its question to its end."""

    question: str
    seed: int
    at_trap: AtTrap
    steps: tuple[Step, ...]


texts = st.text(st.sampled_from("ab é日[]\n"), max_size=30)
stories = st.builds(
    Story,
    question=texts,
    seed=st.integers(0, 2**32),
    at_trap=st.sampled_from(["keep", "swap", "recompute"]),
    steps=st.lists(
        st.builds(
            Step,
            verb=st.sampled_from(["decode", "decode", "append", "rewind", "trap", "prompt"]),
            amount=st.integers(0, 12),
        ),
        max_size=6,
    ).map(tuple),
)


def begin(batch: DecodingBatch, model: "HfModel", story: Story) -> HfSession:
    return HfSession(
        model,
        [Message("user", story.question)],
        max_tokens=60,
        sampling=Sampling(temperature=1.5, seed=story.seed),
        at_trap=story.at_trap,
        batch=batch,
    )


def told(session: HfSession, story: Story) -> tuple[tuple[int, ...], list[float]]:
    """Go through a story; return the tokens, and how likely the next ones are, to the last bit."""
    written = 0
    for step in (*story.steps, Step("decode", 3)):
        partial = False
        if step.verb in {"append", "prompt"} and len(session.ids) > 300:
            continue  # the context of so small a model has room for 512 tokens
        match step.verb:
            case "decode":
                for _ in range(step.amount):
                    piece = session.decode()
                    partial = isinstance(piece, Piece) and piece.partial
                    written += len(piece.text) if isinstance(piece, Piece) else 0
                while partial:
                    piece = session.decode()
                    partial = isinstance(piece, Piece) and piece.partial
                    written += len(piece.text) if isinstance(piece, Piece) else 0
            case "append":
                session.append(Batch("it is 18° " * step.amount))
                written = 0
            case "rewind":
                session.rewind(min(step.amount, written))
                written -= min(step.amount, written)
            case "trap":
                session.suspend(None)
                session.resume()
            case "prompt":
                session.prompt("And? " * step.amount)
                written = 0
    return session.ids, [each.logprob for each in session.logprobs(400)]


@tries(8)
@given(some=st.lists(stories, min_size=2, max_size=6))
def test_what_a_session_decodes_does_not_depend_on_who_comes_and_goes(
    batch: DecodingBatch, tiny: "HfModel", some: Sequence[Story]
) -> None:
    def go(story: Story) -> tuple[tuple[int, ...], list[float]]:
        session = begin(batch, tiny, story)
        try:
            return told(session, story)
        finally:
            session.close()

    alone = [go(story) for story in some]
    with ThreadPoolExecutor(len(some)) as threads:
        together = list(threads.map(go, some))
    assert together == alone


@tries(15)
@given(story=stories)
def test_scores_depend_on_the_context_alone_and_not_on_how_it_was_read(
    batch: DecodingBatch, tiny: "HfModel", story: Story
) -> None:
    """Grown token by token, appended, cut, let go: the same bits as read at once."""
    session = begin(batch, tiny, story)
    told(session, story)
    grown = session._kv.scores()
    session._kv.forget()
    assert torch.equal(session._kv.scores(), grown)
    session.close()


@tries(10)
@given(story=stories)
def test_beside_a_session_of_its_own_the_scores_differ_by_rounding_at_most(
    batch: DecodingBatch, tiny: "HfModel", story: Story
) -> None:
    session = begin(batch, tiny, story)
    told(session, story)
    with torch.inference_mode():
        output = tiny.network(input_ids=torch.tensor([session.ids]), use_cache=False)
    torch.testing.assert_close(session._kv.scores(), output.logits[0, -1], atol=2e-3, rtol=1e-3)
    session.close()


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20), st.integers(1, 32))
def test_everyone_who_waits_has_a_row_and_no_row_is_left_while_there_is_something_to_read(
    unread: list[int], rows: int
) -> None:
    counts = share_rows(unread, rows)
    assert len(counts) == min(len(unread), rows)
    assert all(1 <= count <= tokens for count, tokens in zip(counts, unread, strict=False))
    assert sum(counts) == min(rows, sum(unread[: len(counts)]))


def test_sessions_that_begin_at_the_same_time_have_the_tokens_of_their_chats(
    tiny: "HfModel",
) -> None:
    """A tokenizer that was told in one thread to cut special tokens apart did so in another."""
    text = "<|start|> é <|end|>" * 20
    expected = chat_ids(tiny, [Message("user", text)])
    with ThreadPoolExecutor(4) as threads:
        found = threads.map(lambda _: chat_ids(tiny, [Message("user", text)]), range(200))
        assert all(ids == expected for ids in found)


# ------------------------------------------------------------------------------- the contract


@pytest.mark.parametrize(
    ("tiny", "at_trap"),
    [
        ("full attention", "swap"),
        ("sliding window", "recompute"),
        pytest.param("full attention", "recompute", marks=pytest.mark.slow),
        pytest.param("sliding window", "swap", marks=pytest.mark.slow),
    ],
    indirect=["tiny"],
)
def test_a_session_of_a_batch_keeps_the_contract(
    batch: DecodingBatch, tiny: "HfModel", at_trap: AtTrap
) -> None:
    def make() -> HfSession:
        sampling = Sampling(temperature=2.0, seed=5)
        ask = [Message("user", "Count.")]
        return HfSession(tiny, ask, max_tokens=400, sampling=sampling, at_trap=at_trap, batch=batch)

    def written(session: HfSession) -> str:
        ids = list(session.ids[len(chat_ids(tiny, [Message("user", "Count.")])) :])
        return str(tiny.tokenizer.decode(ids[: len(ids) - session._segment.begun]))

    assert check_session(make, context_of=written).not_exercised == {}


class Forced(HfSession):
    """Writes what it is told to, by its own ability to be masked."""

    script: list[int]

    def decode(self) -> Piece | EndOfDecoding:
        if not self.script:
            self._kv.leave()
            return EndOfDecoding("stop")
        self.allow([self.script.pop(0)])
        return super().decode()


def forced(batch: DecodingBatch, model: "HfModel") -> Forced:
    session = Forced(model, [Message("user", "Go.")], max_tokens=400, batch=batch)
    session.script = list(session.encode(SCRIPT))
    return session


def test_drivers_in_threads_share_a_batch_and_a_trapped_session_holds_nobody_up(
    batch: DecodingBatch, tiny: "HfModel"
) -> None:
    """The call of the first returns once the others, which came later, are through."""
    through, at_trap = threading.Barrier(4), threading.Event()

    def run(call: Callable[..., object], *, first: bool) -> str:
        session = forced(batch, tiny)
        with Runtime(session, {"f": call}, Settings(deliver="idle")) as runtime:
            rows = []
            for row in runtime.run():
                rows.append(row)
                if first and row.rule == "Step/trap":
                    at_trap.set()
            run = read_run(runtime.settings, rows)
        assert [call.outcome is not None for call in run.calls] == [True]
        return str(tiny.tokenizer.decode(list(session.ids)))

    def late(x: int) -> int:
        through.wait(60)
        return x

    def others() -> str:
        at_trap.wait(60)
        context = run(lambda x: x, first=False)
        through.wait(60)
        return context

    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(run, late, first=True)]
        running += [threads.submit(others) for _ in range(3)]
        contexts = [each.result(120) for each in running]
    assert len({*contexts}) == 1
    assert "[INTR] job1 [HEAD] 1 [END]" in contexts[0]


def test_sessions_of_one_event_loop_decode_in_a_batch(
    batch: DecodingBatch, tiny: "HfModel"
) -> None:
    async def run(sessions: Sessions) -> str:
        session = forced(batch, tiny)
        runtime = sessions.open(session, {"f": lambda x: x}, Settings(deliver="idle"))
        await runtime.complete()
        context = str(tiny.tokenizer.decode(list(session.ids)))
        await runtime.aclose()
        return context

    async def run_all() -> list[str]:
        with ThreadPoolExecutor(8) as decoders:
            async with Sessions(decoder=decoders) as sessions:
                return await asyncio.gather(*(run(sessions) for _ in range(8)))

    contexts = asyncio.run(run_all())
    assert len({*contexts}) == 1
    assert "[INTR] job1 [HEAD] 1 [END]" in contexts[0]


def test_sessions_of_a_server_have_their_rows_in_the_same_passes(
    drawn: "Callable[[Mapping[str, object]], Path]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first session reads a prompt of several passes; the second asks before the first of them ends."""
    from_extra("page", "starlette")
    from model_adapters.serving.live.sessions import LiveSessions
    from model_adapters.serving.live.source import SessionWanted, Source

    folder = drawn({"model_type": "llama", "max_position_embeddings": 4096})
    asked = Request(f"hf:{folder}", "Hi.", {}, 4, device="cpu", masked=False, sessions=2)
    source = Source(asked, Settings())
    passes: list[int] = []
    batches: list[DecodingBatch] = []
    ask, read = DecodingBatch.scores, Rows.scores

    def asking(batch: DecodingBatch, context: KvContext) -> "torch.Tensor":
        batches.append(batch)
        return ask(batch, context)

    def reading(rows: Rows, parts: Sequence[UnreadTokens], width: int) -> "torch.Tensor":
        if not passes:
            wait_until(lambda: len(batches[0]._waiting) == 2)
        passes.append(len(parts))
        return read(rows, parts, width)

    async def serve() -> list[str | None]:
        async with LiveSessions(source) as live:
            begun = [await live.begin(SessionWanted(f"Count to {n}."), "one") for n in (5, 6)]
            for each in begun:
                async for _ in each.log.follow(0, 60.0):
                    pass
            return [each.document.ended for each in begun]

    monkeypatch.setattr(DecodingBatch, "scores", asking)
    monkeypatch.setattr(Rows, "scores", reading)
    assert asyncio.run(serve()) == ["over", "over"]
    assert 2 in passes


# -------------------------------------------------------------------------------- what goes wrong


def test_who_waits_when_the_batch_is_closed_is_told_so(tiny: "HfModel") -> None:
    batch = DecodingBatch(tiny, rows=8)
    session = HfSession(tiny, [Message("user", "Go.")], batch=batch)
    session.decode()
    batch.close()
    with pytest.raises(AdapterError, match="the batch is closed"):
        session.decode()
    session.close()


def test_a_pass_that_fails_is_told_to_who_waits_and_the_batch_goes_on(
    tiny: "HfModel", monkeypatch: pytest.MonkeyPatch
) -> None:
    with DecodingBatch(tiny, rows=8) as batch:
        session, other = (HfSession(tiny, [Message("user", "Go.")], batch=batch) for _ in range(2))
        first = other.logprobs(5)

        def fail(*_: object) -> None:
            raise RuntimeError("out of memory")

        with monkeypatch.context() as patch:
            patch.setattr(batch._rows, "scores", fail)
            with pytest.raises(RuntimeError, match="out of memory"):
                session.decode()
        assert session.logprobs(5) == first


def test_no_pass_is_made_for_nobody(tiny: "HfModel", monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked may have left by the time that all others have come, or are not waited for any more."""
    with DecodingBatch(tiny, rows=8) as batch:
        passes: list[object] = []
        monkeypatch.setattr(batch._rows, "scores", lambda *asked: passes.append(asked))
        batch._read()
        assert passes == []


def test_attention_that_cannot_be_computed_by_rows_is_refused(
    tiny: "HfModel", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny.network.config, "_attn_implementation_internal", "eager")
    with pytest.raises(AdapterError, match="decode it without a batch"):
        DecodingBatch(tiny)
