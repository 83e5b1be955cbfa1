"""What a product of rows with a matrix takes, plain and packed for oneDNN, in the shapes of the embedded model.

python benchmarks/products.py [--rounds 7]

CPU time of one thread, both ways in turn, and whether the results are the same to the last bit.
"""

import argparse
import os
from typing import Final

import torch
from side_by_side import machine, medians_s

from model_adapters.hf.packed import packed_linear

SHAPES: Final = ((576, 576), (192, 576), (1536, 576), (576, 1536), (49152, 576))
"""Numbers that come out of a row, and that go in."""
ROWS: Final = (1, 8, 64, 512)
WORK: Final = 2**28
"""How many multiplications a measurement makes, at least."""


def compare(shape: tuple[int, int], rows: int, dtype: torch.dtype, rounds: int) -> str:
    out, into = shape
    plain = torch.nn.Linear(into, out, bias=False, dtype=dtype)
    ways = {"plain": plain, "packed": packed_linear()(plain)}
    given = torch.randn(1, rows, into).to(dtype)
    times = -(-WORK // (out * into * rows))

    def repeat(way: torch.nn.Module) -> None:
        for _ in range(times):
            way(given)

    taken_s = medians_s({name: lambda way=way: repeat(way) for name, way in ways.items()}, rounds)
    us = {name: seconds / times * 1e6 for name, seconds in taken_s.items()}
    off = float((ways["packed"](given) - plain(given)).abs().max())
    return (
        f"{str(dtype).removeprefix('torch.')}, {out} x {into}, {rows} rows: plain {us['plain']:.0f} us, "
        f"packed {us['packed'] / us['plain']:.2f} times as long, off by {off:.1e}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(machine(), "load", *(f"{load:.1f}" for load in os.getloadavg()))
    with torch.inference_mode():
        for dtype in (torch.bfloat16, torch.float32):
            for shape in SHAPES:
                for rows in ROWS:
                    print(compare(shape, rows, dtype, given.rounds), flush=True)


if __name__ == "__main__":
    main()
