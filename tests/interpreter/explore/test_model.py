"""The second witness: the rules in Promela, checked by SPIN and held against the interpreter."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
import pytest

import cml
from cml.ast import Call, Malformed, OutcomeKind, Trap
from cml.profile import Profile
from cml.symbols import OPENERS, Marker
from cml.text.grammar import specification
from cml.text.regions import make_lexer
from cml.validity import references
from interpreter.events import Effect, Finish, Inject, Start
from interpreter.explore import Program
from interpreter.explore.world import (
    World,
    after_effects,
    after_event,
    first_world,
    key_of,
    next_events,
)
from interpreter.machine import advance, settle_one, step
from interpreter.state import Settings, Status

PROGRAMS = sorted(Path(str(specification())).joinpath("model", "programs").glob("*.pml"))
MISSING = [name for name in ("spin", "gcc") if shutil.which(name) is None]

by_program = pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)


def needs_spin(test):
    reason = f"not run: {' and '.join(MISSING)} not found; see spec/model/README.md"
    return pytest.mark.slow(pytest.mark.skipif(bool(MISSING), reason=reason)(test))


class Bounded(msgspec.Struct, frozen=True):
    """A program of the model, read as one of the interpreter."""

    script: str
    values: dict[str, str]
    program: Program
    calls: tuple[Call, ...]

    @property
    def numbers(self) -> dict[str, int]:
        keys = (call.id or f"#{number}" for number, call in enumerate(self.calls, 1))
        return {key: number for number, key in enumerate(keys)}


def read_program(path: Path) -> Bounded:
    text = path.read_text(encoding="utf-8")
    script = re.match(r"/\* (.*) \*/", text)[1]
    values = dict(re.findall(r"^#define (\w+) +(.*)$", text, re.MULTILINE))
    profile = Profile(regions=(("<think>", "</think>"),))
    calls = tuple(item for item in cml.parse(script, profile).items if isinstance(item, Call))
    chosen = Settings(
        profile=profile,
        deadline_us=5 if int(values["DEADLINES"]) else None,
        workers=int(values["WORKERS"]),
    )
    program = Program(
        script,
        chosen,
        messages=int(values["MESSAGES"]),
        failures=bool(int(values["FAILURES"])),
    )
    return Bounded(script, values, program, calls)


# ------------------------------------------------------- the two read the same program


def braces(values: list[str]) -> str:
    return "{ " + ", ".join(values) + " }"


def mask(names, numbers: dict[str, int]) -> int:
    return sum(1 << numbers[name] for name in names if name in numbers)


def symbols_of(bounded: Bounded) -> Iterator[tuple[str, str]]:
    profile = bounded.program.settings.profile
    items = cml.parse(bounded.script, profile).items
    blocks = iter(item for item in items if isinstance(item, Call | Trap | Malformed))
    lexer = make_lexer(profile, generated=True)
    inside, call = False, 0
    for symbol in (*lexer.feed(bounded.script), *lexer.close()):
        if symbol.marker in OPENERS:
            inside = True
            yield "OPEN", "0"
        elif symbol.marker is not Marker.END:
            slashes = len(symbol.text) - len(symbol.text.rstrip("\\"))
            yield ("INSIDE", "0") if inside else ("TEXT", str(slashes))
        else:
            inside = False
            match next(blocks):
                case Trap(wait=None):
                    yield "TRAP", "NEXT"
                case Trap(wait="all"):
                    yield "TRAP", "EVERY"
                case Trap(wait=names):
                    yield "TRAP", str(mask(names, bounded.numbers))
                case Call():
                    yield "CALL", str(call)
                    call += 1
                case Malformed():
                    yield "FAULT", str(call)


@by_program
def test_a_program_of_the_model_says_what_its_text_says(path) -> None:
    bounded = read_program(path)
    script, detail = zip(*symbols_of(bounded), strict=True)
    needs = [str(mask(references(call), bounded.numbers)) for call in bounded.calls]
    silent = sum(1 << number for number, call in enumerate(bounded.calls) if call.id is None)
    found = {name: bounded.values[name] for name in ("CALLS", "SYMBOLS", "SILENT")}
    assert found == {
        "CALLS": str(len(needs)),
        "SYMBOLS": str(len(script)),
        "SILENT": str(silent),
    }
    assert bounded.values["SCRIPT"] == braces(script)
    assert bounded.values["DETAIL"] == braces(detail)
    assert bounded.values["NEEDS"] == braces(needs)


# ------------------------------------------------- what the interpreter can reach and show

WAKES, FINISHES, DELIVERS, SLASHES = 1, 2, 3, 8
STARTS, RETURNED, FAILED, SAID, ERROR = 16, 32, 48, 64, 80
Notes = tuple[int, ...]


def notes_of(rule: str, effects: tuple[Effect, ...], numbers: dict[str, int]) -> Notes:
    notes = [WAKES] if rule == "Settle/wake" else []
    for effect in effects:
        match effect:
            case Start(call):
                notes.append(STARTS + numbers[call])
            case Inject(interrupts, before):
                notes += [DELIVERS, SLASHES + len(before)] if before else [DELIVERS]
                for told in interrupts:
                    if told.id.startswith("user"):
                        notes.append(SAID + int(told.id[4:]) - 1)
                    elif told.id.startswith("error"):
                        notes.append(ERROR + int(told.id[5:]) - 1)
                    else:
                        returned = told.outcome.kind is OutcomeKind.RETURNED
                        notes.append((RETURNED if returned else FAILED) + numbers[told.id])
            case Finish():
                notes.append(FINISHES)
            case _:
                pass
    return tuple(notes)


def successors(world: World, bounded: Bounded) -> Iterator[tuple[World, Notes]]:
    numbers = bounded.numbers
    if not world.settled:
        after, notes = world, ()
        while fired := settle_one(after.state):
            state, row = fired
            notes += notes_of(row.rule, row.effects, numbers)
            after = after_effects(after, state, row.effects)
        yield msgspec.structs.replace(after, settled=True), notes
    for event in next_events(world, bounded.program):
        state = advance(world.state, world.state.now_us + (1 if world.settled else 0))
        rule, state, effects = step(state, event)
        yield after_event(world, event, state, effects), notes_of(rule, effects, numbers)


def of_this_moment(world: World) -> int:
    """How many results are queued since the last settling: their order may still change."""
    now_us = world.state.now_us
    queue = () if world.settled else world.state.queue
    return sum(queued.rank == 1 and queued.at_us == now_us for queued in queue)


def abstraction(world: World) -> tuple[object, ...]:
    """What the model keeps of a state of the interpreter."""
    state = world.state
    statuses = {
        status: frozenset(key for key, call in state.calls.items() if call.status is status)
        for status in Status
    }
    outcomes = {key: call.outcome for key, call in state.calls.items() if call.outcome}
    good = frozenset(k for k, outcome in outcomes.items() if outcome.kind is OutcomeKind.RETURNED)
    return (
        (state.phase, state.decode_outstanding, state.block is not None, len(world.script)),
        (state.last != "", state.backslashes),
        (state.wait, state.interrupted, state.messaged, *statuses.values(), good),
        (tuple(queued.delivery.id for queued in state.queue), of_this_moment(world)),
        (world.begun, world.settled, world.running, world.deadlines, world.messages),
    )


@cache
def reached(path: Path) -> tuple[frozenset[Notes], int]:
    """All orders in which a program can show its starts, deliveries, wakes and end; and how many
    states of the model its states are."""
    bounded = read_program(path)
    known: dict[object, frozenset[Notes]] = {}
    abstract: set[object] = set()

    def from_here(world: World) -> frozenset[Notes]:
        key = (key_of(world), of_this_moment(world))
        if key not in known:
            abstract.add(abstraction(world))
            following = list(successors(world, bounded))
            known[key] = frozenset(
                notes + rest for after, notes in following for rest in from_here(after)
            ) or frozenset([()])
        return known[key]

    return from_here(first_world(bounded.program)), len(abstract)


# ------------------------------------------------------------------------- what SPIN finds

LIVENESS = ("every_call_is_answered", "a_trapped_session_wakes", "the_run_ends")


def liveness(path: Path) -> tuple[str, ...]:
    """What holds of a program: where the output ends inside a region, answers are for a next turn."""
    return LIVENESS[1:] if "UNCLOSED" in read_program(path).values else LIVENESS


def verifier(path: Path, folder: Path, *defines: str, claims: bool = False) -> Path:
    """Translate and compile a model. Nothing is reduced: -o2 keeps SPIN from resetting local
    variables that it takes for dead, which loses states here."""
    model = [f"-D{name}" for name in defines]
    subprocess.run(["spin", "-a", "-o2", *model, path], cwd=folder, check=True, capture_output=True)
    switches = ["-DNOREDUCE", "-DPRINTF", *([] if claims else ["-DNOCLAIM"])]
    subprocess.run(["gcc", "-O1", *switches, "-o", "pan", "pan.c"], cwd=folder, check=True)
    return folder / "pan"


def verified(pan: Path, claim: str = "") -> tuple[int, str]:
    """Run a verifier; return how many errors it found, and all that it printed."""
    arguments = ["-a", "-N", claim] if claim else []
    command = [pan, "-m100000", *arguments]
    done = subprocess.run(command, cwd=pan.parent, check=True, capture_output=True, text=True)
    assert "max search depth too small" not in done.stdout
    return int(re.search(r"errors: (\d+)", done.stdout)[1]), done.stdout


@needs_spin
@by_program
def test_the_model_and_the_interpreter_reach_the_same_states_and_show_the_same(
    path, tmp_path
) -> None:
    observations, states = reached(path)
    errors, printed = verified(verifier(path, tmp_path))
    assert errors == 0
    assert int(re.search(r"(\d+) states, stored", printed)[1]) == states
    errors, printed = verified(verifier(path, tmp_path, "OBSERVE"))
    assert errors == 0
    runs = re.findall(r"^run ([\d ]+)$", printed, re.MULTILINE)
    assert {tuple(map(int, run.split())) for run in runs} == observations


@needs_spin
@by_program
def test_every_property_holds_however_tokens_hold_symbols(path, tmp_path) -> None:
    pan = verifier(path, tmp_path, "PIECES", "WATCH", claims=True)
    claims = liveness(path)
    assert {claim: verified(pan, claim)[0] for claim in claims} == dict.fromkeys(claims, 0)


FAULTS = {
    "DELIVER_IN_A_BLOCK": "two-calls",
    "DELIVER_WHILE_DECODING": "one-call",
    "ANSWER_TWICE": "one-call",
    "DROP_AN_INTERRUPT": "one-call",
    "SHOW_LATE": "deadlines",
    "START_EARLY": "futures",
    "FORGET_THE_IMPLICIT_TRAP": "one-call",
    "LOSE_A_WAKE_UP": "two-calls",
    "TRAP_FOR_EVER": "idle-traps",
    "DRAIN_IN_A_REGION": "unclosed-region",
    "FORGET_THE_BACKSLASHES": "truncated-after-backslashes",
}


@needs_spin
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_model_is_found(fault, tmp_path) -> None:
    [path] = [path for path in PROGRAMS if path.stem == FAULTS[fault]]
    pan = verifier(path, tmp_path, f"FAULT_{fault}", "WATCH", claims=True)
    found = [claim for claim in liveness(path) if verified(pan, claim)[0]]
    assert found


def test_every_fault_of_the_model_is_tried() -> None:
    text = (specification() / "model" / "rules.pml").read_text(encoding="utf-8")
    assert set(re.findall(r"#ifdef FAULT_(\w+)", text)) == set(FAULTS)
