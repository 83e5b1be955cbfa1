"""Which part of the training data mattered: the same training on data of which one variety is switched off.

python benchmarks/ablation.py -o FOLDER [--tokens N] [--losses N] [--plays N] [--only NAME…]

Each training begins with the embedded model as it was published, and takes the same number of tokens of
fresh dialogues. What came of it is held against the same held-out dialogues, of full variety: the loss on
what an ideal model writes, and what becomes of dialogues that it plays itself. A training goes on from its
checkpoint, what is done is not done again, and more of it (--losses, --plays) is added to what is there.
The table in Markdown comes last.
"""

import argparse
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from model_adapters.backends import BackendSessions
from model_adapters.embedded.downloads import embedded_model
from model_adapters.embedded.speaker.spelling import set_names_apart
from model_adapters.hf.model import HfModel, load
from model_adapters.training.data.boxes import scene_of
from model_adapters.training.data.dialogues import draw_dialogues
from model_adapters.training.data.files import without_doubles
from model_adapters.training.data.variety import WIDE, Variety
from model_adapters.training.evaluation.held_out_loss import HeldOutLoss, held_out_loss
from model_adapters.training.evaluation.keeping import Trial, keeping
from model_adapters.training.evaluation.report import Played
from model_adapters.training.evaluation.shares import difference, share
from model_adapters.training.evaluation.trials import (
    held_out_dialogues,
    play_dialogues,
    trial_request,
)
from model_adapters.training.recipe.loop import train
from model_adapters.training.recipe.packing import packs_of
from model_adapters.training.recipe.plan import Recipe, TrainingProgress
from model_adapters.training.recipe.result import write_result
from model_adapters.training.recipe.spelling import spell_with

ALL: Final = "everything"
VARIETIES: Final[Mapping[str, Variety]] = {
    ALL: WIDE,
    "few names and tools": Variety(names=5, tools=12),
    "no chains": Variety(chains=False),
    "no estimates": Variety(estimates=0),
    "results only while it waits": Variety(midst=0),
    "results as bare values": Variety(rich=0),
}
TRAINED_SEED: Final = 0
HELD_OUT_SEED: Final = 1  # that of `cml evaluate`
PER_BOX: Final = 3
_STEPS_TOLD: Final = 20


class Trained(msgspec.Struct, frozen=True):
    """What a training left behind, and the losses that were measured of it."""

    recipe: Recipe
    variety: Variety
    progress: TrainingProgress
    losses: tuple[HeldOutLoss, ...]


class Part(msgspec.Struct, frozen=True):
    """A row of the table: what was trained, and what it played."""

    trained: Trained
    played: Sequence[Played]


def trained_on(name: str, recipe: Recipe, folder: Path, losses: int, threads: int) -> Trained:
    """Train with one variety, and measure its losses; what lies in the folder is gone on from."""
    path, variety = folder / "trained.json", VARIETIES[name]
    if path.is_file():
        found = msgspec.json.decode(path.read_bytes(), type=Trained)
        if (found.recipe, found.variety) != (recipe, variety):
            raise SystemExit(f"{path} is of another training; name another folder")
        if len(found.losses) >= losses:
            return found
    model = load(threads=threads)
    set_names_apart(model.tokenizer)
    packs = packs_of(model, fresh_dialogues(model, variety), recipe.longest)
    weights, progress = train(model.network, packs, recipe, folder, lambda done: tell(name, done))
    write_result(
        folder,
        model,
        weights,
        recipe=recipe,
        progress=progress,
        how="benchmarks/ablation.py",
        is_embedded=True,
    )
    model.network.eval()
    held_out = held_out_dialogues(HELD_OUT_SEED, losses)
    measured = tuple(held_out_loss(model, dialogue) for dialogue in held_out)
    result = Trained(recipe, variety, progress, measured)
    path.write_bytes(msgspec.json.encode(result))
    return result


def fresh_dialogues(model: HfModel, variety: Variety) -> Iterator[object]:
    """Return dialogues without end and without doubles."""
    scene = scene_of("train", variety)
    return without_doubles(draw_dialogues(TRAINED_SEED, scene, spell_with(model), per_box=PER_BOX))


