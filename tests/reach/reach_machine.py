"""The decisions of the machine and its driver, each taken the other way."""

from collections.abc import Iterable
from typing import Final

import msgspec
from reach_faults import Edit, Fault, Other

from cml.text.lexer import Lexer
from cml.vectors.runner import vector_files
from interpreter import interrupts, machine, scripted
from interpreter.drivers import decoding, timeline, virtual
from interpreter.drivers.decoding import Decoder
from interpreter.events import Decoded, Expired, Returned, Said
from interpreter.rules import Rules, changes, futures, host, refusals, settling, symbols
from interpreter.rules.settling import SETTLE_RULES
from interpreter.vectors.questions import run_differences
from interpreter.vectors.runs import RunAnswer, RunVector, run_vector

VECTORS: Final = {
    name: msgspec.json.decode(file.read_bytes(), type=RunVector)
    for name, file in vector_files("runs").items()
}


def failing(names: Iterable[str] = VECTORS) -> list[str]:
    """Return those of some vectors that the reference fails, as it is now."""
    return [name for name in names if not _is_right(VECTORS[name])]


def _is_right(vector: RunVector) -> bool:
    try:
        rows, context = run_vector(vector)
    except NameError:
        raise  # the fault does not run: it would be seen by every vector
    except Exception:  # noqa: BLE001 - a fault may break anything
        return False
    return not list(run_differences(vector, RunAnswer(vector.name, rows, context)))


def _fault(decision: str, rule: str, *edits: Edit | Other) -> Fault:
    return Fault(decision, rule, edits)


def _settled_in(decision: str, rule: str, first: str, second: str) -> Fault:
    """A fault in which one Settle rule is tried just before another."""
    order = [fired for fired in SETTLE_RULES if fired.__name__ != first]
    at = [fired.__name__ for fired in order].index(second)
    order.insert(at, next(fired for fired in SETTLE_RULES if fired.__name__ == first))
    rules = Rules(settling=tuple(order))
    return _fault(decision, rule, Other(machine.instant, "__defaults__", (rules,)))


def _in_order_of(decision: str, **ranks: int) -> Fault:
    kinds = {"returned": Returned, "expired": Expired, "decoded": Decoded, "said": Said}
    changed = {kinds[name]: rank for name, rank in ranks.items()}
    priorities = {**timeline._PRIORITIES, **changed}
    return _fault(decision, "Time/order", Other(timeline, "_PRIORITIES", priorities))


