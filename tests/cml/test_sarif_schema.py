"""SARIF as `cml validate` writes it, held to the official schema, which a package of npm carries."""

import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator

from cml.diagnostics import RULES
from cml.tools.sarif import sarif_head, sarif_results
from interpreter.commands.traces import validate_command

PACKAGE = "@microsoft/jest-sarif@1.0.0-beta.0"
MEMBER = "package/lib/schemas/sarif-2.1.0-rtm.5.json"


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Draft7Validator:
    if (npm := shutil.which("npm")) is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("npm")
    fetched = subprocess.run([npm, "pack", "--silent", PACKAGE], cwd=folder, check=False)
    if fetched.returncode:
        pytest.skip("npm cannot fetch the schema here")
    [package] = folder.glob("*.tgz")
    with tarfile.open(package) as archive:
        member = archive.extractfile(MEMBER)
        assert member is not None
        schema = json.load(member)
    assert schema["title"].startswith("Static Analysis Results Format (SARIF) Version 2.1.0")
    return Draft7Validator(schema)


@pytest.mark.slow
def test_the_official_schema_takes_what_is_written(
    official: Draft7Validator, tmp_path: Path
) -> None:
    broken = tmp_path / "broken ö [1].cml"
    broken.write_text("[CALL] a [HEAD] f( [END] [END] [call] é", encoding="utf-8")
    trace = tmp_path / "t.jsonl"
    trace.write_text('{"cml_trace":1}\n{"at_us":0,"rule":"Step/end"}\n', encoding="utf-8")
    words = ["--format", "sarif", str(broken), str(trace)]
    written = CliRunner().invoke(validate_command, words)
    assert written.exit_code == 1
    log = json.loads(written.stdout)
    assert len(log["runs"][0]["results"]) >= 4
    assert [error.message for error in official.iter_errors(log)] == []


@pytest.mark.slow
def test_the_schema_would_tell(official: Draft7Validator) -> None:
    log = sarif_head("1.0.0")
    assert official.is_valid(log)
    assert len(log["runs"][0]["tool"]["driver"]["rules"]) == len(RULES)
    [result] = sarif_results("f", _findings())
    result["level"] = "catastrophe"
    log["runs"][0]["results"] = [result]
    assert not official.is_valid(log)


def _findings():
    from cml import validate

    return validate("[END]")
