#!/usr/bin/env node
'use strict';
// Answers the vectors: one request a line on standard input, one answer a line on standard output.

const { answerLanguage } = require('./language/answer');
const { answerRun } = require('./machine/answer');
const { answerSchedule } = require('./schedule/answer');
const { readLine, toPlain, writeLine } = require('./wire');

/** The form of a request says what it asks. */
function answerCategory(request) {
  if (request.has('input')) return answerLanguage(toPlain(request));
  return request.has('script') ? answerRun(request) : answerSchedule(toPlain(request));
}

function answer(line) {
  const request = readLine(line);
  const id = request.get('id');
  try {
    return { id, ...answerCategory(request) };
  } catch (error) {
    process.stderr.write(`${id}: ${error.stack}\n`);
    return { id };
  }
}

// Only a line feed ends a line: node:readline would also cut at U+2028.
let begun = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (piece) => {
  const lines = (begun + piece).split('\n');
  begun = lines.pop();
  for (const line of lines) process.stdout.write(`${writeLine(answer(line))}\n`);
});