_TEXT: Final = (
    _fault(
        "the backslashes before a block are forgotten where it opens",
        "Step/open",
        Edit(
            symbols._open, "opened=event.symbol.offset", "opened=event.symbol.offset, backslashes=0"
        ),
    ),
    _fault(
        "the backslashes before a block count after it",
        "Step/call",
        Edit(symbols._closed, 'last="", backslashes=0', 'last=""'),
    ),
    _fault(
        "a run of backslashes counts from the last piece only",
        "Step/text",
        Edit(
            symbols._backslashes,
            "run + (state.backslashes if run == len(text) else 0)",
            "run",
        ),
    ),
    _fault(
        "backslashes are doubled in the token profile too",
        "Settle/deliver",
        Edit(symbols._backslashes, "is Spelling.TOKEN", "is None"),
    ),
    _fault(
        "no backslash is appended before an interrupt",
        "Settle/deliver",
        Edit(settling.settle_deliver, 'before="\\\\" * state.backslashes', 'before=""'),
    ),
    _fault(
        "in the layout lines a line feed comes first always",
        "Settle/deliver",
        Edit(
            settling.settle_deliver, 'before="" if state.last == "\\n" else "\\n"', 'before="\\n"'
        ),
    ),
    _fault(
        "in the layout lines no line feed comes first",
        "Settle/deliver",
        Edit(settling.settle_deliver, 'before="" if state.last == "\\n" else "\\n"', 'before=""'),
    ),
    _fault(
        "in the layout lines a batch is one line",
        "Settle/deliver",
        Edit(settling.settle_deliver, ', after="\\n")', ")"),
    ),
    _fault(
        "in the layout lines backslashes are doubled",
        "Settle/deliver",
        Edit(
            settling.settle_deliver,
            'before="" if state.last == "\\n" else "\\n"',
            'before="\\\\" * state.backslashes',
        ),
    ),
    _fault(
        "the last character before a forged interrupt is forgotten",
        "Step/forged",
        Edit(symbols.step_forged, "forged=forged)", 'forged=forged, last="")'),
    ),
    _fault(
        "the backslashes before a forged interrupt are forgotten",
        "Step/forged",
        Edit(symbols.step_forged, "forged=forged)", "forged=forged, backslashes=0)"),
    ),
    _fault(
        "after a block the context ends with what stood before it",
        "Step/call",
        Edit(symbols._closed, 'last="", backslashes=0', "backslashes=0"),
    ),
    _fault(
        "a new turn goes on with the line and the word of the last",
        "Step/begin",
        Edit(host.step_begin, 'last="", backslashes=0', "backslashes=0"),
    ),
    _fault(
        "forged interrupts of the last turn count in the next",
        "Step/begin",
        Edit(host.step_begin, 'ending="stop", forged=0', 'ending="stop"'),
    ),
    _fault(
        "the backslashes at the end of a turn count in the next",
        "Step/begin",
        Edit(host.step_begin, 'last="", backslashes=0', 'last=""'),
    ),
    _fault(
        "a backslash before an interrupt escapes a marker after it",
        "Embed/inject",
        Edit(Decoder.append, "self._lexer.appended()", "pass"),
    ),
    _fault(
        "a backslash at the end of a turn escapes a marker in the next",
        "Embed/end",
        Edit(Decoder.next, "self.end_turn()", "self._end = None"),
    ),
)

_ERRORS: Final = (
    _fault(
        "an error wakes no trap",
        "Step/trap",
        Edit(
            symbols.can_wake,
            "*(queued.delivery.id for queued in state.queue)",
            "*(q.delivery.id for q in state.queue if not q.delivery.id.startswith('error'))",
        ),
    ),
    _fault(
        "an error wakes bare traps, and no trap for all",
        "Step/trap",
        Edit(
            symbols.can_wake,
            "return bool(coming.intersection(wait) if isinstance(wait, tuple) else coming)",
            "coming = set(pending(state)) if wait == 'all' else coming\n"
            "    return bool(coming.intersection(wait) if isinstance(wait, tuple) else coming)",
        ),
    ),
    _fault(
        "any interrupt ends a trap for all",
        "Settle/wake",
        Edit(
            settling.settle_wake,
            "is_over = not has_pending(state)",
            "is_over = state.interrupted or not has_pending(state)",
        ),
    ),
    _fault(
        "any interrupt ends a trap with a list",
        "Settle/wake",
        Edit(
            settling.settle_wake,
            "is_over = not any(",
            "is_over = state.interrupted or not any(",
        ),
    ),
    _fault(
        "what is queued does not count for a trap",
        "Step/trap",
        Edit(
            symbols.can_wake,
            "{*pending(state), *(queued.delivery.id for queued in state.queue)}",
            "set(pending(state))",
        ),
    ),
    _fault(
        "a malformed trap is no error",
        "Step/malformed",
        Edit(
            symbols.step_malformed,
            "return answer_fault(",
            "if block.source.startswith('[TRAP]'): return after, ()\n    return answer_fault(",
        ),
    ),
    _fault(
        "a refused call is told under its identifier, reserved or not",
        "Step/refused",
        Edit(symbols.step_refused, "block.id if told.own else None", "block.id"),
    ),
    _fault(
        "a call that a limit refuses is told under its identifier",
        "Step/refused",
        Edit(
            symbols.step_refused,
            "block.id if told.own else None",
            "block.id if told.own or fault.kind == 'limit' else None",
        ),
    ),
    _fault(
        "a call of a function that is unknown is an error",
        "Step/refused",
        Edit(
            symbols.step_refused,
            "block.id if told.own else None",
            "block.id if told.own and fault.kind != 'unknown_function' else None",
        ),
    ),
    _fault(
        "a malformed call is an error, whatever its identifier",
        "Step/malformed",
        Edit(symbols.step_malformed, "after, block.id,", "after, None,"),
    ),
    _fault(
        "an error goes in before the results of its moment",
        "Settle/deliver",
        Edit(
            changes.answer_fault,
            "queue_interrupt(state, key, outcome, order)",
            "queue_interrupt(state, key, outcome, order if is_own else 0)",
        ),
    ),
    _fault(
        "an error goes in after the results of its moment",
        "Settle/deliver",
        Edit(
            changes.answer_fault,
            "queue_interrupt(state, key, outcome, order)",
            "queue_interrupt(state, key, outcome, order if is_own else 10**9)",
        ),
    ),
    _fault(
        "errors are counted from 0",
        "Syntax/error-identifier",
        Edit(changes.answer_fault, 'f"error{state.errors + 1}"', 'f"error{state.errors}"'),
    ),
    _fault(
        "each kind of fault is counted by itself",
        "Syntax/error-identifier",
        Edit(
            changes.answer_fault,
            "errors=state.errors + 1",
            "errors=state.errors + (kind == 'malformed')",
        ),
    ),
)

