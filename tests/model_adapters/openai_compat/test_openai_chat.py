"""Chats in the server's own form of calls: each call that is sent has exactly one output."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from extras import from_extra
from hypothesis import given
from hypothesis import strategies as st
from servers import Act, Misbehaving, begin_stream, event, send
from waiting import wait_until

import cml
from cml.ast import OutcomeKind
from interpreter import Runtime
from interpreter.events import Delivery, Outcome
from interpreter.runs import read_run
from interpreter.session import Batch, EndOfDecoding, Piece
from interpreter.state import Settings
from interpreter.tools.signature import tool_of
from model_adapters.backends import Request
from model_adapters.prompt import Message

from_extra("openai", "openai")

from model_adapters.openai_compat.address import Address  # noqa: E402
from model_adapters.openai_compat.chat.history import GO_ON, ChatHistory, NativeCall  # noqa: E402
from model_adapters.openai_compat.chat.session import ChatSession  # noqa: E402
from model_adapters.openai_compat.server import Server  # noqa: E402

ASK = [Message("user", "How much is it?")]


def price(city: str) -> int:
    """The price of a flight."""
    time.sleep(0.05 if city == "Oslo" else 0.4)
    return len(city)


def delta(finish: str | None = None, **parts: object) -> dict[str, Any]:
    return {"model": "m", "choices": [{"index": 0, "delta": parts, "finish_reason": finish}]}


def calls(*wanted: tuple[str, str], finish: str = "tool_calls") -> Act:
    """Call functions in the server's form, each in fragments."""

    def act(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        begin_stream(handler)
        send(handler, event(delta(content="Let me see.")))
        for index, (function, arguments) in enumerate(wanted):
            head = {"index": index, "id": f"key-{function}-{arguments}", "type": "function"}
            first = {**head, "function": {"name": function, "arguments": arguments[:3]}}
            rest = {"index": index, "function": {"arguments": arguments[3:]}}
            send(handler, event(delta(tool_calls=[first])) + event(delta(tool_calls=[rest])))
        send(handler, event(delta(finish)) + b"data: [DONE]\n\n")

    return act


def tells(*texts: str, finish: str | None = "stop") -> Act:
    def act(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        begin_stream(handler)
        for text in texts:
            send(handler, event(delta(content=text)))
        if finish:
            send(handler, event(delta(finish)) + b"data: [DONE]\n\n")

    return act


@contextmanager
def chat_on(*acts: Act) -> Iterator[tuple[ChatSession, Misbehaving]]:
    with Misbehaving(*acts) as server:
        connection = Server(Address(server.url, timeout_s=60), first_wait_s=0.01)
        session = ChatSession(connection, ASK, tools=[tool_of(price, "price")])
        try:
            yield session, server
        finally:
            session.close()


def assert_paired(messages: list[dict[str, Any]]) -> None:
    """Every call has its output, directly behind its message, in order, and there is no other."""
    for at, message in enumerate(messages):
        keys = [call["id"] for call in message.get("tool_calls", ())]
        behind = messages[at + 1 : at + 1 + len(keys)]
        assert [other.get("tool_call_id") for other in behind] == keys
    outputs = [m["tool_call_id"] for m in messages if m["role"] == "tool"]
    assert outputs == [call["id"] for m in messages for call in m.get("tool_calls", ())]


def test_calls_in_the_servers_form_overlap_and_each_is_answered_where_the_chat_has_it() -> None:
    two = calls(("price", '{"city": "Oslo"}'), ("price", '{"city": "Rome "}'))
    with (
        chat_on(two, tells("Wait."), tells("Both."), tells("Done.")) as (session, server),
        Runtime(session, {"price": price}) as runtime,
    ):
        run = read_run(runtime.settings, runtime.run())
    assert [call.call for call in run.calls] == ["call1", "call2"]
    assert run.ending == "answered"
    for asked in server.asked:
        assert_paired(asked["messages"])
    first, second, third = server.asked[:3]
    assert [tool["function"]["name"] for tool in first["tools"]] == ["price"]
    [_, answer, done, pending] = second["messages"][:4]
    assert answer["content"] == "Let me see."
    assert done["content"] == '{"kind":"returned","value":4}'
    assert '"type":"pending"' in pending["content"]
    assert '"call":"call2"' in pending["content"]
    assert third["messages"][:4] == second["messages"][:4]  # what was sent is not changed
    assert "[INTR] call2 [HEAD] 5 [END]" in third["messages"][-1]["content"]


def test_an_answer_is_over_where_the_server_says_so_without_a_reason() -> None:
    def act(handler: BaseHTTPRequestHandler, _: object) -> None:
        begin_stream(handler)
        call = {"index": 0, "id": "k", "function": {"name": "price", "arguments": "{}"}}
        send(handler, event(delta(content="Look.")) + event(delta(tool_calls=[call])))
        send(handler, b"data: [DONE]\n\n")

    with chat_on(act, tells("never asked")) as (session, server):
        pieces = list(iter(session.decode, EndOfDecoding("stop")))
        text = "".join(piece.text for piece in pieces if isinstance(piece, Piece))
        assert text == "Look.\n[CALL] call1 [HEAD] price() [END]\n[TRAP][END]"
        assert len(server.asked) == 1


def endless(*begin: dict[str, Any], again: dict[str, Any]) -> Act:
    """Send chunks until nobody listens."""

    def act(handler: BaseHTTPRequestHandler, _: object) -> None:
        begin_stream(handler)
        for each in begin:
            send(handler, event(each))
        while True:
            send(handler, event(again))

    return act


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"tool_calls": [{"index": 1, "function": {"arguments": "x"}}]}, id="a call"),
        pytest.param({"reasoning_content": "hm"}, id="a thought"),
    ],
)
def test_a_message_without_end_is_cut_off_and_a_call_that_was_whole_is_told(
    again: dict[str, Any],
) -> None:
    whole = {"index": 0, "id": "k", "function": {"name": "price", "arguments": "{}"}}
    begun = {"index": 1, "id": "l", "function": {"name": "price", "arguments": '{"city": "'}}
    act = endless(delta(tool_calls=[whole]), delta(tool_calls=[begun]), again=delta(**again))
    with chat_on(act) as (session, server):
        pieces = list(iter(session.decode, EndOfDecoding("length")))
        text = "".join(piece.text for piece in pieces if isinstance(piece, Piece))
        assert text == "\n[CALL] call1 [HEAD] price() [END]\n[TRAP][END]"
        wait_until(lambda: server.broken_off == 1)
        assert len(server.asked) == 1


