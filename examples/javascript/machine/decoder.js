'use strict';
// The scripted model and its context under the virtual clock (4.2: Time/decoding, Time/injecting, Time/context), with the
// lexer that the driver keeps for it (5.2).

const { characterCount, dropCharacters } = require('../language/characters');
const { Lexer } = require('../language/lexer');
const { interruptText } = require('./state');

const CHARACTERS_OF_TOKEN = 4; // of what is injected
const DEFAULT_COSTS = { token_us: 5000, interrupt_token_us: 0, naive_request_us: 0, context_token_us: 0 };

class VirtualDecoder {
  constructor(script, costs, profile) {
    this.profile = profile;
    this.costs = { ...DEFAULT_COSTS, ...costs };
    this.steps = [...script];
    this.lexer = new Lexer(profile, { generated: true });
    this.context = '';
    this.freeAt = 0; // when the last step or injection ended
    this.written = 0; // characters of the model in the context
    this.tokenOffsets = []; // where each decoded token in the context begins
    this.injectedTokens = 0;
    this.leftOver = []; // symbols that no decode was answered with
    this.code = undefined; // of the last symbol, where that is a marker (nextInCode)
    this.ended = null; // the reason of an end that is remembered
  }

  /** The answer to a `decode`: { at, event }. */
  decode(now) {
    while (this.leftOver.length === 0 && this.ended === null) this.takeStep(now);
    const at = Math.max(now, this.freeAt);
    if (this.leftOver.length === 0) return { at, event: this.end() };
    const symbol = this.leftOver.shift();
    this.code = symbol.code;
    return { at, event: { type: 'decoded', symbol, boundary: this.leftOver.length === 0 && this.lexer.quiet } };
  }

  takeStep(now) {
    const { text = '', marker = null, took_us: took = null, end = null } = this.steps.shift() ?? { end: 'stop' };
    if (end !== null) {
      this.leftOver = this.lexer.end();
      this.ended = end;
      return;
    }
    const { token_us: token, context_token_us: contextToken } = this.costs;
    const contextTokens = this.tokenOffsets.length + this.injectedTokens;
    this.freeAt = Math.max(now, this.freeAt) + (took ?? token + contextToken * contextTokens);
    this.leftOver = marker === null ? this.lexer.feed(text) : this.lexer.feedMarker(marker);
    const spelling = marker === null ? text : `[${marker}]`;
    this.context += spelling;
    this.tokenOffsets.push(this.written);
    this.written += characterCount(spelling);
  }

  /** Embed/end */
  end() {
    const event = { type: 'ended', reason: this.ended, boundary: this.lexer.quiet };
    this.ended = null;
    this.lexer.standAt('prose');
    return event;
  }

  /** Embed/stop */
  endTurn() {
    this.leftOver = [];
    this.ended = null;
    this.lexer.end();
    this.lexer.standAt('prose');
  }

  /** Embed/inject */
  inject(now, { interrupts, before, after }) {
    const text = before + interrupts.map((interrupt) => interruptText(interrupt, this.profile) + after).join('');
    const tokens = Math.ceil(characterCount(text) / CHARACTERS_OF_TOKEN);
    this.context += text;
    this.injectedTokens += tokens;
    this.freeAt = Math.max(now, this.freeAt) + this.costs.naive_request_us + this.costs.interrupt_token_us * tokens;
    this.ended = null;
    this.lexer.standAt('prose');
  }

  /** Embed/taken-back: what the model wrote from `offset` on; the lexer goes on there in this mode. */
  rewind(offset, mode) {
    this.context = dropCharacters(this.context, this.written - offset);
    this.written = offset;
    this.tokenOffsets = this.tokenOffsets.filter((start) => start < offset);
    this.leftOver = [];
    this.ended = null;
    this.lexer.rewind(offset, mode, this.code);
  }
}

module.exports = { VirtualDecoder };
