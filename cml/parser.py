"""The parser: symbols in, the tree of a context out (spec/1-syntax.md, section 4).

`BlockReader` is the streaming half: it keeps one open block and a position, nothing else.
"""

from collections.abc import Iterable, Iterator

from cml.ast import Block, Context, Item, Malformed, Text
from cml.blocks import Ending, OpenBlock, extend, open_block, read_block, stray_marker
from cml.diagnostics import Position, Span, advance
from cml.lexer import Lexer
from cml.printer import unescape
from cml.profile import Profile
from cml.symbols import OPENERS, Marker, Symbol


class BlockReader:
    """Reads the blocks of a stream of symbols, with their places.

    Args:
        profile: Body language, level and limits.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._open: OpenBlock | None = None
        self._start = Position()
        self.position = Position()

    @property
    def in_block(self) -> bool:
        """Whether the stream stands inside a block."""
        return self._open is not None

    def take(self, symbol: Symbol) -> Block | None:
        """Take the next symbol; return the block or stray marker that it ends, if it ends one."""
        before = self.position
        self.position = advance(before, symbol.text)
        if symbol.marker in OPENERS:
            broken = self._close(Ending.OPENED)
            self._open, self._start = open_block(symbol.marker), before
            return broken
        if self._open is None:
            return None if symbol.marker is None else stray_marker(symbol.marker, before)
        self._open = extend(self._open, symbol, self._profile)
        return self._close(Ending.CLOSED) if symbol.marker is Marker.END else None

    def close(self) -> Block | None:
        """End the stream; return the block that it leaves open, if it leaves one."""
        return self._close(Ending.TRUNCATED)

    def _close(self, ending: Ending) -> Block | None:
        block, self._open = self._open, None
        return None if block is None else read_block(block, ending, self._profile, self._start)


def read_blocks(pieces: Iterable[str | bytes], profile: Profile) -> Iterator[Block]:
    """Yield the blocks of a text that comes in pieces, in constant memory.

    Raises:
        CmlError: The bytes are not UTF-8.
    """
    lexer, reader = Lexer(profile), BlockReader(profile)
    for piece in pieces:
        for symbol in lexer.feed(piece):
            if block := reader.take(symbol):
                yield block
    for symbol in lexer.close():
        reader.take(symbol)
    if block := reader.close():
        yield block


def parse(text: str | bytes, profile: Profile | None = None) -> Context:
    """Parse a whole context. Malformed blocks are items of it and diagnostics, not exceptions.

    Args:
        text: The context; bytes are UTF-8.
        profile: Body language, level and limits; Python bodies, all levels, by default.

    Raises:
        CmlError: The bytes are not UTF-8.
    """
    used = profile or Profile()
    lexer, reader = Lexer(used), BlockReader(used)
    items: list[Item] = []
    prose: list[str] = []
    prose_start = Position()
    for symbol in (*lexer.feed(text), *lexer.close()):
        before = reader.position
        block = reader.take(symbol)
        if symbol.marker is None and not reader.in_block:
            prose_start = prose_start if prose else before
            prose.append(symbol.text)
            continue
        if prose and symbol.marker is not None:
            items.append(_text(prose, prose_start, before_marker=True))
            prose = []
        if block is not None:
            items.append(block)
    if prose:
        items.append(_text(prose, prose_start, before_marker=False))
    if block := reader.close():
        items.append(block)
    faults = tuple(item.fault for item in items if isinstance(item, Malformed))
    return Context(tuple(items), faults)


def _text(prose: list[str], start: Position, *, before_marker: bool) -> Text:
    source = "".join(prose)
    span = Span(start, advance(start, source))
    return Text(unescape(source, before_marker=before_marker), span)
