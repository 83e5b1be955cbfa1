"""The generated parts of docs/operations.md: limits, log lines and the lines of a trace, from the code."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

from sources import ROOT, SOURCES, tree_of

from cml.profile import Limits
from cml.text.grammar import specification
from interpreter import AsyncRuntime, Runtime, Sessions
from interpreter.state import Settings
from interpreter.trace import Header, encode_header, encode_row, with_checksum
from interpreter.vectors import read_vector

# ------------------------------------------------------------------------------------- limits


def _arguments(documented: type) -> dict[str, str]:
    """What the docstring of a class says of each of its fields."""
    [args] = re.findall(r"Args:\n(.*)", inspect.getdoc(documented) or "", re.DOTALL)
    parts = re.findall(r"^ {4}(\w+): (.*?)(?=^ {4}\w+: |\Z)", args, re.DOTALL | re.MULTILINE)
    return {name: " ".join(words.split()).rstrip(".") for name, words in parts}


def limits() -> str:
    """The limits of a profile with their defaults."""
    defaults, words = Limits(), _arguments(Limits)
    lines = ["| limit of a profile | by default | what |", "|---|--:|---|"]
    lines += [f"| `{name}` | {getattr(defaults, name):,} | {words[name]} |" for name in words]
    return "\n".join(lines)


def choices() -> str:
    """The settings of a session with their defaults."""
    defaults, words = Settings(), _arguments(Settings)
    lines = ["| setting | by default | what |", "|---|---|---|"]
    for name in words:
        default = getattr(defaults, name)
        shown = "`Profile()`" if name == "profile" else f"`{default!r}`".replace("`{}`", "none")
        lines.append(f"| `{name}` | {shown} | {words[name]} |")
    return "\n".join(lines)


class Bound(NamedTuple):
    """A bound that stands in the code: where, and what for."""

    module: str
    name: str
    unit: str
    what: str
    beyond: str


BOUNDS: Final = (
    Bound("interpreter.tools.results", "LONGEST_RESULT", "bytes", "JSON of a result", "the call has failed"),
    Bound("interpreter.tools.results", "DEEPEST_RESULT", "levels", "nesting of a result", "the call has failed"),
    Bound("interpreter.drivers.spoken", "LONGEST_PROMPT", "bytes", "JSON of a further prompt", "HostError Embed/prompt"),
    Bound("interpreter.trace", "MAX_LINE_BYTES", "bytes", "a line of a trace", "it is not read"),
    Bound("interpreter.trace", "MAX_NESTING", "levels", "nesting of a line of a trace", "it is not read"),
    Bound("interpreter.drivers.form", "MOST_WAITING", "messages", "said and not told yet", "HostError Embed/full"),
    Bound("interpreter.executors.threads", "MOST_THREADS", "threads", "of the default executor", "calls wait for one"),
    Bound("interpreter.tools.progress", "MOST_PRINTED", "characters", "kept of what a call prints", "the rest is dropped"),
    Bound("interpreter.drivers.decoding", "MOST_EMPTY", "pieces", "in a row without a character", "HostError Embed/piece"),
    Bound("interpreter.explore.search", "DEFAULT_LIMIT", "states", "of `cml explore`", "it says that it is not done"),
)  # fmt: skip


def bounds() -> str:
    """The bounds that stand in the code, and those of the runtimes, as they are."""
    lines = ["| bound | is | of what | beyond it |", "|---|--:|---|---|"]
    for module, name, unit, what, beyond in BOUNDS:
        value = getattr(import_module(module), name)
        lines.append(f"| `{module}.{name}` | {value:,} {unit} | {what} | {beyond} |")
    for runtime in (Runtime, AsyncRuntime, Sessions):
        seconds = inspect.signature(runtime).parameters["patience_s"].default
        what = "that a step or a coroutine may take to end when it is closed"
        name = f"`{runtime.__name__}(patience_s=…)`"
        lines.append(
            f"| {name} | {seconds:g} s | {what} | it is left behind, and a log line says so |"
        )
    most = inspect.signature(Sessions).parameters["most_open"].default
    lines.append(
        f"| `Sessions(most_open=…)` | {most:,} sessions | open at once | HostError Embed/full |"
    )
    return "\n".join(lines)


# ---------------------------------------------------------------------------------- log lines

MEANING: Final = {
    "calls that still run are left behind: %s": "A session was closed, and these calls do not end. Their threads go on; "
    "nobody hears of them. Give such a function a time limit of its own, or `--isolate` it.",
    "a step of the session does not end and is left behind": "The model's `decode`, `append` or `rewind` has not come back "
    "in `patience_s`. Look at the model or the server behind it; make another session.",
    "another worker owns the session %r now": "This worker was held up, or cut off, for longer than a lease of its journals in a "
    "database. What it still writes of this session is refused. Where it comes often, `lease_s` is too short.",
    "leases are not renewed: %s": "The database cannot be reached, or refuses; the next renewal tries again. Until then others "
    "may take what this worker owns.",
    "the MCP server %s %s": "Said once a server and a thing: what is wrong with it, and what is left out.",
    "preparing %s, once": "The embedded model is converted; some seconds, then never again.",
    "writing %s, once": "The change of weights in a folder of `cml train` is put into a GGUF file beside it; some seconds, then never again.",
    "preparing the mask": "The vocabulary is indexed for the mask.",
    "loading torch and transformers": "The packages are imported.",
    "loading the tokenizer of %s": "A folder of a model is read.",
    "loading the weights of %s": "The longest part of a start.",
    "asking %s what it serves": "A server is asked for its model and its abilities; if this stays, it does not answer.",
    "%s reads the prompt": "The server reads it; the first token comes after.",
    "reading the prompt, %d tokens": "The first pass over the prompt; what follows is decoding.",
}


class LogLine(NamedTuple):
    """A line that the code may log."""

    logger: str
    level: str
    text: str


def log_lines() -> Iterator[LogLine]:
    """Yield every line that the three packages log, as their sources say."""
    for path in SOURCES:
        for node in ast.walk(tree_of(path)):
            match node:
                case ast.Call(
                    ast.Attribute(ast.Name("LOG" | "_LOG"), level),
                    [ast.Constant(str(text)), *_],
                ):
                    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
                    yield LogLine(_logger(module), level, text)


def _logger(module: str) -> str:
    loaded = import_module(module)
    return (getattr(loaded, "LOG", None) or loaded._LOG).name


def logged() -> str:
    """Every log line with what it means."""
    lines = ["| logger | level | line | what it means |", "|---|---|---|---|"]
    seen = dict.fromkeys(log_lines())
    lines += [
        f"| `{each.logger}` | {each.level} | {_placed(each.text)} | {MEANING[each.text]} |"
        for each in seen
    ]
    return "\n".join(lines)


def _placed(text: str) -> str:
    return re.sub(r"%[sdr]", "…", text)


# ------------------------------------------------------------------------ the lines of a trace


def trace_lines(name: str, first: str, last: str) -> str:
    """Some lines of the trace that a run vector is, with their checksums; line 1 is the header."""
    vector = read_vector(Path(str(specification())) / "vectors" / "runs" / f"{name}.json")
    header = Header(1, vector.settings, "virtual", "a script", "…")
    lines = [encode_header(header), *map(encode_row, vector.rows)]
    chosen = lines[int(first) - 1 : int(last)]
    return "\n".join(["```json", *(with_checksum(line).decode().strip() for line in chosen), "```"])


OPERATIONS: Final[dict[str, Callable[..., str]]] = {
    "limits": limits,
    "choices": choices,
    "bounds": bounds,
    "logged": logged,
    "trace_lines": trace_lines,
}
