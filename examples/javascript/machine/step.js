'use strict';
// The Step rules (section 3.5): one function for each, by its name. Each changes the state and says the effects.

const { readBlock } = require('../language/blocks');
const { characterCount, lastCharacter, trailingBackslashes } = require('../language/characters');
const { reaches } = require('../language/profile');
const { cancelledName, isCancel, refusalOf } = require('./refusal');
const {
  addCall, answer, cancelCalls, enqueue, failure, pendingCalls, report, returned, settle, told,
} = require('./state');

const RULES = {
  'Step/begin': stepBegin,
  'Step/text': stepText,
  'Step/open': stepOpen,
  'Step/inside': stepInside,
  'Step/stray': stepStray,
  'Step/forged': stepForged,
  'Step/call': stepCall,
  'Step/cancel': stepCancel,
  'Step/refused': stepRefused,
  'Step/malformed': stepMalformed,
  'Step/trap': stepTrap,
  'Step/idle-trap': stepIdleTrap,
  'Step/end': stepEnd,
  'Step/truncated': stepTruncated,
  'Step/return': stepReturn,
  'Step/progress': stepProgress,
  'Step/late': stepLate,
  'Step/timeout': stepTimeout,
  'Step/met': stepMet,
  'Step/message': stepMessage,
  'Step/stop': stepStop,
};

/** Fires the one Step rule that applies to an event: { rule, effects }. */
function step(state, event) {
  const [rule, subject] = ruleFor(state, event);
  return { rule, effects: RULES[rule](state, event, subject) };
}

/** The rule that applies, and what it is about: the block that was read, or the refusal of the call in it. */
function ruleFor(state, event) {
  switch (event.type) {
    case 'began': return ['Step/begin'];
    case 'decoded': return ruleForSymbol(state, event.symbol);
    case 'ended': return [state.block === null ? 'Step/end' : 'Step/truncated'];
    case 'returned': return [ruleForOutcome(state.calls.get(event.call), event.outcome)];
    case 'expired': return [state.calls.get(event.call).status === 'running' ? 'Step/timeout' : 'Step/met'];
    case 'said': return ['Step/message'];
    case 'stopped': return ['Step/stop'];
  }
}

function ruleForSymbol(state, symbol) {
  const { marker } = symbol;
  if (marker === 'INTR') return ['Step/forged'];
  if (state.block === null) {
    if (marker === null) return ['Step/text'];
    return [marker === 'HEAD' || marker === 'END' ? 'Step/stray' : 'Step/open'];
  }
  if (marker === null || marker === 'HEAD') return ['Step/inside'];
  return ruleForBlock(state, readBlock(marker === 'END' ? [...state.block, symbol] : state.block, state.settings.profile));
}

function ruleForBlock(state, item) {
  if (item.kind === 'malformed') return ['Step/malformed', item];
  if (item.kind === 'trap') return [canWake(state, item.wait) ? 'Step/trap' : 'Step/idle-trap', item];
  const refusal = refusalOf(state, item);
  if (refusal) return ['Step/refused', { call: item, refusal }];
  return [isCancel(state, item) ? 'Step/cancel' : 'Step/call', item];
}

function ruleForOutcome(call, outcome) {
  if (call.status === 'settled') return 'Step/late';
  return outcome.kind === 'progress' ? 'Step/progress' : 'Step/return';
}

/** A trap can wake when something is pending or queued; one with a list, when one of the list is. */
function canWake(state, wait) {
  const ids = [...pendingCalls(state).map((call) => call.id), ...state.queue.map((entry) => entry.interrupt.id)];
  return Array.isArray(wait) ? wait.some((id) => ids.includes(id)) : ids.length > 0;
}

/** ⟦s⟧: the state after taking a symbol. */
function take(state, { symbol, boundary }) {
  state.asked = false;
  state.boundary = boundary;
  state.forged = 0;
  state.offset = endOf(symbol);
}

/** ⟦s⟧⊥: the context ends with a block. */
function takeBlock(state, event) {
  take(state, event);
  state.block = null;
  state.last = '';
  state.backslashes = 0;
}

function endOf(symbol) {
  return symbol.offset + characterCount(symbol.text);
}

function open(state, symbol) {
  state.block = [symbol];
  state.opened = symbol.offset;
}

function rewind(offset) {
  return { type: 'rewind', offset };
}

function stepBegin(state) {
  Object.assign(state, { phase: 'decoding', boundary: true, ending: 'stop', forged: 0, backslashes: 0, last: '' });
  return [];
}

function stepText(state, event) {
  const { text } = event.symbol;
  take(state, event);
  state.last = lastCharacter(text);
  if (state.settings.profile.markers === 'token') return [];
  const run = trailingBackslashes(text);
  state.backslashes = run === text.length ? state.backslashes + run : run;
  return [];
}

