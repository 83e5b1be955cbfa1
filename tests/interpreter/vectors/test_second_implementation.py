"""The implementation in JavaScript answers every vector: the specification, read by other eyes."""

import shutil
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

NODE = shutil.which("node")
ANSWER = Path(__file__).parents[3] / "examples" / "javascript" / "answer.js"


pytestmark = pytest.mark.skipif(NODE is None, reason="not run: node was not found")
CML = (sys.executable, "-m", "model_adapters.commands.cli")


@pytest.mark.parametrize("markers", ["text", "token"])
def test_it_answers_every_vector(markers: str) -> None:
    command = [*CML, "vectors", "--markers", markers, NODE, ANSWER]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_it_answers_over_http_too() -> None:
    command = [NODE, ANSWER, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = server.stdout.readline().strip()
            done = subprocess.run(
                [*CML, "vectors", "--only", "invalid", url],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            with pytest.raises(HTTPError, match="400"):
                urlopen(url, data=b"no JSON")
        finally:
            server.kill()
