"""`python -m interpreter.vectors FILE…` fills in the rows and the context of run vectors."""

from argparse import ArgumentParser
from pathlib import Path

from interpreter.vectors.runs import write_vector

words = ArgumentParser("python -m interpreter.vectors", description=__doc__)
words.add_argument("files", metavar="FILE", nargs="+", type=Path)
for file in words.parse_args().files:
    write_vector(file)
