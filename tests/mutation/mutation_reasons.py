"""Why some mutants are no faults: what they do is what the right function does, or nobody sees it."""

from typing import Final

AT_IMPORT: Final = {
    "rules.settling._during": "it makes the rules as they are imported",
    "rules.Rules.all": "the names of the rules are made of it at import, and compared with the text",
}
"""Functions that have run when a mutant of theirs comes; what they make is mutated."""

_CONCERNED: Final = "call and (key == changed or changed in references(call))"
_TRAP: Final = "not isinstance(block, Trap) or can_wake(state, block.wait)"

REASONS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "It is a short cut: without it the same is found, with more work.": (
        (
            "rules.Rules.settling_in",
            "for rule in self.settling without if phase in phases_of(rule)",
        ),
        ("rules.changes.with_call", "if after.waiting or state.waiting → if True"),
        ("rules.changes._considered", f"if {_CONCERNED} → if True"),
        (
            "rules.changes._considered",
            f"{_CONCERNED} → call or (key == changed or changed in references(call))",
        ),
        (
            "rules.changes._considered",
            f"{_CONCERNED} → key == changed or changed in references(call)",
        ),
        ("rules.changes._considered", f"{_CONCERNED} → call"),
        ("machine.advance", "if now_us == state.now_us → if False"),
        ("drivers.spoken.Spoken.see", "if isinstance(row.event, Said) → if True"),
        (
            "drivers.spoken.Spoken.see",
            "self._queued and any((isinstance(effect, Inject) for effect in row.effects)) → "
            "any((isinstance(effect, Inject) for effect in row.effects))",
        ),
        ("drivers.replay._Recording.moment", "if row.event is not None → if True"),
        ("drivers.form.RuntimeForm._begin_closing", "True → False"),
        ("drivers.driver.Driver.patience_s", "1 → 2"),
        ("drivers.waiting.Suspension.__init__", "False → True"),
        ("drivers.waiting.Suspension.started", "if self._suspends is not None → if True"),
        ("drivers.waiting.Suspension.look", "if self._suspends is None → if False"),
        ("drivers.waiting.Suspension.look", "if self._is_trapped → if True"),
        ("drivers.waiting.Suspension.look", "if was_trapped → if True"),
        ("drivers.verbs.Verbs._awake", "if self._suspension.is_suspended → if True"),
        ("drivers.driver.Driver._take", "if len(events) > 1 → if True"),
        ("drivers.driver.Driver._take", "len(events) > 1 → len(events) >= 1"),
        (
            "rules.symbols._backslashes",
            "not text.endswith('\\\\') or state.settings.profile.markers is Spelling.TOKEN → "
            "state.settings.profile.markers is Spelling.TOKEN",
        ),
        ("rules.symbols._backslashes", "'\\\\' → ''"),
        (
            "machine._ended_block",
            "state.block is None or marker is None or marker in _ENDING_NO_BLOCK → "
            "state.block is None or marker in _ENDING_NO_BLOCK",
        ),
        (
            "machine._ended_block",
            "state.block is None or marker is None or marker in _ENDING_NO_BLOCK → "
            "state.block is None or marker is None",
        ),
    ),
    "What is listed as failing is looked at again by Settle/dependency before anything is done.": (
        ("rules.changes._considered", "if dependency_fault(call, state) → if True"),
        ("rules.changes._considered", "for key in state.waiting without if key in failing"),
        ("rules.settling.settle_dependency", "for key in state.failing only once"),
    ),
    "It tells the type checker what cannot be otherwise: a call that waits or starts has been read, "
    "identifiers are not empty, a refusal has a rule to be reported by, only an opener opens.": (
        ("rules.futures._result", "if outcome is None → if False"),
        ("rules.changes.answer_fault", "is_own and identifier → is_own"),
        (
            "rules.settling.settle_dependency",
            "call and (fault := dependency_fault(call, state)) → "
            "(fault := dependency_fault(call, state))",
        ),
        ("rules.settling.settle_start", "for (key, entry) in waiting without if entry.call"),
        (
            "rules.symbols.step_cancel",
            "cancel_target(block, state.settings.profile) or '' → "
            "cancel_target(block, state.settings.profile)",
        ),
        ("rules.symbols.step_cancel", "'' → 'x'"),
        ("rules.symbols.step_refused", "told.report or '' → told.report"),
        ("rules.symbols.step_refused", "'' → 'x'"),
        ("rules.symbols._open", "if marker is None → if False"),
    ),
    "Only the order of the numbers counts, and it stays.": (
        (
            "rules.host.step_message",
            "sum(state.messages.values()) + 1 → sum(state.messages.values()) - 1",
        ),
        ("rules.host.step_message", "1 → 2 (place 2)"),
        ("rules.settling._start_key", "1 → 2"),
        ("rules.settling._start_key", "1 → 2 (place 2)"),
        ("drivers.timeline.Timeline.__init__", "0 → 1"),
        ("drivers.timeline.Timeline.push", "1 → 2"),
        ("drivers.replay._Recording.__init__", "1 → 2"),
        ("drivers.replay._Recording.__init__", "0 → 1"),
    ),
    "It is set again before anybody reads it.": (
        ("drivers.driver.Driver.__init__", "without self._is_taking = False"),
        ("drivers.driver.Driver.__init__", "False → True (place 2)"),
        ("rules.settling.settle_wake", "replace(…) without wait=None"),
        (
            "rules.settling.settle_deliver",
            "state.messaged or any((queued.rank == 0 for queued in state.queue)) → "
            "any((queued.rank == 0 for queued in state.queue))",
        ),
        ("drivers.decoding.Decoder.__init__", "without self._partial = False"),
        ("drivers.decoding.Decoder.__init__", "False → True"),
        ("drivers.telemetry._Measured.__init__", "without self._began_us = 0"),
        ("drivers.telemetry._Measured.__init__", "0 → 1"),
    ),
    "A rule that is tried before it has fired already.": (
        ("rules.settling.settle_finish", "state.queue or state.unsettled → state.unsettled"),
    ),
    "The last character of a line feed, or of nothing, is all of it.": (
        ("rules.settling.settle_deliver", "1 → 2"),
    ),
    "None is as false as False, and what falls through returns it.": (
        ("rules.settling._while_decoding", "match without case 'idle'"),
        ("rules.settling._while_decoding", "return False → return None"),
        ("rules.settling._while_decoding", "'idle' → ''"),
        ("rules.refusals.cancel_target", "match without case _ (place 2)"),
        ("drivers.decoding._Tokens.close", "return () → return None"),
        ("machine._check_contract", "match without case _"),
        ("machine._check_contract", "match without case Decoded() | Ended() | Stopped()"),
        ("machine._check_contract", "case Decoded() | Ended() | Stopped() without Decoded()"),
        ("machine._check_contract", "case Decoded() | Ended() | Stopped() without Ended()"),
        ("machine._check_contract", "case Decoded() | Ended() | Stopped() without Stopped()"),
    ),
    "It does nothing, and says so: what no case of a match takes is passed over too.": (
        (
            "drivers.virtual.VirtualEnvironment.perform",
            "match without case Cancel() | Report() | Finish()",
        ),
        (
            "drivers.virtual.VirtualEnvironment.perform",
            "case Cancel() | Report() | Finish() without Cancel()",
        ),
        (
            "drivers.virtual.VirtualEnvironment.perform",
            "case Cancel() | Report() | Finish() without Report()",
        ),
        (
            "drivers.virtual.VirtualEnvironment.perform",
            "case Cancel() | Report() | Finish() without Finish()",
        ),
        ("agents.post.Post.see", "match without case _"),
        ("drivers.telemetry._Measured.take", "match without case _"),
        ("drivers.restoring.Restoring.play", "match without case _"),
        ("drivers.restoring.Restoring._hear", "match without case _"),
        (
            "drivers.replay._Recording.perform",
            "match without case Cancel() | Inject() | Rewind() | Report() | Finish()",
        ),
        *(
            (
                "drivers.replay._Recording.perform",
                f"case Cancel() | Inject() | Rewind() | Report() | Finish() without {effect}()",
            )
            for effect in ("Cancel", "Inject", "Rewind", "Report", "Finish")
        ),
        ("drivers.driver.Driver._perform", "match without case Report() | Finish()"),
        ("drivers.driver.Driver._perform", "case Report() | Finish() without Report()"),
        ("drivers.driver.Driver._perform", "case Report() | Finish() without Finish()"),
    ),
    "Each verb has the session back first, so that it is there before this is done.": (
        (
            "drivers.waiting.Suspension.look",
            "return self.resume if was_trapped else None → return None",
        ),
        ("drivers.waiting.Suspension.look", "if was_trapped → if False"),
    ),
    "It tells the type checker what whoever calls it has looked at.": (
        (
            "drivers.waiting.Suspension.suspend",
            "self._suspends is None or not self._is_trapped → not self._is_trapped",
        ),
        (
            "drivers.waiting.Suspension.resume",
            "self._suspends is not None and self.is_suspended → self.is_suspended",
        ),
        (
            "drivers.waiting.expected_wait_us",
            "call is None or key not in started_us → key not in started_us",
        ),
    ),
    "Another thread, or a signal, may come in between two looks: no test brings it there.": (
        ("drivers.driver.Driver._go_on", "without self._is_taking = False"),
        ("drivers.driver.Driver._go_on", "False → True"),
        ("drivers.driver.Driver._take", "without self._require_open()"),
        ("drivers.driver.Driver._write_and_perform", "without self._require_open()"),
        ("drivers.async_runtime.AsyncForm._next_arrival", "if arrivals.is_empty → if True"),
        (
            "drivers.calls.Calls.cancel",
            "future is None or progress is None → future is None",
        ),
    ),
    "A recording that has come to its end has no further turn.": (
        ("drivers.replay._Recording.moment", "0 → 1"),
    ),
    "A timer that nobody waits for any more goes off in vain.": (
        ("drivers.async_runtime.AsyncForm._next_arrival", "without deadline.cancel()"),
    ),
    "What is kept of a call that never ran is read by nobody.": (
        ("drivers.calls.Calls.start", "without self._progress.pop(start.call, None)"),
    ),
}
