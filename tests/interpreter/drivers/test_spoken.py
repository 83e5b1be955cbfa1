"""Messages on their way: what is said goes in once, in order, or its teller hears that it will not."""

import asyncio
from threading import Thread

import pytest

from cml.ast import OutcomeKind
from interpreter import HostError
from interpreter.drivers.spoken import LONGEST_PROMPT, Spoken, SpokenMessage, prompt_fault
from interpreter.events import Decode, Delivery, Inject, Outcome, Row, Said

TOLD = Inject((Delivery("user1", Outcome(OutcomeKind.RETURNED, "hello")),))


def said_in(said: Said) -> Row:
    return Row(1, "Step/message", said, (Decode(),))


def goes_in(at_us: int = 2) -> Row:
    return Row(at_us, "Settle/deliver", None, (Decode(), TOLD))


def row_of(message: SpokenMessage) -> Row:
    return message.went_in.result(timeout=0)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (5, "a prompt is text, not a value of the type int"),
        ("a\ud83d", "a prompt has whole characters; this one is not UTF-8"),
        ("x" * (LONGEST_PROMPT - 1), "the JSON of the prompt has 4,194,305 bytes, and may have at"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_is_no_prompt_is_told(text, fault) -> None:
    assert prompt_fault(text).startswith(fault)


@pytest.mark.parametrize("text", ["", "hello", "x" * (LONGEST_PROMPT - 2)], ids=len)
def test_what_is_a_prompt(text) -> None:
    assert prompt_fault(text) is None


def test_what_is_queued_goes_in_together_and_once() -> None:
    spoken = Spoken()
    first, second, third = (spoken.add(Said(text)) for text in ("a", "b", "c"))
    spoken.see([said_in(Said("b")), said_in(Said("a"))])
    assert not any(message.went_in.done() for message in (first, second, third))
    spoken.see([goes_in(), goes_in(3), said_in(Said("c"))])
    assert (row_of(first), row_of(second)) == (goes_in(), goes_in())
    assert not third.went_in.done()
    spoken.see([goes_in(4)])
    assert row_of(third) == goes_in(4)


def test_a_signal_says_something_while_its_thread_looks_for_another() -> None:
    """A signal comes between any two steps of the main thread, so also where that holds a lock."""
    spoken, heard = Spoken(), []

    class Interrupted(str):
        def __eq__(self, other: object) -> bool:
            if not heard:
                heard.append(spoken.add(Said("b")))
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    looking = Thread(target=spoken.see, args=([said_in(Said("a"))],), daemon=True)
    spoken.add(Said(Interrupted("a")))
    looking.start()
    looking.join(30)
    assert not looking.is_alive()
    spoken.see([said_in(Said("b")), goes_in()])
    assert row_of(heard[0]) == goes_in()


def test_of_two_alike_the_first_goes_in_first() -> None:
    spoken = Spoken()
    first, second = spoken.add(Said("a")), spoken.add(Said("a"))
    spoken.see([said_in(Said("a")), goes_in()])
    assert (first.went_in.done(), second.went_in.done()) == (True, False)


def test_what_the_driver_itself_says_is_nobodys() -> None:
    spoken = Spoken()
    message = spoken.add(Said("a"))
    spoken.see([said_in(Said("a prompt")), goes_in()])
    assert not message.went_in.done()


def test_what_could_not_be_said_is_forgotten() -> None:
    spoken = Spoken()
    message, kept = spoken.add(Said("a")), spoken.add(Said("b"))
    spoken.drop(message)
    spoken.give_up()
    spoken.drop(kept)
    assert not message.went_in.done()
    assert kept.went_in.done()


def test_whoever_said_something_hears_that_the_session_was_closed() -> None:
    spoken = Spoken()
    queued, on_its_way = spoken.add(Said("a")), spoken.add(Said("b"))
    spoken.see([said_in(Said("a"))])
    spoken.give_up()
    spoken.give_up()
    spoken.see([goes_in()])
    for message in (queued, on_its_way):
        with pytest.raises(HostError, match=r"before the message went in \(Embed/shutdown\)"):
            row_of(message)
    with pytest.raises(HostError, match=r"nobody hears a message \(Embed/shutdown\)"):
        spoken.add(Said("c"))


def test_to_give_up_waiting_takes_nothing_back() -> None:
    async def main() -> Row:
        spoken = Spoken()
        message = spoken.add(Said("a"))
        assert message.said == Said("a")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(message, 0.001)
        spoken.see([said_in(Said("a")), goes_in()])
        return await message

    assert asyncio.run(main()) == goes_in()
