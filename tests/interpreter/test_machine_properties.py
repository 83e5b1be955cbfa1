"""Properties of the machine, whatever the model writes and whatever order calls return in."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from trying import tries

from cml.ast import OutcomeKind
from cml.text.lexer import Lexer
from interpreter import Settings, State, instant
from interpreter.events import (
    Began,
    Decode,
    Decoded,
    Ended,
    Finish,
    Inject,
    Outcome,
    Returned,
    Rewind,
    Row,
    Start,
    failure,
)
from interpreter.machine import RULE_NAMES
from interpreter.rules.futures import dependency_fault, is_ready
from interpreter.state import Phase, Status, running

NAMES = st.sampled_from(["a", "b", "c", "d", "user1", "END", "9", "error1", "agent_a1"])
WRITTEN = st.one_of(
    st.builds(
        "[CALL] {} [HEAD] f(x={}) [END]".format,
        NAMES,
        st.sampled_from(["1", "a", "b[0]", "'[END]'"]),
    ),
    st.sampled_from(
        [
            "[CALL] a [HEAD] f(x=1) [END]",
            "[CALL] b [HEAD] f(x=a) [END]",
            "[CALL] c [HEAD] f(x=[a, b[1]]) [END]",
        ]
    ),
    st.just("[CALL] f(1) [END]"),
    st.just("[TRAP][END]"),
    st.just("[TRAP] all [END]"),
    st.builds("[TRAP] {}, {} [END]".format, NAMES, NAMES),
    st.sampled_from(
        [
            "[CALL] a [HEAD] f(",
            "[TRAP]",
            "[END]",
            "[HEAD]",
            "[INTR] a [HEAD] 1 [END]",
            "hm. ",
            "[CA",
        ]
    ),
)
OUTCOMES = st.one_of(
    st.builds(Outcome, st.just(OutcomeKind.RETURNED), st.sampled_from([1, "[END]", None, [1, 2]])),
    st.just(failure("E", "it failed")),
)


class Sessions(RuleBasedStateMachine):
    """A host that does anything the contract allows, against the machine."""

    @initialize(workers=st.sampled_from([0, 0, 1, 2]))
    def begin(self, workers):
        self.state = State(Settings(workers=workers))
        self.lexer = Lexer(generated=True)
        self.rows: list[Row] = []
        self.running: list[str] = []
        self.started: list[str] = []
        self.asked = 0
        self.terminal: dict[str, int] = {}
        self.clock = 0
        self.take(Began())

    def take(self, *events, wait=1):
        self.clock += wait
        before = self.state
        self.state, rows = instant(before, self.clock, events)
        for row in rows:
            self.rows.append(row)
            assert row.rule in RULE_NAMES
            if row.rule == "Settle/deliver":
                # Never inside a critical section, never with a Decode outstanding.
                assert self.asked == 0
                assert self.open is None
            for effect in row.effects:
                self.perform(effect)

    @property
    def open(self):
        return self.state.block

    def perform(self, effect):
        match effect:
            case Decode():
                self.asked += 1
                assert self.asked == 1, "one symbol is asked for at a time"
            case Start(call):
                assert call not in self.started, "a call starts once"
                self.started.append(call)
                self.running.append(call)
            case Inject(interrupts):
                for delivery in interrupts:
                    self.terminal[delivery.id] = self.terminal.get(delivery.id, 0) + 1
            case Rewind(offset):
                self.lexer.discard(offset)
            case Finish():
                self.asked = 0
            case _:
                pass

    def write(self, symbol, boundary):
        self.asked -= 1
        self.take(Decoded(symbol, boundary))

    @precondition(lambda self: self.asked)
    @rule(text=WRITTEN, boundary=st.booleans())
    def decode(self, text, boundary):
        """The model writes something; it may be cut off by a trap or a forged interrupt."""
        self.lexer.push(text)
        while self.asked and (symbol := self.lexer.pull()):
            self.write(symbol, not self.lexer.holding)

    @precondition(lambda self: self.asked and not self.lexer.holding)
    @rule(reason=st.sampled_from(["stop", "length"]))
    def end(self, reason):
        self.asked -= 1
        self.take(Ended(reason))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), outcome=OUTCOMES, together=st.booleans())
    def give_back(self, data, outcome, together):
        calls = list(self.running) if together else [data.draw(st.sampled_from(self.running))]
        for call in calls:
            self.running.remove(call)
        self.take(*(Returned(call, outcome) for call in calls))

    @precondition(lambda self: self.state.phase is Phase.ENDED or self.started)
    @rule(data=st.data())
    def give_back_late(self, data):
        settled = [c for c in self.started if c not in self.running]
        if settled:
            before = len(self.rows)
            self.take(Returned(data.draw(st.sampled_from(settled)), failure("late", "too late")))
            # Recorded, and nothing else: no interrupt, no wake-up.
            assert [row.rule for row in self.rows[before:]] == ["Step/late"]

    @invariant()
    def answered_at_most_once(self):
        if hasattr(self, "terminal"):
            assert all(count == 1 for count in self.terminal.values())

    @invariant()
    def what_is_kept_follows_from_the_calls(self):
        if not hasattr(self, "state"):
            return
        state, calls = self.state, self.state.calls
        unsettled = [key for key, call in calls.items() if call.status is not Status.SETTLED]
        waiting = [key for key in unsettled if calls[key].status is Status.WAITING]
        assert [*state.unsettled] == unsettled
        assert [*state.waiting] == waiting
        assert running(state) == len(unsettled) - len(waiting)
        assert [*state.failing] == [k for k in waiting if dependency_fault(calls[k].call, state)]
        assert [*state.ready] == [k for k in waiting if is_ready(calls[k].call, state)]

    def teardown(self):
        """Let everything return and the model stop: then the run is over, and all is answered."""
        if not hasattr(self, "state"):
            return
        for _ in range(200):
            if self.state.phase is Phase.ENDED:
                break
            if self.running:
                self.give_back_all()
            elif self.asked:
                for symbol in self.lexer.close():
                    self.write(symbol, True)
                if self.asked:
                    self.asked -= 1
                    self.take(Ended("stop"))
        assert self.state.phase is Phase.ENDED
        assert self.rows[-1].rule in {"Settle/finish", "Step/late"}
        identified = [call for call in self.started if call[0] != "#"]
        assert all(self.terminal.get(call) == 1 for call in identified)

    def give_back_all(self):
        calls, self.running = self.running, []
        self.take(*(Returned(call, Outcome(OutcomeKind.RETURNED, 1)) for call in calls))


Sessions.TestCase.settings = settings(tries(200), stateful_step_count=25)
TestSessions = Sessions.TestCase
