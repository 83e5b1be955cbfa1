'use strict';
// Blocks (section 1.5), and the order of their faults (Syntax/malformed).

const { characterCount, trim } = require('./characters');
const { Fault } = require('./fault');
const { hasExactly, readJsonBody } = require('./json_body');
const { readJson } = require('./json_text');
const { isIdentifier, isReserved, reaches } = require('./profile');
const { readPythonBody } = require('./python_body');

const FAILURES = ['failed', 'timeout', 'cancelled'];
const OUTCOME_WORDS = [...FAILURES, 'progress'];
const READERS = { CALL: readCall, INTR: readInterrupt, TRAP: readTrap };

/**
 * What a block says: an item of chapter 1.4, without its span. A malformed one also has `opener` and `message`.
 * `symbols` begin with the opener and end, if the block does, with [END].
 */
function readBlock(symbols, profile) {
  const opener = symbols[0].marker;
  const source = symbols.map((symbol) => symbol.text).join('');
  const closed = symbols[symbols.length - 1].marker === 'END';
  const parts = partsOf(symbols);
  try {
    if (characterCount(source) > profile.limits.block_characters) throw new Fault('Valid/limit', 'a block is too long');
    if (!closed) throw new Fault('Valid/closed', `[${opener}] has no [END]`);
    if (parts.length > (opener === 'TRAP' ? 1 : 2)) throw new Fault('Valid/head', `[${opener}] has a [HEAD] too many`);
    return READERS[opener](parts, profile);
  } catch (fault) {
    if (!(fault instanceof Fault)) throw fault;
    const id = opener === 'CALL' ? malformedIdentifier(symbols, parts, profile) : null;
    return { kind: 'malformed', id, source, rule: fault.rule, opener, message: fault.message };
  }
}

/** Syntax/head: the texts between the markers of a block, without white space around them. */
function partsOf(symbols) {
  const parts = [''];
  for (const symbol of symbols.slice(1)) {
    if (symbol.marker === 'HEAD') parts.push('');
    else if (symbol.marker === null) parts[parts.length - 1] += symbol.text;
  }
  return parts.map(trim);
}

/** Syntax/malformed-identifier: the first [HEAD] stands within the limit, and before it an identifier. */
function malformedIdentifier(symbols, [head], profile) {
  const at = symbols.findIndex((symbol) => symbol.marker === 'HEAD');
  if (at < 0 || lengthOf(symbols.slice(0, at + 1)) > profile.limits.block_characters) return null;
  return isIdentifier(head, profile) && !isReserved(head) ? head : null;
}

function lengthOf(symbols) {
  return characterCount(symbols.map((symbol) => symbol.text).join(''));
}

/** Syntax/call */
function readCall(parts, profile) {
  const [id, body] = parts.length === 2 ? parts : [null, parts[0]];
  if (id !== null) needIdentifier(id, profile);
  const readBody = profile.body === 'python' ? readPythonBody : readJsonBody;
  return { kind: 'call', id, ...readBody(body, profile), body };
}

function needIdentifier(text, profile) {
  if (!isIdentifier(text, profile)) throw new Fault('Valid/identifier', `'${text}' is no identifier`);
}

/** Syntax/interrupt, Syntax/outcome */
function readInterrupt(parts, profile) {
  if (parts.length < 2) throw new Fault('Valid/interrupt-head', 'an interrupt has no [HEAD]');
  const [head, body] = parts;
  const words = head.split(/[ \t\r\n]+/);
  const isHead = head !== '' && (words.length === 1 || (words.length === 2 && OUTCOME_WORDS.includes(words[1])));
  if (!isHead) throw new Fault('Valid/interrupt-head', `'${head}' is no name, and no name and outcome`);
  const [id, outcome = 'returned'] = words;
  needIdentifier(id, profile);
  if (outcome !== 'returned' && !reaches(profile, 'extended')) throw new Fault('Valid/level', `outcomes are not in the level ${profile.level}`);
  const value = readJson(body, 'Valid/interrupt-value', profile.limits);
  if (FAILURES.includes(outcome) && !isFailure(value)) throw new Fault('Valid/interrupt-value', `the value of ${outcome} is a type and a message`);
  return { kind: 'interrupt', id, outcome, value };
}

function isFailure(value) {
  return hasExactly(value, ['type', 'message']) && typeof value.get('type') === 'string' && typeof value.get('message') === 'string';
}

/** Syntax/trap */
function readTrap([list], profile) {
  if (list === '') return { kind: 'trap', wait: null };
  if (!reaches(profile, 'extended')) throw new Fault('Valid/level', `traps that name calls are not in the level ${profile.level}`);
  if (list === 'all') return { kind: 'trap', wait: 'all' };
  const wait = list.split(',').map(trim);
  for (const name of wait) {
    if (!isIdentifier(name, profile) || isReserved(name)) throw new Fault('Valid/trap-list', `'${name}' names no call`);
  }
  return { kind: 'trap', wait };
}

module.exports = { readBlock };
