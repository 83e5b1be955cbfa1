"""What becomes of the context: whatever is done to a session, it is one with the same tokens."""

import random
from collections.abc import Callable, Iterator
from typing import Final

from msgspec.structs import replace

from interpreter.executors.threads import DaemonThreads
from interpreter.session import SEEDS, SUSPEND, TOKENS, Batch, EndOfDecoding, Strategy, abilities_of
from model_adapters.conformance.check import Check, checked
from model_adapters.conformance.forcing import Forced, NotExercised
from model_adapters.conformance.mechanism.outlook import fresh_outlook, outlook, require_alike
from model_adapters.conformance.subject import Subject
from model_adapters.opening import Request
from model_adapters.testing import SessionError
from model_adapters.testing.watched import BATCH, same

_BEFORE: Final = " one, two [CALL] job1 [HEAD] f(1) [END] three,"
_AFTER: Final = " four, five,"
_TAKEN_BACK: Final = " [CALL] job2 [HEAD] g() [END] so it is 7"
_TEXTS: Final = (
    "plain words,",
    ' [CALL] job1 [HEAD] f(x="[END]", y=[1, 2]) [END] [TRAP][END]',
    "\n\n  Größe, 日本, 👩‍🚀 — and\ttabs",
)
_A_TURN: Final = 4
_SESSION_TELLS_NO_TOKENS: Final = "the session tells no tokens: declare the ability 'tokens'"


@checked("context/forced", "Embed/masks", "Embed/piece")
def forced(subject: Subject) -> str | None:
    """A session under masks of one token writes a script, token by token, with every kind of character."""
    for text in _TEXTS:
        with subject.forced(subject.script(text)) as session:
            session.write_all()
            same(session.context, text, "Embed/piece", "what was written")
    return None


@checked("context/append", "Embed/append", "Embed/tokens")
def append(subject: Subject) -> str | None:
    """The tokens of an interrupt are in the context exactly once, where it went in, and none of its others moves."""
    with subject.forced(subject.script(_BEFORE, _AFTER)) as session:
        watched = session.watched
        if TOKENS not in abilities_of(watched.session):
            return _SESSION_TELLS_NO_TOKENS
        encode = watched.able(TOKENS).encode
        expected = watched.ids
        for text in _TEXTS:
            session.append(Batch(text))
            expected += encode(text)
            same(watched.ids, expected, "Embed/append", "the tokens after an append")
        session.write_all()
        expected += encode(_BEFORE) + encode(_AFTER)
        same(watched.ids, expected, "Embed/append", "the tokens of what was written after appends")
        session.append(BATCH)
        same(watched.ids, expected + encode(BATCH.text), "Embed/append", "the tokens at the end")
    return None


def _alike(subject: Subject, treat: Callable[[Forced], object], rule: str, what: str) -> None:
    """See that a session that was treated in a way goes on as a fresh one with the same tokens."""
    with subject.forced(subject.script(_BEFORE, _AFTER)) as session:
        treat(session)
        expected = fresh_outlook(subject, session)
        if expected is None:
            raise NotExercised(_SESSION_TELLS_NO_TOKENS)
        require_alike(outlook(session.watched), expected, rule, what)


@checked("context/after-append", "Embed/append")
def after_append(subject: Subject) -> str | None:
    """After an interrupt the model goes on as after the same tokens in a fresh context."""

    def treat(session: Forced) -> None:
        session.decode()
        session.append(BATCH)
        session.write_all()
        session.append(Batch(_TEXTS[2]))

    _alike(subject, treat, "Embed/append", "what comes next after appends")
    return None


@checked("context/after-rewind", "Embed/rewind", "Embed/taken-back")
def after_rewind(subject: Subject) -> str | None:
    """After a rewind the model goes on as if it had never written what was taken back."""
    with subject.forced(subject.script(_BEFORE, _TAKEN_BACK)) as session:
        session.write_all()
        session.rewind(len(_TAKEN_BACK))
        expected = fresh_outlook(subject, session)
        if expected is None:
            return _SESSION_TELLS_NO_TOKENS
        require_alike(outlook(session.watched), expected, "Embed/rewind", "what comes next")
    return None


@checked("context/after-anything", "Embed/append", "Embed/rewind")
def after_anything(subject: Subject) -> str | None:
    """After appends, rewinds and writing in an order drawn by the seed, the context is what its tokens say."""
    draw = random.Random(subject.seed)  # noqa: S311  a test is no secret

    def treat(session: Forced) -> None:
        for _ in range(12):
            match draw.choice(("write", "write", "append", "rewind")):
                case "write":
                    session.decode()
                case "append":
                    session.append(Batch(draw.choice(_TEXTS)))
                case _:
                    _rewind_a_little(session, draw)

    _alike(subject, treat, "Embed/append", f"what comes next, treated as seed {subject.seed} says")
    return None


def _rewind_a_little(session: Forced, draw: random.Random) -> None:
    before, text = session.appended[-1] if session.appended else ("", "")
    written = len(session.context) - len(before) - len(text)
    if written:
        session.rewind(draw.randint(1, min(written, 5)))


