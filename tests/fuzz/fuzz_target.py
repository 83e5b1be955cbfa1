"""Coverage-guided fuzzing of whatever reads bytes that somebody else wrote.

By hand, for minutes: `python tests/fuzz/fuzz_target.py READER -max_total_time=300 CORPUS`, with a READER
of `READERS`. What it finds becomes a vector, or a test.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["cml", "interpreter", "model_adapters"]):
    from fuzz_readers import READERS, Reader


def main(reader: Reader, arguments: list[str]) -> None:
    """Fuzz one reader until its time is over."""
    corpus = [argument for argument in arguments if not argument.startswith("-")]
    if corpus:
        folder = Path(corpus[0])
        folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(reader.seeds()):
            (folder / f"seed{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *arguments], reader.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(READERS[sys.argv[1]], sys.argv[2:])