def test_a_call_that_the_server_itself_cuts_off_is_not_told() -> None:
    act = calls(("price", '{"city": "Oslo"}'), ("price", '{"city": "Ro'), finish="length")
    with chat_on(act) as (session, _):
        pieces = list(iter(session.decode, EndOfDecoding("length")))
        text = "".join(piece.text for piece in pieces if isinstance(piece, Piece))
        assert "Oslo" in text
        assert "Ro" not in text


def test_a_call_is_one_of_the_context() -> None:
    with chat_on(calls(("price", '{"city": "[END]"}'), ("price", "{not json"), ("9!", "{}"))) as (
        session,
        _,
    ):
        text = "".join(p.text for p in iter(session.decode, EndOfDecoding("stop")))  # type: ignore[union-attr]
    items = cml.parse(text).items
    found = [item for item in items if isinstance(item, cml.Call)]
    assert [call.function for call in found] == ["price", "price", "unknown"]
    assert found[0].kwargs == {"city": "[END]"}
    assert found[1].args == ("{not json",)
    assert isinstance(items[-1], cml.Trap)


def test_arguments_that_no_body_can_hold_are_told_under_a_name_that_no_function_has() -> None:
    """Not as a call of another function, nor as a future that nobody wrote."""
    asked = (("price", '{"city": {"$ref": "x"}}'), ("price", '{"a b": 1}'))
    with chat_on(calls(*asked)) as (session, _):
        text = "".join(p.text for p in iter(session.decode, EndOfDecoding("stop")))  # type: ignore[union-attr]
    found = [item for item in cml.parse(text).items if isinstance(item, cml.Call)]
    assert [call.function for call in found] == ["price", "price"]
    assert [call.kwargs for call in found] == [
        {"unreadable_arguments": arguments} for _, arguments in asked
    ]


def test_a_message_that_the_network_breaks_off_is_closed_and_the_model_told() -> None:
    with chat_on(tells("It is ", finish=None), tells("four.")) as (session, server):
        assert [session.decode() for _ in range(3)] == [
            Piece("It is "),
            Piece("four."),
            EndOfDecoding("stop"),
        ]
        assert server.asked[1]["messages"][1:] == [
            {"role": "assistant", "content": "It is "},
            {"role": "user", "content": GO_ON},
        ]


def test_a_rewind_takes_a_call_out_of_the_message() -> None:
    with chat_on(calls(("price", "{}")), tells("ok")) as (session, server):
        text = "".join(p.text for p in iter(session.decode, EndOfDecoding("stop")))  # type: ignore[union-attr]
        session.rewind(len(text) - len("Let me"))
        session.append(Batch("[INTR] user1 [HEAD] 1 [END]"))
        session.decode()
        assert server.asked[1]["messages"][1:] == [
            {"role": "assistant", "content": "Let me"},
            {"role": "user", "content": "[INTR] user1 [HEAD] 1 [END]"},
        ]


# ---------------------------------------------------------------------------- the history alone

OUTCOMES = st.sampled_from(list(OutcomeKind))
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.integers(1, 3), st.text(max_size=3)),
        st.tuples(st.just("tell"), st.integers(1, 9), OUTCOMES),
        st.tuples(st.just("say"), st.text(min_size=1, max_size=3)),
        st.tuples(st.just("send")),
    ),
    max_size=30,
)


