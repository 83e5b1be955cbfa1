// How an interrupt stands in the context (spec/3-semantics.md, 3.7): its parts, each a marker or not.

const MARKER = /\[(?=(?:CALL|INTR|TRAP|HEAD|END)\])/g;

/**
 * Parse a line of a trace. Numbers that JavaScript would write otherwise keep their spelling.
 * @param {string} line
 */
export function parseRow(line) {
  return JSON.parse(line, (_, value, context) => {
    if (typeof value !== "number" || !context || String(value) === context.source) return value;
    return JSON.rawJSON?.(context.source) ?? value;
  });
}

/** The parts of one interrupt, as pairs of text and whether it is a marker. */
export function* interruptText(id, { kind, value }, level) {
  const word = kind === "returned" || level !== "extended" ? "" : `${kind} `;
  yield ["[INTR]", true];
  yield [` ${id} ${word}`, false];
  yield ["[HEAD]", true];
  yield [` ${written(value).replace(MARKER, "\\u005b")} `, false];
  yield ["[END]", true];
}

/** A JSON value on one line, with the spaces of the canonical form. */
export function written(value) {
  if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`;
  if (value === null || typeof value !== "object" || JSON.isRawJSON?.(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, entry]) => `${JSON.stringify(key)}: ${written(entry)}`);
  return `{${entries.join(", ")}}`;
}
