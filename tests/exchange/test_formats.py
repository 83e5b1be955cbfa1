"""Each format on files in it: what they tell, what is lost, and what is no file of the format."""

import json
from pathlib import Path

import pytest
from extras import from_extra

from interpreter.events import Began, Decoded, Inject
from interpreter.exchange.checking import check
from interpreter.exchange.happenings import ForeignError, Happening, NotCarried
from interpreter.exchange.telling import profile_of, tell
from interpreter.interrupts import interrupt_text
from interpreter.runs import read_run
from interpreter.trace import check_trace, encode_header, encode_row
from model_adapters.commands.exchange import FORMATS

SAMPLES = Path(__file__).parent / "samples"
CALL_12 = '[CALL] function_call_12 [HEAD] {"name": "lights", "arguments": {"on": true}} [END]'
TOLD = {
    "chat.json": (
        "<Weather in Oslo and Rome?>Let me see \\[CALL]."
        '[CALL] call_1 [HEAD] {"name": "get_weather", "arguments": {"city": "Oslo"}} [END]'
        '[CALL] call_2 [HEAD] {"name": "get-weather", "arguments": {"city": "Rome"}} [END]'
        '[TRAP] all [END][INTR] call_2 [HEAD] {"celsius": 25} [END]'
        '[INTR] call_1 [HEAD] "cold" [END]Oslo is cold.<Thanks>Welcome.'
    ),
    "chat_lines.jsonl": (
        "<Two prices, please.>"
        '[CALL] a [HEAD] {"name": "price", "arguments": {"of": "tea"}} [END]'
        '[CALL] b [HEAD] {"name": "ask", "arguments": {"input": "coffee?"}} [END]'
        '[TRAP] all [END][INTR] a [HEAD] 2.5 [END][INTR] b [HEAD] "three" [END]Tea is 2.50.'
    ),
    "realtime.jsonl": (
        "<Book a table and tell me the weather.>"
        '[CALL] call_A1 [HEAD] {"name": "book_table", "arguments": {"people": 2}} [END]'
        '[CALL] call_B2 [HEAD] {"name": "weather", "arguments": {}} [END]One moment.'
        '[INTR] call_B2 [HEAD] {"celsius": 7} [END]It is seven degrees.'
        '[INTR] user1 [HEAD] "And the table?" [END][INTR] call_A1 [HEAD] "booked" [END]It is booked.'
    ),
    "realtime_beta.jsonl": (
        '<The time?>[CALL] call_1 [HEAD] {"name": "clock", "arguments": {}} [END]'
        '[INTR] call_1 [HEAD] "22:05" [END]Five past ten.'
    ),
    "gemini.jsonl": (
        "<Find me a flight, and lights on.>"
        '[CALL] function_call_11 [HEAD] {"name": "find_flight", "arguments": {"to": "Oslo"}} [END]'
        f'{CALL_12}[INTR] function_call_12 [HEAD] {{"output": "ok"}} [END]'
        "I am looking. Just a moment."
        '[INTR] function_call_11 progress [HEAD] {"seen": 3} [END]'
        '[INTR] user1 [HEAD] "And a hotel." [END]'
        '[CALL] function_call_13 [HEAD] {"name": "find_hotel", "arguments": {}} [END]'
        '[INTR] function_call_13 cancelled [HEAD] {"type": "cancelled", '
        '"message": "the server cancelled the call"} [END]'
        '[INTR] function_call_11 failed [HEAD] {"type": "error", "message": "no seats"} [END]'
        "There is no seat."
    ),
    "gemini_python.jsonl": (
        '<Lights.>[CALL] x1 [HEAD] {"name": "lights", "arguments": {"the_room": "hall"}} [END]'
        '[INTR] x1 [HEAD] {"was_on": false} [END]They are on.'
    ),
    "mcp.jsonl": (
        '<>[CALL] call1 [HEAD] {"name": "index", "arguments": {"path": "/a"}} [END]'
        '[CALL] call2 [HEAD] {"name": "sleep", "arguments": {"s": 9}} [END]'
        '[CALL] call3 [HEAD] {"name": "report", "arguments": {}} [END]'
        '[INTR] call1 progress [HEAD] {"progress": 50.0, "total": 100.0, "message": "half"} [END]'
        '[INTR] call2 cancelled [HEAD] {"type": "cancelled", "message": "changed my mind"} [END]'
        '[INTR] call1 [HEAD] {"files": 12} [END]'
        '[INTR] call3 progress [HEAD] {"status": "input_required", "message": null} [END]'
        '[INTR] call3 failed [HEAD] {"type": "error", "message": "no disk"} [END]'
        '[CALL] call6 [HEAD] {"name": "nothing", "arguments": {}} [END]'
        '[INTR] call6 failed [HEAD] {"type": "error", "message": "Unknown tool: nothing"} [END]'
    ),
    "pie.log": (
        '<>[CALL] w1 [HEAD] get_weather("New York") [END]'
        '[CALL] t1 [HEAD] get_time(location="Asia/Tokyo") [END]'
        '[INTR] t1 [HEAD] {"time": "07:30"} [END][TRAP] all [END]'
        '[INTR] w1 [HEAD] {"temp_f": 72, "sky": "sunny"} [END]'
    ),
}
each_sample = pytest.mark.parametrize("name", TOLD)


