"""Contexts, for the fuzzer: lexer, parser, bodies, printer and rules of validity, held against each other."""

from cml import Body, CmlError, Lexer, Profile, Symbol, parse, render, validate
from cml.vectors.runner import load_vectors

PROFILES = [Profile(body=body) for body in Body]


def check_context(data: bytes) -> None:
    """Read the same bytes in every way; any exception but those of bad encoding is a bug.

    Raises:
        AssertionError: Two readings that must agree do not.
    """
    for profile in PROFILES:
        diagnostics = validate(data, profile)
        assert validate(_pieces(data), profile) == diagnostics
        try:
            context = parse(data, profile)
        except CmlError:
            assert diagnostics[-1].rule == "Syntax/encoding"
            continue
        again = parse(render(context, profile), profile)
        assert repr(again.items) == repr(context.items) or again == context
        text = data.decode()
        assert "".join(s.text for s in _symbols([text], profile)) == text
        assert _joined(_symbols(list(text), profile)) == _joined(_symbols([text], profile))


def _pieces(data: bytes) -> list[bytes]:
    """A cut that the bytes themselves choose."""
    size = 1 + (data[-1] % 7 if data else 0)
    return [data[i : i + size] for i in range(0, len(data), size)]


def _symbols(pieces: list[str], profile: Profile) -> list[Symbol]:
    lexer = Lexer(profile)
    symbols: list[Symbol] = []
    held = 0
    for piece in pieces:
        symbols += lexer.feed(piece)
        held += len(piece)
        assert held - lexer.offset <= 5
    return [*symbols, *lexer.close()]


def _joined(symbols: list[Symbol]) -> list[str]:
    joined: list[str] = []
    was_text = False
    for symbol in symbols:
        if was_text and symbol.marker is None:
            joined[-1] += symbol.text
        else:
            joined.append(symbol.text)
        was_text = symbol.marker is None
    return joined


def context_seeds() -> list[bytes]:
    """The inputs of the vectors."""
    inputs = [vector.input for vector in load_vectors().values() if vector.input.tokens is None]
    return [b"".join(p if isinstance(p, bytes) else p.encode() for p in i.chunks()) for i in inputs]
