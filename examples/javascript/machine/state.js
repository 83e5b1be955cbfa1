'use strict';
// The state of the machine (section 3.1), and what several of its rules do with it (3.4 and 3.7).

const { readBlock } = require('../language/blocks');
const { dropCharacters } = require('../language/characters');
const { Lexer } = require('../language/lexer');
const { printInterrupt } = require('../language/printer');
const { makeProfile, reaches } = require('../language/profile');

/** The host's choices (3.8), with their defaults. */
function makeSettings({ profile, functions = null, end = 'drain', deliver = 'any', layout = 'inline', deadline_us = null, deadlines_us = {},
  workers = 0, start = 'program', estimates_us = {} } = {}) {
  return { profile: makeProfile(profile), functions, end, deliver, layout, deadline_us, deadlines_us, workers, start, estimates_us };
}

function firstState(settings) {
  return {
    settings,
    now: 0,
    phase: 'ready', // decoding, trapped, ending, ended
    asked: false,
    boundary: true,
    offset: 0,
    last: '', // ε is the empty string
    backslashes: 0,
    opened: 0,
    block: null, // ⊥; else the symbols of the block under construction
    calls: new Map(), // key -> { key, order, id, function, args, kwargs, status, outcome }
    queue: [], // of { rank, time, order, interrupt: { id, outcome } }
    wait: 'next', // 'all', or an array of identifiers
    interrupted: false,
    messaged: false,
    ending: 'stop',
    errors: 0,
    messages: new Map(), // sender -> how many messages of it; the sender of people is ''
    forged: 0,
  };
}

function isSafePoint(state) {
  return state.block === null && !state.asked && state.boundary;
}

function unsettledCalls(state) {
  return [...state.calls.values()].filter((call) => call.status !== 'settled');
}

function runningCalls(state) {
  return unsettledCalls(state).filter((call) => call.status === 'running');
}

/** A call is pending while it has an identifier and is not settled. */
function pendingCalls(state) {
  return unsettledCalls(state).filter((call) => call.id !== null);
}

function addCall(state, { id, function: name, args, kwargs }) {
  const order = state.calls.size + 1;
  const call = { key: id ?? `#${order}`, order, id, function: name, args, kwargs, status: 'waiting', outcome: null };
  state.calls.set(call.key, call);
  return call;
}

/** Puts an interrupt in the queue, after those of the same rank, time and order. */
function enqueue(state, rank, order, id, outcome) {
  const entry = { rank, time: state.now, order, interrupt: { id, outcome } };
  const isAfter = (other) => other.rank - rank || other.time - entry.time || other.order - order;
  const at = state.queue.findIndex((other) => isAfter(other) > 0);
  state.queue.splice(at < 0 ? state.queue.length : at, 0, entry);
}

// ------------------------------------------------------------------------------------------------- outcomes

function returned(value) {
  return { kind: 'returned', value };
}

/** A failure that the machine makes, for the reader under this identifier; null for nobody. */
function failure(state, id, kind, type, message) {
  const of = (words) => ({ kind, value: new Map([['type', type], ['message', words]]) });
  let words = message;
  while (id !== null && words !== '' && !isAccepted(state, id, of(words))) words = dropCharacters(words, 1);
  return of(words);
}

/** told(k, o): that a reader of the context would accept the interrupt. */
function told(state, call, outcome) {
  return isAccepted(state, call.id, outcome);
}

function isAccepted(state, id, outcome) {
  const { profile } = state.settings;
  const symbols = new Lexer({ ...profile, markers: 'text' }).feed(interruptText({ id, outcome }, profile));
  return readBlock(symbols, profile).kind === 'interrupt';
}

/** What an interrupt looks like in the context (3.7): below the extended level there are no outcomes. */
function interruptText({ id, outcome }, profile) {
  return printInterrupt({ id, outcome: reaches(profile, 'extended') ? outcome.kind : 'returned', value: outcome.value });
}

/** settle(σ, k, o) */
function settle(state, call, outcome) {
  const isTold = call.id === null || told(state, call, outcome);
  call.status = 'settled';
  call.outcome = isTold ? outcome : failure(state, call.id, 'failed', 'result', 'the outcome does not keep the limits of the context');
  if (call.id !== null) enqueue(state, 1, call.order, call.id, call.outcome);
}

/** Settles calls as cancelled; the effects that ask those of them to stop that run. */
function cancelCalls(state, calls) {
  const effects = calls.filter((call) => call.status === 'running').map((call) => ({ type: 'cancel', call: call.key }));
  for (const call of calls) settle(state, call, failure(state, call.id, 'cancelled', 'cancelled', 'the call was cancelled'));
  return effects;
}

/** answer(σ, i, fault): a fault is { type, rule, message }. `call` is what there is of the call, its identifier i. */
function answer(state, call, { type, rule, message }) {
  if (call !== null && !state.calls.has(call.id)) {
    settle(state, addCall(state, call), failure(state, call.id, 'failed', type, message));
  } else {
    const id = `error${++state.errors}`;
    enqueue(state, 1, state.calls.size + 1, id, failure(state, id, 'failed', type, message));
  }
  return [report(rule, message)];
}

function report(rule, message) {
  return { type: 'report', rule, message };
}

module.exports = {
  addCall, answer, cancelCalls, enqueue, failure, firstState, interruptText, isSafePoint, makeSettings, pendingCalls, report,
  returned, runningCalls, settle, told, unsettledCalls,
};
