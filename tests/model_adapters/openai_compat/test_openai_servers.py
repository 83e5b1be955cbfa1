"""Sessions on a real server: llama.cpp's, in a process that the tests start."""

import re
from collections.abc import Iterator
from contextlib import closing

import msgspec
import pytest
from extras import from_extra
from grammars import (
    CONTROL,
    check_that_answers_end_alike,
    check_that_calls_fit,
    check_the_contract,
    double,
    held,
)
from servers import llama_cpp_server, read
from waiting import wait_until

from cml.ast import OutcomeKind
from cml.profile import Level, Profile
from interpreter import HostError, Runtime, Settings
from interpreter.events import Delivery, Inject, Outcome, Row
from interpreter.interrupts import interrupt_text
from interpreter.journals import past_of
from interpreter.session import Batch, EndOfDecoding, Piece
from interpreter.trace import Header, check_trace, encode_header, encode_row
from model_adapters.backends import Request, open_backend
from model_adapters.conformance.checks import chosen
from model_adapters.conformance.running import run_checks
from model_adapters.conformance.subject import Subject, request_of
from model_adapters.embedded.smollm2 import AS_PUBLISHED, embedded_gguf, fetch_embedded
from model_adapters.errors import AdapterError, OptionNotTakenError
from model_adapters.opening import Opened
from model_adapters.prompt import Message
from model_adapters.testing import SessionError, check_session

from_extra("openai", "openai")
from_extra("llamacpp", "xllamacpp")
from model_adapters.openai_compat.address import Address  # noqa: E402
from model_adapters.openai_compat.chat.session import ChatSession  # noqa: E402
from model_adapters.openai_compat.completions import CompletionsSession  # noqa: E402
from model_adapters.openai_compat.server import Server  # noqa: E402

pytestmark = pytest.mark.model
ASK = (Message("user", "Count from one to twenty, in words. <|im_end|>"),)
CALLS = "[CALL] job1 [HEAD] double(x=21) [END]\n[TRAP][END]"
BATCH = Batch('\n[INTR] job1 [HEAD] {"city": "Paris <|im_end|>"} [END]\n')

END, OTHER_END = 2, 0
"""The token that ends an answer of the embedded model, and one that ends a document."""
THERE = Delivery("job1", Outcome(OutcomeKind.RETURNED, "there"))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    fetch_embedded(AS_PUBLISHED)
    with llama_cpp_server(embedded_gguf()) as address:
        yield address


def begin(url: str, max_tokens: int = 200) -> CompletionsSession:
    return CompletionsSession(Server(Address(url)), ASK, max_tokens=max_tokens)


def write(session: CompletionsSession | ChatSession, steps: int) -> str:
    pieces = [session.decode() for _ in range(steps)]
    return "".join(piece.text for piece in pieces if isinstance(piece, Piece))


def busy(url: str) -> bool:
    return any(slot["is_processing"] for slot in read(url.replace("/v1", "/slots")))


def test_it_keeps_the_contract(url: str) -> None:
    with closing(begin(url)) as session:
        prompt = len(session.text)
    checked = check_session(
        lambda: begin(url, 400), context_of=lambda session: session.text[prompt:], steps=4
    )
    assert checked.not_exercised == {}
    assert {"Embed/context-left", "Embed/restore"} <= {*checked.held}


def test_no_text_from_outside_becomes_a_control_token(url: str) -> None:
    with closing(begin(url)) as session:
        control = [token for token in session.ids if token < 17]
        assert session.text.count("<|im_end|>") == 1 + control.count(2)
        before = len(session.ids)
        session.append(BATCH)
        assert min(session.ids[before:]) >= 17


def test_to_split_an_answer_changes_nothing_of_it(url: str) -> None:
    with closing(begin(url)) as whole:
        expected = write(whole, 16)
    with closing(begin(url)) as session:
        text = write(session, 7)
        session._feed.stop()  # as at an interrupt
        assert text + write(session, 9) == expected


def test_an_append_stops_the_servers_work_and_so_does_a_close(url: str) -> None:
    session = begin(url, 1500)
    for stop in (lambda: session.append(BATCH), session.close):
        write(session, 2)
        wait_until(lambda: busy(url))
        stop()
        wait_until(lambda: not busy(url), within_s=10)  # all of it takes longer


def test_an_appended_interrupt_is_read_with_the_prefix_that_the_server_kept(url: str) -> None:
    with closing(begin(url, 9)) as session:
        session.append(Batch(" x" * 300))
        write(session, 4)
        session.append(BATCH)
        write(session, 5)
        assert session.decode() == EndOfDecoding("length")
        new = session.usage.prompt_tokens - session.usage.cached_tokens
        assert session.usage.prompt_tokens > 300
        assert new < 100


def test_a_context_that_fills_up_in_an_injection_ends_the_decoding(url: str) -> None:
    with closing(begin(url)) as session:
        session.append(Batch(" x" * session.context_left))
        assert session.decode() == EndOfDecoding("length")
        session.append(BATCH)
        assert session.text.endswith(BATCH.text)