_COUNTS: Final = (
    _fault(
        "calls that were answered with their fault do not count for the key of the next",
        "Step/call",
        Edit(
            symbols.step_call,
            "len(state.calls) + 1",
            "sum(call.call is not None for call in state.calls.values()) + 1",
        ),
    ),
    _fault(
        "errors count for the key of the next call",
        "Step/call",
        Edit(symbols.step_call, "len(state.calls) + 1", "len(state.calls) + state.errors + 1"),
    ),
    _fault(
        "calls that were answered with their fault do not count for the limit",
        "Step/refused",
        Edit(
            refusals._limit,
            "len(state.calls) >= limits.calls",
            "sum(call.call is not None for call in state.calls.values()) >= limits.calls",
        ),
    ),
    _fault(
        "calls of cancel do not count for the limit",
        "Step/refused",
        Edit(
            refusals._limit,
            "len(state.calls) >= limits.calls",
            "sum(c.call is None or c.call.function != CANCEL for c in state.calls.values())"
            " >= limits.calls",
        ),
    ),
    _fault(
        "errors count for the limit on calls",
        "Step/refused",
        Edit(
            refusals._limit,
            "len(state.calls) >= limits.calls",
            "len(state.calls) + state.errors >= limits.calls",
        ),
    ),
    _fault(
        "calls that wait for a worker do not count as pending for the limit",
        "Step/refused",
        Edit(
            refusals._limit,
            "len(state.unsettled) >=",
            "sum(state.calls[key].status.value == 'running' for key in state.unsettled) >=",
        ),
    ),
    _fault(
        "calls without identifier do not count as pending for the limit",
        "Step/refused",
        Edit(
            refusals._limit,
            "len(state.unsettled) >=",
            "sum(state.calls[key].is_identified for key in state.unsettled) >=",
        ),
    ),
    _fault(
        "a limit refuses calls of cancel as well",
        "Step/refused",
        Edit(refusals._limit, "if is_cancel(state, call):", "if False:"),
    ),
    _fault(
        "one more call than the limit is allowed",
        "Step/refused",
        Edit(refusals._limit, "len(state.calls) >=", "len(state.calls) >"),
    ),
    _fault(
        "one more pending call than the limit is allowed",
        "Step/refused",
        Edit(refusals._limit, "len(state.unsettled) >=", "len(state.unsettled) >"),
    ),
    _fault(
        "one more forged interrupt than the limit is allowed",
        "Step/forged",
        Edit(symbols.step_forged, "if forged < state", "if forged <= state"),
    ),
    _fault(
        "forged interrupts are counted that are not in a row",
        "Step/forged",
        Edit(symbols._after, "forged=0", "forged=state.forged"),
    ),
)

