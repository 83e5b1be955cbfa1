"""`cml train`: a model learns CML from dialogues."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Final

import click
from msgspec.structs import replace

from cml.terminal.files import INPUT_FILE, OUTPUT_FOLDER, reading, writing
from cml.terminal.options import yes_option
from cml.terminal.output import print_text
from model_adapters.commands.options import device_option
from model_adapters.commands.telling import telling
from model_adapters.embedded.downloads import embedded_model
from model_adapters.embedded.speaker.spelling import set_names_apart
from model_adapters.embedded.speaker.weights import WEIGHTS_NAME, WeightChange, read_weights
from model_adapters.hf.model import load
from model_adapters.training.commands.struct_options import chosen, command_line, options_of
from model_adapters.training.data.files import DialogueFileError, DialogueRow, read_dialogues
from model_adapters.training.recipe.loop import train
from model_adapters.training.recipe.packing import packs_of
from model_adapters.training.recipe.plan import Recipe, TrainingProgress, part_over
from model_adapters.training.recipe.result import write_result

_EVERY_S: Final = 60.0


@click.command("train")
@click.argument("data", type=INPUT_FILE)
@click.option(
    "-o",
    "--output",
    required=True,
    type=OUTPUT_FOLDER,
    help="Folder for checkpoints and the result; what is there is gone on from.",
)
@click.option(
    "--model",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder of a model of transformers; the embedded one if absent.",
)
@click.option(
    "--start",
    type=click.Path(path_type=Path, exists=True),
    help="Adapters of the embedded model to begin with: a folder of this command, or its speaker.safetensors.",
)
@options_of(Recipe, "minutes", "tokens", "rank", "rate", "packs", "seed")
@device_option
@click.option(
    "--threads", type=click.IntRange(min=1), help="Threads of a CPU; one for the embedded model."
)
@yes_option
def train_command(
    data: str,
    *,
    output: Path,
    model: Path | None,
    start: Path | None,
    device: str | None,
    threads: int | None,
    yes: bool,
) -> None:
    """Train a model on the dialogues of DATA, so that it speaks CML.

    DATA is a train.jsonl of `cml dataset`. One pass: the time is the limit, and where there are
    fewer dialogues than fit, they are. Ctrl-C ends it with a checkpoint.
    """
    # A model that is not the embedded one has seen more spellings than it could forget.
    recipe = replace(chosen(Recipe), names_apart=model is None)
    if start and (model or not recipe.rank):
        raise click.BadParameter(
            "adapters are kept of the embedded model only; leave --model and --rank 0 out",
            param_hint="--start",
        )
    with telling(), _no_data(data), reading(data) as file:
        dialogues = _begun(read_dialogues(file))
        earlier = _adapters(start) if start else None
        if model is None:
            embedded_model(yes=yes)
        loaded = load(model, device=device, threads=threads)
        if recipe.names_apart:
            set_names_apart(loaded.tokenizer)
        with writing(output), _telling(recipe) as tell:
            read = packs_of(loaded, dialogues, recipe.longest)
            trained, progress = train(loaded.network, read, recipe, output, tell, start=earlier)
        with writing(output):
            made = write_result(
                output,
                loaded,
                trained,
                recipe=recipe,
                progress=progress,
                how=command_line(without=("output", "model", "start", "device", "threads", "yes")),
                is_embedded=model is None,
                start=earlier,
            )
    print_text(f"written: {', '.join(map(str, made))}", err=True)


def _adapters(path: Path) -> WeightChange:
    return read_weights(path / WEIGHTS_NAME if path.is_dir() else path)


def _begun(dialogues: Iterator[DialogueRow]) -> Iterator[DialogueRow]:
    """Read the first: a file of something else is told of before a model is loaded."""
    return chain([*islice(dialogues, 1)], dialogues)


@contextmanager
def _no_data(name: str) -> Iterator[None]:
    try:
        yield
    except DialogueFileError as error:
        raise click.ClickException(f"{name}: {error}") from None


@contextmanager
def _telling(recipe: Recipe) -> Iterator[Callable[[TrainingProgress], None]]:
    """Tell how far it is: on a terminal in one line that is renewed, else now and then."""
    is_terminal = sys.stderr.isatty()
    told_s = -_EVERY_S

    def tell(progress: TrainingProgress) -> None:
        nonlocal told_s
        line = _in_words(progress, recipe)
        if is_terminal:
            click.echo(f"\r\x1b[K{line}", err=True, nl=False)
        elif progress.seconds - told_s >= _EVERY_S:
            told_s = progress.seconds
            print_text(line, err=True)

    yield tell
    if is_terminal:
        print_text("", err=True)


def _in_words(progress: TrainingProgress, recipe: Recipe) -> str:
    left = progress.seconds / 60 * max(0.0, 1 / part_over(recipe, progress) - 1)
    return (
        f"{progress.step} steps, {progress.dialogues:,} dialogues, loss {progress.loss:.3f}, "
        f"{progress.tokens / max(progress.seconds, 1e-9):.0f} tokens/s, {left:.0f} minutes left"
    )
