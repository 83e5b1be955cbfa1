// What the text of a block says, as far as a picture needs it: the machine has read it already, and its rows say with what result.

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const RESERVED = /^(?:CALL|INTR|TRAP|HEAD|END|True|False|None|true|false|null|all|(?:user|error)[0-9]+)$/;
const STRING = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g;

/** The identifier that a head is, or null (Syntax/malformed-identifier). */
export function identifierOf(head) {
  return IDENTIFIER.test(head) && !RESERVED.test(head) ? head : null;
}

/** The function that a body calls. */
export function functionOf(body) {
  const read = asJson(body);
  if (read) return String(read.name);
  return body.slice(0, body.indexOf("(")).trim();
}

/** What a body may name: identifiers of earlier calls, and other words. */
export function referencesOf(body) {
  const read = asJson(body);
  if (read) return [...referencesIn(read)];
  return body.slice(body.indexOf("(")).replace(STRING, "").match(/(?<![.\w])[A-Za-z_]\w*(?!\w|\s*=)/g) ?? [];
}

function* referencesIn(value) {
  if (value === null || typeof value !== "object") return;
  if (typeof value.$ref === "string") yield value.$ref;
  for (const inner of Object.values(value)) yield* referencesIn(inner);
}

/** The call that a call of `cancel` names (Step/cancel). */
export function cancelledBy(body) {
  const read = asJson(body);
  if (read) return read.arguments?.id?.$ref ?? read.arguments?.id;
  return body.slice(body.indexOf("(")).match(/[A-Za-z_]\w*/g)?.at(-1);
}

function asJson(body) {
  if (!body.startsWith("{")) return null;
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
