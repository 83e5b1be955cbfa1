'use strict';
// The Settle rules (section 3.6): one function for each, by its name. Each says the effects of the rule where it applies,
// and null where it does not.

const { mapReferences, referencesIn } = require('../language/values');
const { namesIn } = require('./refusal');
const { cancelCalls, failure, isSafePoint, pendingCalls, runningCalls, settle, unsettledCalls } = require('./state');

/** In this order; the first that applies fires. */
const RULES = [
  ['Settle/dependency', settleDependency],
  ['Settle/start', settleStart],
  ['Settle/drain', settleDrain],
  ['Settle/detach', settleDetach],
  ['Settle/cancel', settleCancel],
  ['Settle/fail', settleFail],
  ['Settle/withhold', settleWithhold],
  ['Settle/deliver', settleDeliver],
  ['Settle/wake', settleWake],
  ['Settle/decode', settleDecode],
  ['Settle/finish', settleFinish],
];

/** Fires the first rule that applies, again and again, until none does: all { rule, effects }. */
function settleAll(state) {
  const fired = [];
  for (let next = fireFirst(state); next; next = fireFirst(state)) fired.push(next);
  return fired;
}

function fireFirst(state) {
  for (const [rule, fire] of RULES) {
    const effects = fire(state);
    if (effects !== null) return { rule, effects };
  }
  return undefined;
}

// ------------------------------------------------------------------------------------------------- starting calls

function waitingCalls(state) {
  return unsettledCalls(state).filter((call) => call.status === 'waiting');
}

function namedCalls(state, call) {
  return namesIn(call).map((name) => state.calls.get(name));
}

function hasReturned(call) {
  return call.status === 'settled' && call.outcome.kind === 'returned';
}

/** The part of a result that a path of subscripts leads to; undefined if it lacks one. */
function partOf(value, path) {
  let part = value;
  for (const step of path) {
    if (part instanceof Map && typeof step === 'string' && part.has(step)) part = part.get(step);
    else if (Array.isArray(part) && typeof step === 'bigint' && step < part.length && step >= -part.length) part = part.at(Number(step));
    else return undefined;
  }
  return part;
}

function resolve(state, reference) {
  return partOf(state.calls.get(reference.name).outcome.value, reference.path);
}

function lacksPart(state, call) {
  return [...call.args, ...call.kwargs.values()].flatMap(referencesIn).some((reference) => resolve(state, reference) === undefined);
}

function settleDependency(state) {
  for (const call of waitingCalls(state)) {
    const named = namedCalls(state, call);
    const isLost = named.some((other) => other.status === 'settled' && !hasReturned(other))
      || (named.every(hasReturned) && lacksPart(state, call));
    if (!isLost) continue;
    settle(state, call, failure(state, call.id, 'failed', 'dependency', 'a call that it names has no such result'));
    return [];
  }
  return null;
}

function settleStart(state) {
  const { workers } = state.settings;
  if (workers > 0 && runningCalls(state).length >= workers) return null;
  const call = firstByStartOrder(state, waitingCalls(state).filter((waiting) => namedCalls(state, waiting).every(hasReturned)));
  if (!call) return null;
  call.status = 'running';
  const resolveAll = (value) => mapReferences(value, (reference) => resolve(state, reference));
  const kwargs = new Map([...call.kwargs].map(([name, value]) => [name, resolveAll(value)]));
  const deadline = deadlineOf(state, call);
  return [{ type: 'start', call: call.key, function: call.function, args: call.args.map(resolveAll), kwargs, deadline_us: deadline }];
}

/** The setting `start`: by order in the program, or by estimate; sorting keeps the program order of equals. */
function firstByStartOrder(state, calls) {
  const { start, estimates_us: estimates } = state.settings;
  const sign = { program: 0, shortest: 1, longest: -1 }[start];
  const estimate = (call) => (Object.hasOwn(estimates, call.function) ? estimates[call.function] : 0);
  return calls.sort((one, other) => sign * (estimate(one) - estimate(other)))[0];
}

function deadlineOf(state, call) {
  const { deadline_us: byDefault, deadlines_us: byFunction } = state.settings;
  const limit = Object.hasOwn(byFunction, call.function) ? byFunction[call.function] : byDefault;
  return limit === null ? null : state.now + limit;
}

// ------------------------------------------------------------------------------------------------- the end of a turn

function isEnding(state, policy) {
  return state.phase === 'ending' && state.settings.end === policy;
}

function finish(state) {
  state.phase = 'ended';
  return [{ type: 'finish', reason: state.ending }];
}

/** That something is queued, or a call is not settled. */
function isUnfinished(state) {
  return state.queue.length > 0 || unsettledCalls(state).length > 0;
}

function settleDrain(state) {
  const applies = isEnding(state, 'drain') && state.ending === 'stop' && state.boundary
    && (state.queue.length > 0 || pendingCalls(state).length > 0);
  if (!applies) return null;
  Object.assign(state, { phase: 'trapped', wait: 'next', interrupted: false, messaged: false });
  return [];
}

function settleDetach(state) {
  return isEnding(state, 'detach') && isUnfinished(state) ? finish(state) : null;
}

function settleCancel(state) {
  if (!isEnding(state, 'cancel') || unsettledCalls(state).length === 0) return null;
  return cancelCalls(state, unsettledCalls(state));
}

function settleFail(state) {
  if (!isEnding(state, 'fail') || pendingCalls(state).length === 0) return null;
  state.ending = 'pending';
  return cancelCalls(state, unsettledCalls(state));
}

function settleWithhold(state) {
  return state.phase === 'ending' && !state.boundary && isUnfinished(state) ? finish(state) : null;
}

// ------------------------------------------------------------------------------------------------- the context

function settleDeliver(state) {
  if (state.queue.length === 0 || !isSafePoint(state) || !isDeliveryAllowed(state)) return null;
  const interrupts = state.queue.map((entry) => entry.interrupt);
  const effect = { type: 'inject', interrupts, ...charactersAround(state) };
  if (state.queue.some((entry) => entry.rank === 0)) state.messaged = true;
  Object.assign(state, { queue: [], last: effect.after, backslashes: 0, interrupted: true });
  return [effect];
}

/** What goes in before the first interrupt and after each, by the setting `layout`. */
function charactersAround(state) {
  if (state.settings.layout === 'lines') return { before: state.last === '\n' ? '' : '\n', after: '\n' };
  return { before: '\\'.repeat(state.backslashes), after: '' };
}

function isDeliveryAllowed(state) {
  if (state.phase === 'trapped' || state.phase === 'ending') return true;
  if (state.phase !== 'decoding') return false;
  switch (state.settings.deliver) {
    case 'any': return true;
    case 'word': return !/[\p{L}\p{N}]/u.test(state.last);
    case 'line': return state.last === '' || state.last === '\n';
    case 'idle': return false;
  }
}

function settleWake(state) {
  if (state.phase !== 'trapped' || !(isSatisfied(state) || state.messaged)) return null;
  Object.assign(state, { phase: 'decoding', wait: 'next' });
  return [];
}

function isSatisfied(state) {
  if (state.wait === 'next') return state.interrupted;
  if (state.wait === 'all') return pendingCalls(state).length === 0;
  return !pendingCalls(state).some((call) => state.wait.includes(call.id));
}

function settleDecode(state) {
  if (state.phase !== 'decoding' || state.asked) return null;
  state.asked = true;
  return [{ type: 'decode' }];
}

function settleFinish(state) {
  return state.phase === 'ending' && !isUnfinished(state) ? finish(state) : null;
}

module.exports = { settleAll };
