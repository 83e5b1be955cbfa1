"""Backends beside one another on the embedded model: speed, and what an interrupt costs.

python benchmarks/backends.py [--rounds 3] [--tokens 1000] [--server URL …]

An interrupt goes into a context of some 1,000 tokens, and the next token is decoded: that is set
against reading as long a prompt from its beginning, in the same run. Sessions of transformers and of
llama.cpp run in this process; llama.cpp's own server is started; other servers, such as vLLM, are
named by their addresses. Times are of the clock on the wall: servers work in processes of their own.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median

import msgspec
from side_by_side import machine

from interpreter.session import Batch, Piece, Session
from model_adapters.embedded.smollm2 import AS_PUBLISHED, embedded_gguf, fetch_embedded
from model_adapters.hf.model import load
from model_adapters.hf.packed import with_packed_matrices
from model_adapters.hf.session import HfSession
from model_adapters.llamacpp.model import GgufModel
from model_adapters.llamacpp.session import LlamaCppSession
from model_adapters.openai_compat.address import Address
from model_adapters.openai_compat.completions import CompletionsSession
from model_adapters.openai_compat.server import Server
from model_adapters.prompt import Message

Open = Callable[[Sequence[Message]], Session]

DECODED = 40
INTERRUPT = Batch('\n[INTR] job1 [HEAD] {"city": "Paris", "celsius": 18} [END]\n')
SENTENCE = "The train from {} to Rome leaves at noon and arrives when it is late. "
TOKENS_A_SENTENCE = 17

SERVE_GGUF = Path(__file__).parent.parent / "examples" / "serve_gguf.py"


class Times(msgspec.Struct):
    """What was measured of a backend, in seconds."""

    cold_s: list[float] = msgspec.field(default_factory=list[float])
    interrupt_s: list[float] = msgspec.field(default_factory=list[float])
    token_s: list[float] = msgspec.field(default_factory=list[float])


def measure(open_session: Open, tokens: int, number: int) -> tuple[float, float, float]:
    """Return the seconds of a cold prompt, of an interrupt behind it, and of one token."""
    # Each prompt differs from its beginning on: no server knows any of it.
    text = "".join(SENTENCE.format(f"{number} {n}") for n in range(tokens // TOKENS_A_SENTENCE))
    asked = [Message("system", f"Round {number}."), Message("user", text)]
    begun = time.perf_counter()
    with closing(open_session(asked)) as session:
        require_piece(session)
        cold_s = time.perf_counter() - begun
        begun = time.perf_counter()
        for _ in range(DECODED):
            session.decode()
        token_s = (time.perf_counter() - begun) / DECODED
        begun = time.perf_counter()
        session.append(INTERRUPT)
        require_piece(session)
        return cold_s, time.perf_counter() - begun, token_s


def require_piece(session: Session) -> None:
    if not isinstance(session.decode(), Piece):
        raise SystemExit("the model wrote nothing; try another number of tokens")


@contextmanager
def llama_cpp_server() -> Iterator[str]:
    one = ("--port", "0", "--sessions", "1", "--context-tokens", "4096")
    command = [sys.executable, str(SERVE_GGUF), str(embedded_gguf()), *one]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        try:
            yield f"{run.stdout.readline().strip()}/v1" if run.stdout else ""
        finally:
            run.kill()


def on_server(url: str) -> Open:
    return lambda messages: CompletionsSession(Server(Address(url, timeout_s=300)), messages)


def backends(servers: Sequence[str], stack: ExitStack) -> Mapping[str, Open]:
    fetch_embedded()
    fetch_embedded(AS_PUBLISHED)
    transformers, gguf = (
        with_packed_matrices(load()),
        GgufModel(embedded_gguf(), context_tokens=4096),
    )
    own = stack.enter_context(llama_cpp_server())
    return {
        transformers.in_words: lambda messages: HfSession(transformers, messages),
        gguf.in_words: lambda messages: LlamaCppSession(gguf, messages),
        "llama.cpp's server": on_server(own),
        **{url: on_server(url) for url in servers},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=1000)
    parser.add_argument("--server", action="append", default=[], metavar="URL")
    given = parser.parse_args()
    with ExitStack() as stack:
        opens = backends(given.server, stack)
        times = {name: Times() for name in opens}
        first = time.time_ns() % 1_000_000  # a server may have been measured before
        for number in range(first, first + given.rounds):
            for name, open_session in opens.items():
                taken = measure(open_session, given.tokens, number)
                for kept, seconds in zip(
                    (times[name].cold_s, times[name].interrupt_s, times[name].token_s),
                    taken,
                    strict=True,
                ):
                    kept.append(seconds)
    report(times)


def report(times: Mapping[str, Times]) -> None:
    print(machine())
    first = median(next(iter(times.values())).token_s)
    for name, taken in times.items():
        cold_s, interrupt_s = median(taken.cold_s), median(taken.interrupt_s)
        token_s = median(taken.token_s)
        print(
            f"{name}: cold prompt {cold_s:.2f} s, interrupt {interrupt_s * 1e3:.0f} ms "
            f"({interrupt_s / cold_s:.1%} of it), {1 / token_s:.1f} tokens/s "
            f"({first / token_s:.2f} times the first)"
        )


if __name__ == "__main__":
    main()
