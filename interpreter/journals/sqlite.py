"""Journals in SQLite: many processes of one machine, one file."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from interpreter.journals.database import TABLES, Cell, Execute, JournalError
from interpreter.trace import Flush

# Milliseconds are what this clock has.
_WORDS: Final = {
    "now": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000",
    # No column is held to its type, and what is reckoned with a wrong cell is a wrong number.
    "typed": """typeof(key) = 'text' AND typeof(header) = 'text' AND typeof(token) = 'integer'
        AND typeof(expires_us) = 'integer' AND is_over IN (0, 1)""",
    "locked": "",
    "locked_for_one": "",
}
_SYNCHRONOUS: Final = {"system": "NORMAL", "disk": "FULL"}
_NOT_ALLOWED: Final = "; SQLite writes to the file and beside it: both have to be allowed"
_ADVICE: Final = {
    sqlite3.SQLITE_CANTOPEN: _NOT_ALLOWED,
    sqlite3.SQLITE_READONLY: _NOT_ALLOWED,
    sqlite3.SQLITE_IOERR: "; the disk may be full, for SQLite writes beside the file too",
}
_PATIENCE_S: Final = 30.0
"""How long to wait for the transactions of others, in seconds."""


class Sqlite:
    """A file of SQLite with a write-ahead log.

    Args:
        path: Its name.
        flush: How far a transaction has come when it is committed.

    Raises:
        JournalError: It cannot be opened, or is none.
    """

    def __init__(self, path: Path, flush: Flush) -> None:
        self._lock = threading.Lock()
        with _as_ours(path):
            self._connection = sqlite3.connect(
                path, timeout=_PATIENCE_S, isolation_level=None, check_same_thread=False
            )
        self._path = path
        try:
            with _as_ours(path):
                self._connection.execute("PRAGMA journal_mode = WAL")
                self._connection.execute("PRAGMA foreign_keys = ON")
                self._connection.execute(f"PRAGMA synchronous = {_SYNCHRONOUS[flush]}")
            with self.transaction() as execute:
                for statement in TABLES:
                    execute(statement)
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        """Begin a transaction that is the only one that writes."""
        with self._lock, _as_ours(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._execute
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _execute(self, statement: str, **parameters: Cell) -> Sequence[tuple[Cell, ...]]:
        return self._connection.execute(statement.format_map(_WORDS), parameters).fetchall()


@contextmanager
def _as_ours(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        code: int = getattr(error, "sqlite_errorcode", 0)  # the module's own errors have none
        raise JournalError(f"{path}: {error}{_ADVICE.get(code & 0xFF, '')}") from error