@given(ACTS)
def test_whatever_happens_calls_and_outputs_are_pairs_and_what_was_sent_stays(
    acts: list[Any],
) -> None:
    history, number = ChatHistory(ASK), 0
    sent, told = send_again(history, []), list[str]()
    for act in acts:
        match act:
            case ("call", count, text):  # a message is there only when it was asked for
                sent = send_again(history, sent)
                new = [
                    NativeCall(f"k{number + n}", f"call{number + n}", "f", "{}")
                    for n in range(count)
                ]
                number += count
                history.answer(text, new)
            case ("tell", which, kind):
                delivery = Delivery(f"call{which}", Outcome(kind, f"<{len(told)}>"))
                told.append(f"<{len(told)}>")
                history.told(delivery, f"[INTR] {delivery.outcome.value}")
            case ("say", text):
                history.say(text)
            case _:
                sent = send_again(history, sent)
    sent = send_again(history, sent)
    everything = " ".join(str(message.get("content")) for message in sent)
    assert all(value in everything for value in told)  # no outcome is lost


def send_again(history: ChatHistory, before: list[Any]) -> list[Any]:
    """Have a chat sent, and hold it against what was sent before."""
    sent = list(history.to_send())
    assert_paired(sent)
    whole = before[:-1] if before and before[-1]["role"] == "user" else before
    assert sent[: len(whole)] == whole
    assert sent[-1]["role"] in {"user", "tool"}
    return sent


def sends(*events: dict[str, Any]) -> Act:
    def act(handler: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        begin_stream(handler)
        for each in events:
            send(handler, event(each))
        send(handler, event(delta("tool_calls")) + b"data: [DONE]\n\n")

    return act


def part(
    name: str | None, arguments: str | None, key: str | None = None, **index: int | None
) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    return delta(tool_calls=[{"id": key, "function": function, **index}])


def said(*events: dict[str, Any]) -> list[str]:
    """The calls that a session makes of an answer, which is asked for once."""
    with chat_on(sends(*events)) as (session, server):
        text = "".join(p.text for p in iter(session.decode, EndOfDecoding("stop")))  # type: ignore[union-attr]
        assert len(server.asked) == 1
    return [line.partition("[HEAD] ")[2].removesuffix(" [END]") for line in text.split("\n[CALL]")][
        1:
    ]


def test_a_character_cut_between_two_parts_of_a_call_is_whole() -> None:
    cut = part("f", '{"a": "\ud83d', "k", index=0), part(None, '\ude00"}', index=0)
    assert said(*cut)[0].startswith('f(a="😀")')
    assert said(part("f", '{"a": "\ud83d"}', "k", index=0))[0].startswith('f(a="\ufffd")')


@pytest.mark.parametrize("index", [{}, {"index": 0}, {"index": None}])
def test_calls_with_keys_of_their_own_are_told_apart(index: dict[str, int | None]) -> None:
    parts = (
        part("f", '{"a":', "k1", **index),
        part(None, " 1}", **index),
        part("g", '{"b": 2}', "k2", **index),
    )
    first, second = said(*parts)
    assert first == "f(a=1)"
    assert second.startswith("g(b=2)")


def test_calls_without_a_key_or_a_number_begin_with_their_names() -> None:
    assert len(said(part("f", "{}"), part("g", "{}"))) == 2


def test_a_new_key_without_a_name_goes_on_with_its_call() -> None:
    parts = part("f", '{"a":', "k1", index=0), part(None, "1}", "k2", index=0)
    assert [call[:6] for call in said(*parts)] == ["f(a=1)"]


def test_what_is_null_says_nothing() -> None:
    nothing = {"model": None, "choices": None}
    no_delta = {"model": None, "choices": [{"delta": None, "finish_reason": None}]}
    no_function = delta(tool_calls=[{"index": None, "id": "k", "function": None}])
    [call] = said(nothing, no_delta, no_function, part("f", "{}", index=None))
    assert call.startswith("f()")


def test_arguments_too_deep_to_be_read_are_told_as_they_are() -> None:
    deep = '{"a": ' + "[" * 900 + "]" * 900 + "}"
    [call] = said(part("f", deep, "k", index=0))
    assert call.startswith('f(unreadable_arguments="{')


def test_a_server_of_sessions_asks_for_all_of_them_at_once() -> None:
    """No answer begins before the other question has come: who asks one after another gets none."""
    from_extra("page", "starlette")
    from model_adapters.serving.live.sessions import LiveSessions
    from model_adapters.serving.live.source import SessionWanted, Source

    both = threading.Barrier(2)

    def act(handler: BaseHTTPRequestHandler, asked: dict[str, Any]) -> None:
        both.wait(60)
        tells("So.")(handler, asked)

    async def serve(request: Request) -> list[str | None]:
        async with LiveSessions(Source(request, Settings())) as live:
            begun = [await live.begin(SessionWanted(f"Count to {n}."), "one") for n in (5, 6)]
            for each in begun:
                async for _ in each.log.follow(0, 60.0):
                    pass
            return [each.document.ended for each in begun]

    with Misbehaving(act) as server:
        request = Request(f"openai:{server.url}?way=chat", "Hi.", {}, sessions=2)
        assert asyncio.run(serve(request)) == ["over", "over"]
        assert len(server.asked) == 2
