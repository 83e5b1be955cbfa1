'use strict';
// Bodies in Python (Syntax/python-body): the grammar `python_call`, then the values of what it read.

const { Fault } = require('./fault');
const { isReferenceName, reaches } = require('./profile');
const { Scanner, checkNesting, numberValue, objectValue } = require('./scanner');
const { Reference } = require('./values');

const INSIDE = { '"': '[^"\\\\\\r\\n]*(?:\\\\[^\\r\\n][^"\\\\\\r\\n]*)*', "'": "[^'\\\\\\r\\n]*(?:\\\\[^\\r\\n][^'\\\\\\r\\n]*)*" };
const QUOTED = ['"""', "'''", '"', "'"].map((quotes) => quotes + INSIDE[quotes[0]] + quotes).join('|');
const STRING = new RegExp(`[rRuU]?(?:${QUOTED})`, 'y');
const DIGITS = '[0-9](?:_?[0-9])*';
const BASED = '0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+';
const NUMBER = new RegExp(`[-+]?(?:${BASED}|(?:${DIGITS}(?:\\.(?:${DIGITS})?)?|\\.${DIGITS})(?:[eE][-+]?${DIGITS})?)`, 'y');
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const JSON_CONSTANTS = { true: true, false: false, null: null };
const CONSTANTS = { True: true, False: false, None: null, ...JSON_CONSTANTS };
const RULE = 'Valid/body';

/** The call that a body says, { function, args, kwargs }, or its first fault. */
function readPythonBody(body, profile) {
  checkNesting(body, '"\'', profile.limits);
  const scanner = new Scanner(body, RULE);
  const call = pythonCall(scanner);
  if (!scanner.atEnd()) scanner.fail('the end');
  const jsonConstants = new Set();
  return { ...callValue(call, profile, jsonConstants), jsonConstants };
}

// ------------------------------------------------------------------------------------------------- the grammar

function pythonCall(scanner) {
  const names = [];
  do names.push(scanner.need(NAME, 'the name of a function')); while (scanner.takes('.'));
  scanner.expect('(');
  return { function: names.join('.'), arguments: sequence(scanner, ')', pythonArgument) };
}

/** An argument: { name, node }, where the name of a positional one is null. */
function pythonArgument(scanner) {
  const string = pythonString(scanner);
  if (string) return { name: null, node: string };
  const name = scanner.take(NAME);
  if (name === undefined) return { name: null, node: pythonValue(scanner) };
  if (scanner.takes('=')) return { name, node: pythonValue(scanner) };
  return { name: null, node: pythonName(scanner, name) };
}

function pythonValue(scanner) {
  if (scanner.takes('[')) return { kind: 'array', items: sequence(scanner, ']', pythonValue) };
  if (scanner.takes('{')) return { kind: 'object', entries: sequence(scanner, '}', pythonEntry) };
  if (scanner.takes('(')) return pythonParentheses(scanner);
  const string = pythonString(scanner);
  if (string) return string;
  const name = scanner.take(NAME);
  return name === undefined ? pythonLiteral(scanner, 'a value') : pythonName(scanner, name);
}

/** Parentheses around one value mean nothing; with a comma, or empty, they are a tuple. */
function pythonParentheses(scanner) {
  if (scanner.takes(')')) return { kind: 'array', items: [] };
  const first = pythonValue(scanner);
  if (scanner.takes(')')) return first;
  scanner.expect(',');
  return { kind: 'array', items: [first, ...sequence(scanner, ')', pythonValue)] };
}

function pythonEntry(scanner) {
  const key = pythonString(scanner) ?? scanner.fail('a key');
  scanner.expect(':');
  return [key, pythonValue(scanner)];
}

function pythonName(scanner, name) {
  const subscripts = [];
  while (scanner.takes('[')) {
    subscripts.push(pythonLiteral(scanner, 'a string or an integer'));
    scanner.expect(']');
  }
  return { kind: 'name', name, subscripts };
}

/** One literal, or several with white space between, which are joined; undefined where there is none. */
function pythonString(scanner) {
  const sources = [];
  while (sources.length === 0 || scanner.isAfterSpace()) {
    const source = scanner.take(STRING);
    if (source === undefined) break;
    sources.push(source);
  }
  return sources.length === 0 ? undefined : { kind: 'string', sources };
}

