"""Tools of MCP servers: real ones, in processes of their own, good and bad."""

import asyncio
import gc
import logging
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from extras import from_extra
from waiting import wait_until

from interpreter import AsyncRuntime, Runtime, ScriptedSession, Settings
from interpreter.events import Inject, Outcome, Row
from interpreter.scripted import pieces_of
from interpreter.tools.signature import tool_of
from interpreter.trace import Header, check_trace, encode_header, encode_row
from model_adapters.errors import AdapterError
from model_adapters.mcp.connection import Connection
from model_adapters.mcp.last_words import LastWords
from model_adapters.mcp.tools import mcp_tools

from_extra("mcp", "mcp")
HERE = Path(__file__).parent
GOOD = shlex.join([sys.executable, str(HERE / "mcp_server.py")])


def rude(how: str) -> str:
    return shlex.join([sys.executable, str(HERE / "mcp_rude_server.py"), how])


@pytest.fixture(scope="module")
def good() -> Iterator[Connection]:
    with Connection(GOOD) as connection:
        yield connection


def run(script: str, connection: Connection, settings: Settings | None = None) -> list[Row]:
    """Play a script on the tools of a server; the trace of it is valid."""
    session = ScriptedSession(pieces_of(script))
    with Runtime(session, mcp_tools(connection).functions, settings) as runtime:
        rows = list(runtime.run())
    lines = [encode_header(Header(1, runtime.settings, "real")), *map(encode_row, rows)]
    assert list(check_trace(lines)) == []
    return rows


def told(rows: list[Row]) -> list[tuple[str, Outcome]]:
    injects = [e for row in rows for e in row.effects if isinstance(e, Inject)]
    return [(d.id, d.outcome) for inject in injects for d in inject.interrupts]


def outcome(rows: list[Row], call: str = "a") -> tuple[str, object]:
    """The terminal outcome of a call: there is exactly one."""
    ends = [o for identifier, o in told(rows) if identifier == call and o.kind.value != "progress"]
    [end] = ends
    return end.kind.value, end.value


def fault(rows: list[Row]) -> tuple[str, str]:
    kind, value = outcome(rows)
    assert kind == "failed"
    assert isinstance(value, dict)
    return value["type"], value["message"]


def test_a_tool_is_described_as_the_server_lists_it(good: Connection) -> None:
    functions = mcp_tools(good).functions
    described = tool_of(functions["get-user"], "get-user")
    assert (described.name, described.description) == ("get-user", "Find a user.")
    assert described.parameters["properties"] == {
        "user_id": {"title": "User Id", "type": "integer"}
    }
    assert described.parameters["required"] == ["user_id"]


@pytest.mark.parametrize(
    ("body", "ended"),
    [
        ("add(a=1, b=2)", ("returned", {"result": 3})),
        ("get_user(user_id=7)", ("returned", "user 7 [END]")),
        ("count(to=2)", ("returned", ["0", "1"])),
        ("count(to=0)", ("returned", None)),
        (
            "picture()",
            (
                "returned",
                [
                    "a picture",
                    {"type": "image", "mime_type": "image/png", "bytes": 100, "left_out": True},
                ],
            ),
        ),
    ],
)
def test_a_result_is_a_value(good: Connection, body: str, ended: tuple[str, object]) -> None:
    assert outcome(run(f"[CALL] a [HEAD] {body} [END] [TRAP] a [END]", good)) == ended


def test_a_tool_that_fails_is_told_in_its_own_words(good: Connection) -> None:
    kind, message = fault(run("[CALL] a [HEAD] get_user(user_id=0) [END] [TRAP][END]", good))
    assert kind == "ToolFailed"
    assert "get-user" in message


def test_arguments_are_checked_before_they_are_sent(good: Connection) -> None:
    rows = run('[CALL] a [HEAD] add(a="one", b=2) [END] [TRAP][END]', good)
    assert fault(rows) == ("arguments", 'a: "one" is not a whole number')


