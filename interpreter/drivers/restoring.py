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
    MASKS,
    PROMPTS,
    RESTORE,
    TOKENS,
    EndOfDecoding,
    Piece,
    Session,
    abilities_of,
    able,
)


def require_restorable(session: Session) -> None:
    """See that a session can be told what the model wrote before: it restores, or it names its tokens
    and takes masks, so that each token can be made the only choice.

    Raises:
        HostError: It can not (Embed/resume).
    """
    abilities = abilities_of(session)
    if RESTORE not in abilities and not {TOKENS, MASKS} <= abilities:
        message = "the session cannot be told what the model wrote; it needs the ability "
        raise HostError("Embed/resume", f"{message}'restore', or both 'tokens' and 'masks'")


class Restoring:
    """Does with a fresh session and its decoder what the rows of a trace say was done.

    Args:
        session: Fresh; its first prompt is in its context.
        decoder: Of this session, fresh too.
        profile: How the context is written.
    """

    def __init__(self, session: Session, decoder: Decoder, profile: Profile) -> None:
        self._session = session
        self._decoder = decoder
        self._profile = profile
        self._restores = able(session, RESTORE)
        self._unsaid: list[str] = []

    def play(self, rows: Iterable[Row]) -> None:
        """Play rows, from the first one on.

        Raises:
            HostError: The session has not the ability, or does not take what the model wrote
                (Embed/resume).
        """
        for row in rows:
            self._hear(row)
            for effect in row.effects:
                match effect:
                    case Inject():
                        self._say()
                        self._decoder.append(batch_of(effect, self._profile))
                    case Rewind(offset):
                        self._rewind(offset)
                    case Finish("stopped"):
                        self._decoder.end_turn()
                    case _:
                        pass
        self._say()

    def _hear(self, row: Row) -> None:
        match row.event:
            case Decoded(symbol):
                self._decoder.wrote(symbol)
                if self._restores:
                    self._restores.restore(Piece(symbol.text, marker=symbol.marker))
                else:
                    self._unsaid.append(symbol.text)
            case Ended(reason):
                self._decoder.ended()
                if self._restores:
                    self._restores.restore(EndOfDecoding(reason))
            case Began(prompt) if prompt:
                self._say()
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
        self._say()
        if self._restores and offset == self._decoder.received:
            self._session.rewind(0)  # what was taken back is in no row
        self._decoder.rewind(offset)

    def _say(self) -> None:
        """Have the session decode what the model wrote, token by token, with no other choice."""
        text, self._unsaid = "".join(self._unsaid), []
        if not text:
            return
        tokens, masks = able(self._session, TOKENS), able(self._session, MASKS)
        if tokens is None or masks is None:
            return  # `require_restorable` has seen to it
        written = ""
        for token in tokens.encode(text):
            masks.allow((token,))
            match self._session.decode():
                case Piece(piece):
                    written += piece
                case EndOfDecoding(reason):
                    message = (
                        f"the session ends ({reason}) before all is written that the trace has"
                    )
                    raise HostError("Embed/resume", message)
        if written != text:
            message = f"the session wrote {written[-80:]!r} where the trace has {text[-80:]!r}"
            raise HostError("Embed/resume", message)