function pythonLiteral(scanner, what) {
  const string = pythonString(scanner);
  if (string) return string;
  return { kind: 'number', source: scanner.need(NUMBER, what) };
}

/** What stands between an opening bracket and `closer`, parted by commas; one more comma may stand at the end. */
function sequence(scanner, closer, readItem) {
  const items = [];
  while (!scanner.takes(closer)) {
    items.push(readItem(scanner));
    if (scanner.takes(',')) continue;
    scanner.expect(closer);
    break;
  }
  return items;
}

// ------------------------------------------------------------------------------------------------- the values

function callValue(call, profile, jsonConstants) {
  const args = [];
  const kwargs = new Map();
  for (const { name, node } of call.arguments) {
    if (name === null && kwargs.size > 0) throw new Fault(RULE, 'a positional argument follows a named one');
    if (kwargs.has(name)) throw new Fault(RULE, `the argument ${name} is given twice`);
    const value = valueOf(node, profile, jsonConstants);
    if (name === null) args.push(value);
    else kwargs.set(name, value);
  }
  return { function: call.function, args, kwargs };
}

function valueOf(node, profile, jsonConstants) {
  const value = (inner) => valueOf(inner, profile, jsonConstants);
  switch (node.kind) {
    case 'string': return node.sources.map(literalValue).join('');
    case 'number': return numberValue(node.source, RULE, profile.limits);
    case 'array': return node.items.map(value);
    case 'object': return objectValue(node.entries, RULE, value, refuseReferenceKey);
    case 'name': return nameValue(node, profile, jsonConstants);
  }
}

function refuseReferenceKey(key) {
  if (key === '$ref') throw new Fault(RULE, '$ref marks a reference and is no key');
}

/** A constant, or a reference: its subscripts, then whether it is one, then its level. */
function nameValue({ name, subscripts }, profile, jsonConstants) {
  if (Object.hasOwn(CONSTANTS, name) && subscripts.length === 0) {
    if (Object.hasOwn(JSON_CONSTANTS, name)) jsonConstants.add(name);
    return CONSTANTS[name];
  }
  const path = subscripts.map((node) => subscriptValue(node, profile));
  if (!isReferenceName(name, profile)) throw new Fault(RULE, `'${name}' names no call`);
  if (!reaches(profile, 'futures')) throw new Fault('Valid/level', 'references are not in the level core');
  return new Reference(name, path);
}

function subscriptValue(node, profile) {
  const value = valueOf(node, profile);
  if (typeof value !== 'string' && typeof value !== 'bigint') throw new Fault(RULE, 'a subscript is a string or an integer');
  return value;
}

// ------------------------------------------------------------------------------------------------- strings

const PAIR = '\\\\u([dD][89abAB][0-9a-fA-F]{2})\\\\u([dD][c-fC-F][0-9a-fA-F]{2})';
const ESCAPE = new RegExp(`${PAIR}|\\\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^]))`, 'gu');
const SIMPLE_ESCAPES = { '\\': '\\', "'": "'", '"': '"', a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** Syntax/python-string */
function literalValue(source) {
  const [, prefix, quotes] = /^([rRuU]?)("""|'''|"|')/.exec(source);
  const content = source.slice(prefix.length + quotes.length, -quotes.length);
  if (prefix === 'r' || prefix === 'R') return content;
  return content.replace(ESCAPE, (escape, high, low, octal, x, u, U, other) => {
    if (high !== undefined) return String.fromCharCode(parseInt(high, 16), parseInt(low, 16));
    if (octal !== undefined) return String.fromCodePoint(parseInt(octal, 8));
    if (other === undefined) return characterOf(parseInt(x ?? u ?? U, 16));
    if ('NxuU'.includes(other)) throw new Fault(RULE, `the escape ${escape} has no value`);
    return Object.hasOwn(SIMPLE_ESCAPES, other) ? SIMPLE_ESCAPES[other] : escape;
  });
}

function characterOf(code) {
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw new Fault(RULE, 'an escape names no character');
  return String.fromCodePoint(code);
}

module.exports = { readPythonBody };