def test_calls_run_beside_each_other_and_decoding_goes_on(good: Connection) -> None:
    rows = run(
        "[CALL] a [HEAD] count(to=40) [END] [CALL] b [HEAD] add(a=1, b=1) [END]"
        " [TRAP] b [END] b is here. [TRAP] a [END]",
        good,
    )
    order = [identifier for identifier, o in told(rows) if o.kind.value == "returned"]
    assert order == ["b", "a"]


def test_progress_is_told_on_the_way_and_not_too_often(good: Connection) -> None:
    rows = run("[CALL] a [HEAD] count(to=60) [END] [TRAP] a [END]", good)
    reports = [o.value for _, o in told(rows) if o.kind.value == "progress"]
    assert reports[0] == {"progress": 1, "total": 60, "message": "step 1"}
    seconds = (rows[-1].at_us - rows[0].at_us) / 1e6  # 1.2 and more, and one a second is told
    assert 2 <= len(reports) <= 2 + seconds


@pytest.mark.parametrize("how", ["cancel", "deadline"])
def test_who_cancels_here_cancels_there(good: Connection, tmp_path: Path, how: str) -> None:
    log = tmp_path / "log"
    script = f'[CALL] a [HEAD] rest(log="{log}") [END] [TRAP][END] '  # it says that it rests
    script += "[CALL] cancel(a) [END] " if how == "cancel" else ""
    settings = Settings(deadline_us=2_000_000 if how == "deadline" else None)
    kind, _ = outcome(run(f"{script}[TRAP][END]", good, settings))
    assert kind == ("cancelled" if how == "cancel" else "timeout")
    wait_until(log.exists)


def test_the_same_functions_run_in_the_loop_of_an_async_runtime(good: Connection) -> None:
    async def main() -> list[Row]:
        session = ScriptedSession(pieces_of("[CALL] a [HEAD] add(a=2, b=2) [END] [TRAP][END]"))
        async with AsyncRuntime(session, mcp_tools(good).functions) as runtime:
            return [row async for row in runtime.run()]

    assert outcome(asyncio.run(main())) == ("returned", {"result": 4})


# ----------------------------------------------------------------------------- servers that fail


def test_a_server_that_dies_fails_its_calls_and_the_session_goes_on() -> None:
    with Connection(GOOD) as connection:
        rows = run(
            "[CALL] b [HEAD] count(to=600) [END] [CALL] a [HEAD] die() [END] [TRAP] a, b [END] Well."
            " [CALL] c [HEAD] add(a=1, b=1) [END] [TRAP][END] So.",
            connection,
        )
    assert rows[-1].rule == "Settle/finish"
    kind, message = fault(rows)
    assert kind == "ServerGone"
    assert message.endswith("has ended; it said: out of \x1b[31mmemory")
    assert outcome(rows, "b")[0] == "failed"
    assert outcome(rows, "c")[0] == "failed"


def test_of_a_server_that_talks_without_end_the_last_words_are_kept_and_no_more() -> None:
    with Connection(rude("talks-and-leaves")) as connection:
        _, message = fault(run("[CALL] a [HEAD] f(x=1) [END] [TRAP][END]", connection))
    assert message.endswith("has ended; it said: out of breath")
    words = LastWords(1_000)
    talks = "import sys; sys.stderr.write('line\\n' * 1_000_000 + 'end')"
    subprocess.run([sys.executable, "-c", talks], stderr=words.pipe, check=True)
    assert words.text() == ("line\n" * 200 + "end")[-1_000:]
    assert words.text().endswith("end")


@pytest.mark.parametrize(
    ("how", "ended"),
    [
        ("prints", ("returned", "once")),
        ("prints-latin-1", ("returned", "once")),
        ("answers-twice", ("returned", "once")),
        ("lists-twice", ("returned", "once")),
        ("needs-tasks", ("returned", "once")),
    ],
)
def test_a_rude_server_is_borne_with(how: str, ended: tuple[str, object]) -> None:
    with Connection(rude(how)) as connection:
        assert outcome(run("[CALL] a [HEAD] f(x=1) [END] [TRAP][END]", connection)) == ended


