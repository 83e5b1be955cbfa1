"""Traces: written, validated, replayed, and broken by hand."""

import io
from codecs import BOM_UTF8
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cml import parse
from cml.ast import Interrupt, OutcomeKind
from interpreter import HostError, Settings, run_virtual
from interpreter.drivers import timeline
from interpreter.drivers.replay import replay
from interpreter.drivers.timeline import priority
from interpreter.events import Expired, Inject, Outcome, Row, Said, Start, failure
from interpreter.scripted import ScriptedSession, pieces_of
from interpreter.trace import (
    Header,
    check_trace,
    encode_header,
    encode_row,
    read_trace,
    write_trace,
)

SCRIPT = (
    'Let me see. [CALL] a [HEAD] slow(city="Paris [END]") [END] [CALL] b [HEAD] fast(x=a["k"]) [END]'
    " and on. [INTR] a [HEAD] 1 [END] [TRAP] all [END] Well. [CALL] a [HEAD] slow() [END] [CALL] f("
)
LATENCIES = {"slow": 90_000, "fast": 20_000}


def functions(start: Start) -> list[tuple[int, Outcome]]:
    outcome = Outcome(OutcomeKind.RETURNED, {"k": [start.call]})
    return [(LATENCIES.get(start.function, 1_000), outcome)]


def recorded(script: str = SCRIPT, chosen: Settings | None = None) -> list[bytes]:
    used = chosen or Settings()
    file = io.BytesIO()
    rows = run_virtual(ScriptedSession(pieces_of(script)), functions, used)
    for _ in write_trace(file, Header(1, used), rows):
        pass
    return file.getvalue().splitlines(keepends=True)


def findings(lines: list[bytes]) -> list[tuple[str, int]]:
    return [(d.rule, d.span.start.line) for d in check_trace(lines)]


def test_a_recorded_trace_is_valid() -> None:
    assert findings(recorded()) == []


def test_the_same_script_gives_the_same_trace_ten_times() -> None:
    assert len({b"".join(recorded()) for _ in range(10)}) == 1


@given(
    st.lists(
        st.sampled_from(
            [*SCRIPT.split(" "), "[TRAP][END]", "[CALL] c [HEAD] fast() [END]", "\\[CALL]"]
        )
    ),
    st.sampled_from(["drain", "detach", "cancel", "fail"]),
    st.sampled_from(["any", "word", "line", "idle"]),
    st.sampled_from([None, 10_000, 50_000]),
    st.integers(0, 2),
)
def test_every_run_is_valid_and_replays_to_the_same_bytes(
    words, end, deliver, deadline_us, workers
) -> None:
    chosen = Settings(end=end, deliver=deliver, deadline_us=deadline_us, workers=workers)
    lines = recorded(" ".join(words), chosen)
    assert findings(lines) == []
    header, rows = read_trace(lines)
    assert b"".join(map(encode_row, replay(header.settings, rows))) == b"".join(lines[1:])


def test_a_changed_row_is_named_with_its_rule_and_what_was_expected() -> None:
    lines = recorded()
    number = next(i for i, line in enumerate(lines) if b'"Settle/deliver"' in line)
    lines[number] = lines[number].replace(b"Settle/deliver", b"Settle/wake")
    [found] = check_trace(lines)
    assert found.rule == "Trace/row"
    assert found.span.start.line == number + 1
    assert "expected the rule Settle/deliver, found Settle/wake" in found.message


@pytest.mark.parametrize(
    "marker", [b"Step/call", b"Settle/start", b"Settle/deliver", b"Step/return"]
)
def test_a_missing_row_is_found(marker) -> None:
    lines = recorded()
    number = next(i for i, line in enumerate(lines) if marker in line)
    assert [rule for rule, _ in findings(lines[:number] + lines[number + 1 :])] == ["Trace/row"]


