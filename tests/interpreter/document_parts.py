"""The generated parts of the documents. `python tests/interpreter/document_parts.py` writes them.

A part stands between `<!-- generated: NAME WORDS -->` and `<!-- end -->`.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Final, NamedTuple

import docstring_parser
from operations_parts import OPERATIONS
from rooms import drawn

from cml.symbols import Marker
from cml.text.grammar import specification
from cml.text.monitor import EDGES
from interpreter.events import (
    Began,
    Cancel,
    Decode,
    Decoded,
    Effect,
    Event,
    Finish,
    Inject,
    Report,
    Returned,
    Rewind,
    Row,
    Said,
    Start,
    Stopped,
)
from interpreter.interrupts import interrupt_text
from interpreter.machine import advance, settle_one, step
from interpreter.rules.failures import FAILURES
from interpreter.runs import Run, read_run
from interpreter.state import Phase, State
from interpreter.vectors import RunVector, read_vector
from model_adapters.backends import BACKENDS
from model_adapters.commands.exchange import FORMATS
from model_adapters.opening import spelled

DOCUMENTS: Final = Path(__file__).parents[2] / "docs"
SPECIFICATION: Final = Path(str(specification()))
VECTORS: Final = SPECIFICATION / "vectors" / "runs"
PART: Final = re.compile(r"(<!-- generated: (\S+)(.*?) -->\n).*?(<!-- end -->)", re.DOTALL)


def mermaid(kind: str, lines: Iterable[str]) -> str:
    return "\n".join(["```mermaid", kind, *(f"    {line}" for line in lines), "```"])


# ------------------------------------------------------------------------------ state diagrams


def monitor() -> str:
    """The token monitor: a marker that leads to one mode from everywhere is drawn once."""
    names = {mode: mode.value.replace(" ", "_") for mode in EDGES}
    lines = [f'state "{mode.value}" as {name}' for mode, name in names.items() if " " in mode.value]
    lines += ['state "any mode" as any_mode', "[*] --> prose"]
    for marker in Marker:
        targets = {edges[marker] for edges in EDGES.values()}
        if len(targets) == 1:
            lines.append(f"any_mode --> {names[targets.pop()]} : {marker.value}")
        else:
            lines += [
                f"{names[m]} --> {names[e[marker]]} : {marker.value}" for m, e in EDGES.items()
            ]
    return mermaid("stateDiagram-v2", lines)


class Firing(NamedTuple):
    """What one rule did to a state."""

    before: State
    row: Row
    after: State


def states_of(rows: Iterable[Row], first: State) -> Iterator[Firing]:
    state = first
    for row in rows:
        before = advance(state, row.at_us)
        if row.event is None:
            fired = settle_one(before)
            assert fired is not None
            state = fired[0]
        else:
            _, state, _ = step(before, row.event)
        yield Firing(before, row, state)
        if state.ending != "stopped":  # what the host may do at any moment
            yield fired_by(state, Stopped())
    if state.ending != "stopped":
        yield fired_by(state, Began())


def fired_by(before: State, event: Event) -> Firing:
    rule, after, effects = step(before, event)
    return Firing(before, Row(before.now_us, rule, event, effects), after)


@cache
def firings() -> tuple[Firing, ...]:
    """What the rules do to states, over all vectors and the turn that may follow each."""
    vectors = map(read_vector, sorted(VECTORS.glob("*.json")))
    return tuple(
        firing for vector in vectors for firing in states_of(vector.rows, State(vector.settings))
    )


def diagram(changes: Iterable[tuple[str, str, str]]) -> str:
    labels: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for before, rule, after in changes:
        labels[before, after].add(rule)
    lines = [
        f"{a} --> {b} : {', '.join(sorted(rules))}" for (a, b), rules in sorted(labels.items())
    ]
    return mermaid("stateDiagram-v2", lines)


def phases() -> str:
    changes = (
        (before.phase.value, row.rule, after.phase.value)
        for before, row, after in firings()
        if before.phase is not after.phase
    )
    return diagram([("[*]", "a session", Phase.READY.value), *changes])


def statuses() -> str:
    return diagram(
        ("[*]" if old is None else old, row.rule, call.status.value)
        for before, row, after in firings()
        for key, call in after.calls.items()
        if (old := before.calls[key].status.value if key in before.calls else None)
        != call.status.value
    )


class Told(NamedTuple):
    """A failure that the machine made: its type and outcome, and under which name it was told."""

    kind: str
    outcome: str
    name: str


OWN, ERROR, NOBODY = "its identifier", "`error`*n*", "nobody"


def made(firing: Firing) -> Iterator[Told]:
    """The failures that a rule made itself, not those that a function came back with."""
    before, row, after = firing
    given = row.event.outcome if isinstance(row.event, Returned) else None
    queued = {entry.delivery.id for entry in after.queue}
    settled = [
        (key if call.is_identified else "", call.outcome)
        for key, call in after.calls.items()
        if call.outcome and (key not in before.calls or before.calls[key].outcome is None)
    ]
    errors = [
        (entry.delivery.id, entry.delivery.outcome)
        for entry in after.queue
        if entry not in before.queue and entry.delivery.id not in after.calls
    ]
    for identifier, outcome in (*settled, *errors):
        match outcome.value:
            case {"type": str(kind)} if outcome != given and outcome.kind.value != "returned":
                name = OWN if identifier in after.calls else ERROR
                yield Told(kind, outcome.kind.value, name if identifier in queued else NOBODY)


def reports(firing: Firing) -> set[str]:
    return {effect.rule for effect in firing.row.effects if isinstance(effect, Report)}


class Fault(NamedTuple):
    """All that was seen of one type of failure, or of one rule that only reports."""

    kind: str
    rules: set[str]
    outcomes: set[str]
    reports: set[str]
    names: set[str]


def faults() -> list[Fault]:
    found: defaultdict[str, Fault] = defaultdict(lambda: Fault("", set(), set(), set(), set()))
    for firing in firings():
        told = set(made(firing))
        rule, reported = firing.row.rule, reports(firing)
        for kind, outcome, name in told:
            fault = found[kind]
            found[kind] = fault._replace(kind=kind)
            for seen, value in zip(fault[1:], ({rule}, {outcome}, reported, {name}), strict=True):
                seen.update(value)
        if reported and not told:
            fault = found[rule]
            for seen, value in zip(fault[1:], ({rule}, set(), reported, {NOBODY}), strict=True):
                seen.update(value)
    order = [*FAILURES, *sorted(set(found) - set(FAILURES))]
    return [found[kind] for kind in order]


def fault_table() -> str:
    """Fault, outcome, report and name: what the rules did in all vectors."""
    lines = ["| type | made by | outcome | reported by | told under |", "|---|---|---|---|---|"]
    for fault in faults():
        names = [name for name in (OWN, ERROR, NOBODY) if name in fault.names]
        cells = [
            f"`{fault.kind}`" if fault.kind else "",
            *(", ".join(sorted(seen)) for seen in fault[1:4]),
            ", ".join(names),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


# ------------------------------------------------------------------------------ rows of a vector


def said_of(row: Row) -> str:
    match row.event:
        case Returned(call, outcome):
            return f"{row.rule} of {call}: {outcome.kind.value}"
        case Said(text):
            return f"{row.rule}: {text}"
        case _:
            return row.rule


def effect_of(effect: Effect) -> str:
    match effect:
        case Start(call, function, args, kwargs):
            words = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
            return f"start {call}: `{function}({', '.join(words)})`"
        case Inject(interrupts):
            return f"inject {', '.join(told.id for told in interrupts)}"
        case Cancel(call):
            return f"cancel {call}"
        case Rewind(offset):
            return f"rewind to {offset}"
        case Report(rule):
            return f"report {rule}"
        case Finish(reason):
            return f"finish: {reason}"
        case Decode():
            return "decode"


def written(row: Row, vector: RunVector) -> str:
    """What the context grows by."""
    grown = row.event.symbol.text if isinstance(row.event, Decoded) else ""
    injected = (
        interrupt_text(e, vector.settings.profile) for e in row.effects if type(e) is Inject
    )
    return grown + "".join(injected)


def counted(words: Iterable[str]) -> str:
    runs = [(word, len(list(run))) for word, run in groupby(words)]
    return "<br>".join(word if count == 1 else f"{word} × {count}" for word, count in runs)


def code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|").replace("\n", "⏎") if text else ""


HEADING: Final = ["| µs | rules | effects | the context grows by |", "|--:|---|---|---|"]


def line(group: list[Row], vector: RunVector) -> str:
    rules = counted(map(said_of, group))
    effects = counted(effect_of(effect) for row in group for effect in row.effects)
    grown = "".join(written(row, vector) for row in group)
    return f"| {group[0].at_us:,} | {rules} | {effects} | {code(grown)} |"


def rows(name: str, begin_us: str, end_us: str) -> str:
    """The rows of a vector from one time to before another, each a line."""
    vector = read_vector(VECTORS / f"{name}.json")
    chosen = (row for row in vector.rows if int(begin_us) <= row.at_us < int(end_us))
    return "\n".join([*HEADING, *(line([row], vector) for row in chosen)])


def moments(name: str, begin_us: str, end_us: str) -> str:
    """The same with a line for each moment, and without the rows that only ask for a symbol."""
    vector = read_vector(VECTORS / f"{name}.json")
    chosen = (row for row in vector.rows if int(begin_us) <= row.at_us < int(end_us))
    told = (row for row in chosen if row.rule != "Settle/decode")
    groups = (list(group) for _, group in groupby(told, key=lambda row: row.at_us))
    return "\n".join([*HEADING, *(line(group, vector) for group in groups)])


def context(name: str) -> str:
    vector = read_vector(VECTORS / f"{name}.json")
    return "\n".join(
        ["```", re.sub(r"(?=\[(?:CALL|INTR|TRAP)])", "\n", vector.context).strip(), "```"]
    )


def run_of(name: str) -> Run:
    vector = read_vector(VECTORS / f"{name}.json")
    return read_run(vector.settings, vector.rows)


def picture(name: str) -> str:
    """A chart of who is busy when, in thousandths of the axis: a millisecond is a millisecond."""
    run = run_of(name)
    lines = [f"title {name}", "dateFormat x", "axisFormat %L ms", "section model"]
    (first, _), *_ = run.reading  # of the toy, which reads no prompt: it decodes all the while
    decoding = [(first, run.decoding[0][1]), *run.decoding[1:]]
    waits = [(end, begin) for (_, end), (begin, _) in pairwise(decoding)]
    spans = [("decodes", *s) for s in decoding] + [("is trapped", *s) for s in waits]
    for words, begin_us, end_us in sorted(spans, key=lambda span: span[1]):
        lines.append(f"{words} : {begin_us // 1000}, {end_us // 1000}")
    for call in run.calls:
        lines.append(f"section {call.call}")
        times = call.life(run.total_us)
        for words, (begin_us, end_us) in zip(
            ("waits", call.function, "queued"), pairwise(times), strict=True
        ):
            if begin_us < end_us:
                lines.append(f"{words} : {begin_us // 1000}, {end_us // 1000}")
    return mermaid("gantt", lines)


def times(name: str) -> str:
    run = run_of(name)
    return (
        f"The session takes {run.total_us:,} µs, of which the model decodes {run.reading_us + run.decode_us:,} µs. "
        f"The same without traps, one call after another, takes {run.synchronous_us:,} µs."
    )


# ------------------------------------------------------------------------ what imports leave out


def losses() -> str:
    lines = ["| format | what | what becomes of it |", "|---|---|---|"]
    for name, known in FORMATS.items():
        lines += [f"| {name} | {what} | {becomes} |" for what, becomes in known.losses.items()]
    return "\n".join(lines)


# ------------------------------------------------------------------- what each backend takes


def options() -> str:
    """The options that a backend takes, of those that not every one does."""
    lines = ["| backend | takes |", "|---|---|"]
    for backend in BACKENDS.values():
        taken = "what its factory says" if backend.takes is None else f"`{spelled(backend.takes)}`"
        taken = taken.replace(", ", "`, `").replace("``", "none of these")
        lines.append(f"| `{backend.spelling}` | {taken} |")
    return "\n".join(lines)


# -------------------------------------------------------------------- what conformance catches


def mutants() -> str:
    """What was sabotaged, and which check of the conformance suite says so."""
    sys.path.append(str(Path(__file__).parents[1] / "model_adapters" / "conformance"))
    from mutants import mutants_table

    return mutants_table()


# ------------------------------------------------------------------------ what a server answers


def endpoints(which: str) -> str:
    """The endpoints of an API of `cml serve`."""
    from model_adapters.serving import api
    from model_adapters.serving.chat_api import answering
    from model_adapters.serving.openapi import given_by

    lines = ["| request | fields of its body | answer | what it does |", "|---|---|---|---|"]
    for each in {"sessions": api.ENDPOINTS, "chat": answering.ENDPOINTS}[which]:
        fields = (
            ", ".join(f"`{name}`" for name in each.takes.__struct_fields__) if each.takes else ""
        )
        gives = " or ".join(kind.__name__ for kind in given_by(each))
        about = " ".join(each.about.split())
        lines.append(
            f"| `{each.method} {each.path}` | {fields} | {each.status} {gives} | {about} |"
        )
    return "\n".join(lines)


def structs(*names: str) -> str:
    """What the fields of some documents mean."""
    from model_adapters.serving import api
    from model_adapters.serving.live import session, source

    rooms = (api, session, source)
    lines = ["| document | field | what |", "|---|---|---|"]
    for name in names:
        [kind] = {getattr(room, name) for room in rooms if hasattr(room, name)}
        about = docstring_parser.parse(kind.__doc__)
        lines += [
            f"| {name} | `{each.arg_name}` | {' '.join((each.description or '').split())} |"
            for each in about.params
        ]
    return "\n".join(lines)


PARTS: Final[dict[str, Callable[..., str]]] = {
    "monitor": monitor,
    "phases": phases,
    "statuses": statuses,
    "faults": fault_table,
    "rows": rows,
    "moments": moments,
    "context": context,
    "picture": picture,
    "times": times,
    "rooms": drawn,
    "losses": losses,
    "options": options,
    "mutants": mutants,
    "endpoints": endpoints,
    "structs": structs,
    **OPERATIONS,
}


def regenerated(document: str) -> str:
    """Return a document with its generated parts made anew."""

    def part(match: re.Match[str]) -> str:
        opening, name, words, closing = match.groups()
        return f"{opening}{PARTS[name](*words.split())}\n{closing}"

    return PART.sub(part, document)


def with_parts() -> list[Path]:
    """The documents that may have generated parts."""
    return [*sorted(DOCUMENTS.glob("*.md")), SPECIFICATION / "3-semantics.md"]


if __name__ == "__main__":
    for path in with_parts():
        text = path.read_text(encoding="utf-8")
        path.write_text(regenerated(text), encoding="utf-8")