@pytest.mark.parametrize(
    ("how", "kind", "words"),
    [
        ("no-result", "ValidationError", "content"),
        ("refuses", "MCPError", "not today"),
        ("refuses-in-its-code", "MCPError", "quota exceeded"),
        ("leaves", "ServerGone", "has ended"),
    ],
)
def test_a_call_that_goes_wrong_has_failed(how: str, kind: str, words: str) -> None:
    with Connection(rude(how)) as connection:
        found, message = fault(run("[CALL] a [HEAD] f(x=1) [END] [TRAP][END]", connection))
    assert found == kind
    assert words in message


def test_a_server_that_never_answers_is_left_at_the_deadline() -> None:
    with Connection(rude("says-nothing")) as connection:
        settings = Settings(deadline_us=200_000)
        rows = run("[CALL] a [HEAD] f(x=1) [END] [TRAP][END]", connection, settings)
    assert outcome(rows)[0] == "timeout"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (rude("ends-at-once"), "no configuration"),
        (rude("never-begins"), "did not answer within 1 s"),
        ("/nowhere/server", "No such file"),
        ("'unbalanced", "No closing quotation"),
        ("http://127.0.0.1:9/mcp", "cannot be connected"),
    ],
)
def test_a_server_that_cannot_be_had_is_named(address: str, words: str) -> None:
    with pytest.raises(AdapterError, match=words):
        Connection(address, 1.0 if "never" in address else 20.0)


def test_a_server_that_never_answers_is_not_left_behind(tmp_path: Path) -> None:
    log = tmp_path / "pid"
    command = f"sh -c 'echo $$ > {log}; exec sleep 600'"
    with pytest.raises(AdapterError, match="did not answer"):
        Connection(command, 1.0)
    pid = int(log.read_text(encoding="utf-8"))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_tools_that_cannot_be_taken_are_left_out_with_a_reason() -> None:
    with Connection(rude("lists-twice")) as connection:
        assert mcp_tools(connection).left_out == {"f": "another tool is called f"}
    with Connection(rude("needs-tasks")) as connection:
        assert list(mcp_tools(connection).left_out) == ["g"]


def test_what_a_server_prints_beside_the_protocol_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "model_adapters.mcp"), Connection(rude("prints")) as made:
        run("[CALL] a [HEAD] f(x=1) [END] [CALL] b [HEAD] f(x=1) [END] [TRAP] all [END]", made)
    notes = [r.getMessage() for r in caplog.records if r.name == "model_adapters.mcp"]
    assert [note.partition("rude_server.py ")[2] for note in notes] == [
        "prints prints what is no message of the protocol; it is skipped"
    ]


def test_a_list_that_does_not_end_is_cut_and_it_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.WARNING, "model_adapters.mcp"),
        Connection(rude("lists-without-end")) as connection,
    ):
        assert len(connection.tools) == 100
    assert "lists more than 100 pages of tools" in caplog.text


def test_a_server_that_says_after_each_list_that_it_changed_is_not_asked_without_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Connection(rude("changes-nothing")) as connection:
        time.sleep(0.5)
        listed = outcome(run("[CALL] a [HEAD] f(x=1) [END] [TRAP][END]", connection))[1]
    assert isinstance(listed, str)
    assert 1 <= int(listed) <= 4
    gc.collect()
    assert not [r for r in caplog.records if r.name == "asyncio"]


