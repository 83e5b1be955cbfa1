"""What journals ask of a database: a few statements, each in a transaction of its own.

The tables and the statements are the same for every database. What differs is small: how the time is
asked for, and how a row is locked. Any other database needs a module such as those beside this one.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final, Protocol, TypeAlias, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)
Cell: TypeAlias = str | int | bool
Execute: TypeAlias = Callable[..., Sequence[tuple[Cell, ...]]]
"""Runs a statement, with its parameters by name, and returns the rows that it gives back."""


class JournalError(OSError):
    """The database does not do what it is asked: it cannot be reached, is full, or refuses."""


class Database(Protocol):
    """A connection, which threads may share. What goes wrong is a `JournalError`."""

    def transaction(self) -> AbstractContextManager[Execute]:
        """Begin a transaction, which is committed where the block ends, and else rolled back."""

    def close(self) -> None:
        """Close the connection."""


HIGHEST: Final = 2**63 - 1
"""The last number of a `bigint`. A token that has come so far was written by somebody else; it cannot
be counted up, so that nobody can own its session, and it is passed over."""

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS cml_sessions (
    key text PRIMARY KEY,
    header text NOT NULL,
    token bigint NOT NULL,
    expires_us bigint NOT NULL,
    is_over boolean NOT NULL
)""",
    """CREATE TABLE IF NOT EXISTS cml_instants (
    key text NOT NULL REFERENCES cml_sessions ON DELETE CASCADE,
    number bigint NOT NULL,
    lines text NOT NULL,
    PRIMARY KEY (key, number)
)""",
    """CREATE INDEX IF NOT EXISTS cml_sessions_to_take
    ON cml_sessions (expires_us) WHERE NOT is_over""",
)
"""A session has its first line, the token of its owner (the first has 1) and when the lease ends, in
microseconds since 1970 by the database's clock. An instant has its rows, as lines of a trace."""

BEGIN: Final = """INSERT INTO cml_sessions (key, header, token, expires_us, is_over)
    VALUES (:key, :header, 1, {now} + :lease_us, FALSE)
    ON CONFLICT (key) DO NOTHING RETURNING token"""
TAKE: Final = """UPDATE cml_sessions SET token = token + 1, expires_us = {now} + :lease_us
    WHERE key = :key AND expires_us <= {now} AND {typed} AND token < :highest
    RETURNING key, token, header"""
TAKE_ANY: Final = """UPDATE cml_sessions SET token = token + 1, expires_us = {now} + :lease_us
    WHERE key = (
        SELECT key FROM cml_sessions
        WHERE NOT is_over AND expires_us <= {now} AND {typed} AND token < :highest
        ORDER BY expires_us LIMIT 1 {locked_for_one}
    ) RETURNING key, token, header"""
APPEND: Final = """INSERT INTO cml_instants (key, number, lines)
    SELECT key, :number, :lines FROM cml_sessions WHERE key = :key AND token = :token {locked}
    RETURNING number"""
SAY_OVER: Final = """UPDATE cml_sessions SET is_over = :is_over WHERE key = :key"""
RENEW: Final = """UPDATE cml_sessions SET expires_us = {now} + :lease_us
    WHERE key = :key AND token = :token RETURNING key"""
HEADER: Final = "SELECT header FROM cml_sessions WHERE key = :key"
KEPT: Final = """SELECT key, header, token, is_over, expires_us, {now},
    (SELECT COALESCE(MAX(number), 0) FROM cml_instants WHERE cml_instants.key = cml_sessions.key)
    FROM cml_sessions WHERE :every OR key = :key ORDER BY expires_us, key"""
LINES: Final = "SELECT lines FROM cml_instants WHERE key = :key ORDER BY number"


class TakenCells(msgspec.Struct, frozen=True):
    """What `TAKE` and `TAKE_ANY` give back of a session."""

    key: str
    token: int
    header: str


class HeaderCells(msgspec.Struct, frozen=True):
    """What `HEADER` gives back, behind the session's key."""

    key: str
    header: str


class LinesCells(msgspec.Struct, frozen=True):
    """What `LINES` gives back, behind the session's key."""

    key: str
    lines: str


class KeptCells(msgspec.Struct, frozen=True):
    """What `KEPT` gives back of a session."""

    key: str
    header: str
    token: int
    is_over: bool
    expires_us: int
    now_us: int
    instants: int


def read_cells(row: tuple[Cell, ...], kind: type[T]) -> T:
    """Return what a statement gave back, each cell of its type: SQLite holds no column to one.

    Args:
        row: The cells, in the order of the fields.
        kind: What they are.

    Raises:
        JournalError: One is of another type.
    """
    named = dict(zip(kind.__struct_fields__, row, strict=True))
    try:
        return msgspec.convert(named, kind, strict=False)
    except msgspec.ValidationError as error:
        message = f"a cell of the session {named['key']!r} is of another type: {error}"
        raise JournalError(message) from None
