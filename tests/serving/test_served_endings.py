"""Each session of a server is closed once, whatever ends it."""

import re
import signal
from pathlib import Path

from extras import from_extra
from served import serving, wait_for

from_extra("page", "uvicorn")
CLOSED = "closed\n"


def test_each_is_closed_where_it_ends_and_the_others_where_the_server_does(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    with serving("python:odd_sessions:closing") as served:
        session = served.begin(str(one))
        served.begin(str(other))
        assert served.ask("DELETE", session)[1]["ended"] == "closed"
        assert (one.read_text(encoding="utf-8"), other.exists()) == (CLOSED, False)
        served.process.send_signal(signal.SIGINT)
        assert served.process.communicate(timeout=30) == ("", "")
    assert [each.read_text(encoding="utf-8") for each in (one, other)] == [CLOSED] * 2


def test_one_that_was_made_and_cannot_be_run_is_closed(tmp_path: Path) -> None:
    with serving("python:odd_sessions:misfit") as served:
        made = tmp_path / "made"
        status, refused = served.ask("POST", "/api/sessions", {"question": str(made)})
        assert (status, refused["error"]["code"]) == (400, "unfit")
        wait_for(made.exists)
        assert made.read_text(encoding="utf-8") == CLOSED


def test_one_that_breaks_as_it_is_closed_is_told_of() -> None:
    with serving("python:odd_sessions:stubborn") as served:
        session = served.begin()
        assert served.ask("DELETE", session)[0] == 200
        served.process.send_signal(signal.SIGINT)
        out, err = served.process.communicate(timeout=30)
    assert out == ""
    said = r"Error: session \w+ could not be closed: .* raised OSError: it does not let go \(.*\)\n"
    assert re.fullmatch(said, err)
