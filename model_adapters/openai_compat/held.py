"""A server that is held to the grammar of calls, one stretch after another.

A request says what its answer may be, in llguidance's dialect of Lark, and a grammar ends where a call
is complete: behind it other names are free, and other calls pending. So each stretch is a request of
its own, whose prefix the server has kept. A request in the middle of a block, as after a connection
that broke there, is not held: no grammar begins there.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from cml.text.identifiers import is_message_identifier
from interpreter.events import Delivery
from model_adapters.constraint.constraint import checked_grammar
from model_adapters.constraint.following import Following
from model_adapters.errors import AdapterError
from model_adapters.openai_compat.dialects import Holding
from model_adapters.openai_compat.server import Server

_TRIED: Final = "[CALL]"


class HeldAnswer:
    """What a session's answers are held to.

    Args:
        following: Follows what the model writes; it does not go over the end of a call.
        holding: How the server is told a grammar.
    """

    def __init__(self, following: Following, holding: Holding) -> None:
        self._following = following
        self._holding = holding
        self._is_over = False

    def options(self) -> Mapping[str, object]:
        """Return what the next request says.

        Raises:
            AdapterError: The schemas of the tools make no grammar.
        """
        if not self._following.interruptible:
            return {}
        return self._holding.options(checked_grammar(self._following))

    def read(self, text: str) -> bool:
        """Follow what the model wrote; return whether a call of it is complete."""
        self._is_over = False
        return self._following.read(text) is not None

    def ended(self) -> None:
        """Take note of an end of decoding."""
        self._is_over = True

    def appended(self, interrupts: Iterable[Delivery]) -> None:
        """Take note of an append; a message behind an end begins a turn, whose calls are counted anew."""
        told = tuple(interrupts)
        if self._is_over and any(is_message_identifier(one.id) for one in told):
            self._following.prompted()
        self._following.appended(told)

    def written_anew(self, text: str) -> None:
        """Take note of what is left, after a rewind, of what was written since the last append."""
        self._following.begin_segment()
        self._following.read(text)


class _Choice(msgspec.Struct, frozen=True):
    text: str = ""


class _Answer(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...] = ()


def held_end(server: Server) -> str | None:
    """Try whether a server holds its answers to a grammar: some take one, and do as they like.

    Returns:
        The token that a grammar has to name as the end of an answer, if there is one.

    Raises:
        AdapterError: It does not.
    """
    try:
        ask_for_end = server.dialect.holding.end
        end = ask_for_end(server.tell) if ask_for_end else None
        said = _tried(server, end)
    except (AdapterError, msgspec.ValidationError) as error:
        raise _not_held(str(error)) from error
    if said != _TRIED:
        raise _not_held(f"told to write {_TRIED!r} it writes {said!r}")
    return end


def _tried(server: Server, end: str | None) -> str:
    ending = f" {end}?" if end else ""
    body = {
        "model": server.model,
        "prompt": "Hello",
        "max_tokens": len(_TRIED),
        "temperature": 0.0,
        **server.dialect.holding.options(f'%llguidance {{}}\nstart: "{_TRIED}"{ending}\n'),
    }
    answer = msgspec.convert(server.answer("/completions", body), _Answer)
    return "".join(choice.text for choice in answer.choices)


def _not_held(why: str) -> AdapterError:
    return AdapterError(
        f"the server holds no answer to a grammar of llguidance: {why}; leave out "
        "grammar=llguidance, or take vLLM, or a llama.cpp that was built with it, as in .[llamacpp]"
    )
