'use strict';
// Answers to the vectors of runs (vectors/README.md).

const { toPlain } = require('../wire');
const { VirtualDriver } = require('./driver');

/** `request` is as it was read: the outcomes in it are values. */
function answerRun(request) {
  const { settings, script, costs, planned = [] } = toPlain(new Map([...request].filter(([key]) => key !== 'functions')));
  const functions = new Map([...(request.get('functions') ?? [])].map(([name, calls]) => [name, calls.map((answers) => answers.map(readAnswer))]));
  const driver = new VirtualDriver({ settings, script, costs, functions, planned: planned.map(({ at_us: at, event }) => ({ at, event })) });
  const { rows, context } = driver.run();
  return { rows: rows.map(answeredRow), context };
}

function readAnswer(answer) {
  const outcome = answer.get('outcome');
  return { after: Number(answer.get('after_us')), outcome: { kind: outcome.get('kind'), value: outcome.get('value') } };
}

/** A marker is written as it is spelled in the text profile; the mode of a symbol is the driver's alone. */
function answeredRow(row) {
  if (!row.event?.symbol) return row;
  const { text, marker, offset } = row.event.symbol;
  return { ...row, event: { ...row.event, symbol: { text, offset, marker: marker === null ? null : text } } };
}

module.exports = { answerRun };
