"""What an interrupt costs, by its own length and by that of the context before it.

python benchmarks/injection.py [--contexts 100 400 1000 4000] [--rounds 3]

Interrupts of three lengths go into contexts of several; each is appended, and the next token decoded,
which reads it. What that takes beyond a plain token at the same place is the injection. The claim:
it grows with what is injected, and not with the context. Times are of the clock on the wall, medians
of the rounds, taken in turn.
"""

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from statistics import median

from side_by_side import machine

from interpreter.session import Batch, EndOfDecoding
from model_adapters.embedded.smollm2 import AS_PUBLISHED, embedded_gguf, fetch_embedded
from model_adapters.hf.model import load
from model_adapters.hf.packed import with_packed_matrices
from model_adapters.hf.session import HfSession
from model_adapters.llamacpp.model import GgufModel
from model_adapters.llamacpp.session import LlamaCppSession
from model_adapters.prompt import Message
from model_adapters.tokens.session import TokenSession

ASK = (Message("user", "Tell me of trains."),)
SENTENCE = "The train to Rome leaves at noon. "
RESULT = " It is 18 degrees in Oslo and cloudy."
LENGTHS = (1, 4, 16)
"""Of interrupts, in sentences."""
DECODED = 6


def decoded_s(session: TokenSession) -> float:
    """Seconds of one token, over any end."""
    begun = time.perf_counter()
    if isinstance(session.decode(), EndOfDecoding):
        session.append(Batch(" And"))
        return decoded_s(session)
    return time.perf_counter() - begun


def injections_ms(session: TokenSession, context: int) -> dict[int, float]:
    """Milliseconds of interrupts of some lengths, in tokens, in a context of so many tokens."""
    missing = context - len(session.ids)
    session.append(Batch(SENTENCE * (missing // len(session.encode(SENTENCE)))))
    decoded_s(session)
    found = {}
    for sentences in LENGTHS:
        plain_s = median(decoded_s(session) for _ in range(DECODED))
        begun = time.perf_counter()
        tokens = session.append(Batch(RESULT * sentences))
        decoded_s(session)
        found[tokens] = (time.perf_counter() - begun - plain_s) * 1e3
    return found


def sessions() -> Mapping[str, Callable[[], TokenSession]]:
    fetch_embedded()
    fetch_embedded(AS_PUBLISHED)
    transformers, gguf = with_packed_matrices(load(threads=1)), GgufModel(embedded_gguf())
    return {
        transformers.in_words: lambda: HfSession(transformers, ASK, max_tokens=10_000),
        gguf.in_words: lambda: LlamaCppSession(gguf, ASK, max_tokens=10_000),
    }


def report(taken: Mapping[int, Mapping[int, Sequence[float]]]) -> None:
    for context, by_tokens in taken.items():
        told = ", ".join(
            f"{tokens} tokens {median(took):.0f} ms ({median(took) / tokens:.2f} a token)"
            for tokens, took in by_tokens.items()
        )
        print(f"  context of {context}: {told}")
    shortest, longest = min(taken), max(taken)
    for tokens, took in taken[shortest].items():
        times = median(taken[longest][tokens]) / median(took)
        print(f"  {tokens} tokens: at {longest} {times:.2f} times as long as at {shortest}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contexts", type=int, nargs="+", default=[100, 400, 1000, 4000])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print(machine(), "load", *(f"{load:.1f}" for load in os.getloadavg()))
    begin = sessions()
    taken: dict[str, dict[int, dict[int, list[float]]]] = {
        name: {context: {} for context in given.contexts} for name in begin
    }
    for _ in range(given.rounds):
        for context in given.contexts:
            for name, session_of in begin.items():
                with closing(session_of()) as session:
                    for tokens, took_ms in injections_ms(session, context).items():
                        taken[name][context].setdefault(tokens, []).append(took_ms)
    for name, by_context in taken.items():
        print(name)
        report(by_context)


if __name__ == "__main__":
    main()