def format_of(name: str) -> str:
    return name.partition(".")[0].partition("_")[0]


def read(form: str, text: str) -> list[Happening]:
    if form == "mcp":
        from_extra("mcp", "mcp_types")
    return list(FORMATS[form].read(text))


def sample(name: str) -> list[Happening]:
    return read(format_of(name), (SAMPLES / name).read_text(encoding="utf-8"))


@each_sample
def test_a_sample_is_told(name: str) -> None:
    known, happenings = FORMATS[format_of(name)], sample(name)
    assert not list(check(happenings, profile_of(known)))
    header, rows = tell(happenings, known, name)
    kept = list(rows)
    assert not list(check_trace([encode_header(header), *map(encode_row, kept)]))
    told = ""
    for row in kept:
        match row.event:
            case Began(prompt):
                told += f"<{prompt or header.prompt}>"
            case Decoded(symbol):
                told += symbol.text
        for effect in row.effects:
            if isinstance(effect, Inject):
                told += interrupt_text(effect, header.settings.profile)
    assert told == TOLD[name]


@each_sample
def test_what_is_lost_stands_in_the_table(name: str) -> None:
    lost = {item.what for item in sample(name) if isinstance(item, NotCarried)}
    assert lost <= FORMATS[format_of(name)].losses.keys()


def test_times_of_a_log_are_those_of_the_trace() -> None:
    header, rows = tell(sample("realtime.jsonl"), FORMATS["realtime"], "x")
    table, weather = read_run(header.settings, rows).calls
    assert (table.returned_us, weather.returned_us) == (3_500_000, 1_500_000)
    assert table.started_us == 500_000


def test_samples_are_what_the_official_types_take() -> None:
    """The packages that publish the formats read the samples. Gemini's is too large for a test."""
    from_extra("openai", "openai")
    from_extra("mcp", "mcp_types")
    from mcp_types import JSONRPCMessage
    from openai.types.chat import ChatCompletionMessageParam
    from openai.types.realtime import RealtimeClientEvent, RealtimeServerEvent
    from pydantic import TypeAdapter

    messages = TypeAdapter(list[ChatCompletionMessageParam])
    messages.validate_python(json.loads((SAMPLES / "chat.json").read_text("utf-8"))["messages"])
    messages.validate_python(_lines("chat_lines.jsonl"))
    rpc: TypeAdapter[object] = TypeAdapter(JSONRPCMessage)
    for message in _lines("mcp.jsonl"):
        rpc.validate_python(message)
    client: TypeAdapter[object] = TypeAdapter(RealtimeClientEvent)
    server: TypeAdapter[object] = TypeAdapter(RealtimeServerEvent)
    for line in _lines("realtime.jsonl"):
        event = line["event"]
        is_sent = event["type"] in {"conversation.item.create", "response.create"}
        (client if is_sent else server).validate_python(event)


