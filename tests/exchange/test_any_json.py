"""Whatever a file holds: it is a session, or it is told what is wrong with it, and nothing breaks."""

import json
from functools import cache

import pytest
from extras import from_extra
from hypothesis import example, given
from hypothesis import strategies as st

from interpreter.exchange.checking import check
from interpreter.exchange.happenings import ForeignError, NotCarried
from interpreter.exchange.telling import profile_of, tell
from interpreter.trace import check_trace, encode_header, encode_row
from model_adapters.commands.exchange import FORMATS

WORDS = {
    "chat": "role content user assistant tool tool_calls id function name arguments tool_call_id a f",
    "realtime": "type item conversation.item.create function_call_output call_id output message role"
    " user content response.output_item.done function_call name arguments a f text",
    "gemini": "toolCall functionCalls id name args toolResponse functionResponses response error a f"
    " toolCallCancellation ids serverContent modelTurn parts text willContinue clientContent turns",
    "mcp": "jsonrpc id method tools/call params name arguments result content task taskId status a f"
    " tasks/result notifications/tasks/status working notifications/cancelled requestId error message",
}


@cache
def anything(form: str) -> st.SearchStrategy[object]:
    words = st.sampled_from([*WORDS[form].split(), "2.0", "\ud800", "{}", '{"x": 1}'])
    leaves = words | st.none() | st.booleans() | st.integers(0, 3) | st.floats()
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
        max_leaves=9,
    )


@pytest.mark.parametrize("form", WORDS)
@given(st.data())
def test_a_file_of_anything(form: str, data: st.DataObject) -> None:
    if form == "mcp":
        from_extra("mcp", "mcp_types")
    values = data.draw(st.lists(anything(form), max_size=4))
    is_array = form == "chat" or data.draw(st.booleans())
    _hold(json.dumps(values) if is_array else "\n".join(map(json.dumps, values)), form)


LINES = st.sampled_from(
    [
        *(
            f"[TRACE] v=async t={t} kind={kind} id={call} dur=-1 tok=-1 sub="
            for t in (0, 7, 90)
            for kind in ("dispatch", "ready", "trap_start", "inject")
            for call in ("", "a", "b c")
        ),
        "[AsyncLM] dispatching id=a code=f(1, x=[a])",
        "[AsyncLM] dispatching id=a code=[END]",
        '[AsyncLM] mid-inject: [INTR] a [HEAD] {"x": 1} [END]',
        "[TRACE] hello",
    ]
)


WAITS_TWICE = [
    "[TRACE] v=async t=0 kind=dispatch id=a dur=-1 tok=-1 sub=",
    "[TRACE] v=async t=7 kind=trap_start id= dur=-1 tok=-1 sub=",
    "[TRACE] v=async t=7 kind=trap_start id= dur=-1 tok=-1 sub=",
]


@given(st.lists(LINES, max_size=8))
@example(WAITS_TWICE)
@example([*WAITS_TWICE, "[TRACE] v=async t=90 kind=ready id=a dur=-1 tok=-1 sub="])
def test_lines_of_anything(lines: list[str]) -> None:
    _hold("\n".join(lines), "pie")


def _hold(text: str, form: str) -> None:
    known = FORMATS[form]
    try:
        happenings = list(known.read(text))
    except ForeignError:
        return
    assert {one.what for one in happenings if isinstance(one, NotCarried)} <= known.losses.keys()
    if list(check(happenings, profile_of(known))):
        return
    header, rows = tell(happenings, known, "any")
    lines = [encode_header(header), *map(encode_row, rows)]
    assert not [found for found in check_trace(lines) if found.rule != "Trace/unfinished"]


@pytest.mark.parametrize(
    "text", ["[" * 5_000, '[{"role": ' + "9" * 5_000 + "}]", '{"a":' * 5_000, '[{"content": "\\ud8']
)
def test_extremes(text: str) -> None:
    for form in WORDS:
        with pytest.raises(ForeignError):
            list(FORMATS[form].read(text))
