'use strict';
// The lines of the protocol (vectors/README.md). What is read are values (language/values.js); what is written may hold
// plain objects and numbers as well.

const { readJson } = require('./language/json_text');
const { formatFloat, Float, isReference } = require('./language/values');

const UNLIMITED = { nesting: Infinity, digits: Infinity };

function readLine(line) {
  return readJson(line, 'request', UNLIMITED);
}

/** A value as plain objects and numbers: for the parts of a request that are no values of CML. */
function toPlain(value) {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(toPlain);
  if (!(value instanceof Map)) return value;
  return Object.fromEntries([...value].map(([key, item]) => [key, toPlain(item)]));
}

function writeLine(value) {
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  if (value instanceof Float) return formatFloat(value.value);
  if (isReference(value)) return writeLine({ $ref: value.name, path: value.path });
  if (Array.isArray(value)) return `[${value.map(writeLine).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${writeLine(item)}`).join(',')}}`;
}

module.exports = { readLine, toPlain, writeLine };
