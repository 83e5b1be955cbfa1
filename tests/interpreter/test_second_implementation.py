"""The implementation in JavaScript answers every vector: the specification, read by other eyes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

NODE = shutil.which("node")
ANSWER = Path(__file__).parents[2] / "examples" / "javascript" / "answer.js"


@pytest.mark.skipif(NODE is None, reason="not run: node was not found")
def test_it_answers_every_vector() -> None:
    command = [sys.executable, "-m", "model_adapters.commands.cli", "vectors", NODE, ANSWER]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
