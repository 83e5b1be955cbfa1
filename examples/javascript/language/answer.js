'use strict';
// Answers to the vectors of syntax, malformed and invalid (answers.md).

const { ContextReader } = require('./context');
const { Lexer } = require('./lexer');
const { printContext, printTokens } = require('./printer');
const { makeProfile } = require('./profile');
const { Utf8Decoder } = require('./utf8');
const { makeDiagnostic, validate } = require('./validity');

const FIELDS = {
  text: ['text'],
  call: ['id', 'function', 'args', 'kwargs', 'body'],
  interrupt: ['id', 'outcome', 'value'],
  trap: ['wait'],
  malformed: ['id', 'source', 'rule'],
};

function answerLanguage({ input, profile: chosen }) {
  const profile = makeProfile(chosen);
  const reading = new Reading(profile);
  if (input.base64) reading.readBytes(input.base64.map((piece) => Buffer.from(piece, 'base64')));
  else if (input.tokens) reading.readTokens(input.tokens);
  else reading.readPieces(input.pieces ?? [input.text]);
  return reading.answer();
}

class Reading {
  constructor(profile) {
    this.profile = profile;
    this.lexer = new Lexer(profile);
    this.reader = new ContextReader(profile);
    this.interruptible = [];
    this.isText = true; // UTF-8
  }

  readPieces(pieces) {
    for (const piece of pieces) {
      this.reader.take(this.lexer.feed(piece));
      this.interruptible.push(this.lexer.interruptible);
    }
  }

  readTokens(tokens) {
    for (const { marker, text = '' } of tokens) {
      this.reader.take(marker ? this.lexer.feedMarker(marker) : this.lexer.feed(text));
      this.interruptible.push(this.lexer.interruptible);
    }
  }

  readBytes(pieces) {
    const decoder = new Utf8Decoder();
    for (const piece of pieces) {
      this.reader.take(this.lexer.feed(decoder.feed(piece)));
      if (decoder.broken) break;
      this.interruptible.push(this.lexer.interruptible && decoder.begun.length === 0);
    }
    decoder.end();
    this.isText = !decoder.broken;
  }

  answer() {
    this.reader.take(this.lexer.end());
    const items = this.isText ? this.reader.end() : this.reader.breakOff();
    const diagnostics = validate(items, this.profile);
    if (!this.isText) {
      const end = this.reader.position;
      diagnostics.push(makeDiagnostic('Syntax/encoding', 'the input is not UTF-8 from here on', { start: end, end }));
    }
    const context = this.isText ? items : [];
    return {
      context: context.map(answeredItem),
      diagnostics,
      canonical: (this.profile.markers === 'token' ? printTokens : printContext)(context, this.profile),
      interruptible: this.interruptible,
    };
  }
}

function answeredItem(item) {
  const fields = ['kind', ...FIELDS[item.kind], 'span', ...('markers' in item ? ['markers'] : [])];
  return Object.fromEntries(fields.map((field) => [field, item[field]]));
}

module.exports = { answerLanguage };
