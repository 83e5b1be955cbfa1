'use strict';
// Lint/near-miss: words in square brackets that were probably meant as markers.

const { CODE_BEGINS, MARKERS, nextInCode, quotesOf } = require('./lexer');

const WORD = /[[［]([^[\]［］\r\n]{1,24})[\]］]/gu;
const LOOK_ALIKES = {
  '\u0410': 'A', '\u0421': 'C', '\u0500': 'D', '\u0415': 'E', '\u041d': 'H', '\u0406': 'I', '\u0420': 'P', '\u0422': 'T', // Cyrillic
  '\u0391': 'A', '\u0395': 'E', '\u0397': 'H', '\u0399': 'I', '\u039d': 'N', '\u03a1': 'P', '\u03a4': 'T', // Greek
};
const SPELLINGS = MARKERS.map((marker) => `[${marker}]`);
const CLOSING_TAGS = MARKERS.filter((marker) => marker !== 'HEAD').map((marker) => `/${marker}`);

/** The near misses in an item, each { start, end } in its source. */
function nearMisses(item, profile) {
  const isSearched = item.kind === 'text' || (item.kind === 'malformed' && item.opener !== null && item.rule !== 'Valid/limit');
  if (!isSearched) return [];
  const inString = item.kind === 'text' ? () => false : stringsOf(item, profile);
  return [...item.source.matchAll(WORD)]
    .map((match) => ({ word: match[1], start: match.index, end: match.index + match[0].length, text: match[0] }))
    .filter(({ word, start, end, text }) => !SPELLINGS.includes(text) && isNearMiss(word) && !inString(start, end));
}

/** Of a malformed block: whether a string stands somewhere between two places of its source. */
function stringsOf({ source, opener }, profile) {
  const quotes = quotesOf(opener, profile);
  const parts = new Set();
  let state = CODE_BEGINS;
  for (let at = 0; at < source.length; at++) {
    const before = state;
    state = nextInCode(state, source[at], quotes);
    if (before.quote || state.quote) parts.add(at);
    else if (SPELLINGS.some((marker) => source.endsWith(marker, at + 1))) state = CODE_BEGINS;
  }
  return (start, end) => {
    for (let at = start; at < end; at++) {
      if (parts.has(at)) return true;
    }
    return false;
  };
}

function isNearMiss(word) {
  const folded = fold(word);
  return MARKERS.includes(folded) || CLOSING_TAGS.includes(folded) || MARKERS.some((marker) => isMisspelled(word, marker));
}

/** Decomposed, in capitals, look-alikes replaced; without spaces and what is neither letter nor printable ASCII. */
function fold(word) {
  const capitals = word.normalize('NFKD').toUpperCase();
  return [...capitals].map((character) => LOOK_ALIKES[character] ?? character).filter((character) => /[\p{L}!-~]/u.test(character)).join('');
}

/** Capital ASCII letters, of which one after the first is missing, added or swapped with its neighbour. */
function isMisspelled(word, marker) {
  if (!/^[A-Z]+$/.test(word) || word[0] !== marker[0]) return false;
  for (let at = 1; at < Math.max(word.length, marker.length); at++) {
    if (without(marker, at) === word || without(word, at) === marker || swapped(marker, at) === word) return true;
  }
  return false;
}

function without(word, at) {
  return word.slice(0, at) + word.slice(at + 1);
}

function swapped(word, at) {
  return word.slice(0, at) + word.slice(at + 1, at + 2) + word.slice(at, at + 1) + word.slice(at + 2);
}

module.exports = { nearMisses };
