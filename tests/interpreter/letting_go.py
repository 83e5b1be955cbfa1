"""A script whose session lets go of its context at a trap, and holds the driver to Embed/suspend."""

from collections.abc import Iterable

from interpreter import EndOfDecoding, Piece, ScriptedSession
from interpreter.session import PROMPTS, SUSPEND, Ability, Batch, Suspended


class LettingGo(ScriptedSession):
    """While it is suspended its context is elsewhere; whoever asks for it then finds nothing."""

    abilities: frozenset[Ability[object]] = frozenset({SUSPEND, PROMPTS})

    def __init__(
        self,
        pieces: Iterable[Piece | EndOfDecoding | str],
        pause_s: float = 0.0,
        again_us: int | None = 300,
    ) -> None:
        super().__init__(pieces, pause_s)
        self.again_us = again_us
        self.waits_us: list[int | None] = []
        self.resumed = 0
        self.elsewhere: list[str] | None = None

    def suspend(self, wait_us: int | None) -> Suspended:
        self.waits_us.append(wait_us)
        if self.elsewhere is None:
            self.elsewhere, self._parts = self._parts, []
        return Suspended("swap", self.again_us)

    def resume(self) -> None:
        assert self.elsewhere is not None, "resumed though it was not suspended"
        self.resumed += 1
        self._parts, self.elsewhere = self.elsewhere, None

    def decode(self) -> Piece | EndOfDecoding:
        self.require_here()
        return super().decode()

    def append(self, batch: Batch) -> int:
        self.require_here()
        return super().append(batch)

    def rewind(self, characters: int) -> None:
        self.require_here()
        super().rewind(characters)

    def prompt(self, text: str) -> int:
        self.require_here()
        return super().prompt(text)

    def require_here(self) -> None:
        assert self.elsewhere is None, "a verb while the session is suspended"
