"""How fast torch decodes single tokens here, in several ways, and how far that is from the memory bound.

python benchmarks/decoding.py [--rounds 5] [--prompt 64] [--tokens 16] [--compile] [--only REGEX]

The bound is the time in which this machine reads the weights that a token needs once; how fast it reads
is measured beside it, in the same run. Each way decodes tokens behind the same prompt, in turn; what
it says of the next token is set against float32: the greatest difference of the logarithms of
probabilities, and how often the likeliest token is another. CPU time where one thread computes, time of
the clock where two do. `--compile` adds torch.compile, which takes minutes to begin with.
"""

import argparse
import copy
import os
import re
import time
from collections.abc import Callable, Iterator
from statistics import median

import msgspec
import torch
from side_by_side import machine
from transformers import DynamicCache, PreTrainedModel, StaticCache

from model_adapters.embedded.smollm2 import fetch_embedded
from model_adapters.hf.alone import cache_argument
from model_adapters.hf.growing import growing_cache
from model_adapters.hf.model import HfModel, load
from model_adapters.hf.packed import with_packed_matrices

TEXT = (
    "The lighthouse stood on a rock far out in the sea, and nobody had lit its lamp for years. "
    * 32
)
ROOM = 640
READ_BYTES = 2**28
LIKELY = 20


