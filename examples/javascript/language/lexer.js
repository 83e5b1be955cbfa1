'use strict';
// The incremental lexer (sections 1.2, 1.3 and 1.8): pieces in, symbols out.
// A symbol is { text, marker, offset, mode }: marker is a name such as CALL, or null for text; mode is the one after it. A marker
// also has `code`, the state of the code after it (nextInCode).

const { characterCount, trailingBackslashes } = require('./characters');

const MARKERS = ['CALL', 'INTR', 'TRAP', 'HEAD', 'END'];
const OPENERS = ['CALL', 'INTR', 'TRAP'];
const MARKER_CHARACTERS = '\\[(?:CALL|INTR|TRAP|HEAD|END)\\]'; // for regular expressions

/** Syntax/mode: where a mode goes at [HEAD]; openers and [END] go to the same mode from everywhere. */
const AT_HEAD = {
  'prose': 'prose',
  'call': 'call body',
  'call body': 'malformed call',
  'malformed call': 'malformed call',
  'interrupt': 'interrupt body',
  'interrupt body': 'malformed interrupt',
  'malformed interrupt': 'malformed interrupt',
  'trap': 'malformed trap',
  'malformed trap': 'malformed trap',
};
const AT_OPENER = { CALL: 'call', INTR: 'interrupt', TRAP: 'trap' };

function spelled(marker) {
  return `[${marker}]`;
}

/** Syntax/string: the quotes that open a string in a block, by the name of its opener. */
function quotesOf(opener, profile) {
  if (opener === 'CALL') return profile.body === 'python' ? '"\'' : '"';
  return opener === 'INTR' ? '"' : '';
}

/** Syntax/string: where code begins, and after every marker, a quote opens a string. */
const CODE_BEGINS = Object.freeze({ quote: null, opens: 'string' });
const PLAIN = Object.freeze({ quote: null, opens: 'nothing' });
const AFTER_PREFIX = Object.freeze({ quote: null, opens: 'string, directly' });

/**
 * Syntax/string, one character of code further. A state is { quote, escaped } inside a string; outside its quote is null, and
 * `opens` says what a quote would open.
 */
function nextInCode(state, character, quotes) {
  if (state.quote) return nextInString(state, character);
  if (quotes.includes(character) && state !== PLAIN) return { quote: character, escaped: false };
  if ('([{,:='.includes(character)) return CODE_BEGINS;
  if (state !== CODE_BEGINS) return PLAIN;
  if (' \t\r\n'.includes(character)) return CODE_BEGINS;
  return 'rRuU'.includes(character) ? AFTER_PREFIX : PLAIN;
}

function nextInString({ quote, escaped }, character) {
  if (character === '\n' || character === '\r') return PLAIN;
  if (escaped) return { quote, escaped: false };
  if (character === quote) return CODE_BEGINS;
  return { quote, escaped: character === '\\' };
}

class Lexer {
  /** `generated`: that a model writes the text (Syntax/generated). */
  constructor(profile, { generated = false } = {}) {
    this.profile = profile;
    this.generated = generated;
    this.offset = 0; // of the next symbol
    this.begun = ''; // what is held back (Syntax/begun-marker, Syntax/region)
    this.markers = MARKERS.map((marker) => ({ marker, spelling: spelled(marker) }));
    this.inProse = [...this.markers, ...profile.regions.map(([opens, closes]) => ({ closes, spelling: opens }))];
    this.standAt('prose');
  }

  /** Goes on in this mode, outside strings and regions, with no backslash before (Embed/taken-back, Embed/inject). */
  standAt(mode) {
    this.mode = mode;
    this.quotes = quotesOf(OPENERS.find((opener) => mode.includes(AT_OPENER[opener])), this.profile);
    this.code = CODE_BEGINS;
    this.codeBefore = CODE_BEGINS; // what is held back
    this.closes = null; // the string that closes the region that is open
    this.backslashes = 0; // how many the prose ends with
  }

  /** Embed/taken-back: what the model wrote from `offset` on is no more; `code` is the state of that point. */
  rewind(offset, mode, code) {
    this.offset = offset;
    this.begun = '';
    this.standAt(mode);
    if (mode !== 'prose') this.code = code;
  }

  /** Syntax/critical-section, but for the bytes of a begun character. */
  get interruptible() {
    return this.mode === 'prose' && this.quiet;
  }