function stepOpen(state, event) {
  take(state, event);
  open(state, event.symbol);
  return [];
}

function stepInside(state, event) {
  take(state, event);
  state.block.push(event.symbol);
  return [];
}

function stepStray(state, event) {
  takeBlock(state, event);
  return [report('Valid/stray-marker', `${event.symbol.text} stands outside every block`)];
}

function stepForged(state, { symbol }) {
  state.asked = false;
  state.boundary = true;
  state.forged++;
  let offset = symbol.offset;
  if (state.forged >= state.settings.profile.limits.forged_interrupts) {
    if (state.block !== null) offset = state.opened;
    Object.assign(state, { phase: 'ending', ending: 'forged', block: null, offset });
  }
  return [rewind(offset), report('Step/forged', 'the model wrote [INTR]')];
}

function stepCall(state, event, call) {
  takeBlock(state, event);
  addCall(state, call);
  return [];
}

function stepCancel(state, event, item) {
  takeBlock(state, event);
  const named = state.calls.get(cancelledName(item, state.settings.profile));
  const call = addCall(state, item);
  const wasUnsettled = named.status !== 'settled';
  const effects = named.status === 'running' ? [{ type: 'cancel', call: named.key }] : cancelCalls(state, wasUnsettled ? [named] : []);
  settle(state, call, returned(wasUnsettled));
  return effects;
}

function stepRefused(state, event, { call, refusal }) {
  takeBlock(state, event);
  return answer(state, call.id !== null && refusal.isTold ? call : null, refusal);
}

function stepMalformed(state, event, { id, rule, message }) {
  takeBlock(state, event);
  const call = id === null ? null : { id, function: null, args: [], kwargs: new Map() };
  const effects = answer(state, call, { type: 'malformed', rule, message });
  if (event.symbol.marker !== 'END') open(state, event.symbol);
  return effects;
}

function stepTrap(state, event, { wait }) {
  takeBlock(state, event);
  Object.assign(state, { phase: 'trapped', wait: wait ?? 'next', interrupted: false, messaged: false, boundary: true });
  return event.boundary ? [] : [rewind(endOf(event.symbol))];
}

function stepIdleTrap(state, event) {
  takeBlock(state, event);
  return [report('Valid/trap-wakes', 'nothing can wake the trap')];
}

function stepEnd(state, { reason, boundary }) {
  Object.assign(state, { asked: false, boundary, phase: 'ending', ending: reason });
  return [];
}

function stepTruncated(state, { reason }) {
  Object.assign(state, { asked: false, boundary: true, phase: 'ending', ending: reason, block: null, offset: state.opened });
  const fault = { type: 'malformed', rule: 'Valid/closed', message: 'the output ended inside a block' };
  const told = reason === 'stop' ? answer(state, null, fault) : [report(fault.rule, fault.message)];
  return [rewind(state.opened), ...told];
}

function stepReturn(state, event) {
  settle(state, state.calls.get(event.call), event.outcome);
  return [];
}

function stepProgress(state, event) {
  const call = state.calls.get(event.call);
  if (call.id === null || !reaches(state.settings.profile, 'extended')) return [];
  if (!told(state, call, event.outcome)) return [report('Step/progress', `progress of ${call.id} does not keep the limits`)];
  enqueue(state, 1, call.order, call.id, event.outcome);
  return [];
}

function stepLate(state, event) {
  return [report('Step/late', `${event.call} was settled already`)];
}

function stepTimeout(state, event) {
  const call = state.calls.get(event.call);
  settle(state, call, failure(state, call.id, 'timeout', 'timeout', 'the call took too long'));
  return [{ type: 'cancel', call: call.key }];
}

function stepMet() {
  return [];
}

function stepMessage(state, event) {
  const { sender = '' } = event;
  const number = (state.messages.get(sender) ?? 0) + 1;
  state.messages.set(sender, number);
  const order = [...state.messages.values()].reduce((sum, count) => sum + count);
  const identifier = sender === '' ? `user${number}` : `agent_${sender}${number}`;
  enqueue(state, 0, order, identifier, returned(event.text));
  return [];
}

function stepStop(state) {
  const offset = state.block !== null ? state.opened : state.offset;
  const taken = state.phase === 'decoding' ? [rewind(offset)] : [];
  const effects = cancelCalls(state, [...state.calls.values()].filter((call) => call.status !== 'settled'));
  Object.assign(state, { phase: 'ended', asked: false, block: null, ending: 'stopped', offset });
  return [...effects, ...taken, { type: 'finish', reason: 'stopped' }];
}

module.exports = { step };