def played_by(folder: Path, backend: str, plays: int, at_once: int) -> list[Played]:
    """Let what was trained play dialogues; those that were played before are not played again."""
    trial = Trial(backend, HELD_OUT_SEED, progress=False, masked=True)
    asked = trial_request(
        f"{backend}:{folder}", device=None, yes=True, masked=True, at_once=at_once
    )
    with keeping(folder / "played.jsonl", trial) as (before, add):
        kept = {each.key: each for each in before}
        drawn = [*held_out_dialogues(HELD_OUT_SEED, plays)]
        fresh = play_dialogues(BackendSessions(), asked, drawn, ("async",), kept)
        by_key = kept | {each.key: each for each in map(add, fresh)}
    return [by_key[dialogue.id, "async"] for dialogue in drawn]


def tell(name: str, progress: TrainingProgress) -> None:
    """Say now and then how far a training is."""
    if progress.step % _STEPS_TOLD == 0:
        speed = progress.tokens / progress.seconds
        print(
            f"{name}: {progress.tokens:,} tokens, loss {progress.loss:.2f}, {speed:.0f} tokens/s",
            flush=True,
        )


def table(parts: Mapping[str, Part]) -> Iterator[str]:
    """Return what came of all, in Markdown; beside each figure its distance from that of all varieties."""
    yield "| trained on | dialogues | loss, calls | loss, others | fully right | points more | right calls |"
    yield "|---|--:|---|---|---|---|---|"
    whole = parts.get(ALL)
    for name, part in parts.items():
        compared = whole if whole and name != ALL else None
        right = [each.score.fully_right for each in part.played]
        cells = (
            name,
            f"{part.trained.progress.dialogues:,}",
            loss_in_words(part, compared, is_call=True),
            loss_in_words(part, compared, is_call=False),
            share(right).with_count,
            str(difference(right, [each.score.fully_right for each in compared.played]))
            if compared
            else "",
            str(share(each.score.right_calls for each in part.played)),
        )
        yield f"| {' | '.join(cells)} |"


def loss_in_words(part: Part, whole: Part | None, *, is_call: bool) -> str:
    """Return a loss per token; beside it how much more that is, with the interval of 95%.

    The interval is that of the mean of differences, dialogue by dialogue.
    """
    own = per_token(part.trained.losses, is_call=is_call)
    told = f"{statistics.fmean(own.values()):.3f}"
    if whole is None:
        return told
    other = per_token(whole.trained.losses, is_call=is_call)
    more = [own[key] - other[key] for key in own.keys() & other.keys()]
    half = 1.96 * statistics.stdev(more) / len(more) ** 0.5 if len(more) > 1 else float("inf")
    return f"{told} ({statistics.fmean(more):+.3f} ± {half:.3f})"


def per_token(losses: Sequence[HeldOutLoss], *, is_call: bool) -> dict[str, float]:
    """Return the mean loss of each dialogue that has such tokens."""
    sums = {
        each.id: (each.calls, each.call_tokens) if is_call else (each.others, each.other_tokens)
        for each in losses
    }
    return {key: loss / tokens for key, (loss, tokens) in sums.items() if tokens}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=100_000, help="to train on, each time")
    parser.add_argument("--losses", type=int, default=100, help="dialogues whose loss is measured")
    parser.add_argument("--plays", type=int, default=60, help="dialogues that are played")
    parser.add_argument("--only", nargs="*", choices=[*VARIETIES], default=[*VARIETIES])
    parser.add_argument(
        "--backend", choices=("llamacpp", "hf"), default="llamacpp", help="what plays"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--at-once", type=int, default=1)
    given = parser.parse_args()
    embedded_model(yes=True)
    recipe = Recipe(tokens=given.tokens)
    parts = {}
    for name in given.only:
        folder = given.output / name.replace(" ", "_")
        folder.mkdir(parents=True, exist_ok=True)
        trained = trained_on(name, recipe, folder, given.losses, given.threads)
        parts[name] = Part(trained, played_by(folder, given.backend, given.plays, given.at_once))
        print(*table(parts), sep="\n", flush=True)


if __name__ == "__main__":
    main()
