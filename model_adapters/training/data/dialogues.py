"""Dialogues: stories that were played by the machine, checked, and written down."""

import itertools
from collections.abc import Iterator, Mapping
from random import Random
from typing import Final

import msgspec
from msgspec.structs import replace

from cml.ast import Call, Interrupt
from cml.diagnostics import Severity
from cml.parser import parse
from cml.validity import validate
from interpreter.drivers.replay import replay
from interpreter.drivers.virtual import TimedOutcomes, run_virtual
from interpreter.events import Inject, Row, Said, Start
from interpreter.session import DecodingCosts
from interpreter.state import DeliverWhen, Settings
from interpreter.tools.arguments import argument_faults
from interpreter.tools.declared import Tool
from model_adapters.prompt import Message, speaker_messages
from model_adapters.training.data.authors import draw_story, reporting
from model_adapters.training.data.boxes import Scene, draw_box
from model_adapters.training.data.ideal import IdealSession, Order, Segment, Spell
from model_adapters.training.data.stories import Tale

_TOKEN_US: Final = (5_000, 70_000)
_DEADLINE_US: Final = 5_000_000


class FaultyDialogueError(Exception):
    """A dialogue that is not as it should be: a fault of the generator."""


class Delivered(msgspec.Struct, frozen=True):
    """When interrupts went in, and why.

    Args:
        at_us: The time, in microseconds.
        rule: The rule that fired.
        interrupts: The identifiers.
    """

    at_us: int
    rule: str
    interrupts: tuple[str, ...]


class Dialogue(msgspec.Struct, frozen=True):
    """One dialogue.

    Args:
        id: The seed that it was drawn with, the number of its box, and its own in that.
        shape: What kind of story it is.
        tools: What the model may call.
        messages: The chat that the context begins with.
        segments: The context after it, by who wrote what. Only what the model wrote is to be
            learnt.
        delivered: Each batch of interrupts.
        story: What was wanted, with the results of the calls.
        settings: What the host chose.
        costs: What decoding cost.
    """

    id: str
    shape: str
    tools: tuple[Tool, ...]
    messages: tuple[Message, ...]
    segments: tuple[Segment, ...]
    delivered: tuple[Delivered, ...]
    story: Tale
    settings: Settings
    costs: DecodingCosts

    @property
    def answer(self) -> str:
        """The context after the prompt."""
        return "".join(segment.text for segment in self.segments)


def draw_dialogues(
    seed: int,
    scene: Scene,
    spell: Spell,
    order: Order = "longest",
    per_box: int = 6,
) -> Iterator[Dialogue]:
    """Draw dialogues without end; the same seed gives the same.

    Args:
        seed: Of chance.
        scene: What is drawn from.
        spell: How text falls into tokens.
        order: In which order calls are written where their times are told.
        per_box: Dialogues in a row that have the same tools.
    """
    variety = scene.variety
    for number in itertools.count():
        random = Random(f"{seed}/{number}")  # noqa: S311
        box = draw_box(random, scene)
        for place in range(per_box):
            story = draw_story(random, box)
            token_us = round(_TOKEN_US[0] * (_TOKEN_US[1] / _TOKEN_US[0]) ** random.random())
            deliver: DeliverWhen = "any" if random.random() < variety.midst else "idle"
            settings = Settings(deliver=deliver, layout="lines", deadline_us=_DEADLINE_US)
            if variety.progress and random.random() < variety.progress:
                story = reporting(random, story)
            name, costs = f"{seed}/{number}/{place}", DecodingCosts(token_us=token_us)
            if dialogue := play(name, story, spell, settings=settings, costs=costs, order=order):
                yield dialogue


def play(
    name: str,
    story: Tale,
    spell: Spell,
    *,
    settings: Settings,
    costs: DecodingCosts,
    order: Order = "longest",
) -> Dialogue | None:
    """Let the machine play a story with the ideal model; None where a message came too late for it.

    Raises:
        FaultyDialogueError: The context is not valid, the rows do not replay, or a call does not
            fit its tool.
    """
    session = IdealSession(story, spell, order)
    said = [(message.at_us, Said(message.text)) for message in story.messages]
    used = replace(settings, functions=tuple(tool.name for tool in story.tools))

    def functions(start: Start) -> TimedOutcomes:
        wish, tries = session.wish_of(start.call)
        return wish.comes_back(tries, _DEADLINE_US)

    rows = list(run_virtual(session, functions, used, costs, planned=said))
    if story.messages and not session.is_done:
        return None
    dialogue = Dialogue(
        name,
        story.shape,
        story.tools,
        speaker_messages(story.tools, story.question),
        tuple(session.segments),
        tuple(_delivered(rows)),
        story,
        used,
        costs,
    )
    _check(dialogue, rows, is_done=session.is_done)
    return dialogue


def _delivered(rows: list[Row]) -> Iterator[Delivered]:
    for row in rows:
        for effect in row.effects:
            if isinstance(effect, Inject):
                yield Delivered(row.at_us, row.rule, tuple(told.id for told in effect.interrupts))


def _check(dialogue: Dialogue, rows: list[Row], *, is_done: bool) -> None:
    """Hold a dialogue against the language, the machine and its tools."""
    faults = [str(f) for f in validate(dialogue.answer) if f.severity is Severity.ERROR]
    if list(replay(dialogue.settings, rows)) != rows:
        faults.append("the rows do not replay")
    parameters = {tool.name: tool.parameters for tool in dialogue.tools}
    items = parse(dialogue.answer).items
    told: Mapping[str, object] = {i.id: i for i in items if isinstance(i, Interrupt)}
    for call in (item for item in items if isinstance(item, Call)):
        if call.id not in told:
            faults.append(f"nothing is told of {call.id}")
        if not any(isinstance(value, msgspec.Struct) for value in call.kwargs.values()):
            faults += argument_faults(dict(call.kwargs), parameters[call.function])  # type: ignore[arg-type]
    if not is_done:
        faults.append("not all was called and told")
    if faults:
        raise FaultyDialogueError(
            f"{dialogue.id} ({dialogue.shape}): {faults[0]}\n{dialogue.answer}"
        )
