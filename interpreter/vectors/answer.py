"""This implementation as one that answers all vectors: `python -m interpreter.vectors.answer`.

It is the reference for the protocol of spec/vectors/README.md. `python -m cml.vectors.answer` answers those
of the language alone.
"""

import sys
from argparse import ArgumentParser
from typing import BinaryIO

import msgspec

from cml.vectors.answer import answer as answer_language
from cml.vectors.runner import Identified, LanguageAnswer, LanguageRequest
from interpreter.vectors.runs import RunAnswer, RunRequest, run
from interpreter.vectors.schedules import ScheduleAnswer, ScheduleRequest, calculate


def answer(line: bytes) -> LanguageAnswer | RunAnswer | ScheduleAnswer:
    """Return the answer to a request.

    Raises:
        msgspec.DecodeError: The line is no request.
        HostError: A story breaks off: something is waited for that never comes.
        WorkloadError: A workload breaks a rule of its format.
        MissingSolverError: The policy is `optimal`, and OR-Tools is not installed.
    """
    category = msgspec.json.decode(line, type=Identified).id.partition("/")[0]
    match category:
        case "runs":
            return run(msgspec.json.decode(line, type=RunRequest))
        case "schedules":
            return calculate(msgspec.json.decode(line, type=ScheduleRequest))
        case _:
            return answer_language(msgspec.json.decode(line, type=LanguageRequest))


def answer_lines(lines: BinaryIO, out: BinaryIO) -> None:
    """Answer each line, at once."""
    for line in lines:
        out.write(msgspec.json.encode(answer(line)) + b"\n")
        out.flush()


if __name__ == "__main__":
    ArgumentParser("python -m interpreter.vectors.answer", description=__doc__).parse_args()
    answer_lines(sys.stdin.buffer, sys.stdout.buffer)
