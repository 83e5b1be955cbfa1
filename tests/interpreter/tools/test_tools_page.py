"""The examples of docs/tools.md are programs, and hold what they assert."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "tools.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=["python", "mcp", "elsewhere", "processes"])
def test_an_example_runs(example) -> None:
    assert "assert " in example
    exec(compile(example, str(PAGE), "exec"), {"__name__": "example"})
