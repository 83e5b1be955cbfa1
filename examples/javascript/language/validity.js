'use strict';
// Validity (chapter 2): the diagnostics of a context that was read.

const { advance } = require('./characters');
const { nearMisses } = require('./near_miss');
const { isErrorIdentifier, isMessageIdentifier, isReserved, isRuntimeIdentifier, reaches } = require('./profile');
const { referencesIn } = require('./values');

const CODES = {
  'Syntax/encoding': 'CML101',
  'Valid/closed': 'CML102',
  'Valid/stray-marker': 'CML103',
  'Valid/head': 'CML104',
  'Valid/identifier': 'CML105',
  'Valid/body': 'CML106',
  'Valid/interrupt-head': 'CML107',
  'Valid/interrupt-value': 'CML108',
  'Valid/trap-list': 'CML109',
  'Valid/limit': 'CML110',
  'Valid/level': 'CML111',
  'Valid/unique-identifier': 'CML201',
  'Valid/reserved-identifier': 'CML202',
  'Valid/answers-a-call': 'CML203',
  'Valid/one-answer': 'CML204',
  'Valid/known-identifier': 'CML205',
  'Valid/trap-wakes': 'CML206',
  'Lint/near-miss': 'CML208',
  'Lint/json-constant': 'CML209',
};
const WARNINGS = ['Valid/trap-wakes', 'Lint/near-miss', 'Lint/json-constant'];

function makeDiagnostic(rule, message, span) {
  return { code: CODES[rule], rule, severity: WARNINGS.includes(rule) ? 'warning' : 'error', message, span };
}

/** All diagnostics of the items of a context, in order. */
function validate(items, profile) {
  const validator = new Validator(profile);
  for (const item of items) validator.checkItem(item);
  return validator.diagnostics;
}

class Validator {
  constructor(profile) {
    this.profile = profile;
    this.diagnostics = [];
    this.called = new Set(); // identifiers
    this.pending = new Set(); // those of them that are not answered
    this.pendingErrors = 0;
    this.answered = new Set(); // identifiers of interrupts that are not progress
  }

  checkItem(item) {
    this.span = item.span;
    switch (item.kind) {
      case 'call': this.checkCall(item); break;
      case 'interrupt': this.checkInterrupt(item); break;
      case 'trap': this.checkTrap(item); break;
      case 'malformed': this.checkMalformed(item); break;
    }
    this.checkNearMisses(item);
  }

  report(rule, message) {
    this.diagnostics.push(makeDiagnostic(rule, message, this.span));
  }

  checkCall({ id, args, kwargs, jsonConstants = [] }) {
    if (this.called.has(id)) this.report('Valid/unique-identifier', `a call before has the identifier ${id}`);
    if (id !== null && isReserved(id)) this.report('Valid/reserved-identifier', `${id} is reserved`);
    const names = [...args, ...kwargs.values()].flatMap(referencesIn).map((reference) => reference.name);
    const areKnown = this.checkKnown(names);
    for (const word of jsonConstants) this.report('Lint/json-constant', `${word} is a constant as JSON spells it`);
    if (id !== null || !areKnown) this.addCall(id);
  }

  /** Section 2.2: a call that is not called is an error. */
  addCall(id) {
    if (id === null || isReserved(id) || this.called.has(id)) {
      this.pendingErrors++;
      return;
    }
    this.called.add(id);
    this.pending.add(id);
  }

  /** Valid/known-identifier; whether all are known. */
  checkKnown(names) {
    const unknown = [...new Set(names)].filter((name) => !this.called.has(name));
    for (const name of unknown) this.report('Valid/known-identifier', `no call before has the identifier ${name}`);
    return unknown.length === 0;
  }

  checkInterrupt({ id, outcome }) {
    if (isMessageIdentifier(id) && !reaches(this.profile, 'extended')) {
      this.report('Valid/level', `messages are not in the level ${this.profile.level}`);
    }
    if (!this.called.has(id) && !isRuntimeIdentifier(id)) this.report('Valid/answers-a-call', `no call before has the identifier ${id}`);
    if (this.answered.has(id)) {
      this.report('Valid/one-answer', `${id} was answered before`);
      return;
    }
    if (outcome === 'progress') return;
    this.answered.add(id);
    this.pending.delete(id);
    if (isErrorIdentifier(id)) this.pendingErrors = Math.max(0, this.pendingErrors - 1);
  }

  checkTrap({ wait }) {
    const isList = Array.isArray(wait);
    if (isList) this.checkKnown(wait);
    const wakes = isList ? wait.some((id) => this.pending.has(id)) : this.pending.size > 0 || this.pendingErrors > 0;
    if (!wakes) this.report('Valid/trap-wakes', 'nothing is pending that can wake the trap');
  }

  checkMalformed({ rule, message, opener, id }) {
    this.report(rule, message);
    if (opener === 'CALL') this.addCall(id);
    if (opener === 'TRAP') this.pendingErrors++;
  }

  checkNearMisses(item) {
    let position = item.span.start;
    let at = 0;
    for (const { start, end, text } of nearMisses(item, this.profile)) {
      position = advance(position, item.source.slice(at, start));
      this.span = { start: position, end: advance(position, text) };
      this.report('Lint/near-miss', `${text} is text, not a marker`);
      position = this.span.end;
      at = end;
    }
  }
}

module.exports = { makeDiagnostic, validate };
