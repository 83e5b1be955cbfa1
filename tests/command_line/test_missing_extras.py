"""Without an extra a command says which one it needs, before it asks or fetches anything."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from interpreter import errors

if TYPE_CHECKING:
    from conftest import Cml, Files

NEEDED = {
    ("audit",): ("xllamacpp", "llamacpp"),
    ("run", "hi", "--tools", "good_tools.py", "--backend", "llamacpp"): ("xllamacpp", "llamacpp"),
    ("run", "hi", "--tools", "good_tools.py", "--backend", "hf"): ("torch", "hf"),
    ("dataset", "-o", "data"): ("torch", "hf"),
    ("reproduce", "asynclm", "-o", "report"): ("platformdirs", "bfcl"),
}


@pytest.mark.parametrize("words", NEEDED, ids=" ".join)
def test_the_extra_of_a_command(
    cml: "Cml",
    files: "Files",
    words: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    package, extra = NEEDED[words]
    monkeypatch.setattr(errors, "find_spec", lambda _: None)
    monkeypatch.setenv("CML_CACHE", str(tmp_path / "cache"))
    said = cml(*words)
    assert (said.status, said.out) == (1, "")
    assert said.err == (
        f"Error: the package {package} is not installed; "
        f'install it with: pip install "cml-lang[{extra}]"\n'
    )
    assert not (tmp_path / "cache").exists()
