'use strict';
// Bodies in JSON (Syntax/json-body).

const { Fault } = require('./fault');
const { readJson } = require('./json_text');
const { isReferenceName, reaches } = require('./profile');
const { Reference } = require('./values');

/** The call that a body says, { function, args, kwargs }, or its first fault. */
function readJsonBody(body, profile) {
  const value = readJson(body, 'Valid/body', profile.limits);
  const hasShape = hasExactly(value, ['name', 'arguments'])
    && typeof value.get('name') === 'string' && value.get('name') !== ''
    && value.get('arguments') instanceof Map;
  if (!hasShape) throw new Fault('Valid/body', 'a body is an object of a name and arguments');
  const kwargs = new Map([...value.get('arguments')].map(([name, argument]) => [name, withReferences(argument, profile)]));
  return { function: value.get('name'), args: [], kwargs };
}

function hasExactly(value, keys) {
  return value instanceof Map && value.size === keys.length && keys.every((key) => value.has(key));
}

/** The value of an argument, in which objects with the key `$ref` are references. */
function withReferences(value, profile) {
  if (Array.isArray(value)) return value.map((item) => withReferences(item, profile));
  if (!(value instanceof Map)) return value;
  if (value.has('$ref')) return readReference(value, profile);
  return new Map([...value].map(([key, item]) => [key, withReferences(item, profile)]));
}

/** Syntax/reference, in JSON: first whether it is one, then its level. */
function readReference(object, profile) {
  const name = object.get('$ref');
  const path = object.has('path') ? object.get('path') : [];
  const isOne = typeof name === 'string' && isReferenceName(name, profile)
    && object.size === (object.has('path') ? 2 : 1)
    && Array.isArray(path) && path.every((step) => typeof step === 'string' || typeof step === 'bigint');
  if (!isOne) throw new Fault('Valid/body', 'an object with the key $ref is no reference');
  if (!reaches(profile, 'futures')) throw new Fault('Valid/level', 'references are not in the level core');
  return new Reference(name, path);
}

module.exports = { hasExactly, readJsonBody };
