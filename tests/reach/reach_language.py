"""The language's decisions, each taken the other way: what a stranger might have read instead."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from reach_faults import Edit, Fault, Other

from cml import parser, printer, validity
from cml.advice import grammar_bodies
from cml.profile import Limits, Profile
from cml.text import (
    blocks,
    bodies,
    identifiers,
    invocation,
    json_values,
    lints,
    literals,
    python_bodies,
    valid_bodies,
)
from cml.text.code import Strings
from cml.text.lexer import Lexer
from cml.text.regions import RegionLexer
from cml.tools import documents
from cml.vectors import answer
from cml.vectors.runner import LanguageRequest, Token, differences, load_vectors

_VECTORS: Final = load_vectors()


def failing(names: Iterable[str] = _VECTORS) -> list[str]:
    """Return those of some vectors that the reference fails, as it is now."""
    return [name for name in names if not _is_right(name)]


def _is_right(name: str) -> bool:
    vector = _VECTORS[name]
    try:
        given = answer.answer(LanguageRequest(name, vector.input, vector.profile))
    except NameError:
        raise  # the fault does not run: it would be seen by every vector
    except Exception:  # noqa: BLE001 - a fault may break anything
        return False
    return not list(differences(vector, given))


def nesting_by_kind(text: str, quotes: str, limits: Limits) -> None:
    """Nesting where a bracket closes one of its own kind only."""
    depths = dict.fromkeys("([{", 0)
    for bracket in re.findall(r"[][(){}]", literals.blank_strings(text, quotes)):
        if bracket in depths:
            depths[bracket] += 1
        else:
            kind = "([{"[")]}".index(bracket)]
            depths[kind] = max(depths[kind] - 1, 0)
        if sum(depths.values()) > limits.nesting:
            raise invocation.BodyError("too deep", 0, "Valid/limit")


def with_regions(tokens: list[Token], profile: Profile) -> Iterator[Token]:
    """Tokens where markers inside a region are text."""
    closings, closing = dict(profile.regions), None
    for token in tokens:
        yield Token(None, f"[{token.marker}]") if token.marker and closing else token
        closing = closings.get(token.text, closing if token.text != closing else None)


def _fault(decision: str, rule: str, *edits: Edit | Other) -> Fault:
    return Fault(decision, rule, edits)


_LEVEL_AT_ONCE = (
    "from cml.profile import Level\n    "
    'if profile.level is Level.CORE: raise BodyError("level", 0, "Valid/level")\n    '
)
_PYTHON_CONSTANTS = {
    name: value
    for name, value in identifiers.CONSTANTS.items()
    if name not in identifiers.JSON_CONSTANTS
}
_VALUED = "_python_value(value, profile)"

_SYMBOLS_AND_REGIONS: Final = (
    _fault(
        "after an odd run of backslashes nothing is held back",
        "Syntax/begun-marker",
        Edit(
            Lexer._begun, "if start >= 0 and", "if start >= 0 and not self._is_escaped(start) and"
        ),
    ),
    _fault(
        "the longest of several opening strings opens",
        "Syntax/region",
        Edit(RegionLexer.__init__, "keys(), key=len)", "keys(), key=len, reverse=True)"),
        Edit(RegionLexer._first, "if inside is None:", "if True:"),
    ),
    _fault(
        "the shorter of two opening strings that end together opens",
        "Syntax/region",
        Edit(RegionLexer._first, "begin + 1, end - 1", "begin + 1, end"),
    ),
    _fault(
        "the last of two pairs that open alike counts",
        "Syntax/region",
        Edit(RegionLexer.__init__, "reversed(profile.regions)", "profile.regions"),
    ),
    _fault(
        "what closes a region may begin in what opens it",
        "Syntax/region",
        Edit(RegionLexer._take_marker, "self._position + len(opening)", "self._position"),
    ),
    _fault(
        "a marker counts before an opening string that is complete in it",
        "Syntax/region",
        Edit(
            RegionLexer.__init__,
            "self._closings.keys(), key=len)",
            "self._closings.keys(), key=lambda text: (text not in MARKERS, len(text)))",
        ),
    ),
    _fault(
        "a backslash that closes a region escapes nothing",
        "Syntax/escape",
        Edit(
            RegionLexer._take_marker,
            "return self._take_text(self._end_inside(self._position + len(opening)))",
            "symbol = self._take_text(self._end_inside(self._position + len(opening)))\n"
            "    self._escaped = False\n    return symbol",
        ),
    ),
    _fault(
        "an interrupt may go into a region",
        "Syntax/region",
        Edit(RegionLexer.interruptible.fget, "not self._closing and ", ""),
    ),
    _fault(
        "a begun opening string is not held back",
        "Syntax/region",
        Edit(RegionLexer._begun, "if self._state.mode is not Mode.PROSE:", "if True:"),
    ),
    _fault(
        "regions hold in the token profile",
        "Syntax/region",
        Edit(
            answer._symbols,
            "return _token_symbols(given.tokens)",
            "from reach_language import with_regions\n"
            "    return _token_symbols(with_regions(given.tokens, profile))",
        ),
    ),
)

_CODE: Final = (
    _fault(
        "after a string that its line broke off a quote opens one",
        "Syntax/string",
        Edit(Strings._skip_string, "Opens.YES if is_closed else Opens.NO", "Opens.YES"),
    ),
    _fault(
        "a string opens after white space and not after its prefix",
        "Syntax/string",
        Edit(Strings.skip, "self._opens is Opens.AFTER_PREFIX", "False"),
    ),
    _fault(
        "the characters of an escaped marker open no region",
        "Syntax/region",
        Edit(
            RegionLexer._next,
            "opening := self._openings.match(self._buffer, found.start(), end)",
            "opening := None",
        ),
    ),
    _fault(
        "the two escapes of a surrogate pair are two halves",
        "Syntax/python-string",
        Edit(literals._unescape, "if pair:", "if pair and not chr(int(pair[:4], 16)):"),
    ),
    _fault(
        "octal escapes end at U+00FF",
        "Syntax/python-string",
        Edit(literals._unescape, "chr(int(octal, 8))", "chr(int(octal, 8) & 0xFF)"),
    ),
    _fault(
        "a raw string has escapes",
        "Syntax/python-string",
        Edit(literals.read_python_string, ' and prefix not in {"r", "R"}', ""),
    ),
    _fault(
        "an integer in another base is as long as it is written",
        "Syntax/limits",
        Edit(literals.read_number, "_in_decimal(int(literal, base), limits)", "int(literal, base)"),
    ),
    _fault(
        "the sign of an integer in another base does not count in decimal",
        "Syntax/limits",
        Edit(literals._in_decimal, " - (value < 0)", ""),
    ),
    _fault(
        "what has no value is no matter of a limit",
        "Syntax/number",
        Edit(literals.read_number, "> limits.digits:", '> limits.digits and literal.strip("0"):'),
    ),
    _fault(
        "`true` is the name of a call",
        "Syntax/python-body",
        Other(python_bodies, "CONSTANTS", _PYTHON_CONSTANTS),
        Other(grammar_bodies, "CONSTANTS", _PYTHON_CONSTANTS),
        Other(invocation, "NO_VALUES", identifiers.NO_VALUES - identifiers.JSON_CONSTANTS.keys()),
    ),
    _fault(
        "a call may have the identifier `true`",
        "Syntax/reserved",
        Other(
            identifiers,
            "_RESERVED_WORDS",
            identifiers._RESERVED_WORDS - identifiers.JSON_CONSTANTS.keys(),
        ),
    ),
    _fault(
        "`true` in a Python body is not told",
        "Lint/json-constant",
        Edit(validity._json_constant, "is not Body.PYTHON", "is not None"),
    ),
    _fault(
        "each mention of `true` is told",
        "Lint/json-constant",
        Edit(lints.json_constants, "dict.fromkeys(", "list("),
    ),
    _fault(
        "`true` as the name of an argument is told",
        "Lint/json-constant",
        Other(lints, "_JSON_CONSTANT", re.compile(r"\b(?:true|false|null)\b")),
    ),
)

_LIMITS_AND_NAMES: Final = (
    _fault(
        "a bracket that closes nothing makes room for one more",
        "Syntax/limits",
        Edit(bodies.check_nesting, "max(depth - 1, 0)", "depth - 1"),
    ),
    _fault(
        "a bracket closes one of its own kind only",
        "Syntax/limits",
        Other(bodies, "check_nesting", nesting_by_kind),
    ),
    _fault(
        "the sign of a number does not count",
        "Syntax/limits",
        Edit(literals.read_number, "len(literal) >", 'len(literal.lstrip("-")) >'),
    ),
    _fault(
        "a reference may be longer than an identifier",
        "Syntax/identifier",
        Edit(
            invocation.reference,
            "if fault := identifier_fault(ref, profile):",
            "if fault := identifier_fault(ref[:profile.limits.identifier_characters], profile):",
        ),
    ),
    _fault(
        "a reference that is too long breaks Valid/identifier",
        "Syntax/malformed",
        Edit(
            invocation.reference,
            "raise BodyError(fault, offset)",
            'raise BodyError(fault, offset, "Valid/identifier")',
        ),
    ),
    _fault(
        "a trap may name more than an identifier",
        "Syntax/trap",
        Edit(
            blocks._read_trap,
            "identifier_fault(name, profile)",
            "identifier_fault(name, Profile())",
        ),
    ),
    _fault(
        "the limit on identifiers holds for the names of arguments",
        "Syntax/identifier",
        Edit(
            grammar_bodies._add_keyword,
            "if name in kwargs:",
            "if name in kwargs or len(name) > profile.limits.identifier_characters:",
        ),
        Edit(
            python_bodies._take_json,
            "name in kwargs",
            "name in kwargs or len(name) > limits.identifier_characters",
        ),
        Edit(
            python_bodies._take_arguments,
            "if name in kwargs:",
            "if name in kwargs or len(name) > profile.limits.identifier_characters:",
        ),
    ),
    _fault(
        "a reserved word may be a reference in JSON",
        "Syntax/reference",
        Edit(
            invocation.reference,
            "if ref in NO_VALUES:",
            "if ref in NO_VALUES and profile.body.value == 'python':",
        ),
    ),
    _fault(
        "the word `all` is no reference",
        "Syntax/reference",
        Edit(invocation.reference, "if ref in NO_VALUES:", 'if ref in NO_VALUES or ref == "all":'),
    ),
    _fault(
        "no argument may be called `$ref`",
        "Syntax/json-body",
        Edit(
            valid_bodies.json_call,
            "if not name:",
            'if "$ref" in arguments or not name:',
        ),
    ),
    _fault(
        "a name of a function in JSON is one that Python can spell",
        "Syntax/json-body",
        Edit(
            valid_bodies.json_call, "if not name:", 'if not name.replace(".", "").isidentifier():'
        ),
    ),
    _fault(
        "white space around the name of a function in JSON means nothing",
        "Syntax/json-body",
        Edit(valid_bodies.json_call, "if not name:", "if not (name := name.strip()):"),
    ),
    _fault(
        "the name of a function in JSON may be empty",
        "Syntax/json-body",
        Edit(valid_bodies.json_call, "if not name:", "if False:"),
    ),
    _fault(
        "no key of an interrupt's value is `$ref`",
        "Syntax/reference",
        Edit(
            blocks._interrupt_value,
            "return read_json(body, profile.limits)",
            """if '"$ref"' in body: raise BodyError("ref", 0, "Valid/interrupt-value")
        return read_json(body, profile.limits)""",
        ),
    ),
    _fault(
        "a malformed call keeps an identifier of the runtime",
        "Syntax/malformed-identifier",
        Edit(
            blocks._readable_identifier,
            "or reserved_fault(name)",
            'or (reserved_fault(name) and not name.startswith("user"))',
        ),
    ),
    _fault(
        "a call that is too long has what stands of its head within the limit as its identifier",
        "Syntax/malformed-identifier",
        Edit(
            blocks._readable_identifier,
            "if block.heads[0] + _HEAD_LENGTH > profile.limits.block_characters:",
            "if False:",
        ),
    ),
    _fault(
        "a `[HEAD]` counts for a call that is too long where it begins within the limit",
        "Syntax/malformed-identifier",
        Edit(
            blocks._readable_identifier,
            "block.heads[0] + _HEAD_LENGTH > profile",
            "block.heads[0] >= profile",
        ),
    ),
    _fault(
        "a call that is too long has no identifier",
        "Syntax/malformed-identifier",
        Edit(
            blocks._readable_identifier,
            "if block.heads[0] + _HEAD_LENGTH > profile.limits.block_characters:",
            "if len(block.source) > profile.limits.block_characters:",
        ),
    ),
    _fault(
        "a malformed call keeps a reserved word",
        "Syntax/malformed-identifier",
        Edit(
            blocks._readable_identifier,
            "or reserved_fault(name)",
            'or (reserved_fault(name) and name != "all")',
        ),
    ),
)

_ORDER: Final = (
    _fault(
        "a second `[HEAD]` comes before a block that is too long",
        "Syntax/malformed",
        Edit(
            blocks._check_shape,
            "if len(block.source) > profile.limits.block_characters:",
            "if len(block.source) > profile.limits.block_characters and len(block.heads) < 2:",
        ),
    ),
    _fault(
        "a missing `[END]` comes before a block that is too long",
        "Syntax/malformed",
        Edit(
            blocks._check_shape,
            "if len(block.source) > profile.limits.block_characters:",
            "if len(block.source) > profile.limits.block_characters and ending is BlockEnd.CLOSED:",
        ),
    ),
    _fault(
        "a second `[HEAD]` comes before a missing `[END]`",
        "Syntax/malformed",
        Edit(
            blocks._check_shape,
            "if ending is not BlockEnd.CLOSED:",
            "if ending is not BlockEnd.CLOSED and len(block.heads) < 2:",
        ),
    ),
    _fault(
        "the body of a call comes before its identifier",
        "Syntax/malformed",
        Edit(
            blocks._read_call,
            "if head is not None and",
            "try:\n        read_body(body, profile)\n"
            "    except BodyError as error:\n        raise BlockError(error.rule, '', 0, 0) from None\n"
            "    if head is not None and",
        ),
    ),
    _fault(
        "an empty head of an interrupt is no identifier",
        "Syntax/malformed",
        Edit(
            blocks._read_interrupt,
            "if not name or word not in _OUTCOMES:",
            "if word not in _OUTCOMES:",
        ),
    ),
    _fault(
        "an interrupt's level comes before its identifier",
        "Syntax/malformed",
        Edit(
            blocks._read_interrupt,
            "if fault := identifier_fault(name, profile):",
            "if (fault := identifier_fault(name, profile)) and ("
            "not word or profile.level is Level.EXTENDED):",
        ),
    ),
    _fault(
        "an interrupt's value comes before its level",
        "Syntax/malformed",
        Edit(
            blocks._read_interrupt,
            "if word and profile.level",
            "_interrupt_value(body, body_start, profile)\n    if word and profile.level",
        ),
    ),
    _fault(
        "the list of a trap comes before its level",
        "Syntax/malformed",
        Edit(
            blocks._read_trap,
            "if profile.level is not Level.EXTENDED:",
            "if profile.level is not Level.EXTENDED and not any("
            'identifier_fault(name.strip(_WHITE_SPACE), profile) for name in content.split(",")):',
        ),
    ),
    _fault(
        "the grammar of a body comes before its nesting",
        "Syntax/malformed",
        Edit(
            bodies.read_body,
            "check_nesting(",
            "_read_python(text, profile) if profile.body is Body.PYTHON else None\n    check_nesting(",
        ),
    ),
    _fault(
        "the level comes before what is no reference at all, in Python",
        "Syntax/malformed",
        Edit(grammar_bodies._named_value, "path = tuple(", f"{_LEVEL_AT_ONCE}path = tuple("),
    ),
    _fault(
        "the level comes before what is no reference at all, in JSON",
        "Syntax/malformed",
        Edit(valid_bodies._json_reference, "match value[", f"{_LEVEL_AT_ONCE}match value["),
    ),
    _fault(
        "the name of a reference comes before its subscripts",
        "Syntax/malformed",
        Edit(
            grammar_bodies._named_value,
            "path = tuple(",
            "reference(name, (), profile, 0)\n    path = tuple(",
        ),
    ),
    _fault(
        "a value comes before its name that is given twice",
        "Syntax/malformed",
        Edit(
            grammar_bodies._add_keyword, "if name in kwargs:", f"{_VALUED}\n    if name in kwargs:"
        ),
    ),
    _fault(
        "a positional value comes before its place",
        "Syntax/malformed",
        Edit(
            grammar_bodies.read_by_grammar,
            "raise BodyError(message, _start(argument))",
            "_python_value(argument, profile)\n            raise BodyError(message)",
        ),
    ),
    _fault(
        "a value comes before its key that is given twice, in Python",
        "Syntax/malformed",
        Edit(
            grammar_bodies._python_object,
            "if key in entries:",
            f"{_VALUED}\n        if key in entries:",
        ),
    ),
    _fault(
        "a value comes before its key `$ref`",
        "Syntax/malformed",
        Edit(
            grammar_bodies._python_object,
            'if key == "$ref":',
            f'{_VALUED}\n        if key == "$ref":',
        ),
    ),
    _fault(
        "a value comes before its key that is given twice, in JSON",
        "Syntax/malformed",
        Edit(
            json_values._object,
            "if scalar_values(key) in values:",
            "_value(entry, limits)\n        if scalar_values(key) in values:",
        ),
    ),
    _fault(
        "the name of a JSON body comes before its literals",
        "Syntax/malformed",
        Edit(
            bodies._read_json,
            "    value = read_json(text, profile.limits)",
            "    value = read_json(text, type(profile.limits)(digits=4000))\n"
            '        if isinstance(value, dict) and not value.get("name"):\n'
            '            raise BodyError("name")\n'
            "        value = read_json(text, profile.limits)",
        ),
    ),
    _fault(
        "the references of a JSON body come before its name",
        "Syntax/malformed",
        Edit(
            valid_bodies.json_call,
            "if not name:",
            "[json_value(entry, profile) for entry in arguments.values()]\n"
            "            if not name:",
        ),
    ),
)

_LEVELS: Final = (
    _fault(
        "a message of a person below the extended level is malformed",
        "Syntax/level",
        Edit(
            blocks._read_interrupt,
            "if word and profile.level",
            'if (word or name.startswith("user")) and profile.level',
        ),
    ),
    _fault(
        "messages of people belong to the futures level",
        "Syntax/level",
        Edit(validity._level, "level is not Level.EXTENDED", "level is Level.CORE"),
    ),
    _fault(
        "messages of agents are not beyond the core level",
        "Syntax/level",
        Edit(
            validity._level,
            "is_message_identifier(block.id)",
            "block.id.startswith('user') and is_message_identifier(block.id)",
        ),
    ),
    _fault(
        "the name of an agent holds no digit",
        "Syntax/message-identifier",
        Other(identifiers, "_MESSAGE_IDENTIFIER", re.compile("(user|agent_[A-Za-z_]+)[0-9]+")),
    ),
    _fault(
        "an agent without a name has messages",
        "Syntax/message-identifier",
        Other(identifiers, "_MESSAGE_IDENTIFIER", re.compile("(user|agent_[A-Za-z0-9_]*)[0-9]+")),
    ),
    _fault(
        "answers to errors are beyond the core level",
        "Syntax/level",
        Edit(
            validity._level,
            "is_message_identifier(block.id)",
            'block.id.rstrip("0123456789") in {"user", "error", "agent_critic"}',
        ),
    ),
    _fault(
        "outcomes belong to the futures level",
        "Syntax/level",
        Edit(
            blocks._read_interrupt,
            "profile.level is not Level.EXTENDED",
            "profile.level is Level.CORE",
        ),
    ),
    _fault(
        "lists of calls to wait for belong to the futures level",
        "Syntax/level",
        Edit(
            blocks._read_trap, "profile.level is not Level.EXTENDED", "profile.level is Level.CORE"
        ),
    ),
    _fault(
        "that a message is beyond the level is told last",
        "Valid/level",
        Other(
            validity,
            "_INTERRUPT_RULES",
            {
                **{k: r for k, r in validity._INTERRUPT_RULES.items() if k != "Valid/level"},
                "Valid/level": validity._level,
            },
        ),
    ),
)

_ERROR = "if found and _is_error(block, found, seen):"
_ANSWERED = "if seen.errors and is_error_identifier(name) and name not in seen.answered:"
_ONE_LESS = f"{_ANSWERED}\n        seen.errors -= 1"
_OWN = "own = block.id is not None and"

_IDENTIFIERS: Final = (
    _fault(
        "a call that repeats an identifier is no error",
        "2.2",
        Edit(
            validity._remember_call,
            _ERROR,
            f"if isinstance(block, Call) and block.id in seen.called:\n        pass\n    el{_ERROR}",
        ),
    ),
    _fault(
        "a call that repeats an identifier is pending under it",
        "2.2",
        Edit(validity._is_error, "block.id not in seen.called and ", ""),
    ),
    _fault(
        "a call with a reserved identifier is called",
        "2.2",
        Edit(validity._is_error, " and not reserved_fault(block.id)", ""),
    ),
    _fault(
        "a call with a reserved identifier is no error",
        "2.2",
        Edit(
            validity._remember_call,
            _ERROR,
            f"if isinstance(block, Call) and reserved_fault(str(block.id)):\n        pass\n    el{_ERROR}",
        ),
    ),
    _fault(
        "a call without identifier that names no call is no error",
        "2.2",
        Edit(
            validity._remember_call,
            _ERROR,
            f"if isinstance(block, Call) and block.id is None:\n        pass\n    el{_ERROR}",
        ),
    ),
    _fault(
        "a call with an identifier of its own that names no call is an error",
        "2.2",
        Edit(
            validity._is_error,
            "return not own",
            "return isinstance(block, Call) or not own",
        ),
    ),
    _fault(
        "a malformed trap is no error",
        "2.2",
        Edit(validity._is_error, '("[CALL]", "[TRAP]")', '"[CALL]"'),
    ),
    _fault(
        "malformed interrupts and stray markers are errors",
        "2.2",
        Edit(validity._is_error, "if isinstance(block, Malformed) and", "if False and"),
    ),
    _fault(
        "a malformed call with an identifier of its own is an error",
        "2.2",
        Edit(validity._is_error, _OWN, f"{_OWN} isinstance(block, Call) and"),
    ),
    _fault(
        "a malformed call that repeats an identifier is none",
        "2.2",
        Edit(
            validity._is_error,
            "block.id not in seen.called and",
            "(block.id not in seen.called or isinstance(block, Malformed)) and",
        ),
    ),
    _fault(
        "one answer ends all errors",
        "2.2",
        Edit(
            validity._remember_answer,
            _ONE_LESS,
            _ONE_LESS.replace("-= 1", "= 0"),
        ),
    ),
    _fault(
        "the n-th answer must have the number n",
        "2.2",
        Edit(
            validity._remember_answer,
            _ANSWERED,
            "count = sum(n.startswith('error') for n in seen.answered)\n    "
            f"{_ANSWERED[:-1]} and name == f'error{{count + 1}}':",
        ),
    ),
    _fault(
        "an answer that is repeated ends another error",
        "2.2",
        Edit(
            validity._remember_answer,
            _ANSWERED,
            "if seen.errors and is_error_identifier(name):",
        ),
    ),
    _fault(
        "an identifier that only begins like an error's answers one",
        "2.2",
        Edit(
            validity._remember_answer,
            "is_error_identifier(name) and",
            'name.startswith("error") and',
        ),
    ),
    _fault(
        "progress answers an error",
        "2.2",
        Edit(
            validity._remember_answer,
            "if block.outcome is OutcomeKind.PROGRESS:",
            'if block.outcome is OutcomeKind.PROGRESS and not block.id.startswith("error"):',
        ),
    ),
    _fault(
        "errors wake no trap",
        "Valid/trap-wakes",
        Edit(validity._trap_wakes, " and not seen.errors", ""),
    ),
    _fault(
        "errors do not wake `[TRAP] all [END]`",
        "Valid/trap-wakes",
        Edit(
            validity._trap_wakes,
            "not seen.errors",
            "not (seen.errors and block.wait is None)",
        ),
    ),
    _fault(
        "errors wake a trap that names calls",
        "Valid/trap-wakes",
        Edit(
            validity._trap_wakes,
            "if not seen.pending.intersection(block.wait):",
            "if not seen.pending.intersection(block.wait) and not seen.errors:",
        ),
    ),
    _fault(
        "a message may come twice",
        "Valid/one-answer",
        Edit(
            validity._one_answer,
            "block.id in seen.answered",
            'block.id in seen.answered and not block.id.startswith("user")',
        ),
    ),
    _fault(
        "an identifier that no call has may be answered twice",
        "Valid/one-answer",
        Edit(
            validity._one_answer,
            "block.id in seen.answered",
            "block.id in seen.answered and "
            "(block.id in seen.called or is_runtime_identifier(block.id))",
        ),
    ),
    _fault(
        "that no call has an identifier is told once",
        "Valid/one-answer",
        Edit(
            validity._answers_a_call,
            "block.id not in seen.called",
            "block.id not in seen.called | seen.answered",
        ),
    ),
    _fault(
        "a call is told of an unknown identifier for each mention",
        "Valid/known-identifier",
        Edit(validity.references, "tuple(dict.fromkeys(named))", "tuple(named)"),
        Edit(
            validity._known_identifier,
            "dict.fromkeys(named)",
            "(named if isinstance(block, Call) else dict.fromkeys(named))",
        ),
    ),
    _fault(
        "a trap is told of an unknown identifier for each mention",
        "Valid/known-identifier",
        Edit(
            validity._known_identifier,
            "dict.fromkeys(named)",
            "(named if isinstance(block, Trap) else dict.fromkeys(named))",
        ),
    ),
)

_CANDIDATE = lints._CANDIDATE.pattern

_AROUND_A_CALL: Final = {
    "a tag around a call is read past": (
        'text.partition(">")[2].rpartition("</")[0] if text.startswith("<") else text'
    ),
    "a bracket around a call is read past": (
        'text[1:-1] if text[:1] in {"(", "{"} and text[-1:] in {")", "}"} else text'
    ),
    "a sign in front of a call is read past": 'text.lstrip("$")',
    "a semicolon after a call is read past": 'text.rstrip(";")',
    "curly quotes are quotes": "text.translate({0x201C: '\"', 0x201D: '\"'})",
}

_FORMS: Final = (
    *(
        _fault(
            decision,
            "Syntax/python-body",
            Edit(
                bodies._read_python, "read_python(text, profile)", f"read_python({read}, profile)"
            ),
        )
        for decision, read in _AROUND_A_CALL.items()
    ),
    _fault(
        "curly quotes are quotes in JSON",
        "Syntax/json-body",
        Edit(
            bodies._read_json,
            "read_json(text, ",
            "read_json(text.translate({0x201C: '\"', 0x201D: '\"'}), ",
        ),
    ),
)

_NEAR_MISSES: Final = (
    _fault(
        "the exact spelling, as text, is a near miss",
        "Lint/near-miss",
        Edit(
            lints.NearMisses.take,
            "return near_misses(text, begin)",
            """said = [diagnose("Lint/near-miss", "", Span(advance(begin, text[:at]), begin))
        for at in (text.find(f"[{name}]") for name in MARKER_NAMES) if at >= 0]
    return [*said, *near_misses(text, begin)]""",
        ),
    ),
    _fault(
        "the 24 characters include the brackets",
        "Lint/near-miss",
        Other(lints, "_CANDIDATE", re.compile(_CANDIDATE.replace("24", "22"))),
    ),
    _fault(
        "a near miss has any length",
        "Lint/near-miss",
        Other(lints, "_CANDIDATE", re.compile(_CANDIDATE.replace("24", "99"))),
    ),
    _fault(
        "a near miss may hold a carriage return",
        "Lint/near-miss",
        Other(lints, "_CANDIDATE", re.compile(_CANDIDATE.replace(r"\r", ""))),
    ),
    _fault(
        "`[/HEAD]` is a near miss",
        "Lint/near-miss",
        Other(lints, "_CLOSERS", {**lints._CLOSERS, "/HEAD": "HEAD"}),
    ),
    _fault(
        "a word goes on through a string",
        "Lint/near-miss",
        Edit(literals._blank, """'"' * len""", "' ' * len"),
    ),
    _fault(
        "a full-width closing bracket is none around the exact name",
        "Lint/near-miss",
        Edit(lints.meant_marker, 'bracketed == f"[{word}]"', 'bracketed.startswith("[")'),
    ),
    _fault(
        "a reserved token ends the string that it stands in",
        "Lint/near-miss",
        Edit(
            lints.near_misses_in_block,
            'blank_strings(block.source, quotes.get(opener, ""))',
            '"".join(blank_strings(part, quotes.get(opener, "")) '
            'for part in re.split(r"(\\[HEAD\\])", block.source))',
        ),
    ),
    _fault(
        "near misses in strings are told",
        "Lint/near-miss",
        Edit(
            lints.near_misses_in_block,
            'blank_strings(block.source, quotes.get(opener, ""))',
            "block.source",
        ),
    ),
    _fault(
        "a trap has strings",
        "Lint/near-miss",
        Edit(lints.near_misses_in_block, 'quotes.get(opener, "")', "quotes.get(opener, '\"')"),
    ),
    _fault(
        "an apostrophe opens a string in a JSON body",
        "Lint/near-miss",
        Edit(lints.near_misses_in_block, "CALL_QUOTES[body]", "CALL_QUOTES[Body.PYTHON]"),
    ),
    _fault(
        "a block that is too long is searched",
        "Lint/near-miss",
        Edit(lints.near_misses_in_block, 'if block.fault.rule == "Valid/limit":', "if False:"),
    ),
)

_ANSWERS: Final = (
    _fault(
        "a reference without subscripts has no `path` in a tree",
        "answers.md",
        Edit(
            documents.value_document,
            '{"$ref": value.ref, "path": list(value.path)}',
            '{"$ref": value.ref, **({"path": list(value.path)} if value.path else {})}',
        ),
    ),
    _fault(
        "what is not UTF-8 has no canonical text",
        "answers.md",
        Edit(
            answer.answer,
            "_canonical(context, profile),",
            '_canonical(context, profile) if "Syntax/encoding" not in {d.rule for d in found} else None,',
        ),
    ),
    _fault(
        "the body keeps the white space around it",
        "answers.md",
        Edit(documents.item_document, "item.body,", 'f" {item.body} ",'),
    ),
    _fault(
        "a trap keeps each identifier once",
        "Syntax/trap",
        Edit(
            blocks._read_trap,
            "return Trap(names, span)",
            "return Trap(tuple(dict.fromkeys(names)), span)",
        ),
    ),
    _fault(
        "the point after a piece that ends inside a character is left out",
        "answers.md",
        Edit(
            answer._interruptible,
            "yield lexer.interruptible",
            "yield from () if lexer._characters.is_partial else (lexer.interruptible,)",
        ),
    ),
    _fault(
        "a block that is open where the input ends as UTF-8 is told",
        "Syntax/encoding",
        Edit(
            validity.check_symbols,
            "for part in reader.read(symbols):",
            """faults = []
        def readable():
            try:
                yield from symbols
            except CmlError as error:
                faults.append(error)
        def parts():
            yield from reader.read(readable())
            for fault in faults:
                raise fault
        for part in parts():""",
        ),
    ),
    _fault(
        "the only digit of a float is followed by a point",
        "Syntax/canonical",
        Edit(
            printer._number,
            "text = repr(value)",
            r'text = re.sub(r"^(-?\d)e", r"\1.0e", repr(value))',
        ),
    ),
    _fault(
        "text that is spelled like a marker is one in a malformed block",
        "Syntax/canonical-tokens",
        Edit(
            parser.BlockReader._read,
            "(0, *begun.heads, *end_marker)",
            "tuple(source.index(m.value) for m in Marker if m.value in source)",
        ),
    ),
    _fault(
        "there is no canonical text beyond the limits",
        "Syntax/canonical",
        Edit(
            answer._canonical,
            "else render(context, profile)",
            "else (lambda text: text if len(parse_symbols(read_symbols([text], profile), profile)"
            ".diagnostics) == len(context.diagnostics) else None)(render(context, profile))",
        ),
    ),
)

FAULTS: Final = (
    *_SYMBOLS_AND_REGIONS,
    *_CODE,
    *_LIMITS_AND_NAMES,
    *_ORDER,
    *_LEVELS,
    *_IDENTIFIERS,
    *_FORMS,
    *_NEAR_MISSES,
    *_ANSWERS,
)