def _lines(name: str):
    return [json.loads(line) for line in (SAMPLES / name).read_text("utf-8").splitlines()]


FOREIGN = {
    "chat, no messages": ("chat", '{"model": "x"}', 1, "an object with 'messages'"),
    "chat, cut off": ("chat", '[\n{"role": "user",\n"content": "a', 3, "no JSON"),
    "chat, a role": ("chat", '[\n\n{"role": "robot"}]', 3, "Invalid enum value 'robot'"),
    "chat, the older form": ("chat", '[{"role": "function", "name": "f"}]', 1, "an older form"),
    "chat, many": ("chat", '{"messages": []}\n{"messages": []}\n', 1, "one conversation a file"),
    "chat, an answer to nothing": ("chat", '[{"role": "tool"}]', 1, "`tool_call_id`"),
    "chat, deep": ("chat", "[" * 100_000, 1, "nest too deep"),
    "realtime, no type": ("realtime", "{}", 1, "has a `type`"),
    "realtime, no event": ("realtime", '{"type": "x"}\n7', 2, "expected an event"),
    "realtime, no time": ("realtime", '{"timestamp": "soon", "event": {}}', 1, "'soon' is neither"),
    "gemini, no identifier": (
        "gemini",
        '{"toolCall": {"functionCalls": [{"name": "f"}]}}',
        1,
        "`id`",
    ),
    "gemini, another program's": (
        "gemini",
        '{"messages": [{"role": "user", "content": "hi"}]}',
        1,
        "no message has one of the members clientContent,",
    ),
    "mcp, no message": ("mcp", '{"jsonrpc": "2.0"}', 1, "neither a request"),
    "mcp, no tool": (
        "mcp",
        '{"jsonrpc": "2.0", "id": 1, "method": "tools/call"}',
        1,
        "names a tool",
    ),
    "pie, nothing": ("pie", "hello\n", 1, "enable_trace"),
    "pie, a kind": ("pie", "[TRACE] v=a t=1 kind=jump id= dur=-1 tok=-1 sub=", 1, "'jump'"),
    "pie, a field": ("pie", "x\n[TRACE] v=a t=soon", 2, "expected [TRACE] v="),
}


@pytest.mark.parametrize(("form", "text", "line", "said"), FOREIGN.values(), ids=FOREIGN)
def test_what_is_not_of_the_format(form: str, text: str, line: int, said: str) -> None:
    with pytest.raises(ForeignError) as caught:
        read(form, text)
    assert caught.value.line == line
    assert said in caught.value.message


def test_a_log_without_the_lines_for_people_says_less() -> None:
    lines = (SAMPLES / "pie.log").read_text(encoding="utf-8").splitlines(keepends=True)
    happenings = read("pie", "".join(line for line in lines if line.startswith("[TRACE]")))
    header, rows = tell(happenings, FORMATS["pie"], "x")
    run = read_run(header.settings, rows)
    assert [(call.call, call.function, call.outcome) for call in run.calls] == [
        ("w1", "unrecorded", "returned"),
        ("t1", "unrecorded", "returned"),
    ]
    assert sum(item.what == "results" for item in happenings if isinstance(item, NotCarried)) == 2


def test_a_duplicate_key_in_arguments_is_the_models_fault() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1,"x":2}'}}
    happenings = read("chat", json.dumps([{"role": "assistant", "tool_calls": [call]}]))
    found = list(check(happenings, profile_of(FORMATS["chat"])))
    assert [one.rule for one in found] == ["Valid/body", "Trace/answered"]
