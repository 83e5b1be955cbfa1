'use strict';
// JSON (Syntax/json-value): the values of interrupts, bodies of calls, and the lines that this program is asked.

const { Fault } = require('./fault');
const { Scanner, checkNesting, numberValue, objectValue } = require('./scanner');

const STRING = /"[^"\\\x00-\x1f]*(?:\\(?:["\\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const WORD = /true|false|null/y;
const WORDS = { true: true, false: false, null: null };
const HALF_PAIR = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** The value of a JSON text, or its first fault: nesting, the grammar, then keys, strings and numbers from left to right. */
function readJson(text, rule, limits) {
  checkNesting(text, '"', limits);
  const scanner = new Scanner(text, rule);
  const node = jsonValue(scanner);
  if (!scanner.atEnd()) scanner.fail('the end');
  return valueOf(node, rule, limits);
}

function jsonValue(scanner) {
  if (scanner.takes('[')) return { kind: 'array', items: sequence(scanner, ']', jsonValue) };
  if (scanner.takes('{')) return { kind: 'object', entries: sequence(scanner, '}', jsonEntry) };
  const string = scanner.take(STRING);
  if (string !== undefined) return { kind: 'string', source: string };
  const number = scanner.take(NUMBER);
  if (number !== undefined) return { kind: 'number', source: number };
  return { kind: 'word', source: scanner.need(WORD, 'a value') };
}

function jsonEntry(scanner) {
  const key = { kind: 'string', source: scanner.need(STRING, 'a key') };
  scanner.expect(':');
  return [key, jsonValue(scanner)];
}

/** What stands between an opening bracket and `closer`, parted by commas. */
function sequence(scanner, closer, readItem) {
  const items = [];
  if (scanner.takes(closer)) return items;
  do items.push(readItem(scanner)); while (scanner.takes(','));
  scanner.expect(closer);
  return items;
}

function valueOf(node, rule, limits) {
  const value = (inner) => valueOf(inner, rule, limits);
  switch (node.kind) {
    case 'string': return stringValue(node.source, rule);
    case 'number': return numberValue(node.source, rule, limits);
    case 'word': return WORDS[node.source];
    case 'array': return node.items.map(value);
    case 'object': return objectValue(node.entries, rule, value);
  }
}

function stringValue(source, rule) {
  const string = JSON.parse(source);
  if (HALF_PAIR.test(string)) throw new Fault(rule, 'half of a surrogate pair is no character');
  return string;
}

module.exports = { readJson };
