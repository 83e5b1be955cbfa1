"""The official client of OpenAI's API talks to a model that calls asynchronously, and does not know it."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from extras import from_extra
from served import QUICK, SLOW, TRAVEL, TRIP, Served, finish, serving, wait_for

from_extra("page", "uvicorn")
openai = from_extra("openai", "openai")

ANSWER = "I will look that up.\nA flight to Tokyo costs 980 euros. It is 22:05 there, 24 degrees and cloudy."
ONE_CALL = ("--deliver", "idle", "--min-calls", "1", "--max-calls", "1")
ASKED = [{"role": "user", "content": "Plan my trip to Tokyo."}]


@pytest.fixture(scope="module")
def trip() -> Iterator[Served]:
    with serving(TRIP, "--sessions", "8", tools=QUICK) as served:
        yield served


@pytest.fixture(scope="module")
def slow_trip() -> Iterator[Served]:
    """One whose calls run for seconds."""
    with serving(TRIP, tools=TRAVEL) as served:
        yield served


def client_of(served: Served) -> Any:
    return openai.OpenAI(base_url=served.base_url, api_key=served.token, max_retries=0)


def complete(served: Served, messages: object = ASKED, **more: Any) -> Any:
    with client_of(served) as client:
        model = client.models.list().data[0].id
        asked = {"model": model, "messages": messages, **more}
        return client.chat.completions.create(**asked)


def stream(served: Served, messages: object = ASKED, **more: Any) -> Iterator[Any]:
    with client_of(served) as client:
        model = client.models.list().data[0].id
        asked = {"model": model, "messages": messages, "stream": True, **more}
        with client.chat.completions.create(**asked) as chunks:
            yield from chunks


def test_the_models_are_the_one_that_there_is(trip: Served) -> None:
    with client_of(trip) as client:
        [only] = client.models.list().data
        assert (only.id, only.object, only.owned_by) == ("the-script-trip.cml", "model", "cml")
        assert client.models.retrieve(only.id) == only


def test_an_answer_as_a_whole(trip: Served) -> None:
    found = complete(trip)
    [choice] = found.choices
    assert (choice.message.role, choice.message.content) == ("assistant", ANSWER)
    assert choice.finish_reason == "stop"
    assert found.object == "chat.completion"
    usage = found.usage
    assert usage.completion_tokens > 60
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_an_answer_names_its_session_also_as_a_whole(trip: Served) -> None:
    asked = {"model": "the-script-trip.cml", "messages": ASKED}
    with trip.answered("POST", "/v1/chat/completions", asked) as answer:
        session = answer.headers["x-cml-session"]
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert trip.state(f"/api/sessions/{session}") == "over"


def test_an_answer_in_chunks_is_heard_while_the_calls_run(slow_trip: Served) -> None:
    with (
        client_of(slow_trip) as client,
        client.chat.completions.create(
            model="the-script-trip.cml",
            messages=ASKED,
            stream=True,
            stream_options={"include_usage": True},
        ) as streamed,
    ):
        session = streamed.response.headers["x-cml-session"]
        chunks, state_at_first_word = [], ""
        for chunk in streamed:
            chunks.append(chunk)
            if chunk.choices and chunk.choices[0].delta.content and not state_at_first_word:
                state_at_first_word = slow_trip.state(f"/api/sessions/{session}")
    assert state_at_first_word == "running"
    assert chunks[0].choices[0].delta.role == "assistant"
    deltas = [c.choices[0].delta.content or "" for c in chunks if c.choices]
    assert "".join(deltas) == ANSWER
    assert len([delta for delta in deltas if delta]) > 10
    finishes = [c.choices[0].finish_reason for c in chunks if c.choices]
    assert (set(finishes[:-1]), finishes[-1]) == ({None}, "stop")
    assert (chunks[-1].choices, chunks[-1].usage.completion_tokens > 60) == ([], True)
    assert len({chunk.id for chunk in chunks}) == 1
    # It is a session as all are, and is over.
    events = [*slow_trip.events(f"/api/sessions/{session}")]
    assert events[-1].data["reason"] == "over"


def test_the_limit_of_the_output_is_told(trip: Served) -> None:
    found = complete(trip, max_completion_tokens=4)
    assert found.choices[0].finish_reason == "length"
    assert found.usage.completion_tokens <= 5


def test_what_was_said_before_and_the_options_reach_the_model() -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "I am Ada."}]},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Who am I?"},
    ]
    with serving("python:odd_sessions:echo") as served:
        found = complete(served, messages, temperature=0.5, seed=7, max_tokens=30, user="u")
        assert found.choices[0].message.content == (
            "system: Be brief.; user: I am Ada.; assistant: Hello.; Who am I?; (30, 0.5, 7)"
        )


def test_what_a_model_thinks_is_told_apart_from_what_it_says() -> None:
    with serving("python:odd_sessions:thoughtful", tools=SLOW) as served:
        message = complete(served).choices[0].message
        assert message.content == "Well.\nIt is done."
        assert message.reasoning_content == "A [CALL] in here is none.\nIt said so."
        deltas = [chunk.choices[0].delta for chunk in stream(served)]
    said = "".join(delta.content or "" for delta in deltas)
    thought = "".join(getattr(delta, "reasoning_content", None) or "" for delta in deltas)
    assert (said, thought) == (message.content, message.reasoning_content)


def test_a_client_that_goes_away_stops_its_session(slow_trip: Served) -> None:
    def last() -> dict[str, Any]:
        return slow_trip.ask("GET", "/api/sessions")[1]["sessions"][-1]

    with client_of(slow_trip) as client:
        streamed = client.chat.completions.create(
            model="the-script-trip.cml", messages=ASKED, stream=True
        )
        next(iter(streamed))
        streamed.close()
        wait_for(lambda: last()["state"] == "over")
        assert (last()["ended"], last()["message"]) == ("closed", "the client went away")
        impatient = client.with_options(timeout=0.5)
        with pytest.raises(openai.APITimeoutError):
            impatient.chat.completions.create(model="the-script-trip.cml", messages=ASKED)
        wait_for(lambda: last()["state"] == "over")
        assert (last()["ended"], last()["message"]) == ("closed", "the client went away")


def test_clients_side_by_side(trip: Served) -> None:
    async def all_of_them() -> list[str]:
        async with openai.AsyncOpenAI(base_url=trip.base_url, api_key=trip.token) as client:
            asked = {"model": "the-script-trip.cml", "messages": ASKED}
            found = await asyncio.gather(
                *(client.chat.completions.create(**asked) for _ in range(6))
            )
        return [each.choices[0].message.content for each in found]

    assert asyncio.run(all_of_them()) == [ANSWER] * 6


TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


@pytest.mark.parametrize(
    ("more", "param", "said"),
    [
        ({"tools": [TOOL]}, "tools", "the functions that the model calls are the server's"),
        ({"n": 2}, "n", "one answer"),
        ({"stop": ["."]}, "stop", "ends its answer itself"),
        ({"logprobs": True}, "logprobs", "no probabilities"),
        ({"response_format": {"type": "json_object"}}, "response_format", "the answer is text"),
        ({"temperature": 3}, "temperature", "<= 2"),
        ({"temperature": 1}, "temperature", "takes no temperature; leave it out"),
        ({"max_tokens": 0}, "max_tokens", ">= 1"),
        ({"messages": []}, "messages", "length >= 1"),
        ({"messages": [{"role": "tool", "content": "1"}]}, "messages[0].role", "'tool'"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "a message has a text"),
        ({"messages": [{"role": "assistant", "content": "?"}]}, "messages[0].role", "the question"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0].content",
            "'image_url'",
        ),
        ({"messages": [{"role": "user", "content": " "}]}, "messages", "ask something"),
    ],
)
def test_what_cannot_be_done_is_refused(
    trip: Served, more: dict[str, Any], param: str | None, said: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        complete(trip, **more)
    assert refused.value.param == param
    assert refused.value.type == "invalid_request_error"
    assert said in str(refused.value)


def test_options_that_change_nothing_are_taken(trip: Served) -> None:
    neutral: dict[str, Any] = {"n": 1, "presence_penalty": 0, "frequency_penalty": 0.0, "tools": []}
    neutral |= {"response_format": {"type": "text"}, "logprobs": False, "modalities": ["text"]}
    assert complete(trip, **neutral, max_tokens=3).choices[0].finish_reason == "length"


def test_a_wrong_key_and_a_wrong_model(trip: Served) -> None:
    stranger = openai.OpenAI(base_url=trip.base_url, api_key="wrong")
    with stranger, pytest.raises(openai.AuthenticationError):
        stranger.models.list()
    with client_of(trip) as client, pytest.raises(openai.NotFoundError) as refused:
        client.chat.completions.create(model="gpt-4o", messages=ASKED)
    assert refused.value.code == "model_not_found"
    assert "the-script-trip.cml" in str(refused.value)


def test_a_model_that_breaks_is_an_error_whole_and_in_the_middle_of_a_stream() -> None:
    with serving("python:odd_sessions:broken") as served:
        with pytest.raises(openai.InternalServerError, match="the model is gone"):
            complete(served)
        chunks = stream(served)
        assert [next(chunks).choices[0].delta.content for _ in range(2)] == ["", "Well,"]
        with pytest.raises(openai.APIError, match="the model is gone"):
            next(chunks)


@pytest.mark.slow
def test_a_full_server_is_tried_again_by_the_client_itself() -> None:
    with serving(TRIP, "--sessions", "1") as served:
        busy = served.begin()
        with pytest.raises(openai.InternalServerError) as refused:
            complete(served)
        assert refused.value.code == "Embed/full"
        with openai.OpenAI(
            base_url=served.base_url, api_key=served.token, max_retries=20
        ) as client:
            found = client.chat.completions.create(model="the-script-trip.cml", messages=ASKED)
        assert found.choices[0].message.content == ANSWER
        assert finish([*served.events(busy)][-2]) == "stop"


@pytest.mark.slow
@pytest.mark.model
def test_the_embedded_model_answers_a_client_that_knows_nothing_of_calls() -> None:
    question = [{"role": "user", "content": "What is the weather in Rome?"}]
    with serving("auto", "--yes", *ONE_CALL, tools=TRAVEL) as served:
        whole = complete(served, question, max_tokens=80)
        assert whole.usage.prompt_tokens > 100
        assert whole.usage.completion_tokens <= 80
        chunks = [*stream(served, question, max_tokens=80)]
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        assert text == whole.choices[0].message.content  # it takes the likeliest tokens
        assert "[CALL]" not in text
        assert "Rome" in text
