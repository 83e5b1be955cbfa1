'use strict';
// Contexts (section 1.4): symbols in, items out. An item is that of answers.md; an item of text also has its `source`.

const { readBlock } = require('./blocks');
const { START, advance, characterCount, trailingBackslashes } = require('./characters');
const { MARKER_CHARACTERS, OPENERS } = require('./lexer');

const ESCAPING_RUN = new RegExp(`(?<!\\\\)\\\\+(?=${MARKER_CHARACTERS})`, 'g');

class ContextReader {
  constructor(profile) {
    this.profile = profile;
    this.items = [];
    this.symbols = []; // of the text or block under construction
    this.position = START; // where that begins
  }

  take(symbols) {
    for (const symbol of symbols) this.takeSymbol(symbol);
  }

  takeSymbol(symbol) {
    if (OPENERS.includes(symbol.marker) || (symbol.marker !== null && !this.inBlock)) this.finishItem(true);
    this.symbols.push(symbol);
    if (symbol.marker === 'END' || (symbol.marker === 'HEAD' && !this.inBlock)) this.finishItem(true);
  }

  get inBlock() {
    return this.symbols.length > 0 && OPENERS.includes(this.symbols[0].marker);
  }

  /** The end of the context. */
  end() {
    this.finishItem(false);
    return this.items;
  }

  /** The context cannot be read on (Syntax/encoding): a block left open there is not reported. */
  breakOff() {
    const isOpen = this.inBlock;
    this.finishItem(false);
    if (isOpen) this.items.pop();
    return this.items;
  }

  finishItem(beforeMarker) {
    if (this.symbols.length === 0) return;
    const start = this.position;
    const source = this.symbols.map((symbol) => symbol.text).join('');
    this.position = advance(start, source);
    const item = { ...this.readItem(source, beforeMarker), span: { start, end: this.position } };
    if (item.kind === 'malformed' && this.profile.markers === 'token') item.markers = this.markerOffsets();
    this.items.push(item);
    this.symbols = [];
  }

  /** Where in the source each reserved token stands. */
  markerOffsets() {
    let offset = 0;
    const offsets = [];
    for (const { marker, text } of this.symbols) {
      if (marker !== null) offsets.push(offset);
      offset += characterCount(text);
    }
    return offsets;
  }

  readItem(source, beforeMarker) {
    const { marker } = this.symbols[0];
    if (marker === null) return { kind: 'text', text: this.unescape(source, beforeMarker), source };
    if (this.inBlock) return readBlock(this.symbols, this.profile);
    return { kind: 'malformed', id: null, source, rule: 'Valid/stray-marker', opener: null, message: `${source} stands outside every block` };
  }

  /** Syntax/escape: each run of backslashes before the characters of a marker is halved, rounded down. */
  unescape(source, beforeMarker) {
    if (this.profile.markers === 'token') return source;
    const text = source.replace(ESCAPING_RUN, (run) => run.slice(0, run.length / 2));
    return beforeMarker ? text.slice(0, text.length - Math.ceil(trailingBackslashes(text) / 2)) : text;
  }
}

module.exports = { ContextReader };
