"""This implementation as one that answers test vectors: `python -m cml.vectors.answer`.

It is the reference for the protocol of spec/vectors/README.md.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from cml.ast import Context
from cml.diagnostics import CmlError
from cml.parser import parse_symbols, read_symbols
from cml.printer import render, render_symbols
from cml.profile import Profile, Spelling
from cml.symbols import Marker, Symbol
from cml.text.regions import make_lexer
from cml.text.tokens import TokenLexer
from cml.tools.documents import item_document
from cml.validity import check_symbols
from cml.vectors.runner import MARKER_NAMES, Input, LanguageAnswer, LanguageRequest, Token

_RESERVED = {marker: number for number, marker in enumerate(Marker)}
_TEXT_TOKEN = len(Marker)


def answer(request: LanguageRequest) -> LanguageAnswer:
    """Return the answer to a request."""
    profile = request.profile
    found = tuple(check_symbols(_symbols(request.input, profile), profile))
    try:
        context = parse_symbols(_symbols(request.input, profile), profile)
    except CmlError:
        context = Context(())
    items = [item_document(item) for item in context.items]
    return LanguageAnswer(
        request.id,
        items,
        list(found),
        _canonical(context, profile),
        list(_interruptible(request.input, profile)),
    )


def _symbols(given: Input, profile: Profile) -> Iterator[Symbol]:
    if given.tokens is None:
        return read_symbols(given.chunks(), profile)
    return _token_symbols(given.tokens)


def _interruptible(given: Input, profile: Profile) -> Iterator[bool]:
    """Whether each point between pieces is a safe point, up to where the input cannot be read."""
    try:
        if given.tokens is None:
            lexer = make_lexer(profile)
            for piece in given.chunks():
                lexer.feed(piece)
                yield lexer.interruptible
        else:
            of_tokens = TokenLexer(_RESERVED)
            for token in given.tokens:
                of_tokens.take(_number(token), token.text)
                yield of_tokens.interruptible
    except CmlError:
        return


def _number(token: Token) -> int:
    return _RESERVED[Marker[token.marker]] if token.marker else _TEXT_TOKEN


def _token_symbols(tokens: list[Token]) -> Iterator[Symbol]:
    lexer = TokenLexer(_RESERVED)
    for token in tokens:
        if symbol := lexer.take(_number(token), token.text):
            yield symbol
    lexer.close()


def _canonical(context: Context, profile: Profile) -> str | list[Token]:
    """The canonical form; what was read can always be written in the language it was read in."""
    is_token = profile.markers is Spelling.TOKEN
    return _tokens(context, profile) if is_token else render(context, profile)


def _tokens(context: Context, profile: Profile) -> list[Token]:
    symbols = render_symbols(context, profile)
    return [Token(MARKER_NAMES[s.marker]) if s.marker else Token(text=s.text) for s in symbols]


def answer_lines(lines: BinaryIO, out: BinaryIO) -> None:
    """Answer each line, at once.

    Raises:
        msgspec.DecodeError: A line is no request.
    """
    for line in lines:
        out.write(
            msgspec.json.encode(answer(msgspec.json.decode(line, type=LanguageRequest))) + b"\n"
        )
        out.flush()


if __name__ == "__main__":
    ArgumentParser("python -m cml.vectors.answer", description=__doc__).parse_args()
    answer_lines(sys.stdin.buffer, sys.stdout.buffer)