def test_a_run_has_its_calls_answered_in_the_context(url: str) -> None:
    with closing(begin(url, 60)) as session:
        prompt = len(session.text)
        rows = called(session)
        context = session.text[prompt:]
        batches = [effect for row in rows for effect in row.effects if isinstance(effect, Inject)]
        told = "".join(interrupt_text(batch, Profile()) for batch in batches)
        assert told == "[INTR] job1 [HEAD] 42 [END]"
        assert context.startswith(CALLS + told)
        assert len(context) > len(CALLS + told)


def called(session: CompletionsSession) -> list[Row]:
    """A run in which a grammar makes a model call that was never taught to; it is let go when it has."""
    server, free = session._server, session._server.options
    server.options = {**free, "grammar": f"root ::= {msgspec.json.encode(CALLS).decode()}"}

    def double_and_free(x: int) -> int:
        server.options = free
        return double(x)

    functions = {"double": double_and_free}
    with Runtime(session, functions, Settings(deliver="idle")) as runtime:
        return list(runtime.run())


@pytest.mark.parametrize("cut_at", ["Step/trap", "Settle/deliver"])
def test_a_run_that_broke_off_goes_on_in_another_session(url: str, cut_at: str) -> None:
    with closing(begin(url, 60)) as session:
        prompt = session.text
        rows = called(session)
    cut = next(n for n, row in enumerate(rows, start=1) if row.rule == cut_at)
    past = past_of(Header(1, Settings(deliver="idle", functions=("double",))), rows[:cut])
    with closing(begin(url, 60)) as again:
        with Runtime(again, {"double": double}, past=past) as runtime:
            more = list(runtime.run())
        # Behind it the model writes what it likes: a grammar chose other tokens for the same text.
        assert again.text.startswith(f"{prompt}{CALLS}[INTR] job1 [HEAD] 42 [END]")
    lines = [encode_header(past.header), *map(encode_row, [*rows[:cut], *more])]
    assert list(check_trace(lines)) == []


def test_what_comes_in_place_of_what_was_taken_back_is_a_whole_character(url: str) -> None:
    with closing(begin(url)) as session:
        server = session._server
        server.options = {**server.options, "grammar": 'root ::= "One" | "\U0001f6f8"'}
        assert session.decode() == Piece("One")
        session.rewind(3)
        assert write(session, 1) == "\U0001f6f8"


# ------------------------------------------------------------------------ tokens and masks


def test_of_two_tokens_that_are_allowed_the_model_takes_the_likelier(url: str) -> None:
    with closing(begin(url)) as session:
        [other, own] = [session.encode(word)[0] for word in (" zebra", "One")]
        session.allow([other, own])
        assert session.decode() == Piece("One")
        assert session.ids[-1] == own
        session.rewind(3)
        session.allow([other, own])
        assert session.decode() == Piece(" zebra")
        session.allow([END])
        assert session.decode() == EndOfDecoding("stop")


def test_a_token_is_spelled_as_it_is_written_behind_others(url: str) -> None:
    text = " Größe\n\n日本 👩\u200d🚀 \ufffd [CАLL] ٣"
    with closing(begin(url)) as session:
        pieces = []
        for token in session.encode(text):
            session.allow([token])
            pieces.append(session.decode())
        assert "".join(piece.text for piece in pieces if isinstance(piece, Piece)) == text
        assert session.text.endswith(text)


def test_an_end_token_that_is_not_in_the_prompt_ends_the_answer(url: str) -> None:
    with closing(begin(url)) as session:
        assert OTHER_END not in session.control_tokens
        session.allow([OTHER_END])
        assert session.decode() == EndOfDecoding("stop")


def test_of_several_parts_of_characters_the_one_that_comes_is_kept(url: str) -> None:
    with closing(begin(url)) as session:
        [begun, ends, whole] = session.encode("日本")
        [other] = session.encode(" zebra")
        session.allow([begun])
        assert session.decode() == Piece("", partial=True)
        session.allow([ends, other])
        assert session.decode() == Piece("日")
        assert session.ids[-2:] == (begun, ends)
        session.allow([whole, other])
        assert session.decode() in (Piece("本"), Piece(" zebra"))
        assert session.ids[-1] in (whole, other)


def test_a_part_of_a_character_that_llama_cpp_does_not_name_is_no_end(url: str) -> None:
    with closing(begin(url)) as session:
        first = {session.encode(sign)[0] for sign in "日🚀"}
        session.allow(first)
        with pytest.raises(AdapterError, match="allow one token alone"):
            session.decode()
        session.allow(session.encode(" zebra"))
        assert session.decode() == Piece(" zebra")


def test_what_no_token_is_is_refused(url: str) -> None:
    with closing(begin(url)) as session:
        for tokens in ([], [-1], [10**9], [2**70, 5]):
            with pytest.raises(HostError, match="Embed/masks"):
                session.allow(tokens)


