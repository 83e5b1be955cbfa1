"""Mix the weights of two trainings of which one began with what the other had made (`cml train --start`).

python benchmarks/mix_speakers.py OLD NEW -o MIXED --share 0.85: each is a folder of `cml train`, or a file
speaker.safetensors of one. Their adapters are averaged, so MIXED is as large as either. Trainings that began
apart have nothing in common that could be averaged.
"""

from pathlib import Path

import click
import numpy as np
import torch
from numpy.typing import NDArray

from model_adapters.embedded.speaker.weights import WEIGHTS_NAME, read_weights, write_weights


def weights_of(path: Path) -> Path:
    return path / WEIGHTS_NAME if path.is_dir() else path


def _mean(old: NDArray[np.float32], new: NDArray[np.float32], share: float) -> torch.Tensor:
    return torch.from_numpy((1 - share) * old + share * new)


@click.command(help=__doc__)
@click.argument("old", type=click.Path(exists=True, path_type=Path))
@click.argument("new", type=click.Path(exists=True, path_type=Path))
@click.option("-o", "folder", type=click.Path(path_type=Path), required=True)
@click.option("--share", type=click.FloatRange(0, 1), default=0.85, help="Of the new ones.")
def mix(old: Path, new: Path, folder: Path, share: float) -> None:
    before, after = read_weights(weights_of(old)), read_weights(weights_of(new))
    factors = {
        layer: (
            _mean(before.layers[layer].first, after.layers[layer].first, share),
            _mean(before.layers[layer].second, after.layers[layer].second, share),
        )
        for layer in before.layers
    }
    how = f"{after.about['how']}; {share:g} of these and {1 - share:g} of those before"
    folder.mkdir(parents=True, exist_ok=True)
    write_weights(folder / WEIGHTS_NAME, factors, {**after.about, "how": how})


if __name__ == "__main__":
    mix()
