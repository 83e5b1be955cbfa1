"""`cml view` without a file: traces on a page of a server of this machine."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from extras import from_extra
from served import wait_for

from model_adapters.serving.traces.command import view_command

if TYPE_CHECKING:
    from conftest import Viewer

TRIP = Path(__file__).parents[2] / "examples" / "trip.jsonl"


@contextmanager
def viewing(*words: str, browser: str = "") -> Iterator[str]:
    """Run `cml view`; yield the address that it prints."""
    from_extra("page", "uvicorn")
    process = subprocess.Popen(
        [sys.executable, "-m", "cml", "view", *words],
        env={**os.environ, "BROWSER": browser},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=60) == ("", "")
        assert process.returncode == 130
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with viewing(str(TRIP), str(TRIP)) as found:
        yield found


def test_traces_are_served_as_they_are_in_a_file(viewer: "Viewer", address: str) -> None:
    page = viewer.page()
    page.goto(address)
    viewer.wait_until_drawn(page)
    assert page.locator(".note").all_inner_texts() == ["The same as trip.jsonl."] * 2
    page.locator(".row", has_text="in go price").first.click()
    assert "At a safe point" in page.locator(".rule").first.inner_text()
    assert {urlsplit(asked).netloc for asked in viewer.asked} == {urlsplit(address).netloc}


@pytest.mark.parametrize("path", ["/", "/trace-0.jsonl", "/commentary.json", "/assets/view.js"])
def test_without_the_token_nothing_is_shown(address: str, path: str) -> None:
    connection = HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert (answer.status, b"Tokyo" in answer.read()) == (401, False)
    connection.close()


def test_what_is_not_shown_is_told(address: str) -> None:
    found = urlsplit(address)
    connection = HTTPConnection(found.netloc, timeout=60)
    connection.request("GET", f"/trace-2.jsonl?{found.query}")
    answer = connection.getresponse()
    assert (answer.status, b"trace-1.jsonl" in answer.read()) == (404, True)
    connection.close()


def test_the_browser_is_opened_where_it_is_asked_for(tmp_path: Path) -> None:
    seen, script = tmp_path / "seen", tmp_path / "browser.py"
    script.write_text("import sys; open(sys.argv[1], 'w').write(sys.argv[2])", encoding="utf-8")
    browser = f"{sys.executable} {script} {seen} %s"
    with viewing(str(TRIP), "--open", browser=browser) as found:
        wait_for(lambda: seen.exists() and seen.read_text(encoding="utf-8") == found)


@pytest.mark.parametrize("more", [("--port", "0"), ("--open",)])
def test_what_is_for_a_server_goes_with_no_file(tmp_path: Path, more: tuple[str, ...]) -> None:
    words = [str(TRIP), "-o", str(tmp_path / "x.html"), *more]
    done = CliRunner().invoke(view_command, words)
    assert done.exit_code == 2
    assert "with --output there is none" in done.stderr