def _suspending(strategy: Strategy) -> Check:
    def exercise(subject: Subject) -> str | None:
        request = replace(subject.request, at_trap=strategy)
        with subject.forced(subject.script(_BEFORE, _AFTER), request) as session:
            if SUSPEND not in abilities_of(session.watched.session):
                return "the session does not declare the ability 'suspend'"
            session.decode()
            chosen = session.suspend(1_000_000).strategy
            session.resume()
            session.write_all()
            session.suspend(None)
            session.resume()
            session.append(BATCH)
            expected = fresh_outlook(subject, session)
            if expected is None:
                return _SESSION_TELLS_NO_TOKENS
            require_alike(
                outlook(session.watched), expected, "Embed/suspend", "what comes after a resume"
            )
        return (
            None if chosen == strategy else f"asked for {strategy!r}, the session chose {chosen!r}"
        )

    does = f"A context that was suspended by the strategy {strategy} goes on as one that never was."
    return Check(f"context/after-suspend-{strategy}", does, ("Embed/suspend",), exercise)


@checked("context/woven", "Embed/apart")
def woven(subject: Subject) -> str | None:
    """Two sessions that are driven by turns, each along its own script, do not see each other."""

    def drive(one: Forced, other: Forced) -> None:
        for number, _ in enumerate(_turns(one, other)):
            if number == 1:
                one.append(BATCH)

    return _apart(subject, drive)


@checked("context/side-by-side", "Embed/apart")
def side_by_side(subject: Subject) -> str | None:
    """Two sessions that write at the same time, each in a thread of its own, do not see each other."""

    def drive(one: Forced, other: Forced) -> None:
        threads = DaemonThreads("cml-side-by-side")
        writing = [threads.submit(session.write_all) for session in (one, other)]
        for each in writing:
            each.result()
        threads.shutdown(wait=False)

    return _apart(subject, drive)


def _apart(subject: Subject, drive: Callable[[Forced, Forced], None]) -> str | None:
    """Drive two sessions, each along its own script, and see that each is what its tokens say."""
    with (
        subject.forced(subject.script(_BEFORE, _AFTER)) as one,
        subject.forced(subject.script(_AFTER, _TAKEN_BACK)) as other,
    ):
        drive(one, other)
        for session in (one, other):
            expected = fresh_outlook(subject, session)
            if expected is None:
                return _SESSION_TELLS_NO_TOKENS
            require_alike(outlook(session.watched), expected, "Embed/apart", "what comes next")
    return None


def _turns(one: Forced, other: Forced) -> Iterator[None]:
    """Let each write some tokens in turn, until both are through."""
    going = [one, other]
    while going:
        going = [session for session in going if all(_writes(session) for _ in range(_A_TURN))]
        yield


def _writes(session: Forced) -> bool:
    return not isinstance(session.decode(), EndOfDecoding)


@checked("context/same-seed", "Embed/apart", "Embed/seeds")
def same_seed(subject: Subject) -> str | None:
    """Two sessions that draw by chance from the same seed write the same tokens, and another seed writes others."""

    def written(seed: int) -> str:
        with subject.session(_with_seed(subject, seed)) as watched:
            if SEEDS in abilities_of(watched.session):
                watched.able(SEEDS).seed(seed)
            return watched.written(12)

    first = written(subject.seed)
    same(written(subject.seed), first, "Embed/seeds", f"what seed {subject.seed} writes again")
    others = {written(subject.seed + more) for more in (1, 2, 3)}
    return None if {first} != others else "whatever the seed, the session writes the same"


def _with_seed(subject: Subject, seed: int) -> Request:
    chance = subject.by_chance
    return replace(chance, sampling=replace(chance.sampling, seed=seed))


@checked("context/output-limit", "Embed/append", "Embed/piece")
def output_limit(subject: Subject) -> str | None:
    """What is appended does not count against the output limit: the model may write all its tokens."""
    limit, half = 10, 5
    request = replace(subject.request, max_tokens=limit)
    with subject.session(request) as watched:
        begun = watched.pieces(half)
        watched.append(Batch(BATCH.text * 4))
        rest = watched.pieces(2 * limit)
        tokens = sum(piece.tokens for piece in (*begun, *rest))
        if tokens > limit:
            raise SessionError(
                f"Embed/piece: {tokens} tokens were written where the output limit is {limit}"
            )
        if tokens == limit:
            return None
        if watched.decode() == EndOfDecoding("length"):
            raise SessionError(
                f"Embed/append: the output limit of {limit} tokens was reached after {tokens}, "
                "and the rest was appended"
            )
    return "the model ends before the limit"


CONTEXT_CHECKS: Final = (
    forced,
    append,
    after_append,
    after_rewind,
    after_anything,
    _suspending("keep"),
    _suspending("swap"),
    _suspending("recompute"),
    woven,
    side_by_side,
    same_seed,
    output_limit,
)