  /** That no region is open and nothing is held back. */
  get quiet() {
    return this.closes === null && this.begun === '';
  }

  /** A reserved token (Syntax/reserved-token). */
  feedMarker(marker) {
    const symbols = [];
    this.emitMarker(symbols, marker);
    return symbols;
  }

  feed(piece) {
    const symbols = [];
    if (this.profile.markers === 'token') {
      this.emitText(symbols, piece);
      return symbols;
    }
    const text = this.begun + piece;
    let start = 0; // of the text that is not emitted
    let begunAt = 0; // where what may become a marker or an opening string begins
    for (let at = this.begun.length; at < text.length; at++) {
      const before = this.code;
      if (this.mode !== 'prose') this.code = nextInCode(before, text[at], this.quotes);
      if (before.quote || this.code.quote) {
        begunAt = at + 1;
        continue;
      }
      const found = this.findComplete(text, start, begunAt, at + 1);
      if (!found) {
        begunAt = this.findBegun(text, begunAt, at + 1);
        if (begunAt === at) this.codeBefore = before;
        continue;
      }
      start = this.takeComplete(symbols, text, start, found, at + 1);
      begunAt = at + 1;
    }
    this.emitText(symbols, text.slice(start, begunAt));
    this.begun = text.slice(begunAt);
    return symbols;
  }

  /** The end of the input: what is held back is text. */
  end() {
    const symbols = [];
    this.emitText(symbols, this.begun);
    this.begun = '';
    return symbols;
  }

  /** What may be complete or begun here: in a region its closing string alone. */
  get patterns() {
    if (this.closes !== null) return [{ spelling: this.closes }];
    return this.mode === 'prose' ? this.inProse : this.markers;
  }

  /** The longest pattern that is complete at `end`, markers first; undefined if none is. */
  findComplete(text, start, begunAt, end) {
    for (let from = begunAt; from < end; from++) {
      const spelling = text.slice(from, end);
      for (const pattern of this.patterns) {
        if (pattern.spelling === spelling && !(pattern.marker && this.isEscaped(text.slice(start, from)))) return { pattern, from };
      }
    }
    return undefined;
  }

  /** Where the longest begun pattern at `end` begins; `end` if there is none. */
  findBegun(text, begunAt, end) {
    for (let from = begunAt; from < end; from++) {
      const spelling = text.slice(from, end);
      if (this.patterns.some((pattern) => pattern.spelling.length > spelling.length && pattern.spelling.startsWith(spelling))) return from;
    }
    return end;
  }

  /** Emits what a complete pattern ends; where the text after it starts. */
  takeComplete(symbols, text, start, { pattern, from }, end) {
    if (pattern.marker) {
      this.emitText(symbols, text.slice(start, from));
      this.emitMarker(symbols, pattern.marker);
      return end;
    }
    if (this.closes !== null) {
      this.emitText(symbols, text.slice(start, end));
      this.closes = null;
      return end;
    }
    this.emitText(symbols, text.slice(start, from));
    this.closes = pattern.closes;
    return from;
  }

  /** Syntax/escape: whether a marker after `before`, which was not emitted yet, is escaped. */
  isEscaped(before) {
    if (this.mode !== 'prose') return false;
    return this.backslashesAfter(before) % 2 === 1;
  }

  backslashesAfter(text) {
    const run = trailingBackslashes(text);
    return run === text.length ? this.backslashes + run : run;
  }

  emitText(symbols, text) {
    if (text === '') return;
    this.backslashes = this.backslashesAfter(text);
    symbols.push({ text, marker: null, offset: this.offset, mode: this.mode });
    this.offset += characterCount(text);
  }

  emitMarker(symbols, marker) {
    if (this.generated && marker === 'INTR') this.code = this.codeBefore;
    else this.standAt(this.modeAfter(marker));
    symbols.push({ text: spelled(marker), marker, offset: this.offset, mode: this.mode, code: this.code });
    this.offset += spelled(marker).length;
  }

  modeAfter(marker) {
    if (marker === 'END') return 'prose';
    return marker === 'HEAD' ? AT_HEAD[this.mode] : AT_OPENER[marker];
  }
}

module.exports = { CODE_BEGINS, Lexer, MARKER_CHARACTERS, MARKERS, OPENERS, nextInCode, quotesOf };
