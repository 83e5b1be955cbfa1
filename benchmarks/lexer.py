"""How fast contexts are read, and that the cost is linear and the memory constant.

Run `python benchmarks/lexer.py`; every ratio compares two measurements of the same run. Times are
CPU time of this process, the best of three. docs/benchmarks.md says what the figures mean.
"""

import json
import re
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import click
from side_by_side import machine, medians_s

from cml import Lexer, Profile, parse
from cml.parser import read_symbols
from cml.symbols import MARKER_PATTERN, Marker
from cml.text.grammar import context_grammar
from cml.text.tokens import TokenLexer
from cml.validity import check_symbols

# One turn of a dialogue: two blocks of the model, one of the runtime, prose with brackets in it.
TURN = (
    "The weather tool is slow today, so I start it now and go on with [1] and a list. "
    '[CALL] {id} [HEAD] weather(city="Paris", days=[1, 2]) [END] Meanwhile, here is the plan.\n'
    '[TRAP][END][INTR] {id} [HEAD] {{"sky": "clear", "t": 21.5}} [END] It is clear in Paris.\n'
)
PIECE_CHARACTERS = 4
READ_CHARACTERS = 65_536


def dialogue(megabytes: float) -> str:
    """Return about so many megabytes of turns, every call with an identifier of its own."""
    turns = int(megabytes * 1e6 / len(TURN.format(id="c0000000")))
    return "".join(TURN.format(id=f"c{number:07}") for number in range(turns))


def best_s(run: Callable[[], object], times: int = 3) -> float:
    """Return the least CPU time of a few runs, in seconds."""
    taken = []
    for _ in range(times):
        begin = time.process_time()
        run()
        taken.append(time.process_time() - begin)
    return min(taken)


def cut(text: str, characters: int) -> list[str]:
    """Return a text in pieces."""
    return [text[at : at + characters] for at in range(0, len(text), characters)]


def lex(pieces: Iterable[str]) -> int:
    """Lex pieces one by one; return the number of symbols."""
    lexer, symbols = Lexer(), 0
    for piece in pieces:
        symbols += len(lexer.feed(piece))
    return symbols + len(lexer.close())


def lex_again_for_each_piece(pieces: list[str]) -> None:
    """The naive loop: after each token, read the whole text from its beginning."""
    text = ""
    for piece in pieces:
        text += piece
        Lexer().feed(text)


def lex_tokens(tokens: list[tuple[int, str]]) -> None:
    """Lex reserved tokens and text tokens, as in the token profile."""
    lexer = TokenLexer({marker: number for number, marker in enumerate(Marker)})
    for token, text in tokens:
        lexer.take(token, text)


def endless_turns(megabytes: float) -> Iterator[str]:
    """Yield so many megabytes in pieces, without ever holding them all."""
    piece = dialogue(READ_CHARACTERS / 1e6)
    for _ in range(int(megabytes * 1e6 / len(piece))):
        yield piece


def validate(text: str) -> None:
    """Validate a context that comes in pieces."""
    profile, pieces = Profile(), cut(text, READ_CHARACTERS)
    for _ in check_symbols(read_symbols(pieces, profile), profile):
        pass


def measure_validation(megabytes: float) -> dict[str, float]:
    """`cml validate` of a context, beside the lexer on the same pieces."""
    text = dialogue(megabytes)
    times = medians_s(
        {"validate": lambda: validate(text), "lexer": lambda: lex(cut(text, READ_CHARACTERS))}
    )
    return {
        "validate_mb_per_s": megabytes / times["validate"],
        "validate_over_lexer": times["validate"] / times["lexer"],
    }


def peak_megabytes() -> float:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_memory() -> dict[str, float]:
    """Stream 1 and then 100 MB; the peak of the second must not exceed that of the first."""
    lex(endless_turns(1))
    small = peak_megabytes()
    lex(endless_turns(100))
    return {"peak_mb_after_1": small, "peak_mb_after_100": peak_megabytes()}


def measure_growth() -> dict[str, float]:
    """Time per megabyte at 100 MB, over time per megabyte at 1 MB."""
    small = best_s(lambda: [lex(endless_turns(1)) for _ in range(10)]) / 10
    large = best_s(lambda: lex(endless_turns(100)), 2) / 100
    return {"time_per_mb_100_over_1": large / small}