def test_a_tool_is_offered_without_reading_the_hints_of_what_calls_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Reading `Json` takes pydantic 20 ms, twice for each tool."""
    read: list[object] = []
    with Connection(rude("prints")) as connection:
        monkeypatch.setattr("interpreter.tools.hints._by_pydantic", read.append)
        assert tool_of(mcp_tools(connection).functions["f"]).result is None
    assert read == []


def test_a_closed_connection_calls_no_more() -> None:
    with Connection(rude("prints")) as connection:
        functions = mcp_tools(connection).functions
    session = ScriptedSession(pieces_of("[CALL] a [HEAD] f(x=1) [END] [TRAP][END]"))
    with Runtime(session, functions) as runtime:
        assert fault(list(runtime.run()))[0] == "ServerGone"


# ------------------------------------------------------------------------------------ over HTTP


@pytest.fixture
def url() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(HERE / "mcp_server.py"), str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: answers(port))
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def test_a_server_over_http(url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Connection(url) as connection:
        rows = run(
            f'[CALL] b [HEAD] rest(log="{log}") [END] [TRAP][END] [CALL] cancel(b) [END]'
            " [CALL] a [HEAD] count(to=60) [END] [TRAP] a, b [END]",
            connection,
        )
        kind, value = outcome(rows)
        assert (kind, len(value)) == ("returned", 60)
        assert any(o.kind.value == "progress" for _, o in told(rows))
        assert outcome(rows, "b")[0] == "cancelled"
        wait_until(log.exists)


def test_a_server_over_http_that_dies(url: str) -> None:
    with Connection(url) as connection:
        rows = run(
            "[CALL] a [HEAD] die() [END] [TRAP] a [END] [CALL] b [HEAD] add(a=1, b=1) [END]"
            " [TRAP] b [END]",
            connection,
        )
    assert outcome(rows, "a")[0] == "failed"
    assert outcome(rows, "b")[0] == "failed"


# ------------------------------------------------------------------- servers not written here


def test_the_reference_server_of_times() -> None:
    from_extra("dev", "mcp_server_time")
    with Connection(shlex.join([sys.executable, "-m", "mcp_server_time"])) as connection:
        rows = run(
            '[CALL] a [HEAD] convert_time(source_timezone="Europe/Oslo", time="12:00", '
            'target_timezone="Asia/Tokyo") [END] [TRAP][END]'
            '[CALL] b [HEAD] get_current_time(timezone="Nowhere") [END] [TRAP][END]',
            connection,
        )
    kind, value = outcome(rows)
    assert kind == "returned"
    assert "Asia/Tokyo" in str(value)
    assert outcome(rows, "b")[0] == "failed"


@pytest.mark.slow
def test_the_reference_server_of_everything(tmp_path_factory: pytest.TempPathFactory) -> None:
    package = "@modelcontextprotocol/server-everything"
    npm, folder = shutil.which("npm"), tmp_path_factory.mktemp("npm")
    if npm is None:
        pytest.skip(f"{package}: there is no npm")
    command = [npm, "install", "--silent", "--no-audit", "--no-fund", package]
    if subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode:
        pytest.skip(f"{package} cannot be had from the registry")
    with Connection(f"node {folder}/node_modules/{package}/dist/index.js stdio") as connection:
        rows = run(
            "[CALL] a [HEAD] get_tiny_image() [END] [CALL] b [HEAD] get_sum(a=1, b=2) [END]"
            ' [CALL] c [HEAD] get_structured_content(location="Chicago") [END]'
            " [CALL] d [HEAD] trigger_long_running_operation(duration=2, steps=4) [END]"
            ' [CALL] e [HEAD] get_resource_reference(resourceType="Blob") [END]'
            " [CALL] f [HEAD] trigger_long_running_operation(duration=600, steps=2) [END]"
            " [CALL] cancel(f) [END] [TRAP] all [END]",
            connection,
        )
        assert list(mcp_tools(connection).left_out) == ["simulate-research-query"]
    assert outcome(rows, "b") == ("returned", "The sum of 1 and 2 is 3.")
    assert outcome(rows, "c")[0] == "returned"
    assert {"type": "image", "mime_type": "image/png"}.items() <= outcome(rows)[1][1].items()
    assert outcome(rows, "d")[0] == "returned"
    assert outcome(rows, "f")[0] == "cancelled"
    assert any(o.kind.value == "progress" for identifier, o in told(rows) if identifier == "d")
