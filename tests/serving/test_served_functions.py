"""Functions of a server: where they are called, and where what they print goes."""

import signal

import pytest
from extras import from_extra
from served import SLOW, serving

from_extra("page", "uvicorn")
RECKLESS = "python:odd_sessions:reckless"


@pytest.mark.parametrize(
    ("where", "crashed"),
    [
        pytest.param([], "returned", id="here"),
        pytest.param(
            ["--isolate", "--memory", "512"], "failed", id="isolated", marks=pytest.mark.slow
        ),
    ],
)
def test_what_a_call_prints_is_told_and_one_that_crashes_takes_nobody_along(
    where: list[str], crashed: str
) -> None:
    with serving(RECKLESS, *where, tools=SLOW) as served:
        session = served.begin()
        came = [event.data.get("event", {}) for event in served.turn(session)]
        assert served.state(session) == "waiting"
        served.process.send_signal(signal.SIGINT)
        out, err = served.process.communicate(timeout=30)
    kinds = {one["call"]: one["outcome"]["kind"] for one in came if one.get("type") == "returned"}
    assert kinds == {"p": "returned", "c": crashed}
    assert err == f"session {session.rpartition('/')[2]}: p printed: out of line\n"
    assert out == ""


def test_memory_means_nothing_without_isolation() -> None:
    with (
        pytest.raises(AssertionError, match="it needs --isolate"),
        serving(RECKLESS, "--memory", "64"),
    ):
        pass
