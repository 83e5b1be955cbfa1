"""Journals in PostgreSQL: sessions that outlive a machine."""

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from interpreter.errors import missing_extra
from interpreter.journals.database import TABLES, Cell, Execute, JournalError

try:
    import psycopg
except ImportError as error:
    raise missing_extra("postgres", error) from None

_WORDS: Final = {
    "now": "CAST(extract(epoch FROM statement_timestamp()) * 1000000 AS bigint)",
    "typed": "TRUE",
    "locked": "FOR NO KEY UPDATE",
    "locked_for_one": "FOR NO KEY UPDATE SKIP LOCKED",
}
_PARAMETER: Final = re.compile(r":(\w+)")
_MAKING_TABLES: Final = 0x636D6C
"""The advisory lock of whoever makes the tables: two that do so at once would collide."""


class Postgres:
    """A database of PostgreSQL. A connection that broke is made anew by the next transaction.

    Args:
        url: As libpq reads it: `postgresql://USER@HOST/DATABASE`.

    Raises:
        JournalError: It cannot be reached, or the tables are missing and may not be made.
    """

    def __init__(self, url: str) -> None:
        self._lock = threading.Lock()
        self._url = url
        with _as_ours():
            self._connection = self._connected()
        try:
            self._make_tables()
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        """Begin a transaction in which each statement sees what others have committed by then."""
        with self._lock, _as_ours():
            if self._connection.closed:
                self._connection = self._connected()
            with self._connection.transaction():
                yield self._execute

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    def _connected(self) -> "psycopg.Connection":
        connection = psycopg.connect(self._url, autocommit=True)
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        return connection

    def _make_tables(self) -> None:
        with self.transaction() as execute:
            execute("SELECT pg_advisory_xact_lock(:lock)", lock=_MAKING_TABLES)
            if execute("SELECT 1 WHERE to_regclass('cml_instants') IS NULL"):
                for statement in TABLES:
                    execute(statement)

    def _execute(self, statement: str, **parameters: Cell) -> Sequence[tuple[Cell, ...]]:
        text = _PARAMETER.sub(r"%(\1)s", statement.format_map(_WORDS))
        cursor = self._connection.execute(text.encode(), parameters)
        return cursor.fetchall() if cursor.description else ()


@contextmanager
def _as_ours() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise JournalError(str(error).strip()) from error