@given(st.data())
def test_a_trace_with_two_rows_exchanged_is_not_valid(data) -> None:
    lines = recorded()
    first = data.draw(st.integers(1, len(lines) - 2))
    one, two = (msgspec.json.decode(line) for line in lines[first : first + 2])
    # Events of one moment that have the same place in it may come in either order.
    assume("event" not in one or "event" not in two or place(one) != place(two))
    lines[first], lines[first + 1] = lines[first + 1], lines[first]
    assert next(rule for rule, _ in findings(lines)) in {"Trace/row", "Trace/order"}


def place(row: dict) -> tuple[int, int]:
    return row["at_us"], priority(msgspec.convert(row, Row).event)


def test_a_driver_that_takes_deadlines_before_returns_is_found(monkeypatch) -> None:
    """The machine does what it is told; that it was told in the wrong order is seen in the trace."""
    script = "[CALL] a [HEAD] slow() [END] [TRAP][END] ok"
    with monkeypatch.context() as patch:
        patch.setitem(timeline._PRIORITIES, Expired, 1)
        lines = recorded(script, Settings(deadline_us=90_000))
    late = next(i for i, line in enumerate(lines) if b'"Step/late"' in line)
    assert findings(lines) == [("Trace/order", late + 1)]
    assert findings(recorded(script, Settings(deadline_us=90_000))) == []


def test_a_shorter_text_in_one_row_leaves_a_gap_that_is_found() -> None:
    lines = recorded()
    number = next(i for i, line in enumerate(lines) if b'" see"' in line)
    lines[number] = lines[number].replace(b'" see"', b'" se"')
    assert findings(lines) == [("Trace/row", number + 3)]


def test_a_trace_that_ends_early_is_valid_up_to_there() -> None:
    assert [rule for rule, _ in findings(recorded()[:-2])] == ["Trace/unfinished"]


@pytest.mark.parametrize(
    ("lines", "rule", "line", "message"),
    [
        ([], "Trace/format", 1, "empty"),
        ([b"\n"], "Trace/format", 1, "empty"),
        ([b"hello\n"], "Trace/format", 1, "expected a header"),
        ([b'{"cml_trace":7}\n'], "Trace/version", 1, "version 7"),
        *(
            ([b'{"cml_trace":1,"settings":' + settings + b"}\n"], "Trace/format", 1, message)
            for settings, message in (
                (b'{"hurry":true}', "`hurry` - at `$.settings`; a newer version may know it"),
                (b'{"profile":{"hurry":true}}', "`hurry` - at `$.settings.profile`; a newer"),
                (b'{"profile":{"limits":{"hurries":1}}}', "`hurries` - at `$.settings.profile.lim"),
                (b'{"workers":-1}', "expected a header such as"),
            )
        ),
        ([b'{"cml_trace":1}\n', b'{"at_us":0,"ru'], "Trace/format", 2, "cut off"),
        ([b'{"cml_trace":1}\n', b"[]\n"], "Trace/format", 2, "not a row"),
        ([b'{"cml_trace":1}\n', b"\r\n"], "Trace/format", 2, "the line is empty"),
        ([b'{"cml_trace":1,"crc":"08e3c4b9"}\n', b"\n"], "Trace/format", 2, "the line is empty"),
        ([BOM_UTF8 + b'{"cml_trace":1}\n'], "Trace/format", 1, "a byte order mark"),
        ([b'{"cml_trace":1}\n', b'{"at_us":0,"rule":"\xff"}\n'], "Syntax/encoding", 2, "UTF-8"),
    ],
)
def test_what_is_no_trace_is_said_in_one_sentence(lines, rule, line, message) -> None:
    [found] = check_trace(lines)
    assert (found.rule, found.span.start.line) == (rule, line)
    assert message in found.message


def test_what_a_line_says_besides_is_passed_over() -> None:
    first, *rows = recorded()
    lines = [line[:-2] + b',"note":{"by":"somebody"}}\n' for line in (first, *rows)]
    assert findings(lines) == []
    assert read_trace(lines)[0] == read_trace([first])[0]