_REFUSALS: Final = (
    _fault(
        "the function is looked at before the identifier",
        "Step/refused",
        Edit(
            refusals.refusal,
            "_identifier(state, call)\n        or _function(state, call)",
            "_function(state, call)\n        or _identifier(state, call)",
        ),
    ),
    _fault(
        "the names are looked at before the function",
        "Step/refused",
        Edit(
            refusals.refusal,
            "_function(state, call)\n        or _named(state, call)",
            "_named(state, call)\n        or _function(state, call)",
        ),
    ),
    _fault(
        "the limits are looked at before the names",
        "Step/refused",
        Edit(
            refusals.refusal,
            "_named(state, call)\n        or _limit(state, call)",
            "_limit(state, call)\n        or _named(state, call)",
        ),
    ),
    _fault(
        "cancel takes a part of a result for its call",
        "Step/cancel",
        Edit(refusals.cancel_target, "case Reference(ref, ()):", "case Reference(ref, _):"),
    ),
    _fault(
        "cancel takes no string",
        "Step/cancel",
        Edit(refusals.cancel_target, "identifier_fault(argument, profile) is None", "False"),
    ),
    _fault(
        "cancel takes any string",
        "Step/cancel",
        Edit(refusals.cancel_target, "identifier_fault(argument, profile) is None", "True"),
    ),
    _fault(
        "cancel takes an identifier in any script",
        "Step/cancel",
        Edit(
            refusals.cancel_target,
            "identifier_fault(argument, profile) is None",
            "argument.isidentifier()",
        ),
    ),
    _fault(
        "cancel takes an argument of any name",
        "Step/cancel",
        Edit(
            refusals.cancel_target,
            "match call.args, call.kwargs:",
            "match call.args, {'id' if len(call.kwargs) == 1 else name: value"
            " for name, value in call.kwargs.items()}:",
        ),
    ),
    _fault(
        "cancel overlooks what follows its first argument",
        "Step/cancel",
        Edit(
            refusals.cancel_target,
            "case ([argument], {**rest}) if not rest:",
            "case ([argument, *_], {**rest}):",
        ),
    ),
    _fault(
        "cancel takes no named argument",
        "Step/cancel",
        Edit(refusals.cancel_target, '{"id": argument, **rest}', '{"": argument, **rest}'),
    ),
    _fault(
        "wrong arguments of cancel are an unknown identifier",
        "Step/refused",
        Edit(refusals._named, '"arguments"', '"unknown_identifier"'),
    ),
    _fault(
        "cancel settles a running call at once",
        "Step/cancel",
        Edit(
            symbols.step_cancel,
            "effects = (Cancel(target),)",
            "effects = (Cancel(target),)\n"
            "        after = settle_call(after, target, outcome_of('cancelled', ''))",
        ),
    ),
    _fault(
        "cancel is there below the extended level",
        "Step/cancel",
        Edit(refusals.is_cancel, "return extended and", "return"),
    ),
    _fault(
        "the built-in cancel goes before a function of the host",
        "Step/cancel",
        Edit(refusals.is_cancel, " and CANCEL not in functions", ""),
    ),
)

