'use strict';
// Which calls must not start (Step/call, Step/refused), and what a call of `cancel` names (Step/cancel).

const { isIdentifier, isReserved, reaches } = require('../language/profile');
const { isReference, referencesIn } = require('../language/values');
const { unsettledCalls } = require('./state');

/** The identifiers of the calls that the arguments of a call name. */
function namesIn({ args, kwargs }) {
  return [...args, ...kwargs.values()].flatMap(referencesIn).map((reference) => reference.name);
}

/** Whether a call is one of the built-in `cancel`. */
function isCancel(state, call) {
  const { profile, functions } = state.settings;
  return call.function === 'cancel' && reaches(profile, 'extended') && !functions?.includes('cancel');
}

/** The identifier that a call of `cancel` names; undefined if it names none. */
function cancelledName({ args, kwargs }, profile) {
  const values = [...args, ...kwargs.values()];
  if (values.length !== 1 || (kwargs.size === 1 && !kwargs.has('id'))) return undefined;
  const [value] = values;
  if (isReference(value)) return value.path.length === 0 ? value.name : undefined;
  return typeof value === 'string' && isIdentifier(value, profile) ? value : undefined;
}

/** The first fault for which a call is refused, { type, rule, message, isTold }; `isTold`: under its own identifier. */
function refusalOf(state, call) {
  const { settings, calls } = state;
  const { limits } = settings.profile;
  const cancels = isCancel(state, call);
  if (call.id !== null && isReserved(call.id)) {
    return { type: 'reserved_identifier', rule: 'Valid/reserved-identifier', message: `${call.id} is reserved`, isTold: false };
  }
  if (calls.has(call.id)) {
    return { type: 'duplicate_identifier', rule: 'Valid/unique-identifier', message: `${call.id} was used before`, isTold: false };
  }
  if (settings.functions !== null && !settings.functions.includes(call.function) && !cancels) {
    return { type: 'unknown_function', rule: 'Valid/known-function', message: `there is no function ${call.function}`, isTold: true };
  }
  if (cancels && cancelledName(call, settings.profile) === undefined) {
    return { type: 'arguments', rule: 'Valid/known-identifier', message: 'cancel takes the identifier of one call', isTold: true };
  }
  const names = cancels ? [cancelledName(call, settings.profile)] : namesIn(call);
  const unknown = names.find((name) => !calls.has(name));
  if (unknown !== undefined) {
    return { type: 'unknown_identifier', rule: 'Valid/known-identifier', message: `no call before is ${unknown}`, isTold: true };
  }
  if (!cancels && (calls.size >= limits.calls || unsettledCalls(state).length >= limits.pending_calls)) {
    return { type: 'limit', rule: 'Valid/limit', message: 'there are too many calls', isTold: false };
  }
  return undefined;
}

module.exports = { cancelledName, isCancel, namesIn, refusalOf };
