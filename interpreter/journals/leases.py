"""Journals in a database, each owned by one worker at a time (Embed/owner)."""

import logging
import threading
from collections.abc import Iterable, Sequence
from typing import Final, Self

import msgspec

from interpreter.errors import HostError
from interpreter.events import Began, Finish, Row
from interpreter.journals import database as sql
from interpreter.journals.database import Cell, Database, JournalError
from interpreter.journals.past import Past, past_of
from interpreter.trace import (
    Header,
    TraceError,
    encode_header,
    encode_rows,
    read_trace,
    with_checksum,
)

LOG: Final = logging.getLogger("interpreter")
RENEWALS: Final = 3
"""How often a lease is renewed in the time that it lasts."""


class Kept(msgspec.Struct, frozen=True):
    """A session in a database, whoever owns it.

    Args:
        key: Which.
        prompt: What it was asked; empty where that cannot be read.
        is_over: Whether its last turn is.
        lease_us: How long a worker owns it yet, if it does not renew that, in microseconds; 0 where
            nobody owns it.
        owners: How many it has had; it counts up with each that takes it.
        instants: How many are written.
        fault: What is wrong with its first line, or with what else is kept of it but its other
            lines, for which nobody can go on with it; None where that is whole. The other lines are
            read by whoever takes it.
    """

    key: str
    prompt: str
    is_over: bool
    lease_us: int
    owners: int
    instants: int
    fault: str | None = None


class Owned:
    """A session that this worker owns, until it gives it up, dies, or is too slow to renew its lease.

    Leaving it as a context manager gives it up.

    Attributes:
        key: Which session.
        token: The how-manieth owner this worker is: it grows with each.
        past: What the journal says, for a driver to go on from.
        number: How many instants the journal has.
    """

    def __init__(self, journals: "Journals", key: str, token: int, past: Past, number: int) -> None:
        self.key = key
        self.token = token
        self.past = past
        self.number = number
        self._journals = journals

    def __enter__(self) -> Self:
        """Return the session itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give it up, for others to take."""
        self._journals.give_up(self)

    def write(self, rows: Sequence[Row]) -> None:
        """Write the rows of an instant: the journal of a driver.

        Raises:
            HostError: The session has another owner now (Embed/owner): nothing was written.
            JournalError: The database could not do it. Whether it is written is not known, and the
                session is to be taken anew.
        """
        self._journals.append(self, rows)