_OUTCOMES: Final = (
    _fault(
        "a number of any length can be told",
        "Step/return",
        Edit(
            interrupts._fault,
            "parse(text, profile).diagnostics",
            "[d for d in parse(text, profile).diagnostics if 'number' not in d.message]",
        ),
    ),
    _fault(
        "a number as long as the limit cannot be told",
        "Step/return",
        Edit(
            interrupts._fault,
            "faults = parse(text, profile).diagnostics",
            "longest = max(map(len, __import__('re').findall('[-0-9]+', text)), default=0)\n"
            "    if longest >= profile.limits.digits: return 'too long'\n"
            "    faults = parse(text, profile).diagnostics",
        ),
    ),
    _fault(
        "brackets of any depth can be told",
        "Step/return",
        Edit(
            interrupts._fault,
            "parse(text, profile).diagnostics",
            "[d for d in parse(text, profile).diagnostics if 'nest' not in d.message]",
        ),
    ),
    _fault(
        "a block of any length can be told",
        "Step/return",
        Edit(
            interrupts._fault,
            "parse(text, profile).diagnostics",
            "[d for d in parse(text, profile).diagnostics if 'longer' not in d.message]",
        ),
    ),
    _fault(
        "a block as long as the limit cannot be told",
        "Step/return",
        Edit(
            interrupts._fault,
            "faults = parse(text, profile).diagnostics",
            "if len(text) == profile.limits.block_characters: return 'too long'\n"
            "    faults = parse(text, profile).diagnostics",
        ),
    ),
    _fault(
        "a failure of any length can be told",
        "Step/return",
        Edit(
            changes.settle_call,
            "if call.is_identified and (fault",
            "if outcome.kind.value == 'returned' and call.is_identified and (fault",
        ),
    ),
    _fault(
        "progress of any length is told",
        "Step/progress",
        Edit(
            host.step_progress,
            "fault := unreadable(event.call, event.outcome, profile)",
            "fault := ''",
        ),
    ),
    _fault(
        "progress that cannot be told is dropped in silence",
        "Step/progress",
        Edit(
            host.step_progress,
            "return state, (Report(",
            "return state, () and (Report(",
        ),
    ),
    _fault(
        "progress is told below the extended level",
        "Step/progress",
        Edit(host.step_progress, " or profile.level is not Level.EXTENDED", ""),
    ),
    _fault(
        "outcomes stand in the head at every level",
        "Syntax/outcome",
        Edit(
            interrupts._interrupt, "if extended else OutcomeKind.RETURNED", "if True else extended"
        ),
    ),
    _fault(
        "a late outcome is shown",
        "Step/late",
        Edit(
            host.step_late,
            "return state, (Report(",
            "state = queue_interrupt(state, event.call, event.outcome, 1)\n"
            "    return state, (Report(",
        ),
    ),
    _fault(
        "an index from the end of an array is none",
        "Settle/start",
        Edit(futures._element, "-len(value) <= step", "0 <= step"),
    ),
    _fault(
        "a string of digits is an index of an array",
        "Settle/dependency",
        Edit(
            futures._element,
            "case list(), int() if",
            "case list(), str() if step.isdigit() and int(step) < len(value):\n"
            "                value = value[int(step)]\n"
            "            case list(), int() if",
        ),
    ),
    _fault(
        "a call starts without a result that it lacks a part of",
        "Settle/dependency",
        Edit(futures.dependency_fault, "return str(error)", "return None"),
    ),
)

