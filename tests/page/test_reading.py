"""What the page reads in the rows of a trace is what Python reads in them, for every vector."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from cml.text.grammar import specification
from interpreter.page import ASSETS
from interpreter.runs import read_run
from interpreter.trace import Header, encode_header, encode_row
from interpreter.vectors import read_vector

NODE = shutil.which("node")
READER = Path(__file__).with_name("reading.mjs")
VECTORS = sorted(Path(str(specification())).joinpath("vectors", "runs").glob("*.json"))

pytestmark = pytest.mark.skipif(NODE is None, reason="not run: node was not found")


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, object]]:
    """What the page makes of each vector, by its name."""
    traces = []
    for vector in map(read_vector, VECTORS):
        lines = [encode_header(Header(1, vector.settings)), *map(encode_row, vector.rows)]
        traces.append([line.decode() for line in lines])
    # Numbers keep their spelling as in any browser of today; older versions of Node ask for a flag.
    flags = ["--harmony-json-parse-with-source"]
    done = subprocess.run(
        [str(NODE), *flags, str(READER), str(ASSETS)],
        input=json.dumps(traces),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip((path.stem for path in VECTORS), json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_the_page_reads_what_python_reads(path: Path, found) -> None:
    vector, shown = read_vector(path), found[path.stem]
    run = read_run(vector.settings, vector.rows)
    assert shown["context"] == vector.context
    assert [tuple(pair) for pair in shown["decoding"]] == list(run.decoding)
    assert [tuple(pair) for pair in shown["reading"]] == list(run.reading)
    assert shown["total"] == run.total_us
    assert shown["ending"] == run.reason
    assert [tuple(call) for call in shown["calls"]] == [
        (c.call, c.function, c.opened_us, c.written_us, c.started_us, c.returned_us, c.delivered_us, c.outcome)
        for c in run.calls
    ]  # fmt: skip
