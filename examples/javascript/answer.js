#!/usr/bin/env node
'use strict';
// Answers the vectors: one request a line on standard input, one answer a line on standard output;
// or, as `answer.js --port 8080`, one request a POST, and its response is the answer.

const http = require('node:http');

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

function answerLines() {
  // Only a line feed ends a line: node:readline would also cut at U+2028.
  let begun = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (piece) => {
    const lines = (begun + piece).split('\n');
    begun = lines.pop();
    for (const line of lines) process.stdout.write(`${writeLine(answer(line))}\n`);
  });
}

function answerPosts(port) {
  const server = http.createServer(async (request, response) => {
    request.setEncoding('utf8');
    let body = '';
    for await (const piece of request) body += piece;
    try {
      response.end(writeLine(answer(body)));
    } catch (error) {
      response.writeHead(400).end(error.message);
    }
  });
  server.listen(port, '127.0.0.1', () => {
    process.stdout.write(`http://127.0.0.1:${server.address().port}\n`);
  });
}

const [option, port] = process.argv.slice(2);
if (option === '--port') answerPosts(Number(port));
else answerLines();