@pytest.mark.slow
def test_the_conformance_suite_forces_it_along_its_scripts(url: str) -> None:
    subject = Subject(lambda request: begin(url, request.max_tokens), request_of("openai"))
    results = run_checks(
        chosen(Level.EXTENDED, ("context", "driver")),
        subject,
        limit_s=60,
        given_up=lambda: None,
        repeat=lambda check: check.id,
    )
    endings = {result.id: (result.ending, result.message) for result in results}
    assert {name for name, (ending, _) in endings.items() if ending == "pass"} >= {
        *("context/forced", "context/append", "context/after-append", "context/after-rewind"),
        *("context/after-anything", "context/woven", "driver/split-markers"),
    }
    assert [each for each in endings.items() if each[1][0] in {"fail", "error"}] == []


# ------------------------------------------------------------------------- held to a grammar


def test_a_model_that_was_never_taught_writes_calls_that_fit_under_a_grammar(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    check_that_calls_fit(url)
    assert "no grammar holds" not in capsys.readouterr().err


def test_under_a_grammar_an_answer_ends_with_the_token_that_ends_it_without(url: str) -> None:
    check_that_answers_end_alike(url)


@pytest.mark.slow
def test_a_session_that_is_held_keeps_the_contract(url: str) -> None:
    check_the_contract(url)


def test_behind_a_call_the_server_is_held_to_the_next_grammar(url: str) -> None:
    with closing(held(url, min_calls=2).session) as session:
        assert isinstance(session, CompletionsSession)
        text = ""
        while text.count("[END]") < 1:
            text += write(session, 1)
        assert re.fullmatch(r"\s?\[CALL\] job1 \[HEAD\] (book|double)\(.*\) \[END\]", text)
        session.append(Batch('\n[INTR] job1 [HEAD] "there" [END]\n', (THERE,)))
        while text.count("[END]") < 2:
            text += write(session, 1)
        assert "[CALL] job2 [HEAD]" in text
        assert session.usage.requests == 2
        new = session.usage.prompt_tokens - session.usage.cached_tokens
        assert 0 < new < 2 * session.usage.cached_tokens


def test_a_number_of_calls_takes_a_grammar(url: str) -> None:
    with pytest.raises(OptionNotTakenError, match=r"give openai:URL\?grammar=llguidance"):
        open_backend(Request(f"openai:{url}", "Hello.", {}, min_calls=1))


# ------------------------------------------------------------------------------------ chat


def test_a_chat_ends_its_message_at_an_interrupt_and_begins_a_new_one(url: str) -> None:
    with closing(ChatSession(Server(Address(url)), ASK, max_tokens=40)) as session:
        first = write(session, 6)
        session.append(BATCH)
        assert write(session, 6)
        session._keep_message()
        roles = [message["role"] for message in session._history.to_send()]
        assert roles == ["user", "assistant", "user", "assistant", "user"]
        [_, answer, told, *_] = session._history._sent
        assert (answer["content"], told["content"]) == (first, BATCH.text)


def test_a_chat_is_not_gone_on_with(url: str) -> None:
    past = past_of(Header(1), [])
    with (
        closing(ChatSession(Server(Address(url)), ASK)) as session,
        pytest.raises(HostError, match=r"it needs the ability 'restore' \(Embed/resume\)"),
    ):
        Runtime(session, {}, past=past)


def test_a_chat_keeps_the_contract_as_far_as_it_can(url: str) -> None:
    with pytest.raises(SessionError, match="Embed/rewind"):  # it begins anew: that is its loss
        check_session(
            lambda: ChatSession(Server(Address(url)), ASK, max_tokens=100), control=CONTROL, steps=4
        )


# ---------------------------------------------------------------------- on the command line


def test_a_small_model_is_told_of_the_core_where_its_server_says_how_small(url: str) -> None:
    def get_time(city: str) -> str:
        """The time."""
        return city

    asked = Request(f"openai:{url}", "Hello.", {"get_time": get_time})
    with closing(open_backend(asked).session) as session:
        assert isinstance(session, CompletionsSession)
        assert "[TRAP][END]" in session.text
        assert "[TRAP] all" not in session.text


def opened(word: str) -> Opened:
    return open_backend(Request(word, "Hello.", {}, max_tokens=8))


def test_the_way_that_suits_a_server_is_taken_and_the_loss_of_the_other_is_told(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for told in (True, False):  # once a process
        with closing(opened(f"openai:{url}?timeout=59").session) as session:
            assert isinstance(session, CompletionsSession)
        assert ("no grammar holds what the model writes" in capsys.readouterr().err) is told
    with closing(opened(f"openai:{url}?way=chat").session) as session:
        assert isinstance(session, ChatSession)
    assert "continues no message" in capsys.readouterr().err


def test_a_model_that_is_not_served_is_told(url: str) -> None:
    with pytest.raises(AdapterError, match="has no model 'gpt'"):
        opened(f"openai:{url}?model=gpt")
