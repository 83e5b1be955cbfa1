"""What decoding costs here: a session is driven by its verbs, and timed.

Every figure is a median of several, on a machine that may be doing other things too.
"""

from collections.abc import Callable, Iterator
from statistics import median
from typing import Final

from cml.wording import counted
from interpreter.drivers.driver import monotonic_us
from interpreter.schedule.data.measured import Measurement
from interpreter.session import CONTEXT_LEFT, MASKS, TOKENS, Batch, EndOfDecoding, Session, able
from model_adapters.errors import AdapterError
from model_adapters.opening import Opened

PROMPT: Final = "Tell me in a few words about each month of the year."

_TOKENS: Final = 24
_TRIES: Final = 3
_SIZES: Final = (4, 20)
_SENTENCE: Final = " It is 18 degrees in Oslo and cloudy, with some wind."
_CALL: Final = '[CALL] job1 [HEAD] f(city="Oslo") [END]'
_BODY: Final = 'f(city="Oslo")'
_TRAP: Final = "[TRAP][END]"
_CHARACTERS_A_TOKEN: Final = 4
_MOST_ENDS: Final = 20


def calibrate(
    opened: Opened, backend: str, measured_at: str, clock: Callable[[], int] = monotonic_us
) -> Measurement:
    """Measure what a session costs, and close it.

    Args:
        opened: Fresh, with `PROMPT` in its context, and room for some hundreds of tokens.
        backend: As on the command line.
        measured_at: When, in the form of ISO 8601.
        clock: Microseconds, never going back.

    Raises:
        AdapterError: The context is too small, or the model writes nothing.
    """
    session = opened.session
    try:
        timed = _Timed(session, clock)
        timed.token_us(_TRIES)  # the first ones pay for what is set up
        short_us, before = timed.token_us(_TOKENS), timed.tokens
        interrupt_us = timed.interrupt_token_us(short_us)
        long_us = timed.token_us(_TOKENS)
        moves = opened.measure_moves() if opened.measure_moves else None
        trap_tokens, call_tokens = _tokens_of(session, _TRAP), _tokens_of(session, _CALL)
        return Measurement(
            backend=backend,
            model=opened.model,
            measured_at=measured_at,
            token_us=round(short_us),
            context_token_ns=max(0, round((long_us - short_us) * 1_000 / (timed.tokens - before))),
            interrupt_token_ns=max(0, round(interrupt_us * 1_000)),
            call_tokens=call_tokens - _tokens_of(session, _BODY),
            trap_tokens=trap_tokens,
            moves=moves,
        )
    finally:
        session.close()


class _Timed:
    """Drives a session; `tokens` says how many it has decoded and appended."""

    def __init__(self, session: Session, clock: Callable[[], int]) -> None:
        self.tokens = 0
        self._session = session
        self._clock = clock
        self._partial = False
        self._ends = 0

    def token_us(self, wanted: int) -> float:
        """The median time of so many decoded tokens, in microseconds."""
        times: list[float] = []
        while len(times) < wanted:
            took_us, tokens = self._decode()
            if tokens is None:
                self._go_on()
            elif tokens:
                self._ends = 0
                times.append(took_us / tokens)
        return median(times)

    def interrupt_token_us(self, token_us: float) -> float:
        """What a token of an interrupt takes: of a long one more than of a short one."""
        short, long = (self._injections(sentences, token_us) for sentences in _SIZES)
        return (long[1] - short[1]) / (long[0] - short[0])

    def _injections(self, sentences: int, token_us: float) -> tuple[int, float]:
        """How many tokens some sentences are, and the median time that they take to go in."""
        found = []
        for _ in range(_TRIES):
            append_us, tokens = self._append(_SENTENCE * sentences)
            decode_us, _ = self._decode()
            found.append((tokens, append_us + decode_us - token_us))
        return found[-1][0], median(took_us for _, took_us in found)

    def _go_on(self) -> None:
        """Give a model that came to its end something to go on from, and let it read that."""
        self._ends += 1
        if self._ends > _MOST_ENDS:
            raise AdapterError("the model comes to its end all the time; nothing can be measured")
        self._append(_SENTENCE)
        self._decode()

    def _decode(self) -> tuple[int, int | None]:
        """Decode; return the time, and the number of tokens, which is None at an end."""
        self._keep_going()
        begun_us = self._clock()
        found = self._session.decode()
        took_us = self._clock() - begun_us
        if isinstance(found, EndOfDecoding):
            self._partial = False
            return took_us, None
        self._partial = found.partial
        self.tokens += found.tokens
        return took_us, found.tokens

    def _keep_going(self) -> None:
        """Let no model end that can be masked: one that was trained to, does so where it may."""
        masks, tokens = able(self._session, MASKS), able(self._session, TOKENS)
        if masks and tokens:
            masks.allow(tokens.encode(_SENTENCE))

    def _append(self, text: str) -> tuple[int, int]:
        """Append, where a character is whole; return the time and the number of tokens."""
        while self._partial:
            self._decode()
        window = able(self._session, CONTEXT_LEFT)
        if window and window.context_left <= len(text) // _CHARACTERS_A_TOKEN + _TOKENS:
            raise AdapterError("the context of this model is too small to measure anything in it")
        begun_us = self._clock()
        tokens = self._session.append(Batch(text))
        took_us = self._clock() - begun_us
        self.tokens += tokens
        return took_us, tokens


def _tokens_of(session: Session, text: str) -> int:
    tokens = able(session, TOKENS)
    return len(tokens.encode(text)) if tokens else -(-len(text) // _CHARACTERS_A_TOKEN)


def told(measurement: Measurement) -> Iterator[tuple[str, str]]:
    """Tell a measurement to people: each figure with what it is of."""
    token_us = measurement.token_us
    yield "a decoded token", f"{_in_words(token_us)} ({1e6 / token_us:,.1f} a second)"
    yield "a token of an interrupt", _in_words(measurement.interrupt_token_ns / 1_000)
    added = _in_words(measurement.context_token_ns)
    yield "1,000 tokens more of context", f"{added} more for each decoded token"
    if moves := measurement.moves:
        yield "to read 1,000 tokens again", _in_words(moves.read_token_ns)
        yield "to move them out", _in_words(moves.swap_out_token_ns)
        yield "to move them back", _in_words(moves.swap_in_token_ns)
    yield "a call, beside its body", counted(measurement.call_tokens, "token")
    yield "a trap", counted(measurement.trap_tokens, "token")


def _in_words(us: float) -> str:
    if us >= 1_000_000:
        return f"{us / 1e6:,.2f} s"
    return f"{us / 1_000:,.2f} ms" if us >= 1_000 else f"{us:,.1f} µs"
