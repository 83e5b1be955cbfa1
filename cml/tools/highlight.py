"""CML in colour: a lexer for Pygments, which terminals, editors and documents use.

Registered as an entry point, so that `pygmentize -l cml` and fenced code blocks know it.
"""

from collections.abc import Iterator
from typing import ClassVar, Final, TypeAlias

from pygments.lexer import Lexer
from pygments.lexers.data import JsonLexer
from pygments.lexers.python import PythonLexer
from pygments.token import Error, Keyword, Name, Text, _TokenType

from cml.profile import Body, Profile
from cml.symbols import Marker
from cml.text.lexer import Lexer as SymbolLexer
from cml.text.monitor import Mode

Coloured: TypeAlias = tuple[int, _TokenType, str]

_CODE: Final[dict[Body, Lexer]] = {Body.PYTHON: PythonLexer(), Body.JSON: JsonLexer()}
_FAULTS: Final = {Mode.CALL_FAULT, Mode.INTERRUPT_FAULT, Mode.TRAP_FAULT}


class CmlLexer(Lexer):
    """Colours contexts: markers, identifiers, bodies in their language, and values.

    The option `body` is `python` (the default) or `json`.
    """

    name: ClassVar[str] = "CML"
    url: ClassVar[str] = "https://arxiv.org/abs/2412.07017"
    aliases: ClassVar[list[str]] = ["cml"]
    filenames: ClassVar[list[str]] = ["*.cml"]
    mimetypes: ClassVar[list[str]] = ["text/x-cml"]

    def get_tokens_unprocessed(self, text: str) -> Iterator[Coloured]:
        """Yield the offset, kind and characters of each token."""
        body = Body(self.options.get("body", Body.PYTHON.value))
        lexer = SymbolLexer(Profile(body=body))
        lexer.push(text)
        begin, mode = 0, lexer.mode
        while symbol := lexer.pull():
            if symbol.marker is None:
                continue
            yield from _coloured(
                text[begin : symbol.offset], begin, _kind(mode, symbol.marker, body)
            )
            is_stray = mode is Mode.PROSE and lexer.mode is Mode.PROSE
            yield symbol.offset, Error if is_stray else Keyword, symbol.text
            begin, mode = symbol.offset + len(symbol.text), lexer.mode
        yield from _coloured(text[begin:], begin, _kind(mode, None, body))


def _kind(mode: Mode, following: Marker | None, body: Body) -> _TokenType | Lexer:
    """How the text in a mode is coloured, up to the marker that follows it."""
    match mode:
        case Mode.CALL if following is Marker.HEAD:
            return Name.Label
        case Mode.CALL | Mode.CALL_BODY:
            return _CODE[body]
        case Mode.INTERRUPT_BODY:
            return _CODE[Body.JSON]
        case Mode.INTERRUPT | Mode.TRAP:
            return Name.Label
        case _:
            return Error if mode in _FAULTS else Text


def _coloured(text: str, offset: int, kind: _TokenType | Lexer) -> Iterator[Coloured]:
    if isinstance(kind, Lexer):
        for begin, of_code, part in kind.get_tokens_unprocessed(text):
            yield offset + begin, of_code, part
    elif text:
        yield offset, kind, text