_DELIVERY: Final = (
    _fault(
        "between words is after white space only",
        "Settle/deliver",
        Edit(
            settling._while_decoding,
            "return not state.last.isalnum()",
            "return not state.last or state.last.isspace()",
        ),
    ),
    _fault(
        "an underline is a part of a word",
        "Settle/deliver",
        Edit(
            settling._while_decoding,
            "return not state.last.isalnum()",
            "return not (state.last.isalnum() or state.last == '_')",
        ),
    ),
    _fault(
        "a combining mark is a part of a word",
        "Settle/deliver",
        Edit(
            settling._while_decoding,
            "return not state.last.isalnum()",
            "return not (state.last.isalnum() or '\\u0300' <= state.last <= '\\u036f')",
        ),
    ),
    _fault(
        "only ASCII letters and digits are parts of a word",
        "Settle/deliver",
        Edit(
            settling._while_decoding,
            "return not state.last.isalnum()",
            "return not (state.last.isascii() and state.last.isalnum())",
        ),
    ),
    _fault(
        "only decimal digits are numbers",
        "Settle/deliver",
        Edit(
            settling._while_decoding,
            "return not state.last.isalnum()",
            "return not (state.last.isalpha() or state.last.isdecimal())",
        ),
    ),
    _fault(
        "directly after a block is inside a word",
        "Settle/deliver",
        Edit(
            settling._while_decoding,
            "return not state.last.isalnum()",
            "return state.last != '' and not state.last.isalnum()",
        ),
    ),
    _fault(
        "directly after a block is inside a line",
        "Settle/deliver",
        Edit(settling._while_decoding, '{"", "\\n"}', '{"\\n"}'),
    ),
    _fault(
        "a carriage return ends a line",
        "Settle/deliver",
        Edit(settling._while_decoding, '{"", "\\n"}', '{"", "\\n", "\\r"}'),
    ),
    _fault(
        "messages stand in the order of their time",
        "Settle/deliver",
        Edit(changes.queue_interrupt, "(queued.rank, queued.at_us,", "(0, queued.at_us,"),
    ),
    _fault(
        "messages of agents stand among results, in the order of their time",
        "Settle/deliver",
        Edit(host.step_message, "rank=0", "rank=int(event.sender != '')"),
    ),
    _fault(
        "messages of one moment stand in the order of their numbers",
        "Step/message",
        Edit(host.step_message, "sum(state.messages.values()) + 1", "number"),
    ),
    _fault(
        "messages are numbered together, whoever they are of",
        "Step/message",
        Edit(
            host.step_message,
            "state.messages.get(event.sender, 0) + 1",
            "sum(state.messages.values()) + 1",
        ),
    ),
    _fault(
        "the message of an agent ends no trap",
        "Settle/wake",
        Edit(
            settling.settle_deliver,
            "any(queued.rank == 0 for",
            "any(queued.delivery.id.startswith('user') for",
        ),
    ),
    _fault(
        "interrupts stand in the order of their calls, whenever they came",
        "Settle/deliver",
        Edit(changes.queue_interrupt, "(queued.rank, queued.at_us,", "(queued.rank, 0,"),
    ),
    _fault(
        "results of one moment stand in the order in which they were told",
        "Settle/deliver",
        Edit(changes.queue_interrupt, "queued.at_us, queued.order)", "queued.at_us)"),
    ),
    _fault(
        "an interrupt goes in inside a region",
        "Embed/boundary",
        Edit(Decoder._is_boundary, " or self._lexer.in_region", ""),
    ),
    _fault(
        "an interrupt goes in where something is left over of a piece",
        "Embed/boundary",
        Edit(Decoder._is_boundary, "self._lexer.holding or", ""),
    ),
    _settled_in(
        "a trap wakes before what is due goes in", "Settle/wake", "settle_wake", "settle_deliver"
    ),
    _settled_in(
        "a symbol is asked for before what is due goes in",
        "Settle/deliver",
        "settle_decode",
        "settle_deliver",
    ),
    _settled_in(
        "a call starts after what is due has gone in",
        "Settle/start",
        "settle_deliver",
        "settle_start",
    ),
    _settled_in(
        "what is due goes in before an end is taken back",
        "Settle/drain",
        "settle_deliver",
        "settle_drain",
    ),
    _settled_in(
        "a call starts before one that fails with what it needs",
        "Settle/dependency",
        "settle_start",
        "settle_dependency",
    ),
)

