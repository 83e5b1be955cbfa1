"""CML, the Context Markup Language: syntax, validity and printing (spec/1 and spec/2).

>>> context = parse("Hi. [CALL] job1 [HEAD] weather(city='Paris') [END]")
>>> context.items[1].function
'weather'
>>> render(context)
'Hi. [CALL] job1 [HEAD] weather(city="Paris") [END]'
"""

from cml.ast import Call, Context, Interrupt, Item, Malformed, OutcomeKind, Reference, Text, Trap
from cml.diagnostics import CmlError, Diagnostic, Position, Severity, Span
from cml.parser import parse
from cml.printer import PrintError, render
from cml.profile import Body, Level, Limits, Profile
from cml.symbols import Marker, Symbol
from cml.text.lexer import Lexer
from cml.validity import validate

__version__ = "0.1.0"

__all__ = [
    "Body",
    "Call",
    "CmlError",
    "Context",
    "Diagnostic",
    "Interrupt",
    "Item",
    "Level",
    "Lexer",
    "Limits",
    "Malformed",
    "Marker",
    "OutcomeKind",
    "Position",
    "PrintError",
    "Profile",
    "Reference",
    "Severity",
    "Span",
    "Symbol",
    "Text",
    "Trap",
    "__version__",
    "parse",
    "render",
    "validate",
]
