"""`cml dataset`: dialogues of an ideal model, to train another one on."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final, get_args

import click

from cml.terminal.files import OUTPUT_FOLDER, writing
from cml.terminal.options import seed_option, yes_option
from cml.terminal.output import print_text
from cml.wording import counted
from model_adapters.commands.telling import telling
from model_adapters.embedded.downloads import embedded_model
from model_adapters.hf.chat_tokens import HfTokenizer
from model_adapters.training.commands.struct_options import chosen, command_line, options_of
from model_adapters.training.data.boxes import scene_of
from model_adapters.training.data.dialogues import Dialogue, draw_dialogues
from model_adapters.training.data.files import Contents, DialogueFormat, card, write_dialogues
from model_adapters.training.data.ideal import Order, Spell
from model_adapters.training.data.variety import WIDE, Variety
from model_adapters.training.recipe.spelling import speaker_tokenizer, spell_with, words

CARD: Final = "README.md"
_SPLITS: Final = ("train", "test")


@click.command("dataset")
@click.option(
    "-o",
    "--output",
    required=True,
    type=OUTPUT_FOLDER,
    help="Folder for train.jsonl, test.jsonl and the card.",
)
@click.option(
    "--dialogues",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="How many to train on.",
)
@click.option(
    "--held-out",
    type=click.IntRange(min=1),
    default=300,
    show_default=True,
    help="How many to test on, of tools and names that are never trained on.",
)
@seed_option
@click.option(
    "--order",
    type=click.Choice(get_args(Order)),
    default="longest",
    show_default=True,
    help="Which of several calls is written first where times are told.",
)
@click.option(
    "--per-box",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Dialogues in a row with the same tools.",
)
@options_of(Variety)
@click.option(
    "--format",
    "form",
    type=click.Choice(get_args(DialogueFormat)),
    default="dialogues",
    show_default=True,
    help="Rows for cml train, chat messages, or token ids with labels.",
)
@click.option(
    "--tokenizer",
    type=click.Choice(["smollm2", "words"]),
    default="smollm2",
    show_default=True,
    help="By which the clock counts tokens: the embedded model's, or words and marks.",
)
@yes_option
def dataset_command(
    output: Path,
    *,
    dialogues: int,
    held_out: int,
    seed: int,
    order: Order,
    per_box: int,
    form: DialogueFormat,
    tokenizer: str,
    yes: bool,
) -> None:
    """Write dialogues of an ideal model that calls functions while it decodes.

    Each is played by the machine under its virtual clock, is valid, replays, and keeps to its tools.
    The same options give the same bytes. What makes dialogues less various, --names to --progress, is of
    those to train on alone.
    """
    if form == "tokens" and tokenizer != "smollm2":
        raise click.BadParameter("token ids need the tokenizer of a model", param_hint="--format")
    with telling():
        spell, loaded = _speller(tokenizer, yes=yes)
    variety = chosen(Variety)
    counts = dict(zip(_SPLITS, (dialogues, held_out), strict=True))
    parts: dict[str, Contents] = {}
    with writing(output):
        output.mkdir(parents=True, exist_ok=True)
        for split, count in counts.items():
            scene = scene_of(split, variety if split == "train" else WIDE)
            drawn = draw_dialogues(seed, scene, spell, order, per_box)
            with (output / f"{split}.jsonl").open("wb") as file:
                told = _told(islice(drawn, count), partial(_progress, split, count))
                parts[split] = write_dialogues(file, told, form, loaded)
        text = card("Dialogues in CML", parts, command_line(without=("output", "yes")))
        (output / CARD).write_text(text, encoding="utf-8")
    written = " and ".join(
        f"{counted(contents.dialogues, 'dialogue')} to {output / split}.jsonl"
        for split, contents in parts.items()
    )
    print_text(f"written: {written}", err=True)


def _speller(name: str, *, yes: bool) -> tuple[Spell, HfTokenizer | None]:
    if name == "words":
        return words, None
    tokenizer = speaker_tokenizer(embedded_model(yes=yes))
    return spell_with(tokenizer), tokenizer


def _told(dialogues: Iterable[Dialogue], tell: Callable[[int], None]) -> Iterator[Dialogue]:
    for number, dialogue in enumerate(dialogues, start=1):
        yield dialogue
        tell(number)


def _progress(split: str, count: int, number: int) -> None:
    if number % 2_000 == 0 and number < count:
        print_text(f"{split}: {number:,} of {count:,}", err=True)
