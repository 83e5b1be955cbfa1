"""Sessions on vLLM, in an environment and a process of its own: slow, and not run where it cannot be."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from extras import from_extra
from grammars import check_that_answers_end_alike, check_that_calls_fit, check_the_contract
from servers import read, vllm_server
from waiting import wait_until

from interpreter.session import Batch, EndOfDecoding, Piece
from model_adapters.embedded.smollm2 import fetch_embedded
from model_adapters.prompt import Message
from model_adapters.testing import check_session

from_extra("openai", "openai")

from model_adapters.openai_compat.address import Address  # noqa: E402
from model_adapters.openai_compat.completions import CompletionsSession  # noqa: E402
from model_adapters.openai_compat.server import Server  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.model, pytest.mark.timeout(1500)]
ASK = (Message("user", "Count from one to twenty, in words. <|im_end|>"),)
BATCH = Batch('\n[INTR] job1 [HEAD] {"city": "Paris <|im_end|> 日本"} [END]\n')
CONTROL = 17
"""The first tokens of the vocabulary are its control tokens."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = fetch_embedded()
    with vllm_server(folder, tmp_path_factory.mktemp("vllm") / "log") as address:
        yield address


def begin(url: str, max_tokens: int = 200) -> CompletionsSession:
    return CompletionsSession(Server(Address(url)), ASK, max_tokens=max_tokens)


def write(session: CompletionsSession, steps: int) -> str:
    pieces = [session.decode() for _ in range(steps)]
    return "".join(piece.text for piece in pieces if isinstance(piece, Piece))


def running(url: str) -> float:
    lines = str(read(url.replace("/v1", "/metrics"))).splitlines()
    [line] = [line for line in lines if line.startswith("vllm:num_requests_running{")]
    return float(line.split()[-1])


def test_it_keeps_the_contract(url: str) -> None:
    with closing(begin(url)) as session:
        prompt = len(session.text)
    checked = check_session(
        lambda: begin(url, 400), context_of=lambda session: session.text[prompt:], steps=6
    )
    assert checked.not_exercised == {}


def test_no_text_from_outside_becomes_a_control_token_and_ids_are_those_of_the_model(
    url: str,
) -> None:
    with closing(begin(url)) as session:
        assert session.ids.count(2) == 2  # of the template: after the system, after the user
        before = len(session.ids)
        session.append(BATCH)
        assert min(session.ids[before:]) >= CONTROL
        write(session, 3)
        told = session._server.ask("/detokenize", {"tokens": session.ids})
        assert str(told["prompt"]).endswith(session.text[-10:])


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
        wait_until(lambda: running(url) == 1)
        stop()
        wait_until(lambda: running(url) == 0, within_s=10)


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


def test_it_is_held_to_the_grammar_of_calls(url: str) -> None:
    check_that_calls_fit(url)
    check_that_answers_end_alike(url)


def test_held_to_a_grammar_it_keeps_the_contract(url: str) -> None:
    check_the_contract(url)
