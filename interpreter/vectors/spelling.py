"""Run vectors in the token profile: the same story, with each marker as the token that is reserved for it.

What a marker is in text, a lexer finds out; in the token profile the model says it. So a story of the one is a
story of the other, if it does not matter to it where the steps of the model end.
"""

from collections.abc import Iterator

import msgspec

from cml.profile import Profile, Spelling
from cml.symbols import Symbol
from cml.text.regions import make_lexer
from cml.vectors.runner import MARKER_NAMES
from interpreter.errors import HostError
from interpreter.events import Decoded, Ended, Inject, Row
from interpreter.session import DecodingCosts
from interpreter.vectors.runs import RunVector, ScriptedToken, request_of, run


def spelled(vector: RunVector, spelling: Spelling) -> RunVector | None:
    """Return a story with its markers spelled in one way; None where it has no like there.

    Args:
        vector: The story.
        spelling: How its markers are to be spelled.
    """
    if vector.settings.profile.markers is spelling:
        return vector
    return _in_tokens(vector) if spelling is Spelling.TOKEN else None


def _in_tokens(vector: RunVector) -> RunVector | None:
    """Return a story of the text profile as one of the token profile, whose rows are the same but for `boundary`.

    Every marker is a step of its own there, and a safe point may follow it. So only a story can be spelt like this
    that comes out the same in text when each symbol is a step: where something is held back, or a step goes on past a
    trap, it does not. Nor can one of regions, or of backslashes before an interrupt: both are of the text profile alone.
    """
    profile = vector.settings.profile
    if profile.regions or _escapes(vector.rows):
        return None
    steps = tuple(_steps(vector.script, profile, vector.costs))
    cut = msgspec.structs.replace(vector, script=tuple(text for text, _ in steps))
    rows = tuple(map(_at_a_boundary, vector.rows))
    try:
        found = run(request_of(vector.name, cut))
    except HostError:  # it is trapped for good: what woke it stood in the same step
        return None
    if (tuple(map(_at_a_boundary, found.rows)), found.context) != (rows, vector.context):
        return None
    settings = msgspec.structs.replace(
        vector.settings, profile=msgspec.structs.replace(profile, markers=Spelling.TOKEN)
    )
    script = tuple(token for _, token in steps)
    return msgspec.structs.replace(vector, script=script, rows=rows, settings=settings)


def _escapes(rows: tuple[Row, ...]) -> bool:
    """Whether backslashes are doubled before an interrupt (Settle/deliver)."""
    effects = (effect for row in rows for effect in row.effects)
    return any(isinstance(effect, Inject) and "\\" in effect.before for effect in effects)


def _steps(
    script: tuple[ScriptedToken, ...], profile: Profile, costs: DecodingCosts
) -> Iterator[tuple[ScriptedToken, ScriptedToken]]:
    """Yield the symbols of a script, each as a step in text and in tokens.

    A symbol that comes to its end in a step takes the time of the step and of those before it that completed none;
    others of the same step take none.
    """
    lexer = make_lexer(profile, generated=True)
    waited_us = 0
    for step in script:
        took_us = waited_us + (costs.token_us if step.took_us is None else step.took_us)
        if step.end is not None:
            yield from (_step(symbol, waited_us) for symbol in lexer.close())
            yield step, step
            lexer, waited_us = make_lexer(profile, generated=True), 0  # a new turn, or an interrupt
            continue
        symbols = lexer.feed(step.text)
        for symbol in symbols:
            yield _step(symbol, took_us)
            took_us = 0
        waited_us = took_us
    yield from (_step(symbol, waited_us) for symbol in lexer.close())


def _step(symbol: Symbol, took_us: int) -> tuple[ScriptedToken, ScriptedToken]:
    text = ScriptedToken(symbol.text, took_us)
    if symbol.marker is None:
        return text, text
    return text, ScriptedToken(took_us=took_us, marker=MARKER_NAMES[symbol.marker])


def _at_a_boundary(row: Row) -> Row:
    """Return a row as if nothing followed what it is about."""
    match row.event:
        case Decoded() | Ended():
            return msgspec.structs.replace(
                row, event=msgspec.structs.replace(row.event, boundary=True)
            )
        case _:
            return row
