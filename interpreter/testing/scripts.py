"""Random scripts: what a model may write, good and bad, cut into pieces as tokens are."""

import random
from collections.abc import Sequence
from typing import Final

from interpreter.session import EndOfDecoding, Piece

_ODD: Final = (
    "[TRAP][END]",
    "[TRAP] all [END]",
    "[TRAP] {named}, b [END]",
    "[CALL] cancel({named}) [END]",
    "[INTR] {named} [HEAD] 1 [END]",
    "[CALL] broken [HEAD] f(",
    "[END]",
    " well, ",
    "a path C:\\",
    "\\\\",
    "<think>",
    "</think>",
    "[CA",
    "\n",
)
_CUT: Final = "[CALL] cut [HEAD] quick("


def random_pieces(
    chance: random.Random, takes: Sequence[str], others: Sequence[str] = ()
) -> list[Piece | EndOfDecoding]:
    """Return what a model writes in one turn: calls, traps, faults and prose, and how it ends.

    Args:
        chance: Draws it; the same seed gives the same script.
        takes: Functions that take one argument, `x`, or none; those that are named twice are
            called twice as often. The first two should come back.
        others: Functions that take none.
    """
    names: list[str] = []
    words = [_word(chance, names, takes, others) for _ in range(chance.randint(1, 14))]
    waits = f"[CALL] {takes[1]}() [END][CALL] last [HEAD] {takes[0]}() [END]"  # for a worker
    words.append(chance.choice(["", "", "", _CUT, _CUT, waits]))
    pieces = _cut(chance, "".join(words))
    if chance.random() < 0.3:
        pieces.insert(chance.randint(0, len(pieces)), EndOfDecoding("stop"))
    if chance.random() < 0.15:
        pieces.append(EndOfDecoding("length"))
    return pieces


def _word(
    chance: random.Random, names: list[str], takes: Sequence[str], others: Sequence[str]
) -> str:
    """Return one thing that a model writes; the names of its calls are kept in `names`."""
    if chance.random() < 0.45:
        return _call(chance, names, takes, others)
    named, new = chance.choice(names or ["a"]), f"c{len(names)}"
    if chance.random() < 0.1:  # one that waits for another, and is given up
        names.append(new)
        f, g = takes[0], takes[1]
        return (
            f"[CALL] {g}() [END][CALL] {new} [HEAD] {g}() [END]"
            f"[CALL] w{new} [HEAD] {f}(x={new}) [END][CALL] cancel(w{new}) [END]"
        )
    return chance.choice(_ODD).replace("{named}", named)


def _call(
    chance: random.Random, names: list[str], takes: Sequence[str], others: Sequence[str]
) -> str:
    named = chance.choice(names or ["a"])
    arguments = ("1", "[1]", "'[END]'", named, named)
    bodies = [f"{chance.choice(takes)}(x={argument})" for argument in arguments]
    body = chance.choice(bodies + [f"{function}()" for function in (*others, *takes)])
    if chance.random() < 0.2:
        return f"[CALL] {body} [END]"
    name = named if chance.random() < 0.1 else f"c{len(names)}"
    names.append(name)
    return f"[CALL] {name} [HEAD] {body} [END]"


def _cut(chance: random.Random, text: str) -> list[Piece | EndOfDecoding]:
    longest = chance.choice([1, 5, 12, 40])
    pieces: list[Piece | EndOfDecoding] = []
    while text:
        size = chance.randint(1, longest)
        pieces.append(Piece(text[:size]))
        text = text[size:]
    return pieces
