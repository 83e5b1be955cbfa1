'use strict';
// The canonical text of trees (Syntax/canonical).

const { trailingBackslashes } = require('./characters');
const { MARKER_CHARACTERS } = require('./lexer');
const { Float, formatFloat, isReference } = require('./values');

const MARKER_IN_PROSE = new RegExp(`(?<!\\\\)(\\\\*)(${MARKER_CHARACTERS})`, 'g');
const MARKER = new RegExp(`(${MARKER_CHARACTERS})`);
const MARKER_BRACKET = new RegExp(`\\[(?=${MARKER_CHARACTERS.slice(2)})`, 'g');

function printContext(items, profile) {
  return items.map((item, i) => printItem(item, i + 1 < items.length, profile)).join('');
}

/** Syntax/canonical-tokens */
function printTokens(items, profile) {
  return items.flatMap((item) => itemTokens(item, profile)).filter(({ marker, text }) => marker || text);
}

function itemTokens(item, profile) {
  if (item.kind === 'text') return [{ text: item.text }];
  if (item.kind === 'malformed') return malformedTokens(item);
  // The canonical text of a block has no marker's characters but those of its markers.
  return printItem(item, false, profile).split(MARKER).map((part, i) => (i % 2 ? { marker: part.slice(1, -1) } : { text: part }));
}

function malformedTokens({ source, markers }) {
  const characters = [...source];
  return markers.flatMap((begin, i) => {
    const end = characters.indexOf(']', begin) + 1;
    const marker = characters.slice(begin + 1, end - 1).join('');
    return [{ marker }, { text: characters.slice(end, markers[i + 1]).join('') }];
  });
}

function printItem(item, beforeBlock, profile) {
  switch (item.kind) {
    case 'text': return printText(item.text, beforeBlock);
    case 'call': return `[CALL] ${item.id === null ? '' : `${item.id} [HEAD] `}${printBody(item, profile)} [END]`;
    case 'interrupt': return printInterrupt(item);
    case 'trap': return item.wait === null ? '[TRAP][END]' : `[TRAP] ${item.wait === 'all' ? 'all' : item.wait.join(', ')} [END]`;
    case 'malformed': return item.source;
  }
}

/** What follows a text is no text: a run of backslashes at its end is doubled there. */
function printText(text, beforeBlock) {
  const escaped = text.replace(MARKER_IN_PROSE, '$1$1\\$2');
  return beforeBlock ? escaped + '\\'.repeat(trailingBackslashes(text)) : escaped;
}

function printInterrupt({ id, outcome, value }) {
  return `[INTR] ${id}${outcome === 'returned' ? '' : ` ${outcome}`} [HEAD] ${printJson(value)} [END]`;
}

function printBody(call, profile) {
  if (profile.body === 'json') return printJson(new Map([['name', call.function], ['arguments', call.kwargs]]));
  const named = [...call.kwargs].map(([name, value]) => `${name}=${printPython(value)}`);
  return `${call.function}(${[...call.args.map(printPython), ...named].join(', ')})`;
}

function printPython(value) {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return pythonString(value);
  if (isReference(value)) return value.name + value.path.map((step) => `[${printPython(step)}]`).join('');
  return printValue(value, printPython);
}

function printJson(value) {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return jsonString(value);
  if (isReference(value)) {
    const path = value.path.length > 0 ? [['path', value.path]] : [];
    return printJson(new Map([['$ref', value.name], ...path]));
  }
  return printValue(value, printJson);
}

/** What both body languages write alike. */
function printValue(value, print) {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Float) return formatFloat(value.value);
  if (Array.isArray(value)) return `[${value.map(print).join(', ')}]`;
  return `{${[...value].map(([key, item]) => `${print(key)}: ${print(item)}`).join(', ')}}`;
}

function hexadecimal(character, digits) {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}

const PYTHON_ESCAPES = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function pythonString(string) {
  const escaped = string
    .replace(/[\\"\x00-\x1f\x7f-\x9f]/g, (character) => PYTHON_ESCAPES[character] ?? `\\x${hexadecimal(character, 2)}`)
    .replace(/[\u2028\u2029]/g, (character) => `\\u${hexadecimal(character, 4)}`)
    .replace(MARKER_BRACKET, '\\x5b');
  return `"${escaped}"`;
}

const JSON_ESCAPES = { '\\': '\\\\', '"': '\\"', '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r' };

function jsonString(string) {
  const escaped = string
    .replace(/[\\"\x00-\x1f]/g, (character) => JSON_ESCAPES[character] ?? `\\u${hexadecimal(character, 4)}`)
    .replace(MARKER_BRACKET, '\\u005b');
  return `"${escaped}"`;
}

module.exports = { printContext, printInterrupt, printTokens };
