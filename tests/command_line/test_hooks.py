"""The hooks of pre-commit: each runs a command that there is, on the files that it says."""

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import running
from extras import from_extra

if TYPE_CHECKING:
    from conftest import Cml, Files

HOOKS = Path(__file__).parents[2] / ".pre-commit-hooks.yaml"


def test_each_hook_passes_good_files_and_stops_bad_ones(cml: "Cml", files: "Files") -> None:
    yaml = from_extra("hf", "yaml")
    good = {
        "a.cml": running.SCRIPT,
        "a.trace.jsonl": files.trace.read_text(encoding="utf-8"),
        "a.chat.json": running.CHAT,
    }
    bad = {
        "b.cml": "[END]",
        "b.trace.jsonl": "no trace\n",
        "b.chat.json": '[{"role": "tool", "tool_call_id": "a", "content": "1"}]',
    }
    for name, text in {**good, **bad}.items():
        (files.folder / name).write_text(text, encoding="utf-8")
    hooks = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))
    taken: set[str] = set()
    for hook in hooks:
        program, *words = shlex.split(hook["entry"])
        assert (program, hook["language"]) == ("cml", "python")
        for names, status in ((good, 0), (bad, 1)):
            own = [name for name in names if re.search(hook["files"], name)]
            assert own
            taken |= set(own)
            assert cml(*words, *own).status == status
    assert taken == good.keys() | bad.keys()
