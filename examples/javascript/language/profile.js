'use strict';
// Profiles (section 1.1) and identifiers (section 1.5).

const { characterCount } = require('./characters');

const DEFAULT_LIMITS = {
  block_characters: 65536,
  nesting: 64,
  digits: 400,
  identifier_characters: 64,
  calls: 10000,
  pending_calls: 256,
  forged_interrupts: 16,
};
const LEVELS = ['core', 'futures', 'extended'];
const RESERVED_WORDS = new Set(['CALL', 'INTR', 'TRAP', 'HEAD', 'END', 'True', 'False', 'None', 'true', 'false', 'null', 'all']);

function makeProfile({ body = 'python', level = 'extended', markers = 'text', regions = [], limits = {} } = {}) {
  return { body, level, markers, regions, limits: { ...DEFAULT_LIMITS, ...limits } };
}

/** Syntax/level: each level contains the one before it. */
function reaches(profile, level) {
  return LEVELS.indexOf(profile.level) >= LEVELS.indexOf(level);
}

/** Syntax/identifier */
function isIdentifier(text, profile) {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) && characterCount(text) <= profile.limits.identifier_characters;
}

/** Syntax/reserved: what no call may have as its identifier. */
function isReserved(identifier) {
  return RESERVED_WORDS.has(identifier) || isRuntimeIdentifier(identifier);
}

/** Syntax/runtime-identifier */
function isRuntimeIdentifier(identifier) {
  return isMessageIdentifier(identifier) || isErrorIdentifier(identifier);
}

/** Syntax/message-identifier */
function isMessageIdentifier(identifier) {
  return /^(user|agent_[A-Za-z_]([A-Za-z0-9_]*[A-Za-z_])?)[0-9]+$/.test(identifier);
}

/** Syntax/error-identifier */
function isErrorIdentifier(identifier) {
  return /^error[0-9]+$/.test(identifier);
}

/** Syntax/reference: the name is an identifier, and no reserved word but `all`. */
function isReferenceName(text, profile) {
  return isIdentifier(text, profile) && (text === 'all' || !RESERVED_WORDS.has(text));
}

module.exports = {
  makeProfile, reaches, isIdentifier, isReserved, isRuntimeIdentifier, isMessageIdentifier, isErrorIdentifier, isReferenceName,
};