_ENDS: Final = (
    _fault(
        "fail does not look at an end by the limit of the output",
        "Settle/fail",
        Edit(
            settling.settle_fail,
            "if state.settings.end",
            "if state.ending != 'stop' or state.settings.end",
        ),
    ),
    _fault(
        "cancel does not look at an end after forged interrupts",
        "Settle/cancel",
        Edit(
            settling.settle_cancel,
            "if state.settings.end",
            "if state.ending == 'forged' or state.settings.end",
        ),
    ),
    _fault(
        "detach does not look at an end after forged interrupts",
        "Settle/detach",
        Edit(
            settling.settle_detach,
            "if state.settings.end",
            "if state.ending == 'forged' or state.settings.end",
        ),
    ),
    _fault(
        "an end after forged interrupts is taken back",
        "Settle/drain",
        Edit(settling.settle_drain, '!= "stop"', 'not in {"stop", "forged"}'),
    ),
    _fault(
        "an end by the limit of the output is taken back",
        "Settle/drain",
        Edit(settling.settle_drain, '!= "stop"', 'not in {"stop", "length"}'),
    ),
    _fault(
        "an end is taken back for calls without identifier too",
        "Settle/drain",
        Edit(
            settling.settle_drain,
            "state.queue or has_pending(state)",
            "state.queue or state.unsettled",
        ),
    ),
    _fault(
        "a turn is over though calls without identifier run",
        "Settle/finish",
        Edit(settling.settle_finish, "or state.unsettled", "or has_pending(state)"),
    ),
    _fault(
        "fail looks at calls without identifier too",
        "Settle/fail",
        Edit(settling.settle_fail, "not has_pending(state)", "not state.unsettled"),
    ),
    _fault(
        "a turn is detached only from calls with identifiers",
        "Settle/detach",
        Edit(
            settling.settle_detach,
            "state.queue or state.unsettled",
            "state.queue or has_pending(state)",
        ),
    ),
    _fault(
        "fail ends a turn with the reason of the model",
        "Settle/fail",
        Edit(settling.settle_fail, 'replace(after, ending="pending")', "after"),
    ),
    _fault(
        "a block that the end cuts off stays in the context",
        "Step/truncated",
        Edit(host.step_truncated, "(Rewind(state.opened), *effects)", "effects"),
    ),
    _fault(
        "a block that the end cuts off is answered, whatever the end",
        "Step/truncated",
        Edit(host.step_truncated, 'if event.reason == "stop":', "if True:"),
    ),
    _fault(
        "a model that stops inside a block is not told",
        "Step/truncated",
        Edit(host.step_truncated, 'if event.reason == "stop":', "if False:"),
    ),
    _fault(
        "after a forged interrupt a quote opens a string, whatever stood before",
        "Embed/taken-back",
        Edit(
            Lexer._take_marker,
            "if spelling in self._openers or spelling != Marker.INTR.value:",
            "if True:",
        ),
    ),
    _fault(
        "the last forged interrupt leaves the block that it stands in",
        "Step/forged",
        Edit(
            symbols.step_forged,
            "state.opened if state.block else event.symbol.offset",
            "event.symbol.offset",
        ),
    ),
    _fault(
        "a forged interrupt ends the block that it stands in",
        "Step/forged",
        Edit(symbols.step_forged, "forged=forged)", "forged=forged, block=None)"),
    ),
    _fault(
        "what was decoded past a trap stays",
        "Step/trap",
        Edit(symbols.step_trap, "() if event.boundary else (Rewind(_end(event)),)", "()"),
    ),
    _fault(
        "an opener inside a malformed block opens nothing",
        "Step/malformed",
        Edit(symbols.step_malformed, "if event.symbol.marker in _MODEL_OPENERS:", "if False:"),
    ),
    _fault(
        "after a stop the symbol that was on its way is taken",
        "Embed/stop",
        Edit(virtual.VirtualEnvironment.perform, "self._timeline.drop_decoding()", "pass"),
    ),
    _fault(
        "a stop drops what is queued",
        "Step/stop",
        Edit(host.step_stop, 'ending="stopped",', 'ending="stopped", queue=(),'),
    ),
    _fault(
        "after a stop a region goes on in the next turn",
        "Embed/stop",
        Edit(Decoder.end_turn, "self._lexer.close()", "pass"),
    ),
)

