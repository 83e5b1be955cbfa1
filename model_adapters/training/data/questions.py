"""How people ask: from what is wanted to the words of a question."""

from collections.abc import Sequence
from random import Random
from typing import Final

_TELL: Final = (
    "Tell me {}.",
    "Tell me {}.",
    "What is {}?",
    "I need {}.",
    "Find {}.",
    "Please look up {}.",
    "Can you find {}?",
    "Could you tell me {}, please?",
    "I would like to know {}.",
    "Show me {}.",
    "Do you know {}?",
    "{}?",
    "{}, please.",
    "Hi! What is {}?",
    "Give me {}.",
    "I am looking for {}.",
    "Quick question: what is {}?",
    "We want to know {}.",
)
_TELL_MANY: Final = tuple(form for form in _TELL if "What is" not in form and "what is" not in form)
_DO: Final = (
    "{}.",
    "{}.",
    "Please {}.",
    "Can you {}?",
    "Could you {}, please?",
    "I want you to {}.",
    "{}, please.",
    "Hello, please {}.",
)
_ALSO: Final = (
    "Also {}.",
    "And {} as well, please.",
    "One more thing: {}.",
    "Oh, and {} too.",
    "Please {} as well.",
)
_INSTEAD: Final = (
    "Not {old}, I mean {new}.",
    "Sorry, {new} instead of {old}.",
    "Make it {new}, not {old}.",
    "I meant {new}, forget {old}.",
)
SMALL_TALK: Final = (
    ("Hello!", "Hello! What can I do for you?"),
    ("Hi there", "Hello! What can I do for you?"),
    ("Good morning.", "Good morning! What can I do for you?"),
    ("Thank you very much.", "You are welcome."),
    ("Thanks, that is all.", "You are welcome."),
    ("Goodbye!", "Goodbye!"),
    ("How are you?", "I am fine, thank you. What can I do for you?"),
    ("Who are you?", "I am an assistant that can call functions for you."),
    ("What can you do?", "I can call the functions that I was given, and tell you the results."),
    ("Say hello to the class.", "Hello, class!"),
    ("I feel tired today.", "I am sorry to hear that. A short rest may help."),
    ("You are great.", "Thank you!"),
    ("Never mind.", "All right."),
)


def listed(parts: Sequence[str], last: str = "and") -> str:
    """Return parts as a list in words: `a, b and c`."""
    *first, end = parts
    return f"{', '.join(first)} {last} {end}" if first else end


def capital(text: str) -> str:
    """Return a text with its first letter as a capital."""
    return text[:1].upper() + text[1:]


def enumerated(random: Random, parts: Sequence[str]) -> str:
    """Return parts as people list them, now and then with a comma before the last."""
    if len(parts) > 2 and random.random() < 0.3:
        return f"{', '.join(parts[:-1])}, and {parts[-1]}"
    return listed(parts)


def asking(random: Random, wanted: Sequence[str]) -> str:
    """Return a question for things that are wanted: `the weather in Oslo`."""
    form = random.choice(_TELL if len(wanted) == 1 else _TELL_MANY)
    return capital(form.format(enumerated(random, wanted)))


def requesting(random: Random, deeds: Sequence[str]) -> str:
    """Return a request for deeds: `set a timer for 5 minutes`."""
    if any(deed.startswith(_QUESTION_WORDS) for deed in deeds):
        return " ".join(as_sentence(deed) for deed in deeds)
    return capital(random.choice(_DO).format(listed(deeds)))


def as_sentence(ask: str) -> str:
    """Return a way to ask as a sentence of its own."""
    return capital(ask) + ("?" if ask.startswith(_QUESTION_WORDS) else ".")


def is_request(ask: str) -> bool:
    """Whether a way to ask can follow `and`: not a question, nor what somebody wants or needs."""
    return not ask.startswith((*_QUESTION_WORDS, "I "))


def also(random: Random, ask: str) -> str:
    """Return what a person adds on the way."""
    return random.choice(_ALSO).format(ask)


def instead(random: Random, old: str, new: str) -> str:
    """Return what a person changes on the way."""
    return random.choice(_INSTEAD).format(old=old, new=new)


_QUESTION_WORDS: Final = (
    "how ",
    "what ",
    "which ",
    "who ",
    "where ",
    "when ",
    "is ",
    "does ",
    "at ",
    "from ",
    "under ",
    "can ",
)
