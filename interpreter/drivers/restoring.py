"""A fresh session becomes what another one was, by the rows of its trace (Embed/resume).

Nothing of the old session is needed: whatever the last rows had done to it went with the process.
"""

from collections.abc import Iterable

from cml.profile import Profile
from interpreter.drivers.decoding import Decoder
from interpreter.errors import HostError
from interpreter.events import Began, Decoded, Ended, Finish, Inject, Rewind, Row
from interpreter.interrupts import batch_of
from interpreter.session import (
    PROMPTS,
    RESTORE,
    EndOfDecoding,
    Piece,
    Restores,
    Session,
    able,
)


def require_restoring(session: Session) -> Restores:
    """Return a session as one that can be told what the model wrote before.

    Raises:
        HostError: It can not (Embed/resume).
    """
    restores = able(session, RESTORE)
    if restores is None:
        message = "this session cannot be told what the model wrote; it needs the ability 'restore'"
        raise HostError("Embed/resume", message)
    return restores


class Restoring:
    """Does with a fresh session and its decoder what the rows of a trace say was done.

    Args:
        session: Fresh; its first prompt is in its context.
        decoder: Of this session, fresh too.
        profile: How the context is written.

    Raises:
        HostError: The session has not the ability (Embed/resume).
    """

    def __init__(self, session: Session, decoder: Decoder, profile: Profile) -> None:
        self._session = session
        self._decoder = decoder
        self._profile = profile
        self._restores = require_restoring(session)

    def play(self, rows: Iterable[Row]) -> None:
        """Play rows, from the first one on.

        Raises:
            HostError: The session does not take what the rows name (Embed/resume, Embed/restore).
        """
        for row in rows:
            self._hear(row)
            for effect in row.effects:
                match effect:
                    case Inject():
                        self._decoder.append(batch_of(effect, self._profile))
                    case Rewind(offset):
                        self._rewind(offset)
                    case Finish("stopped"):
                        self._decoder.end_turn()
                    case _:
                        pass

    def _hear(self, row: Row) -> None:
        match row.event:
            case Decoded(symbol):
                self._decoder.wrote(symbol)
                self._restores.restore(Piece(symbol.text, marker=symbol.marker))
            case Ended(reason):
                self._decoder.end_turn()
                self._restores.restore(EndOfDecoding(reason))
            case Began(prompt) if prompt:
                self._ask(prompt)
            case _:
                pass

    def _ask(self, prompt: str) -> None:
        takes = able(self._session, PROMPTS)
        if takes is None:
            message = (
                "the trace has a further prompt, and this session takes none: give one like it"
            )
            raise HostError("Embed/resume", message)
        takes.prompt(prompt)

    def _rewind(self, offset: int) -> None:
        if offset == self._decoder.received:
            self._session.rewind(0)  # what was taken back is in no row
        self._decoder.rewind(offset)