def measure_speed(megabytes: float) -> dict[str, float]:
    """Lex a long text in one piece and in token-sized pieces."""
    text = dialogue(megabytes)
    pieces = cut(text, PIECE_CHARACTERS)
    symbols = lex([text])
    whole, small = best_s(lambda: lex([text])), best_s(lambda: lex(pieces))
    tokens = [(len(Marker), piece) for piece in pieces]
    reserved = best_s(lambda: lex_tokens(tokens))
    return {
        "symbols_per_kb": symbols / len(text) * 1e3,
        "one_piece_mb_per_s": len(text) / 1e6 / whole,
        "one_piece_ns_per_symbol": whole / symbols * 1e9,
        "pieces_mb_per_s": len(text) / 1e6 / small,
        "pieces_ns_per_token": small / len(pieces) * 1e9,
        "pieces_percent_of_a_5_ms_step": small / len(pieces) / 5e-3 * 100,
        "reserved_tokens_ns_per_token": reserved / len(tokens) * 1e9,
    }


# Markers, strings of code and what lies between, in one pass: what a lexer would cost that knows no
# modes, no escapes and no pieces.
_ONE_PASS = re.compile(
    MARKER_PATTERN
    + r"""|"[^"\\\r\n]*+(?:\\[^\r\n][^"\\\r\n]*+)*+"|'[^'\\\r\n]*+(?:\\[^\r\n][^'\\\r\n]*+)*+'"""
    + r"""|[^\["']++|[\["']"""
)


def measure_against_re(megabytes: float) -> dict[str, float]:
    """One regular expression over the same text, in one piece, and one search in each piece."""
    text = dialogue(megabytes)
    pieces, prose = cut(text, PIECE_CHARACTERS), ["abcd"] * (len(text) // PIECE_CHARACTERS)
    is_marker = re.compile(MARKER_PATTERN).search
    times = medians_s(
        {
            "lexer": lambda: lex([text]),
            "re": lambda: [match[0] for match in _ONE_PASS.finditer(text)],
            "lexer_pieces": lambda: lex(pieces),
            "re_pieces": lambda: [is_marker(piece) for piece in pieces],
            "lexer_prose": lambda: lex(prose),
            "re_prose": lambda: [is_marker(piece) for piece in prose],
        }
    )
    return {
        "lexer_over_one_re_pass": times["lexer"] / times["re"],
        "pieces_over_a_search_in_each": times["lexer_pieces"] / times["re_pieces"],
        "prose_pieces_over_a_search_in_each": times["lexer_prose"] / times["re_prose"],
        "prose_pieces_ns_per_token": times["lexer_prose"] / len(prose) * 1e9,
    }


def measure_against_lark(megabytes: float) -> dict[str, float]:
    """The grammar's own parser on the same text, in one piece; and the whole tree of ours."""
    text = dialogue(megabytes)
    grammar = context_grammar()
    times = medians_s(
        {
            "lark": lambda: grammar.parse(text),
            "lexer": lambda: lex([text]),
            "parser": lambda: parse(text),
        },
        3,
    )
    return {
        "lark_mb_per_s": len(text) / 1e6 / times["lark"],
        "lexer_times_lark": times["lark"] / times["lexer"],
        "parser_times_lark": times["lark"] / times["parser"],
    }


def measure_against_the_naive_loop() -> dict[str, float]:
    """A loop that parses everything again for every token, on 20 and on 80 kB."""
    ratios = {}
    for kilobytes in (20, 80):
        pieces = cut(dialogue(kilobytes / 1e3), PIECE_CHARACTERS)
        naive = best_s(partial(lex_again_for_each_piece, pieces), 1)
        ratios[f"times_naive_at_{kilobytes}_kb"] = naive / best_s(partial(lex, pieces))
    return ratios


@click.command()
@click.option("--megabytes", default=10.0, help="Length of the text for the lexer.")
def main(megabytes: float) -> None:
    """Measure, and print one JSON document."""
    figures = measure_memory()
    figures |= measure_growth()
    figures |= measure_speed(megabytes)
    figures |= measure_against_re(min(megabytes, 1.0))
    figures |= measure_against_lark(0.3)
    figures |= measure_against_the_naive_loop()
    figures |= measure_validation(min(megabytes, 1.0))
    rounded = {name: round(value, 3) for name, value in figures.items()}
    click.echo(json.dumps({"machine": machine(), **rounded}, indent=1))


if __name__ == "__main__":
    main()
