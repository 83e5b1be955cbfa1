"""Our loop against the `generate` of transformers, on the same tokens of the same weights.

python benchmarks/generate.py [--tokens 64] [--rounds 5] [--dtype float32]

Three decode the same answer in turn: `generate`, a session without a mask, and a session under the
mask of a tool. Each is asked for one token, and for so many more; a token is the difference. That all
three write the same tokens is checked in each round. CPU time of one thread, so that a busy machine
changes it less.
"""

import argparse
import os
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from statistics import median
from typing import get_args

from side_by_side import machine

from interpreter.session import EndOfDecoding
from interpreter.tools.signature import tool_of
from model_adapters.constraint.constraint import Constraint
from model_adapters.constraint.following import ToolChoice
from model_adapters.embedded.smollm2 import fetch_embedded
from model_adapters.hf.model import Dtype, HfModel, load
from model_adapters.hf.packed import with_packed_matrices
from model_adapters.hf.session import HfSession
from model_adapters.prompt import Message

ASK = (Message("user", "Tell me a long story about a lighthouse and a storm."),)

Write = Callable[[int], tuple[int, ...]]
"""Writes so many tokens; returns them."""


def get_weather(city: str) -> str:
    """Tell the weather in a city."""
    return city


def by_generate(model: HfModel) -> Write:
    """The library's own loop, on the prompt that a session begins with."""
    import torch

    with closing(HfSession(model, ASK)) as session:
        prompt = torch.tensor([session.ids])

    def write(tokens: int) -> tuple[int, ...]:
        found = model.network.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=tokens,
            do_sample=False,
            pad_token_id=min(model.end_tokens),
        )
        return tuple(found[0, prompt.shape[1] :].tolist())

    return write


def by_session(model: HfModel, constraint: Callable[[], Constraint | None]) -> Write:
    def write(tokens: int) -> tuple[int, ...]:
        with closing(HfSession(model, ASK, constraint=constraint())) as session:
            before = len(session.ids)
            for _ in range(tokens):
                if isinstance(session.decode(), EndOfDecoding):
                    raise SystemExit("the answer is over; try fewer --tokens")
            return session.ids[before:]

    return write


def ways(model: HfModel) -> Mapping[str, Write]:
    vocabulary, tools = model.vocabulary(), (tool_of(get_weather, "get_weather"),)
    choice = ToolChoice(brackets=False)
    return {
        "generate": by_generate(model),
        "a session": by_session(model, lambda: None),
        "a session under a mask": by_session(model, lambda: Constraint(vocabulary, tools, choice)),
    }


def a_token_ms(write: Write, tokens: int) -> tuple[float, tuple[int, ...]]:
    """Milliseconds of CPU for one token behind the first, and what was written."""
    begun = time.process_time()
    write(1)
    first = time.process_time()
    found = write(tokens)
    whole_s, first_s = time.process_time() - first, first - begun
    return (whole_s - first_s) / (tokens - 1) * 1e3, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtype", choices=get_args(Dtype))
    given = parser.parse_args()
    fetch_embedded()
    model = with_packed_matrices(load(dtype=given.dtype, threads=1))
    print(machine(), "load", *(f"{load:.1f}" for load in os.getloadavg()))
    print(model.in_words)
    writes = ways(model)
    taken: dict[str, list[float]] = {name: [] for name in writes}
    for _ in range(given.rounds):
        written = set()
        for name, write in writes.items():
            token_ms, found = a_token_ms(write, given.tokens)
            taken[name].append(token_ms)
            written.add(found)
        if len(written) > 1:
            raise SystemExit("they write different tokens; nothing can be compared")
    for name, times in taken.items():
        ratios = [own / its for own, its in zip(times, taken["generate"], strict=True)]
        told = ", ".join(f"{ratio:.3f}" for ratio in ratios)
        print(f"{name}: {median(times):.2f} ms a token, {median(ratios):.3f} times ({told})")


if __name__ == "__main__":
    main()
