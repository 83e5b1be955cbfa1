"""Every reader of bytes that somebody else wrote: what it may raise, and what it begins with."""

import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import click
import msgspec
from fuzz_contexts import check_context, context_seeds
from gguf_files import gguf_file, vocabulary

from cml.tools.profile_names import ProfileError, read_profile
from cml.vectors.runner import vector_files
from interpreter import HostError
from interpreter.commands.gantt import gantt
from interpreter.drivers.replay import replay
from interpreter.exchange.checking import check
from interpreter.exchange.happenings import ForeignError, Format
from interpreter.exchange.telling import profile_of, tell
from interpreter.journals import reopened
from interpreter.page.document import page_file
from interpreter.page.shown import page_parts, read_shown
from interpreter.runs import read_run
from interpreter.schedule import PRESETS, read_workloads
from interpreter.schedule.advice.advice import advise
from interpreter.schedule.advice.observed import observe
from interpreter.schedule.costs import CostsError, parse_costs
from interpreter.schedule.studies.report import simulate
from interpreter.schedule.workload import Workload, WorkloadError
from interpreter.tools.arguments import argument_faults
from interpreter.tools.declared import ToolError, tool_from_json
from interpreter.tools.describing import describe_tool
from interpreter.trace import TraceError, check_trace, encode_row, read_trace
from interpreter.vectors.answer import answer
from interpreter.vectors.runs import RunVector, request_of
from interpreter.vectors.schedules import decode_schedule, schedule_request
from model_adapters.commands.exchange import FORMATS
from model_adapters.errors import AdapterError
from model_adapters.llamacpp.gguf_tokens import read_tokens
from model_adapters.serving.chat_api.forms import ChatRequest, wanted_of
from model_adapters.serving.live.source import SessionWanted
from model_adapters.serving.wire import RefusedError, body_of
from model_adapters.training.data.files import DialogueFileError, read_dialogues

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "exchange" / "samples"
_FEW = 6


class Reader(NamedTuple):
    """What reads foreign bytes.

    Args:
        check: Reads some; whatever it raises is a fault of ours.
        seeds: What is good, to begin with.
    """

    check: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


# ------------------------------------------------------------------------------- traces


def check_a_trace(data: bytes) -> None:
    """A trace is valid or told what is wrong with it; all that show one take it, or refuse it."""
    lines = data.splitlines(keepends=True)
    found = list(check_trace(lines))
    is_whole = not found
    for shows in (_replayed, _advised, _paged):
        try:
            shows(lines)
        except (TraceError, HostError, click.ClickException):
            assert not is_whole, shows


def _replayed(lines: list[bytes]) -> None:
    header, rows = read_trace(lines)
    kept = list(rows)
    again = list(replay(header.settings, kept))
    read_run(header.settings, kept)
    if not list(check_trace(lines)):
        assert list(map(encode_row, again)) == list(map(encode_row, kept))


def _advised(lines: list[bytes]) -> None:
    header, rows = read_trace(lines)
    observation = observe(header.settings, rows)
    gantt(observation.run, 80)
    if observation.calls:
        advise(observation, header.settings.workers)


def _paged(lines: list[bytes]) -> None:
    with _file(b"".join(lines), ".jsonl") as path:
        page_file("", page_parts([read_shown(str(path))]))


def check_a_journal(data: bytes) -> None:
    """A trace that is gone on from is refused, or what is dropped of it is its last line alone."""
    with _file(data, ".jsonl") as path:
        try:
            with reopened(path) as again:
                dropped = again.dropped_bytes
                assert path.read_bytes() == data[: len(data) - dropped]
                assert b"\n" not in data[len(data) - dropped :]
        except (TraceError, HostError):
            assert path.read_bytes() == data


class _file:
    """A file for one reading."""

    def __init__(self, data: bytes, suffix: str) -> None:
        self._data, self._suffix = data, suffix

    def __enter__(self) -> Path:
        self._made = tempfile.NamedTemporaryFile(suffix=self._suffix, dir=_memory())
        self._made.write(self._data)
        self._made.flush()
        return Path(self._made.name)

    def __exit__(self, *_: object) -> None:
        self._made.close()


@cache
def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


# -------------------------------------------------------------------- schedules, profiles


def check_workloads(data: bytes) -> None:
    """Lines are workloads or faults; small workloads can be simulated."""
    read = list(read_workloads(io.BytesIO(data), keep_going=True))
    small = [each for each in read if isinstance(each, Workload) and len(each.calls) <= _FEW]
    simulate(small[:_FEW], PRESETS["gpt-4o"])


def check_costs(data: bytes) -> None:
    """A costs file is one, or it is said why not."""
    with suppress(CostsError):
        parse_costs(data)


def check_a_profile(data: bytes) -> None:
    """A profile is one, or it is said why not."""
    with _file(data, ".json") as path, suppress(ProfileError):
        check_profiled(read_profile(str(path)))


def check_profiled(profile: object) -> None:
    """What was read is written the same."""
    again = msgspec.json.decode(msgspec.json.encode(profile), type=type(profile))
    assert again == profile


def check_a_question(data: bytes) -> None:
    """What a harness asks is answered, or it is no question, or its story breaks off."""
    with suppress(msgspec.DecodeError, HostError, WorkloadError, UnicodeDecodeError):
        answer(data)


# ------------------------------------------------------------------- other people's formats


def check_a_session(known: Format, data: bytes) -> None:
    """A session of another protocol is refused by its rules, or told as a trace that is valid."""
    try:
        text = data.decode()
        happenings = list(known.read(text))
        if list(check(happenings, profile_of(known))):
            return
    except (UnicodeDecodeError, ForeignError, RecursionError):
        return
    header, rows = tell(happenings, known, "fuzz")
    lines = [msgspec.json.encode(header) + b"\n", *map(encode_row, rows)]
    assert [found.rule for found in check_trace(lines)] in ([], ["Trace/unfinished"])


