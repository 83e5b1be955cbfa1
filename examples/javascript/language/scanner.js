'use strict';
// What the readers of both body languages share: terminals, the nesting limit, and the values of literals.
//
// A body is read in two passes, for a fault of the grammar comes before all others (Syntax/malformed). The first makes
// nodes: { kind: 'string' | 'number', source }, { kind: 'array', items }, { kind: 'object', entries: [[string node, node]] },
// and what else a language has. The second gives them values, from left to right.

const { characterCount } = require('./characters');
const { Fault } = require('./fault');
const { CODE_BEGINS, nextInCode } = require('./lexer');
const { Float } = require('./values');

const SPACE = /[ \t\r\n]*/y;

class Scanner {
  constructor(text, rule) {
    this.text = text;
    this.rule = rule;
    this.at = 0;
  }

  /** Takes what the sticky pattern matches here and the white space after it; undefined if it does not match. */
  take(pattern) {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (!match) return undefined;
    SPACE.lastIndex = pattern.lastIndex;
    SPACE.exec(this.text);
    this.at = SPACE.lastIndex;
    return match[0];
  }

  /** Whether this character comes next; if so it is taken. */
  takes(character) {
    if (this.text[this.at] !== character) return false;
    this.at++;
    this.take(SPACE);
    return true;
  }

  expect(character) {
    if (!this.takes(character)) this.fail(`'${character}'`);
  }

  /** Takes a terminal that must stand here. */
  need(pattern, what) {
    return this.take(pattern) ?? this.fail(what);
  }

  fail(expected) {
    const found = this.at < this.text.length ? `'${[...this.text.slice(this.at, this.at + 2)][0]}'` : 'the end';
    throw new Fault(this.rule, `expected ${expected}, found ${found}`);
  }

  /** Whether white space stands before this point. */
  isAfterSpace() {
    return this.at > 0 && ' \t\r\n'.includes(this.text[this.at - 1]);
  }

  atEnd() {
    return this.at === this.text.length;
  }
}

/** Syntax/limits, `nesting`: the most brackets that are open at once, outside strings. */
function deepestNesting(text, quotes) {
  let open = 0;
  let deepest = 0;
  let state = CODE_BEGINS;
  for (const character of text) {
    const before = state;
    state = nextInCode(state, character, quotes);
    if (before.quote || state.quote) continue;
    if ('([{'.includes(character)) deepest = Math.max(deepest, ++open);
    if (')]}'.includes(character)) open = Math.max(0, open - 1);
  }
  return deepest;
}

function checkNesting(text, quotes, limits) {
  if (deepestNesting(text, quotes) > limits.nesting) throw new Fault('Valid/limit', `brackets nest deeper than ${limits.nesting}`);
}

/** Syntax/number: the value of a literal that the grammar takes. */
function numberValue(source, rule, limits) {
  if (characterCount(source) > limits.digits) throw tooLong(limits);
  const [, sign, digits] = /^([-+]?)(.*)$/.exec(source.replaceAll('_', ''));
  const isBased = /^0[xXoObB]/.test(digits);
  if (isBased || /^[0-9]+$/.test(digits)) {
    if (/^0[0-9]/.test(digits)) throw new Fault(rule, 'an integer has a leading zero');
    const value = sign === '-' ? -BigInt(digits) : BigInt(digits);
    if (isBased && value.toString().length > limits.digits) throw tooLong(limits);
    return value;
  }
  const value = Number(sign + digits);
  if (!Number.isFinite(value)) throw new Fault(rule, 'a number is too large');
  return new Float(value);
}

function tooLong(limits) {
  return new Fault('Valid/limit', `a number is longer than ${limits.digits} characters`);
}

/**
 * The entries of an object, each key before its value; `checkKey` may refuse a key that is not there twice.
 * `valueOf` gives a node its value, and of a node of a string a string.
 */
function objectValue(entries, rule, valueOf, checkKey = () => {}) {
  const object = new Map();
  for (const [keyNode, valueNode] of entries) {
    const key = valueOf(keyNode);
    if (object.has(key)) throw new Fault(rule, `the key ${JSON.stringify(key)} stands twice`);
    checkKey(key);
    object.set(key, valueOf(valueNode));
  }
  return object;
}

module.exports = { Scanner, checkNesting, numberValue, objectValue };
