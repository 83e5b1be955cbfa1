"""The parser: symbols in, the tree of a context out (spec/1-syntax.md, section 4).

`BlockReader` is the streaming half: it keeps one open block and a position, nothing else.
"""

from collections.abc import Iterable, Iterator

from cml.arguments import require_text, take_profile
from cml.ast import Block, Context, Item, Malformed, Text
from cml.diagnostics import START, Position, Span, advance
from cml.printer import unescape
from cml.profile import Profile, Spelling
from cml.symbols import OPENERS, Marker, Symbol
from cml.text.blocks import BlockEnd, OpenBlock, extend, open_block, read_block, stray_marker
from cml.text.regions import make_lexer


class BlockReader:
    """Reads the blocks of a stream of symbols, with their places.

    Args:
        profile: Body language, level and limits.
    """

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._open: OpenBlock | None = None
        self._start = START
        self._offset = self._line_start = 0
        self._line = 1

    @property
    def in_block(self) -> bool:
        """Whether the stream stands inside a block."""
        return self._open is not None

    @property
    def position(self) -> Position:
        """Where the stream stands."""
        return Position(self._line, self._offset - self._line_start + 1, self._offset)

    def take(self, symbol: Symbol) -> Block | None:
        """Take the next symbol; return the block or stray marker that it ends, if it ends one."""
        if symbol.marker is not None:
            return self._take_marker(symbol, symbol.marker)
        self._advance(symbol.text)
        if self._open is not None:
            self._open = extend(self._open, symbol, self._profile)
        return None

    def _take_marker(self, symbol: Symbol, marker: Marker) -> Block | None:
        if marker in OPENERS:
            before = self.position
            broken = self._close(BlockEnd.OPENED, before)
            self._open, self._start = open_block(marker), before
            self._offset += len(symbol.text)
            return broken
        if self._open is None:
            stray = stray_marker(marker, self.position)
            self._offset += len(symbol.text)
            return stray
        self._offset += len(symbol.text)
        self._open = extend(self._open, symbol, self._profile)
        return self._close(BlockEnd.CLOSED, self.position) if marker is Marker.END else None

    def _advance(self, text: str) -> None:
        """Go on by a text, as `diagnostics.advance` does."""
        if lines := text.count("\n"):
            self._line += lines
            self._line_start = self._offset + text.rfind("\n") + 1
        self._offset += len(text)

    def close(self) -> Block | None:
        """End the stream; return the block that it leaves open, if it leaves one."""
        return self._close(BlockEnd.TRUNCATED, self.position)

    def _close(self, ending: BlockEnd, end: Position) -> Block | None:
        block, self._open = self._open, None
        if block is None:
            return None
        return read_block(block, ending, self._profile, self._start, end)


def read_symbols(pieces: Iterable[str | bytes], profile: Profile) -> Iterator[Symbol]:
    """Yield the symbols of a text that comes in pieces.

    Raises:
        CmlError: The text is not UTF-8; all symbols before that place were given.
    """
    lexer = make_lexer(profile)
    for piece in pieces:
        lexer.push(piece)
        yield from lexer.ready()
    yield from lexer.close()


def parse(text: str | bytes, profile: Profile | None = None) -> Context:
    """Parse a whole context. Malformed blocks are items of it and diagnostics, not exceptions.

    Args:
        text: The context, in the text profile; bytes are UTF-8.
        profile: Body language, level and limits; Python bodies, all levels, by default.

    Raises:
        CmlError: The text is not UTF-8.
        TypeError: It is no text.
    """
    require_text(text)
    used = take_profile(profile)
    return parse_symbols(read_symbols([text], used), used)


def parse_symbols(symbols: Iterable[Symbol], profile: Profile | None = None) -> Context:
    """Build the tree of a context from its symbols, as either lexer gives them.

    Args:
        symbols: All symbols, in order.
        profile: Body language, level and limits, and whether prose is escaped.
    """
    used = profile or Profile()
    reader = BlockReader(used)
    items: list[Item] = []
    prose: list[str] = []
    prose_start = START
    source: list[Symbol] = []  # of the open block
    for symbol in symbols:
        if symbol.marker is None and not reader.in_block:
            prose_start = prose_start if prose else reader.position
            prose.append(symbol.text)
            reader.take(symbol)
            continue
        if prose:
            items.append(_text(prose, prose_start, used, before_marker=True))
            prose = []
        opens = symbol.marker in OPENERS
        source += [] if opens else [symbol]
        if block := reader.take(symbol):
            items.append(_whole(block, source, used))
            source = []
        source = [symbol] if opens else source
    if prose:
        items.append(_text(prose, prose_start, used, before_marker=False))
    if block := reader.close():
        items.append(_whole(block, source, used))
    faults = tuple(item.fault for item in items if isinstance(item, Malformed))
    return Context(tuple(items), faults)


def _whole(block: Block, source: list[Symbol], profile: Profile) -> Block:
    """Give a malformed block that grew over the limit its whole source back, and say what of the
    source of one is reserved tokens.
    """
    is_token = profile.markers is Spelling.TOKEN
    if not isinstance(block, Malformed) or not (is_token or block.fault.rule == "Valid/limit"):
        return block
    text = "".join(symbol.text for symbol in source)
    begin = source[0].offset
    markers = tuple(symbol.offset - begin for symbol in source if symbol.marker) if is_token else ()
    return Malformed(block.id, text, block.fault, block.span, markers)


def _text(prose: list[str], start: Position, profile: Profile, *, before_marker: bool) -> Text:
    source = "".join(prose)
    span = Span(start, advance(start, source))
    if profile.markers is Spelling.TOKEN:
        return Text(source, span)
    return Text(unescape(source, before_marker=before_marker), span)
