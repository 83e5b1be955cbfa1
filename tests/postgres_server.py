"""A real PostgreSQL for the tests, started by them and gone with them."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from extras import from_extra


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """Start a server on a socket in a folder of its own; yield the URL of its database."""
    psycopg = from_extra("postgres", "psycopg")
    programs, user = _programs(), _user()
    folder = Path(tempfile.mkdtemp(prefix="cml-postgres-"))
    if user is not None:
        shutil.chown(folder, user)
    data, url = folder / "data", f"postgresql://cml@/postgres?host={folder}"
    make = [programs / "initdb", "-D", data, "-A", "trust", "-U", "cml", "--no-sync", "-E", "UTF8"]
    serve = [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses="]
    try:
        with (folder / "log.txt").open("w") as log:
            where = {"cwd": folder, "user": user, "stdout": log, "stderr": log}
            subprocess.run(make, check=True, **where)
            with subprocess.Popen([*serve, "-c", "fsync=off"], **where) as server:
                try:
                    while server.poll() is None:
                        with contextlib.suppress(psycopg.OperationalError):
                            psycopg.connect(url).close()
                            break
                        time.sleep(0.05)
                    assert server.poll() is None, (folder / "log.txt").read_text()
                    yield url
                finally:
                    server.send_signal(signal.SIGINT)  # it does not wait for who is connected
                    server.wait(30)
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    """Return the folder of the server's programs: what is on the path, or where Debian has them."""
    found = shutil.which("postgres")
    folders = [Path(found).parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    pytest.skip("PostgreSQL is not installed: no postgres and initdb")


def _user() -> str | None:
    """Return who it runs as: it refuses to be run by root."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
