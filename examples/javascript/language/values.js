'use strict';
// Values (Syntax/value). Null, booleans, strings and arrays are those of JavaScript. The others need a form of their own:
// an integer is a BigInt, for it has all its digits; a float is a Float, for 1.0 is not 1; an object is a Map, for it
// keeps the order of its keys, and `__proto__` is one like any other.

class Float {
  constructor(value) {
    this.value = value;
  }
}

/** Syntax/reference: the identifier of an earlier call, and subscripts that are strings and BigInts. */
class Reference {
  constructor(name, path) {
    this.name = name;
    this.path = path;
  }
}

function isReference(value) {
  return value instanceof Reference;
}

/** All references in a value, from left to right. */
function referencesIn(value) {
  if (isReference(value)) return [value];
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  return value instanceof Map ? [...value.values()].flatMap(referencesIn) : [];
}

/** The value with each reference replaced by what `resolve` says. */
function mapReferences(value, resolve) {
  if (isReference(value)) return resolve(value);
  if (Array.isArray(value)) return value.map((item) => mapReferences(item, resolve));
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [key, mapReferences(item, resolve)]));
  return value;
}

/**
 * The fewest digits that read back as the same float (Syntax/canonical): positional when the decimal exponent is at least
 * -4 and below 16, else with an exponent of a sign and at least two digits.
 */
function formatFloat(value) {
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const [, first, rest = '', exponentText] = /^(\d)(?:\.(\d+))?e([-+]\d+)$/.exec(Math.abs(value).toExponential());
  const exponent = Number(exponentText);
  const digits = first + rest;
  if (exponent < -4 || exponent >= 16) {
    const size = String(Math.abs(exponent)).padStart(2, '0');
    return `${sign}${first}${rest && '.'}${rest}e${exponent < 0 ? '-' : '+'}${size}`;
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}

module.exports = { Float, Reference, formatFloat, isReference, mapReferences, referencesIn };
