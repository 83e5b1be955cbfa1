"""The parser: symbols in, the tree of a context out (spec/1-syntax.md, section 4).

`BlockReader` is the streaming half: it keeps one open block and a line, nothing else.
"""

from collections.abc import Iterable, Iterator

import msgspec

from cml.arguments import require_text, take_profile
from cml.ast import Block, Context, Item, Malformed, Text
from cml.diagnostics import START, Position, Span, advance
from cml.printer import unescape
from cml.profile import Profile, Spelling
from cml.symbols import OPENERS, Marker, Symbol, WholeBlock
from cml.text.blocks import BlockEnd, OpenBlock, read_block, stray_marker
from cml.text.regions import make_lexer


class _Begun(msgspec.Struct):
    """A block whose symbols still come; what is longer than a block may be is not kept.

    Args:
        opener: The marker that opened it.
        start: Where it begins.
        source: Its symbols.
        heads: Where in them each [HEAD] stands.
    """

    opener: Marker
    start: Position
    source: list[str]
    heads: list[int]


class BlockReader:
    """Reads what a stream of symbols says: prose as it comes, blocks when they end.

    Args:
        profile: Body language, level and limits.
        whole: Whether the source of a block that is longer than the limit is kept to its end, in
            memory.
    """

    def __init__(self, profile: Profile, *, whole: bool = False) -> None:
        self._profile = profile
        self._whole = whole
        self._is_token = profile.markers is Spelling.TOKEN
        self._room = profile.limits.block_characters + 1
        self._line, self._line_start = 1, 0

    def place(self, offset: int) -> Position:
        """Return the place of an offset in the line that the stream stands in."""
        return Position(self._line, offset - self._line_start + 1, offset)

    def read(self, symbols: Iterable[Symbol]) -> Iterator[Symbol | Block]:
        """Yield the parts of a context; the last is the block that the end leaves open, if any.

        Prose is yielded as its symbol, whose place may be asked for until the next part is.

        Args:
            symbols: All symbols, in order.
        """
        block: _Begun | None = None
        end = 0
        for symbol in symbols:
            offset, marker = symbol.offset, symbol.marker
            end = offset + len(symbol.text)
            if marker in OPENERS:
                if block is not None:
                    yield self._read(block, BlockEnd.OPENED, offset)
                    block = None
                if isinstance(symbol, WholeBlock):
                    yield self._read_whole(symbol, marker, end)
                else:
                    block = _Begun(marker, self.place(offset), [symbol.text], [])
            elif block is None:
                yield symbol if marker is None else self._stray(marker, self.place(offset))
            else:
                self._extend(block, symbol)
                if marker is Marker.END:
                    yield self._read(block, BlockEnd.CLOSED, end)
                    block = None
            if marker is None:
                self._count_lines(symbol)
        if block is not None:
            yield self._read(block, BlockEnd.TRUNCATED, end)

    def _extend(self, block: _Begun, symbol: Symbol) -> None:
        length = symbol.offset - block.start.offset
        if length < self._room or self._whole:
            block.source.append(symbol.text)
        if symbol.marker is Marker.HEAD:
            self._add_head(block, length)

    def _add_head(self, block: _Begun, at: int) -> None:
        if at < self._room or self._whole:
            block.heads.append(at)

    def _count_lines(self, symbol: Symbol) -> None:
        text = symbol.text
        if "\n" in text:
            self._line += text.count("\n")
            self._line_start = symbol.offset + text.rfind("\n") + 1

    def _stray(self, marker: Marker, at: Position) -> Malformed:
        stray = stray_marker(marker, at)
        markers = (0,) if self._is_token else ()
        return Malformed(None, stray.source, stray.fault, stray.span, markers)

    def _read_whole(self, symbol: WholeBlock, opener: Marker, end: int) -> Block:
        start = self.place(symbol.offset)
        self._count_lines(symbol)
        if len(symbol.text) < self._room:
            block = OpenBlock(opener, symbol.text, symbol.heads)
            return read_block(block, BlockEnd.CLOSED, self._profile, start, self.place(end))
        begun = _Begun(opener, start, [symbol.text], [])
        for head in symbol.heads:
            self._add_head(begun, head)
        return self._read(begun, BlockEnd.CLOSED, end)

    def _read(self, begun: _Begun, ending: BlockEnd, end: int) -> Block:
        source = "".join(begun.source)
        heads = tuple([min(head, self._room) for head in begun.heads[:2]])
        block = OpenBlock(begun.opener, source[: self._room], heads)
        read = read_block(block, ending, self._profile, begun.start, self.place(end))
        if self._whole and isinstance(read, Malformed):
            end_marker = [len(source) - len(Marker.END.value)] if ending is BlockEnd.CLOSED else []
            markers = (0, *begun.heads, *end_marker) if self._is_token else ()
            return Malformed(read.id, source, read.fault, read.span, markers)
        return read


def read_symbols(pieces: Iterable[str | bytes], profile: Profile) -> Iterator[Symbol]:
    """Yield the symbols of a text that comes in pieces; those of a block in one piece are together.

    Raises:
        CmlError: The text is not UTF-8; all symbols before that place were given.
    """
    lexer = make_lexer(profile)
    for piece in pieces:
        lexer.push(piece)
        yield from lexer.ready(whole_blocks=True)
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
    items: list[Item] = []
    reader = BlockReader(used, whole=True)
    prose: list[str] = []
    start = START
    for part in reader.read(symbols):
        if isinstance(part, Symbol):
            start = start if prose else reader.place(part.offset)
            prose.append(part.text)
            continue
        if prose:
            items.append(_text(prose, start, used, before_marker=True))
            prose = []
        items.append(part)
    if prose:
        items.append(_text(prose, start, used, before_marker=False))
    faults = tuple(item.fault for item in items if isinstance(item, Malformed))
    return Context(tuple(items), faults)


def _text(prose: list[str], start: Position, profile: Profile, *, before_marker: bool) -> Text:
    source = "".join(prose)
    span = Span(start, advance(start, source))
    if profile.markers is Spelling.TOKEN:
        return Text(source, span)
    return Text(unescape(source, before_marker=before_marker), span)
