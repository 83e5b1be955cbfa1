"""Sessions on a server that misbehaves: a clear error or a stated policy each, and nothing lost."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler

import msgspec
import pytest
from extras import from_extra
from servers import (
    Act,
    Misbehaving,
    answer_json,
    begin_stream,
    breaks,
    chunk,
    event,
    hangs,
    refuses,
    says,
    send,
)
from waiting import wait_until

from cml.ast import OutcomeKind
from interpreter import Runtime
from interpreter.drivers.replay import replay
from interpreter.events import Delivery, Outcome
from interpreter.session import Batch, EndOfDecoding, Piece
from interpreter.tools.signature import tool_of
from interpreter.trace import Header, check_trace, encode_header, encode_row
from model_adapters.backends import Request, open_backend
from model_adapters.constraint.following import Following
from model_adapters.errors import AdapterError, UnknownBackendError

from_extra("openai", "openai")

from model_adapters.openai_compat.address import Address, read_address  # noqa: E402
from model_adapters.openai_compat.completions import CompletionsSession  # noqa: E402
from model_adapters.openai_compat.context import ServerContext  # noqa: E402
from model_adapters.openai_compat.dialects import PLAIN, VLLM, Ask  # noqa: E402
from model_adapters.openai_compat.faults import ServerError  # noqa: E402
from model_adapters.openai_compat.held import HeldAnswer  # noqa: E402
from model_adapters.openai_compat.parts import ContextPart  # noqa: E402
from model_adapters.openai_compat.server import Server  # noqa: E402
from model_adapters.prompt import Message  # noqa: E402

ASK = (Message("user", "Hello."),)


@contextmanager
def session_on(
    *acts: Act, timeout_s: float = 60.0, models: tuple[str, ...] = ("m",), max_tokens: int = 50
) -> Iterator[tuple[CompletionsSession, Misbehaving]]:
    with Misbehaving(*acts, models=models) as server:
        address = Address(server.url, timeout_s=timeout_s)
        session = CompletionsSession(Server(address, first_wait_s=0.01), ASK, max_tokens=max_tokens)
        try:
            yield session, server
        finally:
            session.close()


def write(session: CompletionsSession) -> str:
    text = ""
    while isinstance(piece := session.decode(), Piece):
        text += piece.text
    assert piece == EndOfDecoding("stop")
    return text


def test_what_a_server_says_is_the_text_of_the_pieces_and_of_the_context() -> None:
    with session_on(says("Hel", "lo", " there.")) as (session, server):
        assert write(session) == "Hello there."
        assert session.text == "user: Hello.\n\nassistant: Hello there."
        [asked] = server.asked
        assert asked["prompt"] == "user: Hello.\n\nassistant: "
        assert session.usage.limits == {"tokens": "1234"}
        assert (session.usage.prompt_tokens, session.usage.cached_tokens) == (7, 5)


def test_a_stream_that_dies_is_taken_up_where_it_ended() -> None:
    with session_on(breaks("one ", "two "), breaks("three "), says("four")) as (session, server):
        assert write(session) == "one two three four"
        begun = server.asked[0]["prompt"]
        told = [asked["prompt"].removeprefix(begun) for asked in server.asked]
        assert told == ["", "one two ", "one two three "]
        assert [asked["max_tokens"] for asked in server.asked] == [50, 48, 47]
        assert session.usage.retries == 2


def test_a_server_that_only_dies_is_given_up_after_three_more_tries() -> None:
    with session_on(breaks()) as (session, server):
        with pytest.raises(ServerError, match="ended in the middle of an answer"):
            session.decode()
        assert len(server.asked) == 4


def test_half_a_utf8_character_is_never_passed_on() -> None:
    half = event(chunk("é")).replace(b"\\u00e9", "é".encode()[:1])
    with session_on(breaks("a", then=half), says("é")) as (session, _):
        assert write(session) == "aé"
    with session_on(breaks("a", then=half), breaks(then=half)) as (session, _):
        assert session.decode() == Piece("a")
        with pytest.raises(ServerError, match="what is no event"):
            session.decode()


def test_brackets_too_deep_to_be_read_are_no_event() -> None:
    deep = b"data: " + b"[" * 100_000 + b"\n\n"
    with session_on(breaks("a", then=deep), says("b")) as (session, _):
        assert write(session) == "ab"


def test_what_is_null_says_nothing() -> None:
    nothing = {"model": None, "choices": None, "usage": {"prompt_tokens": None}}

    def act(handler: BaseHTTPRequestHandler, _: object) -> None:
        begin_stream(handler)
        for each in (nothing, chunk("a"), chunk("", "stop"), nothing):
            send(handler, event(each))

    with session_on(act) as (session, server):
        assert write(session) == "a"
        assert len(server.asked) == 1


def test_an_answer_ends_though_its_stream_stays_open() -> None:
    left = threading.Event()

    def act(handler: BaseHTTPRequestHandler, _: object) -> None:
        begin_stream(handler)
        send(handler, event(chunk("a")) + event(chunk("", "stop")))
        ended.append(left.wait(60))

    ended: list[bool] = []
    with session_on(act, timeout_s=60) as (session, server):
        assert write(session) == "a"
        assert ended == []  # the server still holds it open
        left.set()
        assert len(server.asked) == 1


def test_an_answer_is_over_where_the_server_says_so_without_a_reason() -> None:
    done = breaks("one ", "two", then=b"data: [DONE]\n\n")
    with session_on(done, says(" never asked")) as (session, server):
        assert write(session) == "one two"
        assert len(server.asked) == 1
        assert session.usage.retries == 0


def test_halves_of_a_character_that_json_writes_in_two_are_joined() -> None:
    with session_on(says("x", "\ud83d", "\ude80", "\ud83d", "y")) as (session, _):
        texts = [piece.text for _ in range(3) if isinstance(piece := session.decode(), Piece)]
        assert texts == ["x", "🚀", "\ufffdy"]
        assert session.decode() == EndOfDecoding("stop")


def test_two_chunks_at_once_are_two_pieces() -> None:
    def both(handler: object, _: object) -> None:
        begin_stream(handler)
        send(handler, event(chunk("one ")) + event(chunk("two")) + event(chunk("", "stop")))

    with session_on(both) as (session, _):
        assert [session.decode() for _ in range(2)] == [Piece("one "), Piece("two")]
        assert session.decode() == EndOfDecoding("stop")


def test_a_chunk_that_is_cut_by_the_network_is_one_piece() -> None:
    def cut(handler: object, _: object) -> None:
        begin_stream(handler)
        for byte in event(chunk("日本")) + event(chunk("", "stop")):
            send(handler, bytes([byte]))

    with session_on(cut) as (session, _):
        assert write(session) == "日本"


def test_an_error_inside_an_answer_that_began_well_is_told_in_its_words() -> None:
    error = {"error": {"message": "the GPU fell off", "code": 400}}
    with session_on(breaks("so ", then=event(error))) as (session, server):
        assert session.decode() == Piece("so ")
        with pytest.raises(ServerError, match="broke off with an error: the GPU fell off"):
            session.decode()
        assert len(server.asked) == 1
    passing = {"error": {"message": "overloaded", "code": 503}}
    with session_on(breaks("so ", then=event(passing)), says("what")) as (session, _):
        assert write(session) == "so what"


def test_silence_is_an_error_after_its_time() -> None:
    with session_on(hangs(3.0, "so "), hangs(3.0), timeout_s=0.5) as (session, server):
        assert session.decode() == Piece("so ")
        with pytest.raises(ServerError, match=r"sent nothing for 0\.5 s"):
            session.decode()
        assert len(server.asked) == 4
        assert session.text.endswith("so ")


def test_the_answer_of_another_model_is_refused() -> None:
    with (
        session_on(says("hi", model="other")) as (session, _),
        pytest.raises(ServerError, match="'m' was asked and 'other' answers"),
    ):
        session.decode()


@pytest.mark.parametrize(
    ("models", "model", "said"),
    [
        (("a", "b"), None, "does not say which model to use; give .* one of these: a, b"),
        (("a", "b"), "c", "has no model 'c'.* one of these: a, b"),
        ((), None, "none that it tells"),
    ],
)
def test_which_model_is_meant_has_to_be_clear(
    models: tuple[str, ...], model: str | None, said: str
) -> None:
    with Misbehaving(says("x"), models=models) as server:
        with pytest.raises(AdapterError, match=said) as caught:
            Server(Address(server.url, model))
        assert caught.traceback  # which keeps the client: nothing else closes its connection
        wait_until(lambda: server.connected == 0)


def test_a_full_context_ends_the_decoding() -> None:
    full = refuses(400, "This model's maximum context length is 7 tokens")
    with session_on(breaks("one "), full) as (session, _):
        assert session.decode() == Piece("one ")
        assert session.decode() == EndOfDecoding("length")
        assert session.append(Batch("[INTR] a [HEAD] 1 [END]")) > 0
        assert session.text.endswith("one [INTR] a [HEAD] 1 [END]")


def test_a_refusal_is_waited_out_as_long_as_the_server_says() -> None:
    busy = refuses(429, "slow down", retry_after="0.3")
    with session_on(busy, says("hi")) as (session, server):
        begun = time.monotonic()
        assert write(session) == "hi"
        assert time.monotonic() - begun >= 0.3
        assert len(server.asked) == 2
        assert session.usage.retries == 1


def test_a_refusal_for_too_long_is_an_error_that_says_for_how_long() -> None:
    with (
        session_on(refuses(429, "slow down", retry_after="3600")) as (session, _),
        pytest.raises(ServerError, match=r"429 \(it says to come back in 3600 s\): slow"),
    ):
        session.decode()


@pytest.mark.parametrize("status", [400, 401, 404])
def test_what_will_not_go_well_the_next_time_is_not_tried_again(status: int) -> None:
    with session_on(refuses(status, "no")) as (session, server):
        with pytest.raises(ServerError, match=f"answers {status}: no"):
            session.decode()
        assert len(server.asked) == 1


def test_nobody_at_the_address_is_told() -> None:
    with Misbehaving(says("x")) as server:
        url = server.url
    with pytest.raises(ServerError, match="the connection broke"):
        Server(Address(url))


_NO_TIMES = ("soon", "0", "-1", "nan", "inf", "1e300")


@pytest.mark.parametrize("place", ["h/v1", "h:99999", "[half", "h/v1?timeout=soon"])
@pytest.mark.parametrize("scheme", ["http://", "ftp://", ""])
def test_a_password_is_not_told_where_it_is_refused(scheme: str, place: str) -> None:
    with pytest.raises(UnknownBackendError, match="OPENAI_API_KEY") as refused:
        read_address(f"{scheme}ann:secret@{place}")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("", "names no server"),
        ("localhost:8000", "names no server"),
        ("http://h/v1?way=telepathy", "give completions or chat"),
        ("http://h/v1?key=1", "key is none of"),
        ("http://[::1", "names no server"),
        ("http://h:abc/v1", "names no server"),
        ("http://h:99999/v1", "names no server"),
        ("http://h:0/v1", "names no server"),
        ("http://:8000/v1", "names no server"),
        *((f"http://h/v1?timeout={one}", "no number of seconds") for one in _NO_TIMES),
        ("http://h/v1?grammar=gbnf", "give llguidance"),
        ("http://h/v1?way=chat&grammar=llguidance", "no chat is held to a grammar"),
    ],
)
def test_an_address_that_is_none_is_told(word: str, said: str) -> None:
    with pytest.raises(UnknownBackendError, match=said):
        read_address(word)


def test_an_address_is_read() -> None:
    assert read_address("http://h:1") == Address("http://h:1/v1")
    read = read_address("https://h/api/v1/?model=a/b&way=chat&timeout=300")
    assert read == Address("https://h/api/v1", "a/b", "chat", 300.0)


# ------------------------------------------------------------------------- whole sessions


def test_an_interrupt_stops_the_server_and_goes_in_behind_what_was_seen() -> None:
    endless = says(*["ahead "] * 2000, pause_s=0.005)
    with session_on(endless, says("after")) as (session, server):
        assert session.decode() == Piece("ahead ")
        session.append(Batch("<INTR>"))
        wait_until(lambda: server.broken_off == 1)
        assert write(session) == "after"
        assert server.asked[1]["prompt"].endswith("assistant: ahead < INTR>")


def test_a_rewind_takes_the_likeliest_other_beginning() -> None:
    def alternatives(handler: object, _: object) -> None:
        likely = {"[": -0.1, "[INTR": -0.2, "So": -1.0, "no": -2.0}
        answer_json(handler, {"choices": [{"logprobs": {"top_logprobs": [likely]}}]})

    with session_on(says("a ", "[INTR] x"), alternatives, says(" it goes")) as (session, server):
        session.decode()
        session.decode()
        session.rewind(8)
        assert write(session) == "So it goes"
        assert session.text.endswith("a So it goes")
        # What came in its place counts: a server refuses more than its context has room for.
        assert [asked["max_tokens"] for asked in server.asked] == [50, 1, 47]


@pytest.mark.parametrize(
    "likeliest",
    ["", "<|im_end|>", "[INST]", "\ufffd", "a\ud83d", "bytes:\\xe2\\x80", "[INTR"],
)
def test_no_alternative_is_a_control_token_or_a_part_of_a_character(likeliest: str) -> None:
    def alternatives(handler: BaseHTTPRequestHandler, _: object) -> None:
        told = {likeliest: -0.1, "So": -1.0}
        answer_json(handler, {"choices": [{"logprobs": {"top_logprobs": [told]}}]})

    with session_on(says("[INTR] x"), alternatives, says(" it goes")) as (session, server):
        session.decode()
        session.rewind(8)
        assert write(session) == "So it goes"
        assert server.asked[2]["prompt"].endswith("assistant: So")


def test_where_there_is_no_alternative_in_text_the_server_is_told_off() -> None:
    def alternatives(handler: BaseHTTPRequestHandler, _: object) -> None:
        answer_json(handler, {"choices": [{"logprobs": {"top_logprobs": [{"\ufffd": -0.1}]}}]})

    with session_on(says("[INTR] x"), alternatives) as (session, _):
        session.decode()
        session.rewind(8)
        with pytest.raises(ServerError, match="no alternative to a token that could be sent"):
            session.decode()


def test_a_rewind_through_a_chunk_leaves_the_rest_of_it_as_it_was() -> None:
    with session_on(says("see <b>this</b>"), refuses(400, "no")) as (session, _):
        session.decode()
        session.rewind(len("this</b>"))
        assert session.text.endswith("assistant: see <b>")
        with pytest.raises(ServerError, match="400: no"):  # of alternatives it knows nothing
            session.decode()


def test_a_token_is_spelled_behind_one_whose_space_decoding_drops() -> None:
    assert VLLM.tokens is not None
    words = {1: " one", 2: " two"}

    def decode(_: Ask, tokens: Sequence[int]) -> str:
        return "".join(words[token] for token in tokens).removeprefix(" ")

    tokens = msgspec.structs.replace(VLLM.tokens, decode=decode)
    with Misbehaving(says()) as server, closing(Server(Address(server.url))) as asked:
        context = ServerContext(asked, ASK)
        context.write(ContextPart(" one", (1,), 1))
        assert context.spelled(2, tokens) == ContextPart(" two", (2,), 1)


def test_a_run_on_a_server_that_dies_and_comes_back_is_whole() -> None:
    first = breaks("[CALL] a [HEAD] doub", then=b"data: {\n\n")
    rest = says("le(x=2) [END] [TR", "AP][END]", *["ahead "] * 500, pause_s=0.002)
    with session_on(first, rest, says("It is 4.")) as (session, _), runtime_of(session) as runtime:
        rows = list(runtime.run())
        lines = [encode_row(row) for row in rows]
        header = encode_header(Header(1, runtime.settings, "real"))
        assert list(check_trace([header, *lines])) == []
        assert [encode_row(row) for row in replay(runtime.settings, rows)] == lines
        written = session.text.split("assistant: ")[1]
        assert "[TRAP][END][INTR] a [HEAD] 4 [END]It is 4." in written


def test_a_run_whose_server_is_lost_ends_with_its_reason_and_a_trace_up_to_there() -> None:
    acts = (breaks("[CALL] a [HEAD] double(x=2) [END] w", then=b""), refuses(401, "who are you"))
    rows = []
    with session_on(*acts) as (session, _), runtime_of(session) as runtime:
        with pytest.raises(ServerError, match="401: who are you"):
            rows += runtime.run()
        header = encode_header(Header(1, runtime.settings, "real"))
    found = list(check_trace([header, *(encode_row(row) for row in rows)]))
    assert [each.code for each in found if each.severity == "error"] == []


def runtime_of(session: CompletionsSession) -> Runtime:
    functions: dict[str, Callable[..., object]] = {"double": lambda x: 2 * x}
    return Runtime(session, functions)


# ------------------------------------------------------------------------- held to a grammar

CALL = "[CALL] job1 [HEAD] f(x=1) [END]"


@contextmanager
def held_on(*acts: Act) -> Iterator[tuple[CompletionsSession, Misbehaving]]:
    with Misbehaving(*acts) as server:
        following = Following([tool_of(f)], goes_over=False)
        session = CompletionsSession(
            Server(Address(server.url), first_wait_s=0.01),
            ASK,
            held=HeldAnswer(following, PLAIN.holding),
        )
        try:
            yield session, server
        finally:
            session.close()


def f(x: int) -> int:
    return x


def numbers(server: Misbehaving) -> list[str | None]:
    """Which call each request may begin with; None where it is not held."""
    found = [re.search(r"CALL\] (job\d+) ", asked.get("grammar", "")) for asked in server.asked]
    return [match and match[1] for match in found]


def test_each_stretch_is_a_request_with_its_grammar() -> None:
    with held_on(says("Well. ", CALL[:12], CALL[12:]), says("Done.")) as (session, server):
        assert write(session) == f"Well. {CALL}Done."
        assert numbers(server) == ["job1", "job2"]
        assert server.asked[1]["prompt"].endswith(CALL)


def test_a_stream_that_dies_in_a_call_is_taken_up_without_a_grammar_until_it_is_over() -> None:
    acts = breaks("Well. "), breaks(CALL[:12]), says(CALL[12:], " lost"), says("Done.")
    with held_on(*acts) as (session, server):
        assert write(session) == f"Well. {CALL}Done."
        assert numbers(server) == ["job1", "job1", None, "job2"]


def test_what_is_appended_settles_what_a_trap_can_wait_for() -> None:
    with held_on(says(CALL), says(" [TRAP][END]"), says("Done.")) as (session, server):
        assert write(session) == f"{CALL} [TRAP][END]"
        returned = Delivery("job1", Outcome(OutcomeKind.RETURNED, 1))
        session.append(Batch("[INTR] job1 [HEAD] 1 [END]", (returned,)))
        assert write(session) == "Done."
        assert ["[TRAP]" in asked["grammar"] for asked in server.asked] == [False, True, False]


def ignores(handler: BaseHTTPRequestHandler, _: dict[str, object]) -> None:
    answer_json(handler, {"choices": [{"text": "Hello"}]})


@pytest.mark.parametrize("act", [ignores, refuses(400, "no such option"), breaks()])
def test_a_server_that_is_not_held_is_told(act: Act) -> None:
    with Misbehaving(act) as server:
        word = f"openai:{server.url}?way=completions&grammar=llguidance"
        with pytest.raises(AdapterError, match="leave out grammar=llguidance"):
            open_backend(Request(word, "Hello.", {}))