class Journals:
    """Sessions in a database. Threads may share it; it renews the leases of what it owns.

    Args:
        database: Where they are.
        lease_s: How long a session is owned without a renewal, in seconds by the database's clock.
    """

    def __init__(self, database: Database, lease_s: float) -> None:
        self._database = database
        self._lease_us = round(lease_s * 1_000_000)
        self._owned: dict[str, Owned] = {}
        self._holding = threading.RLock()  # what is given up is not renewed at the same time
        self._is_closed = threading.Event()
        self._renewing = threading.Thread(
            target=self._keep_renewing, args=(lease_s / RENEWALS,), name="cml-leases", daemon=True
        )
        self._renewing.start()

    def __enter__(self) -> Self:
        """Return the journals themselves."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close them."""
        self.close()

    def begin(self, key: str, header: Header) -> Owned:
        """Begin the journal of a session, and own it.

        Args:
            key: Any text; no other session has it.
            header: Its first line.

        Raises:
            HostError: There is a session of this key (Embed/owner).
            JournalError: The database could not do it.
        """
        line = with_checksum(encode_header(header)).decode()
        with self._database.transaction() as execute:
            begun = execute(sql.BEGIN, key=key, header=line, lease_us=self._lease_us)
        if not begun:
            raise HostError("Embed/owner", f"there is a session {key!r}; take it, or name another")
        return self._own(Owned(self, key, 1, past_of(header, ()), 0))

    def take(self, key: str) -> Owned:
        """Own a session that nobody owns any more.

        Raises:
            HostError: There is none of this key, or a worker owns it (Embed/owner).
            TraceError: A line of its journal is at fault.
            JournalError: The database could not do it, or a cell is of another type.
        """
        if taken := self._taken(sql.TAKE, key=key):
            return taken
        [kept] = self.kept(key)
        if kept.fault and not kept.lease_us:
            raise JournalError(kept.fault)
        yet = f"its lease lasts {kept.lease_us / 1e6:.0f} s yet, and longer if that is renewed"
        raise HostError("Embed/owner", f"another worker owns the session {key!r}; {yet}")

    def take_any(self) -> Owned | None:
        """Own a session with a turn under way that nobody owns any more, the longest left one first.

        Raises:
            TraceError: A line of its journal is at fault; it is left alone as long as a lease lasts.
            JournalError: The database could not do it, or a line is no text: likewise.
        """
        return self._taken(sql.TAKE_ANY)

    def lines(self, key: str) -> list[bytes]:
        """Return a session as the lines of a trace, whoever owns it.

        Raises:
            HostError: There is none of this key (Embed/owner).
            JournalError: The database could not do it, or a line is no text.
        """
        with self._database.transaction() as execute:
            header, instants = execute(sql.HEADER, key=key), execute(sql.LINES, key=key)
        if not header:
            raise HostError("Embed/owner", f"there is no session {key!r}")
        return _split(sql.read_cells((key, *header[0]), sql.HeaderCells).header, key, instants)

    def kept(self, key: str | None = None) -> list[Kept]:
        """Return what there is, the longest left one first.

        Args:
            key: Of one session; None for every one.

        Raises:
            HostError: There is none of this key (Embed/owner).
            JournalError: The database could not do it.
        """
        with self._database.transaction() as execute:
            found = execute(sql.KEPT, every=key is None, key=key or "")
        if key is not None and not found:
            raise HostError("Embed/owner", f"there is no session {key!r}")
        return list(map(_kept, found))

    def append(self, owned: Owned, rows: Sequence[Row]) -> None:
        """Write the rows of an instant; see `Owned.write`."""
        lines = encode_rows(rows).decode()
        key, token, number = owned.key, owned.token, owned.number + 1
        if not self._is_held(owned):
            raise HostError("Embed/owner", f"this worker owns the session {key!r} no more")
        with self._database.transaction() as execute:
            written = execute(sql.APPEND, key=key, token=token, number=number, lines=lines)
            if written and (is_over := _is_over_after(rows)) is not None:
                execute(sql.SAY_OVER, key=key, is_over=is_over)
        if not written:
            self._lose(owned)
            raise HostError("Embed/owner", f"another worker owns the session {key!r} now")
        owned.number = number

    def renew(self) -> None:
        """Renew the leases of all that is owned, as is done a few times while a lease lasts.

        Raises:
            JournalError: The database could not do it.
        """
        for owned in tuple(self._owned.values()):
            with self._holding:
                if self._is_held(owned) and not self._is_renewed(owned, self._lease_us):
                    self._lose(owned)

    def give_up(self, owned: Owned) -> None:
        """Own a session no more: anybody may take it at once, if another has not yet."""
        with self._holding:
            if self._is_held(owned):
                del self._owned[owned.key]
                self._is_renewed(owned, 0)

    def close(self) -> None:
        """Close the connection. What is owned still can be taken by others when its lease has ended."""
        self._is_closed.set()
        self._renewing.join()
        self._database.close()

    def _own(self, owned: Owned) -> Owned:
        with self._holding:
            self._owned[owned.key] = owned
        return owned

    def _is_held(self, owned: Owned) -> bool:
        return self._owned.get(owned.key) is owned

    def _lose(self, owned: Owned) -> None:
        with self._holding:
            if self._is_held(owned):
                LOG.warning("another worker owns the session %r now", owned.key)
                del self._owned[owned.key]

    def _taken(self, statement: str, **parameters: Cell) -> Owned | None:
        with self._database.transaction() as execute:
            found = execute(statement, lease_us=self._lease_us, highest=sql.HIGHEST, **parameters)
            if not found:
                return None
            taken = sql.read_cells(found[0], sql.TakenCells)
            instants = execute(sql.LINES, key=taken.key)
        try:
            past = past_of(*read_trace(_split(taken.header, taken.key, instants)))
        except TraceError as error:
            raise TraceError(error.line, error.rule, f"{taken.key}: {error.message}") from None
        return self._own(Owned(self, taken.key, taken.token, past, len(instants)))

    def _is_renewed(self, owned: Owned, lease_us: int) -> bool:
        with self._database.transaction() as execute:
            return bool(execute(sql.RENEW, key=owned.key, token=owned.token, lease_us=lease_us))

    def _keep_renewing(self, every_s: float) -> None:
        while not self._is_closed.wait(every_s):
            try:
                self.renew()
            except JournalError as error:
                LOG.warning("leases are not renewed: %s", error)


def _kept(row: tuple[Cell, ...]) -> Kept:
    """Return what a row of the list says, also of a session that is damaged."""
    prompt, fault = "", None
    try:
        cells = sql.read_cells(row, sql.KeptCells)
    except JournalError as error:
        return Kept(str(row[0]), prompt, False, 0, 0, 0, str(error))
    try:
        prompt = read_trace([cells.header.encode()])[0].prompt
    except TraceError as error:
        fault = f"{error} ({error.rule})"
    if cells.token >= sql.HIGHEST:
        fault = f"its token is {cells.token}, the highest: nobody can own it any more (Embed/owner)"
    lease_us = max(0, cells.expires_us - cells.now_us)
    return Kept(cells.key, prompt, cells.is_over, lease_us, cells.token, cells.instants, fault)


def _is_over_after(rows: Iterable[Row]) -> bool | None:
    """Whether rows end a turn, or begin one; None if they do neither."""
    is_over = None
    for row in rows:
        if isinstance(row.event, Began):
            is_over = False
        if any(isinstance(effect, Finish) for effect in row.effects):
            is_over = True
    return is_over


def _split(header: str, key: str, instants: Iterable[tuple[Cell, ...]]) -> list[bytes]:
    """Return the lines of what a database gave back of a session, with their line feeds."""
    texts = (sql.read_cells((key, *cells), sql.LinesCells).lines for cells in instants)
    return [line for text in (header, *texts) for line in text.encode().splitlines(keepends=True)]
