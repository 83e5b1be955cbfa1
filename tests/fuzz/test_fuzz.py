"""The fuzz targets hold for their seeds and mutations of them; with atheris installed, for more."""

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from extras import from_extra
from fuzz_readers import READERS

TARGET = Path(__file__).with_name("fuzz_target.py")
_MUTATIONS = 250


@pytest.mark.parametrize("word", READERS)
def test_what_fuzzing_begins_with_is_read(word: str) -> None:
    seeds = READERS[word].seeds()
    assert seeds
    for seed in seeds[:: 1 + len(seeds) // 120]:
        READERS[word].check(seed[:20_000])


_STORY = b'{"id":"runs/x","script":[{"text":"[CALL] a [HEAD] f() [END][TRAP][END]"}]'
_CIRCLE = (
    b'{"id":"schedules/x","workload":{"id":"w","calls":['
    b'{"id":"a","generate_tokens":1,"execute_us":1,"after":["b"]},'
    b'{"id":"b","generate_tokens":1,"execute_us":1,"after":["a"]}]},'
    b'"costs":{"token_us":1},"model":"async","policy":"program"}'
)


@pytest.mark.parametrize(
    ("word", "data"),
    [
        ("question", _STORY + b"}"),  # a function that the story tells nothing of
        ("question", b'{"id":"syntax/x","input":{"tokens":[{"marker":"FOO"}]}}'),
        ("question", b'{"id":"syntax/x","input":{"base64":["?"]}}'),
        ("question", _CIRCLE),
        ("dialogues", b'{"id":"1","shape":"s","facts":[],"messages":[],"segments":[]}\n'),
        ("dialogues", b'{"wishes":' + b"[" * 100_000),
        ("request", b'{"wishes":' + b"[" * 100_000),
        ("request", b'{"question":"\xff"}'),
        ("tool", b'{"name":"f","parameters":{"allOf":[{"$ref":"#"}]}}'),
    ],
)
def test_what_was_found_once(word: str, data: bytes) -> None:
    READERS[word].check(data)


def test_the_page_tells_of_every_reader() -> None:
    page = (TARGET.parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
    told = re.findall(r"^\| `(\w+)` \| [\d,]+ \|", page, re.MULTILINE)
    assert sorted(told) == sorted(READERS)


@pytest.mark.parametrize("word", READERS)
def test_mutations(word: str) -> None:
    """The same mutations each time: bytes changed, cut out, doubled, and seeds joined."""
    choose = random.Random(word)
    reader = READERS[word]
    pool = [seed for seed in reader.seeds() if len(seed) < 4_000]
    for _ in range(_MUTATIONS):
        data = bytearray(choose.choice(pool))
        if choose.random() < 0.3:
            data += choose.choice(pool)
        for _ in range(choose.randrange(1, 5)):
            at = choose.randrange(len(data) + 1)
            match choose.randrange(3):
                case 0:
                    data[at : at + 1] = bytes([choose.randrange(256)])
                case 1:
                    del data[at : at + choose.randrange(6)]
                case _:
                    data[at:at] = data[at : at + choose.randrange(12)]
        reader.check(bytes(data))


@pytest.mark.slow
@pytest.mark.parametrize("word", READERS)
def test_coverage_guided_for_seconds(word: str, tmp_path: Path) -> None:
    from_extra("fuzz", "atheris")
    done = subprocess.run(
        [
            sys.executable,
            str(TARGET),
            word,
            "-max_total_time=15",
            f"-artifact_prefix={tmp_path}/",
            str(tmp_path / "corpus"),
        ],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TARGET.parents[2])},
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2_000:]