class Int8Linear(torch.nn.Module):
    """Weights of eight bits with a scale for each row; what comes in and goes out is not rounded."""

    def __init__(self, linear: torch.nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        scales = weight.abs().amax(dim=1) / 127
        self.weight = torch.nn.Parameter(
            (weight / scales[:, None]).round().to(torch.int8), requires_grad=False
        )
        self.scales = torch.nn.Parameter(scales.to(linear.weight.dtype), requires_grad=False)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        """Multiply."""
        rows = given.reshape(-1, given.shape[-1])
        product = torch._weight_int8pack_mm(rows, self.weight, self.scales)  # noqa: SLF001  it has no public name
        return product.reshape(*given.shape[:-1], -1)


class Way(msgspec.Struct, frozen=True):
    """A way to decode.

    Args:
        network: The weights.
        size: How many bytes of them a token needs.
        forward: Runs them.
        new_cache: Makes an empty cache.
        threads: How many compute.
    """

    network: PreTrainedModel
    size: int
    forward: Callable[..., object]
    new_cache: Callable[[], DynamicCache | StaticCache]
    threads: int = 1


def in_eight_bits(network: PreTrainedModel) -> PreTrainedModel:
    """A copy with all matrices in eight bits."""
    copied = copy.deepcopy(network)
    for name, module in list(copied.named_modules()):
        if isinstance(module, torch.nn.Linear):
            copied.set_submodule(name, Int8Linear(module))
    return copied


def ways(*, compiled: bool) -> dict[str, Way]:
    """All that there are, by name."""
    bfloat16, float32 = (load(dtype=dtype, threads=1).network for dtype in ("bfloat16", "float32"))
    packed = with_packed_matrices(load(dtype="bfloat16", threads=1))

    def way(network: PreTrainedModel, **other: object) -> Way:
        plain = Way(network, weights_bytes(network), network, lambda: growing_cache(network))
        return msgspec.structs.replace(plain, **other)

    def static(network: PreTrainedModel) -> Callable[[], StaticCache]:
        return lambda: StaticCache(config=network.config, max_cache_len=ROOM)

    found = {
        "float32": way(float32),
        "bfloat16": way(bfloat16),
        "bfloat16, the library's cache": way(
            bfloat16, new_cache=lambda: DynamicCache(config=bfloat16.config)
        ),
        "bfloat16, static cache": way(bfloat16, new_cache=static(bfloat16)),
        "bfloat16, two threads": way(bfloat16, threads=2),
        f"bfloat16, {packed.matrices}": way(packed.network, size=weights_bytes(bfloat16)),
        "int8 weights, bfloat16": way(in_eight_bits(bfloat16)),
        "int8 weights, float32": way(in_eight_bits(float32)),
    }
    if compiled:
        for name, network in (("bfloat16", bfloat16), ("float32", float32)):
            run = torch.compile(network.forward, dynamic=False)
            found[f"{name}, compiled"] = way(network, forward=run, new_cache=static(network))
    return found


def weights_bytes(network: PreTrainedModel) -> int:
    """Bytes of weights that a token needs: all matrices, the last of which is shared with the first."""
    kinds = (torch.nn.Linear, Int8Linear)
    matrices = (module.weight for module in network.modules() if isinstance(module, kinds))
    return sum(matrix.numel() * matrix.element_size() for matrix in matrices)


def read_bytes_a_second() -> float:
    """How fast one thread reads memory."""
    numbers = torch.ones(READ_BYTES // 4)
    times = []
    for _ in range(5):
        begun = time.process_time()
        numbers.sum()
        times.append(time.process_time() - begun)
    return READ_BYTES / min(times)


class Told(msgspec.Struct):
    """What is known of a way: seconds of prompts and of tokens, logarithms of probabilities of each."""

    prompts: list[float] = msgspec.field(default_factory=list)
    seconds: list[float] = msgspec.field(default_factory=list)
    scores: list[torch.Tensor] = msgspec.field(default_factory=list)


def decode(way: Way, prompt: list[int], behind: list[int], told: Told) -> None:
    """Have tokens decoded, one by one, and keep what they took."""
    torch.set_num_threads(way.threads)
    clock = time.process_time if way.threads == 1 else time.perf_counter
    argument, cache = cache_argument(way.network), way.new_cache()
    told.scores = []
    with torch.no_grad():
        for first, tokens in steps(prompt, behind):
            run = way.forward if first else way.network
            begun = clock()
            output = run(
                input_ids=torch.tensor([tokens]),
                position_ids=torch.arange(first, first + len(tokens))[None],
                use_cache=True,
                logits_to_keep=1,
                **{argument: cache},
            )
            (told.seconds if first else told.prompts).append(clock() - begun)
            told.scores.append(output.logits[0, -1].float().log_softmax(-1))


def steps(prompt: list[int], behind: list[int]) -> Iterator[tuple[int, list[int]]]:
    """Where each stretch begins, and its tokens: the prompt at once, the rest one by one."""
    yield 0, prompt
    for number, token in enumerate(behind):
        yield len(prompt) + number, [token]


def report(found: dict[str, Told], every: dict[str, Way], prompt: int, speed: float) -> None:
    exact = found["float32"].scores
    for name, told in found.items():
        token_s, size = median(told.seconds), every[name].size
        pairs = list(zip(told.scores, exact, strict=True))
        likely = [right.topk(LIKELY).indices for _, right in pairs]
        off = max(
            float((own[at] - right[at]).abs().max())
            for (own, right), at in zip(pairs, likely, strict=True)
        )
        others = sum(int(own.argmax() != right.argmax()) for own, right in pairs)
        print(
            f"{name}: a prompt of {prompt} tokens {median(told.prompts) * 1e3:.0f} ms, "
            f"{token_s * 1e3:.1f} ms a token, {size / 1e6:.0f} MB of weights, "
            f"{token_s / (size / speed):.1f} times the bound; among the {LIKELY} likeliest off by {off:.3f} "
            f"at most, another one first {others} times of {len(pairs)}"
        )


def tokens_of(model: HfModel, prompt: int, most: int) -> tuple[list[int], list[int]]:
    ids = model.content_ids(TEXT)
    return ids[:prompt], ids[prompt : prompt + most]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prompt", type=int, default=64, help="how long; at most 512 tokens")
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--only", help="ways whose names match this, beside float32")
    given = parser.parse_args()
    fetch_embedded()
    print(machine(), "load", *(f"{load:.1f}" for load in os.getloadavg()))
    prompt, behind = tokens_of(load(threads=1), given.prompt, given.tokens)
    every = {
        name: way
        for name, way in ways(compiled=given.compile).items()
        if name == "float32" or given.only is None or re.search(given.only, name)
    }
    found = {name: Told() for name in every}
    for name, way in every.items():  # what is set up once is not counted
        decode(way, prompt, behind, found[name])
        found[name] = Told()
    for _ in range(given.rounds):
        for name, way in every.items():
            decode(way, prompt, behind, found[name])
    torch.set_num_threads(1)
    speed = read_bytes_a_second()
    print(f"one thread reads {speed / 1e9:.1f} GB a second")
    report(found, every, given.prompt, speed)


if __name__ == "__main__":
    main()
