"""What reading a body costs, beside the grammar that it is read by elsewhere, and beside `json`.

Run `python benchmarks/bodies.py`. All figures are medians of one run in which the readers take turns.
"""

import ast
import json
from collections.abc import Callable

import click
from side_by_side import machine, medians_s

from cml.advice.grammar_bodies import read_by_grammar
from cml.profile import Body, Profile
from cml.text.bodies import read_body

PYTHON, JSON = Profile(), Profile(body=Body.JSON)
SHORT = 'weather(city="Paris", days=[1, 2])'
LONG = (
    'book_flight(origin="LHR", destination="CDG", depart="2025-03-01", passengers=[{"name": "Ann '
    'Lee", "age": 41, "seat": None}, {"name": "Bo", "age": 7, "seat": "12C"}], flexible=True, '
    'budget=450.5, via=find["airports"][0], note=\'a "good" seat\')'
)
PLAIN = (  # nothing in it that JSON spells otherwise
    'book_flight(origin="LHR", destination="CDG", depart="2025-03-01", passengers=[{"name": "Ann '
    'Lee", "age": 41, "seat": "12B"}, {"name": "Bo", "age": 7, "seat": "12C"}], nights=3, '
    'budget=450.5, via="CDG", note="a good seat, by the window")'
)
SHORT_JSON = '{"name": "weather", "arguments": {"city": "Paris", "days": [1, 2]}}'
LONG_JSON = (
    '{"name": "book_flight", "arguments": {"origin": "LHR", "destination": "CDG", "depart": "2025-'
    '03-01", "passengers": [{"name": "Ann Lee", "age": 41, "seat": null}, {"name": "Bo", "age": 7,'
    ' "seat": "12C"}], "flexible": true, "budget": 450.5, "via": "CDG", "note": "a seat"}}'
)


def repeated(read: Callable[[], object], times: int = 300) -> Callable[[], None]:
    def run() -> None:
        for _ in range(times):
            read()

    return run


def measure(body: str, readers: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Return microseconds for each reader, and how many times as long as the first it takes."""
    times = medians_s({name: repeated(read) for name, read in readers.items()})
    ours = next(iter(times.values()))
    us = {f"{name}_us": round(s / 300 * 1e6, 2) for name, s in times.items()}
    ratios = {f"{name}_over_ours": round(s / ours, 2) for name, s in list(times.items())[1:]}
    return {"characters": len(body), **us, **ratios}


@click.command()
def main() -> None:
    """Measure, and print one JSON document."""
    figures: dict[str, object] = {"machine": machine()}
    for name, text in (("short", SHORT), ("long", LONG), ("long_plain", PLAIN)):
        figures[f"python_{name}"] = measure(
            text,
            {
                "ours": lambda text=text: read_body(text, PYTHON),
                "grammar": lambda text=text: read_by_grammar(text, PYTHON),
                "ast_parse": lambda text=text: ast.parse(text, mode="eval"),
            },
        )
    for name, text in (("short", SHORT_JSON), ("long", LONG_JSON)):
        figures[f"json_{name}"] = measure(
            text,
            {
                "ours": lambda text=text: read_body(text, JSON),
                "json_loads": lambda text=text: json.loads(text),
            },
        )
    click.echo(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