_DRIVER: Final = (
    _fault(
        "a rewind leaves what is left over, and the mode of the lexer",
        "Embed/taken-back",
        Edit(Decoder.rewind, "self._lexer.discard(offset)", "self._lexer._offset = offset"),
    ),
    _fault(
        "an interrupt does not make an end forgotten",
        "Embed/end",
        Edit(Decoder.append, "self._end = None", "pass"),
    ),
    _in_order_of("a deadline comes before a return of the same moment", returned=3, expired=2),
    _in_order_of("what was planned first comes first, return or deadline", returned=2, expired=2),
    _in_order_of("a symbol comes before a return of the same moment", decoded=1, returned=2),
    _fault(
        "each moment settles after each of its events",
        "Time/instant",
        Edit(
            timeline.Timeline.pop,
            "while self._heap and self._heap[0][0] == when_us:",
            "while not events:",
        ),
    ),
    _fault(
        "a batch goes in at once, although another goes in",
        "Time/injecting",
        Edit(
            virtual.VirtualEnvironment.perform,
            "self._free_us = max(now_us, self._free_us) + cost_us",
            "self._free_us = now_us + cost_us",
        ),
    ),
    _fault(
        "each interrupt of a batch is rounded up to tokens of its own",
        "Time/injecting",
        Edit(
            scripted.ScriptedSession.append,
            "return max(1, -(-len(batch.text) // 4))",
            "return sum(-(-(len(part) + 6) // 4) for part in batch.text.split('[INTR]')[1:])",
        ),
    ),
    _fault(
        "tokens of a batch are rounded down",
        "Time/injecting",
        Edit(
            scripted.ScriptedSession.append,
            "return max(1, -(-len(batch.text) // 4))",
            "return max(1, len(batch.text) // 4)",
        ),
    ),
    _fault(
        "the backslashes before a batch cost nothing",
        "Time/injecting",
        Edit(
            scripted.ScriptedSession.append,
            "-(-len(batch.text) // 4)",
            "-(-len(batch.text.lstrip(chr(92))) // 4)",
        ),
    ),
    _fault(
        "each interrupt is a request",
        "Time/injecting",
        Edit(
            virtual.VirtualEnvironment.perform,
            "self._costs.naive_request_us +",
            "self._costs.naive_request_us * len(effect.interrupts) +",
        ),
    ),
    _fault(
        "tokens that were taken back stay tokens of context",
        "Time/context",
        Edit(virtual.VirtualEnvironment.perform, "self._forget(offset)", "pass"),
    ),
    _fault(
        "a token that was taken back in part is no token of context",
        "Time/context",
        Edit(
            virtual.VirtualEnvironment.perform,
            "(written, piece.tokens)",
            "(written + len(piece.text) - 1, piece.tokens)",
        ),
    ),
    _fault(
        "interrupts are no tokens of context",
        "Time/context",
        Edit(virtual.VirtualEnvironment.perform, "self._context_tokens += tokens", "pass"),
    ),
    _fault(
        "a deadline counts from the beginning of the session",
        "Settle/start",
        Edit(settling.settle_start, "state.now_us + limit_us", "limit_us"),
    ),
    _fault(
        "a function has the deadline of all, whatever its own",
        "Settle/start",
        Edit(
            settling.settle_start,
            "settings.deadlines_us.get(call.function, settings.deadline_us)",
            "settings.deadline_us",
        ),
    ),
    _fault(
        "a function without an estimate runs longest",
        "Settle/start",
        Edit(settling._start_key, "get(call.function, 0)", "get(call.function, 10**9)"),
    ),
    _fault(
        "calls without identifier take no worker",
        "Settle/start",
        Edit(
            settling.settle_start,
            "running(state)",
            "sum(state.calls[k].is_identified for k in state.unsettled if k not in state.waiting)",
        ),
    ),
    _fault(
        "tokens of the token profile are searched for markers",
        "Embed/symbols",
        Edit(decoding._lexer, "is_token = profile.markers is Spelling.TOKEN", "is_token = False"),
    ),
)

FAULTS: Final = (
    *_TEXT,
    *_ERRORS,
    *_COUNTS,
    *_REFUSALS,
    *_OUTCOMES,
    *_DELIVERY,
    *_ENDS,
    *_DRIVER,
)