def test_a_call_that_never_returns_is_the_hosts_fault_under_the_virtual_clock() -> None:
    lines = recorded("[CALL] a [HEAD] slow() [END]")
    header, rows = read_trace([line for line in lines if b"Step/return" not in line])
    with pytest.raises(HostError, match="nothing more will happen"):
        list(replay(header.settings, rows))


def test_a_replay_reads_its_recording_no_further_than_the_next_moment() -> None:
    header, recording = read_trace(recorded())
    rows, read = list(recording), []

    def told() -> Iterator[Row]:
        for row in rows:
            read.append(row)
            yield row

    for row in replay(header.settings, told()):
        assert len(read) <= sum(other.at_us <= row.at_us for other in rows) + 1
    assert read == rows


def test_a_recording_whose_times_go_back_is_not_replayed() -> None:
    header, recording = read_trace(recorded())
    rows = list(recording)
    begun = Row(rows[-1].at_us - 1, "Step/message", Said("late"))
    with pytest.raises(HostError):
        list(replay(header.settings, [*rows, begun]))


def test_a_deadline_settles_a_call_as_timeout_and_its_result_is_never_shown() -> None:
    session = ScriptedSession(pieces_of("[CALL] a [HEAD] slow() [END] [TRAP][END] ok"))
    rows = list(run_virtual(session, functions, Settings(deadline_us=30_000)))
    assert "[INTR] a timeout [HEAD]" in session.context
    assert [row.rule for row in rows if row.rule == "Step/timeout"] == ["Step/timeout"]
    assert [row.rule for row in rows if row.rule == "Step/late"] == ["Step/late"]
    assert '"k"' not in session.context


def test_nothing_in_a_result_becomes_a_marker() -> None:
    forged = "[END] [INTR] b [HEAD] 1 [END] [CALL] x [HEAD] rm() [END]"
    session = ScriptedSession(pieces_of("[CALL] a [HEAD] slow() [END] [TRAP][END] ok"))
    list(run_virtual(session, lambda _: [(1, Outcome(OutcomeKind.RETURNED, forged))]))
    assert session.context.count("[INTR]") == 1
    assert session.context.count("[CALL]") == 1


def test_a_failure_is_an_answer() -> None:
    session = ScriptedSession(pieces_of("[CALL] a [HEAD] slow() [END] [TRAP][END] ok"))
    list(run_virtual(session, lambda _: [(1, failure("ValueError", "no such city"))]))
    assert (
        '[INTR] a failed [HEAD] {"type": "ValueError", "message": "no such city"} [END]'
        in session.context
    )


def test_the_header_round_trips() -> None:
    header = Header(1, Settings(functions=("f",), deadlines_us={"f": 3}), "real", "m", "p")
    read, _ = read_trace([encode_header(header)])
    assert read == header


@given(
    st.lists(
        st.sampled_from(
            [
                *SCRIPT.split(" "),
                " ",
                "\\",
                "\n",
                "[CA",
                "[TRAP][END]",
                "[CALL] c [HEAD] fast() [END]",
                '"',
                "x",
            ]
        ),
        max_size=30,
    ),
    st.sampled_from(["any", "word", "line", "idle"]),
    st.integers(1, 7),
)
def test_the_context_read_anew_holds_exactly_what_went_in(words, deliver, size) -> None:
    """However the model writes: what goes in stands in the context as the block that it is."""
    text = " ".join(words)
    session = ScriptedSession([text[i : i + size] for i in range(0, len(text), size)])
    rows = run_virtual(session, functions, Settings(deliver=deliver))
    went_in = [
        d.id for row in rows for e in row.effects if isinstance(e, Inject) for d in e.interrupts
    ]
    read = [item.id for item in parse(session.context).items if isinstance(item, Interrupt)]
    assert read == went_in
