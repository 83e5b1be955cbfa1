"""Stories of the four verbs that every session has to come through."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from interpreter.session import Batch, EndOfDecoding, Piece
from model_adapters.testing.watched import BATCH, Bench, SessionError, Story, Watched, same

UNSEEN: Final = (
    "nothing shows the context: give the session an attribute `context`, its text, "
    "or declare the ability 'tokens'"
)
_SAYS_NOTHING: Final = "the model ends before it has written a character"


def check_piece(bench: Bench) -> str | None:
    """Embed/piece, also over an end: decoding may go on after an append."""
    with bench.session() as watched:
        pieces = watched.pieces(bench.steps)
        watched.append()
        pieces += watched.pieces(bench.steps)
    return None if any(piece.text for piece in pieces) else _SAYS_NOTHING


def check_append(bench: Bench) -> str | None:
    """Embed/append: at the beginning, after a piece, after an end, twice, with every script."""
    with bench.session() as watched:
        for text in (BATCH.text, "\n" + BATCH.text, "é 日本 👩‍🚀", *bench.control, ""):
            watched.append(Batch(text, BATCH.interrupts if BATCH.text in text else ()))
            watched.pieces(2)
        watched.append()
        watched.append()
        return None if watched.is_seen else UNSEEN


def check_rewind(bench: Bench) -> str | None:
    """Embed/rewind: a token, a part of one, all since an append, nothing; and not the same again."""
    with bench.session() as watched:
        for parts in (1, 2, 0):  # all of it, half of it, nothing
            written = watched.written(bench.steps)
            watched.rewind(len(written) // parts if parts else 0)
            watched.append()
        before, piece = _whole_piece(watched, bench.steps)
        if piece is None:
            return _SAYS_NOTHING
        dropped = watched.ids[len(before) :]
        watched.rewind(len(piece.text))
        same(watched.ids, before, "Embed/rewind", f"the context without {piece.text!r}")
        again = watched.decode()
        begins = watched.ids[len(before) : len(before) + 1] == dropped[:1]
        is_same = begins if dropped else again == piece
        if isinstance(again, Piece) and is_same:
            raise SessionError(f"Embed/rewind: {piece.text!r} was dropped, and is decoded again")
    return None


def _whole_piece(watched: Watched, steps: int) -> tuple[tuple[int, ...], Piece | None]:
    """Decode up to a piece of whole characters; return the tokens before it, and it."""
    is_whole = True
    for _ in range(steps):
        before, piece = watched.ids, watched.decode()
        if isinstance(piece, EndOfDecoding):
            break
        if is_whole and piece.text and not piece.partial:
            return before, piece
        is_whole = not piece.partial
    return (), None


def check_apart(bench: Bench) -> str | None:
    """Embed/apart: alone, beside another, in another thread, a session writes the same."""
    with bench.session() as watched:
        alone = watched.written(bench.steps)
    with bench.session() as one, bench.session() as other, ThreadPoolExecutor(1) as thread:
        woven = ""
        for number in range(bench.steps):
            piece = thread.submit(one.decode).result()
            if isinstance(piece, EndOfDecoding):
                break
            woven += piece.text
            if number % 2:
                other.pieces(1)
                other.append()
        same(woven, alone[: len(woven)], "Embed/apart", "what a session writes beside another")
        same(len(woven) > 0, len(alone) > 0, "Embed/apart", "whether a session writes anything")
    return None if alone else _SAYS_NOTHING


def check_close(bench: Bench) -> str | None:
    """Embed/close: at once, or after anything; another session does not notice."""
    with bench.session():
        pass
    with bench.session() as other:
        begun = other.written(bench.steps // 2)
        with bench.session() as watched:
            whole = watched.written(bench.steps // 2) + watched.written(bench.steps // 2)
        begun += other.written(bench.steps // 2)
    same(begun, whole, "Embed/close", "what a session writes when another was closed")
    return None


STORIES: Final[Mapping[str, Story]] = {
    "Embed/piece": check_piece,
    "Embed/append": check_append,
    "Embed/rewind": check_rewind,
    "Embed/close": check_close,
    "Embed/apart": check_apart,
}
"""One for each clause that every session has to keep."""