def check_dialogues(data: bytes) -> None:
    """Lines are dialogues as `cml train` takes them, or it is said which is none."""
    with suppress(DialogueFileError):
        for row in read_dialogues(data.splitlines(keepends=True)):
            assert row.messages


def check_a_tool(data: bytes) -> None:
    """The schema of a server's tool is described and held, or the tool is refused."""
    with suppress(msgspec.DecodeError, UnicodeDecodeError, ToolError):
        read = msgspec.json.decode(data, type=dict[str, object])
        tool = tool_from_json(read)  # type: ignore[arg-type]
        for profile_body in ("python", "json"):
            from cml.profile import Body

            describe_tool(tool, Body(profile_body))
        for arguments in ({}, {"a": 1}, {"a": [{"a": "x"}]}):
            argument_faults(arguments, tool.parameters)  # type: ignore[arg-type]


def check_a_request(data: bytes) -> None:
    """What a client asks `cml serve` for is a session that it may want, or it is refused."""
    with suppress(RefusedError):
        body_of(data, SessionWanted)
    with suppress(RefusedError):
        wanted_of(body_of(data, ChatRequest))


def check_gguf(data: bytes) -> None:
    """The vocabulary of a model's file is read, or it is said what is wrong with it."""
    with _file(data, ".gguf") as path, suppress(AdapterError):
        read_tokens(path)


# -------------------------------------------------------------------------------- seeds


def _lines_of(paths: Iterable[Path]) -> list[bytes]:
    return [line for path in paths for line in path.read_bytes().splitlines(keepends=True)]


def trace_seeds() -> list[bytes]:
    """A whole trace, and its beginnings."""
    lines = _lines_of([ROOT / "examples" / "trip.jsonl"])
    stories = [msgspec.json.decode(f.read_bytes(), type=RunVector) for f in _runs()]
    told = [
        b"".join(
            [
                b'{"cml_trace":1,"settings":' + msgspec.json.encode(story.settings) + b"}\n",
                *map(encode_row, story.rows),
            ]
        )
        for story in stories
    ]
    return [b"".join(lines), b"".join(lines[:9]), *told]


def _runs() -> Iterator[object]:
    return iter(vector_files("runs").values())  # type: ignore[arg-type]


def question_seeds() -> list[bytes]:
    """What the vectors ask."""
    runs = {
        name: msgspec.json.decode(file.read_bytes(), type=RunVector)
        for name, file in vector_files("runs").items()
    }
    schedules = {
        name: decode_schedule(file.read_bytes()) for name, file in vector_files("schedules").items()
    }
    return [
        *(msgspec.json.encode(request_of(name, vector)) for name, vector in runs.items()),
        *(msgspec.json.encode(schedule_request(name, each)) for name, each in schedules.items()),
    ]


def sample_seeds(form: str) -> list[bytes]:
    """The samples of a format."""
    return [path.read_bytes() for path in sorted(SAMPLES.rglob(f"*{form}*")) if path.is_file()]


def dialogue_seeds() -> list[bytes]:
    """One dialogue, with everything in it."""
    return [
        b'{"id":"1","shape":"one","facts":["f"],"messages":[{"role":"system","content":"You."}],'
        b'"segments":[{"by":"model","text":"Hi."}],"delivered":[]}\n'
    ]


READERS = {
    "context": Reader(check_context, context_seeds),
    "trace": Reader(check_a_trace, trace_seeds),
    "journal": Reader(check_a_journal, trace_seeds),
    "workload": Reader(
        check_workloads, lambda: _lines_of((ROOT / "examples").glob("*workload*.jsonl"))
    ),
    "profile": Reader(
        check_a_profile,
        lambda: [b'{"body":"json","regions":[["<a>","</a>"]],"limits":{"calls":3}}'],
    ),
    "costs": Reader(
        check_costs, lambda: [msgspec.json.encode(costs) for costs in PRESETS.values()]
    ),
    "question": Reader(check_a_question, question_seeds),
    **{
        form: Reader(partial(check_a_session, known), partial(sample_seeds, form))
        for form, known in FORMATS.items()
    },
    "dialogues": Reader(check_dialogues, dialogue_seeds),
    "tool": Reader(
        check_a_tool,
        lambda: [
            b'{"name":"f","inputSchema":{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},'
            b'"$defs":{"a":{"anyOf":[{"type":"string","pattern":"a+"},{"$ref":"#/$defs/a"}]}}}}'
        ],
    ),
    "request": Reader(
        check_a_request,
        lambda: [
            b'{"question":"Q","chat":[{"role":"user","content":"a"}],"max_tokens":9,"top_p":0.5}',
            b'{"model":"m","messages":[{"role":"system","content":[{"type":"text","text":"a"}]},'
            b'{"role":"user","content":"Q"}],"stop":null,"seed":-1,"temperature":1,"n":1}',
        ],
    ),
    "gguf": Reader(
        check_gguf,
        lambda: [
            gguf_file({"a": 1}),
            gguf_file({"a": ["x"]}, [[2, 3]]),
            gguf_file(vocabulary(["a", "\u2581b", "<0x0A>", "<s>"], [1, 1, 6, 3], "llama")),
            gguf_file(vocabulary(["a", "\u0120b"], [1, 4]) | {"tokenizer.ggml.eos_token_id": 1}),
        ],
    ),
}
"""By the word that the fuzzer is called with."""
