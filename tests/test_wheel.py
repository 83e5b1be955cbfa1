"""The wheel, built and installed in a clean environment, works without the checkout."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    [built] = out.glob("*.whl")
    return built


def test_the_specification_and_the_types_are_inside(wheel) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"cml/spec/cml.lark", "cml/spec/3-semantics.md", "cml/py.typed"} <= names
    assert {"interpreter/page/assets/run.js", "interpreter/page/assets/page.css"} <= names
    assert any(name.startswith("cml/spec/vectors/runs/") for name in names)
    assert not any(name.startswith("tests/") for name in names)


def test_the_installed_command_validates(wheel, tmp_path) -> None:
    venv.create(tmp_path / "clean", with_pip=True)
    python = tmp_path / "clean" / "bin" / "python"
    pip = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--constraint",
        str(ROOT / "constraints.txt"),
    ]
    subprocess.run([*pip, str(wheel)], check=True)
    good, bad = tmp_path / "good.cml", tmp_path / "bad.cml"
    good.write_text("Hi. [CALL] a [HEAD] f(x=1) [END] [TRAP][END]")
    bad.write_text("Hi. [CALL] a [HEAD] f(x= [END]")
    cml = str(python.with_name("cml"))
    assert subprocess.run([cml, "validate", str(good)], cwd=tmp_path, check=False).returncode == 0
    found = subprocess.run(
        [cml, "validate", str(bad)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert found.returncode == 1
    assert "Valid/body" in found.stdout + found.stderr
    run = subprocess.run(
        [cml, "run", "hello", "--tools", str(good)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode in (1, 2)
    assert "Traceback" not in run.stderr
