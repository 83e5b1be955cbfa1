"""From a URL to journals in a database."""

import math
from pathlib import Path
from typing import Final

from interpreter.errors import HostError
from interpreter.journals.database import Database
from interpreter.journals.leases import Journals
from interpreter.trace import Flush

SQLITE: Final = "sqlite:"
"""What a URL of a file begins with."""
POSTGRES: Final = ("postgresql://", "postgres://")
"""What that of a server begins with."""


def open_journals(url: str, *, lease_s: float = 30.0, flush: Flush = "system") -> Journals:
    """Open the journals of a database; its tables are made if need be.

    Args:
        url: `sqlite:FILE`, where one machine is enough, or `postgresql://USER@HOST/DATABASE` (extra
            `postgres`).
        lease_s: How long a session is owned without a renewal, in seconds: as long as the session
            of a worker that died waits. A worker that is held up for longer loses what it owns.
        flush: How far the rows of an instant have come before its effects are performed, in SQLite.
            PostgreSQL confirms what is on its disk, unless it is set up otherwise.

    Raises:
        HostError: The URL is none of these, or the lease lasts no time (Embed/owner).
        JournalError: The database cannot be opened.
        MissingExtraError: A package is not installed.
    """
    if not 0 < lease_s < math.inf:
        message = f"a lease lasts some seconds, more than 0, and not {lease_s:g}"
        raise HostError("Embed/owner", message)
    return Journals(_opened(url, flush), lease_s)


def _opened(url: str, flush: Flush) -> Database:
    if url.startswith(SQLITE):
        from interpreter.journals.sqlite import Sqlite

        return Sqlite(Path(url.removeprefix(SQLITE)), flush)
    if url.startswith(POSTGRES):
        from interpreter.journals.postgres import Postgres

        return Postgres(url)
    raise HostError("Embed/owner", "journals are opened by sqlite:FILE or postgresql://…")
