"""The fuzz target holds for its seeds and their mutations; with atheris installed, for more."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from extras import from_extra
from fuzz_target import check_anything, seeds

TARGET = Path(__file__).with_name("fuzz_target.py")


def test_seeds() -> None:
    for seed in seeds():
        check_anything(seed[:4_000])


@pytest.mark.parametrize("start", range(4))
def test_mutations(start: int) -> None:
    """The same mutations each time: bytes changed, cut out, doubled, and seeds joined."""
    choose = random.Random(start)
    pool = [seed for seed in seeds() if len(seed) < 400]
    for _ in range(250):
        data = bytearray(choose.choice(pool) + choose.choice(pool))
        for _ in range(choose.randrange(1, 5)):
            at = choose.randrange(len(data) + 1)
            match choose.randrange(3):
                case 0:
                    data[at : at + 1] = bytes([choose.randrange(256)])
                case 1:
                    del data[at : at + choose.randrange(6)]
                case _:
                    data[at:at] = data[at : at + choose.randrange(12)]
        check_anything(bytes(data))


@pytest.mark.slow
def test_coverage_guided_for_seconds(tmp_path: Path) -> None:
    from_extra("fuzz", "atheris")
    done = subprocess.run(
        [
            sys.executable,
            str(TARGET),
            "-max_total_time=15",
            f"-artifact_prefix={tmp_path}/",
            str(tmp_path / "corpus"),
        ],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TARGET.parents[2])},
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2_000:]
