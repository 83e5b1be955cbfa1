// Reads traces (a JSON array of arrays of lines on standard input) as the page does, and prints what it made of each.
import { readFileSync } from "node:fs";

const assets = new URL(`file://${process.argv[2]}/`);
const { Reading } = await import(new URL("reading.js", assets));
const { parseRow } = await import(new URL("interrupts.js", assets));

const traces = JSON.parse(readFileSync(0, "utf8"));
const found = traces.map((lines) => {
  const [header, ...rows] = lines.map(parseRow);
  const reading = new Reading(header);
  for (const row of rows) reading.take(row);
  const calls = [...reading.calls.values()].map((call) => [
    call.key, call.name, call.openedUs, call.writtenUs, call.startedUs, call.returnedUs, call.deliveredUs, call.outcome,
  ]);
  return { calls, reading: reading.reading, decoding: reading.decoding, context: reading.context, total: reading.nowUs, ending: reading.ending };
});
console.log(JSON.stringify(found));
