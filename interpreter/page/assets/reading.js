// A run, read from the rows of its trace as they come: its text in pieces, its calls, what decoded when.
//
// A browser has no machine, so what the rows leave out is read off the rules' names and the text itself.
// The tests hold it against the reader in Python (interpreter/runs.py), for every vector.

import { interruptText } from "./interrupts.js";
import { identifierOf, functionOf, referencesOf, cancelledBy } from "./blocks.js";

const CLOSES_BLOCK = new Set(["Step/call", "Step/cancel", "Step/refused", "Step/malformed", "Step/trap", "Step/idle-trap"]);
const OPENERS = { "[CALL]": "call", "[TRAP]": "trap" };

/**
 * A piece of the context.
 * @typedef {{kind: "prose"|"question"|"call"|"trap"|"interrupt"|"message"|"stray"|"forged"|"layout", call: ?string, fault: ?string,
 *   offset: ?number, parts: {text: string, marker: boolean, row: number}[], taken: boolean, outcome: ?string}} Piece
 *
 * A call; times in microseconds, null for what has not happened.
 * @typedef {{key: string, name: string, body: string, order: number, openedUs: number, writtenUs: number, startedUs: ?number,
 *   returnedUs: ?number, deliveredUs: ?number, outcome: string, value: *, row: number, deadlineUs: ?number}} Call
 */

export class Reading {
  /** @param {object} header The first line of the trace. */
  constructor(header) {
    this.header = header;
    this.level = header.settings?.profile?.level ?? "extended";
    this.rows = [];
    /** @type {Piece[]} */
    this.pieces = [];
    /** Pieces that are no longer what they were when they came: whoever draws them clears it. */
    this.changed = new Set();
    /** @type {Map<string, Call>} */
    this.calls = new Map();
    /** When the model was decoding, as pairs of begin and end. */
    this.decoding = [];
    /** From where each turn began to its first symbol: a model reads what it is asked, a script does not. No part of `decoding`. */
    this.reading = [];
    this.isReading = false;
    /** When it was suspended by a trap, or waited at its end; the last may be open. */
    this.trapped = [];
    /** Moments that are worth a mark: what a person said, faults, ends. */
    this.moments = [];
    this.phase = "ready";
    this.nowUs = 0;
    this.askedUs = null;
    this.ending = null;
    this.places = [];
    this.identifiers = new Set();
    this.order = 0;
    this.block = null;
  }

  /** Take the next row in. */
  take(row) {
    const number = this.rows.push(row);
    const { event, rule } = row;
    this.nowUs = row.at_us;
    if (event?.type === "decoded" || event?.type === "ended") this.#decoded(row.at_us);
    if (event?.type === "decoded") this.#symbol(row, number);
    this.#rules[rule]?.(row, number);
    for (const effect of row.effects ?? []) this.#effects[effect.type]?.(effect, row, number);
  }

  /** The calls that are written and not settled. */
  get pending() {
    return this.pendingAt(this.nowUs);
  }

  /** The calls that were written and not settled at a moment. */
  pendingAt(atUs) {
    return [...this.calls.values()].filter(
      (call) => call.writtenUs <= atUs && (call.returnedUs === null || call.returnedUs > atUs),
    );
  }

  /** The text of the context: what the model wrote and was told, without further questions and what was taken back. */
  get context() {
    const kept = this.pieces.filter((piece) => !piece.taken && piece.kind !== "question");
    return kept.map((piece) => piece.parts.map((part) => part.text).join("")).join("");
  }

  #decoded(atUs) {
    const last = this.decoding.at(-1);
    if (this.isReading) this.reading.push([this.askedUs ?? atUs, atUs]);
    else if (last?.[1] === this.askedUs) last[1] = atUs;
    else this.decoding.push([this.askedUs ?? atUs, atUs]);
    this.isReading = false;
    this.askedUs = null;
  }

  // ------------------------------------------------------------------------------ what the model writes

  #symbol(row, number) {
    const { text, marker = null, offset = 0 } = row.event.symbol;
    const part = { text, marker: marker !== null, row: number };
    if (row.rule === "Step/forged") return this.#piece("forged", part, offset, { taken: true });
    if (row.rule === "Step/stray") return this.#piece("stray", part, offset);
    if (row.rule === "Step/open") return this.#open(row, part);
    if (row.rule === "Step/text") return this.#append("prose", part, offset);
    if (row.rule === "Step/malformed" && OPENERS[marker]) {
      this.#close(row, number);
      return this.#open(row, part);
    }
    this.#append(this.block.kind, part, offset);
    if (marker === "[HEAD]") this.block.heads += 1;
    if (!CLOSES_BLOCK.has(row.rule)) {
      if (marker === null || this.block.heads > 1) this.block.texts[Math.min(1, this.block.heads)] += text;
      return undefined;
    }
    return this.#close(row, number);
  }

  #open(row, part) {
    const { marker, offset = 0 } = row.event.symbol;
    this.block = { kind: OPENERS[marker], openedUs: row.at_us, heads: 0, texts: ["", ""], from: this.pieces.length };
    this.#piece(this.block.kind, part, offset);
  }

  #piece(kind, part, offset, more = {}) {
    this.pieces.push({ kind, call: null, fault: null, offset, parts: [], taken: false, outcome: null, ...more });
    if (part) this.#put(part);
  }

  #append(kind, part, offset) {
    const last = this.pieces.at(-1);
    if (last?.kind === kind && !last.taken) this.#put(part);
    else this.#piece(kind, part, offset);
  }

  #put(part) {
    const piece = this.pieces.length - 1;
    this.places[part.row] ??= { piece, part: this.pieces[piece].parts.length };
    this.pieces[piece].parts.push(part);
  }

  /** A block is complete: its pieces (a forged marker may stand between them) learn what became of it. */
  #close(row, number) {
    const { heads, texts, openedUs, from, kind } = this.block;
    const head = heads ? texts[0].trim() : "";
    const body = (heads ? texts[1] : texts[0]).trim();
    const written = { head, body, openedUs, from, kind, row: number };
    this.block = null;
    if (row.rule === "Step/call") this.#write(written, row.at_us);
    else if (row.rule === "Step/cancel") this.#cancel(written, row.at_us);
    else if (row.rule === "Step/refused" || row.rule === "Step/malformed") this.#fault(written, row);
  }

  #name(from, change) {
    for (const piece of this.pieces.slice(from)) {
      if (piece.kind === "forged") continue;
      Object.assign(piece, change);
      this.changed.add(piece);
    }
  }

  #key(head) {
    this.order += 1;
    const key = head || `#${this.order}`;
    this.identifiers.add(key);
    return key;
  }

  #write({ head, body, openedUs, from, row }, atUs) {
    const key = this.#key(head);
    this.calls.set(key, {
      key, name: functionOf(body), body, order: this.order, openedUs, writtenUs: atUs,
      startedUs: null, returnedUs: null, deliveredUs: null, outcome: "waiting", value: undefined, row, deadlineUs: null,
    });
    this.#name(from, { call: key });
  }

  #cancel({ head, body, from }, atUs) {
    const target = this.calls.get(cancelledBy(body));
    if (target?.outcome === "waiting") this.#settle(target, atUs, "cancelled");
    this.#name(from, { call: this.#key(head) });
  }

  #fault({ head, from, kind }, row) {
    const report = row.effects?.find((effect) => effect.type === "report");
    this.#name(from, { fault: report?.message ?? row.rule });
    const own = row.rule === "Step/malformed" || ["Valid/known-function", "Valid/known-identifier"].includes(report?.rule);
    const identifier = kind === "call" ? identifierOf(head) : null;
    if (own && identifier && !this.identifiers.has(identifier)) this.#key(identifier);
  }

  // ------------------------------------------------------------------------------ what becomes of calls

  #settle(call, atUs, outcome, value) {
    if (call.returnedUs !== null) return;
    Object.assign(call, { returnedUs: atUs, outcome, value });
  }

  #settleAll(atUs) {
    for (const call of this.calls.values()) this.#settle(call, atUs, "cancelled");
  }

  #moment(kind, atUs, text, row) {
    this.moments.push({ kind, atUs, text, row });
  }

  #suspend(atUs, kind) {
    this.phase = "trapped";
    this.trapped.push([atUs, null, kind]);
  }

  #resume(atUs, phase) {
    this.phase = phase;
    const last = this.trapped.at(-1);
    if (last && last[1] === null) last[1] = atUs;
  }

  #rules = {
    "Step/begin": (row, number) => {
      this.phase = "decoding";
      this.isReading = true;
      this.ending = null;
      const { prompt = "" } = row.event;
      if (prompt) this.#piece("question", { text: prompt, marker: false, row: number }, null);
      this.#moment("begin", row.at_us, prompt, number);
    },
    "Step/return": (row) => {
      const { call, outcome } = row.event;
      this.#settle(this.calls.get(call), row.at_us, outcome.kind, outcome.value);
    },
    "Step/progress": (row, number) => this.#moment("progress", row.at_us, row.event.call, number),
    "Step/timeout": (row) => this.#settle(this.calls.get(row.event.call), row.at_us, "timeout"),
    "Step/message": (row, number) => this.#moment("message", row.at_us, row.event.text, number),
    "Step/forged": (row, number) => this.#moment("fault", row.at_us, "a forged interrupt", number),
    "Step/refused": (row, number) => this.#moment("fault", row.at_us, "a refused call", number),
    "Step/malformed": (row, number) => this.#moment("fault", row.at_us, "a malformed block", number),
    "Step/trap": (row) => this.#suspend(row.at_us, "trap"),
    "Step/end": () => { this.phase = "ending"; },
    "Step/truncated": () => { this.phase = "ending"; this.block = null; },
    "Step/stop": (row) => { this.block = null; this.#settleAll(row.at_us); },
    "Settle/dependency": (row) => this.#settle(this.#failing(), row.at_us, "failed"),
    "Settle/cancel": (row) => this.#settleAll(row.at_us),
    "Settle/fail": (row) => this.#settleAll(row.at_us),
    "Settle/drain": (row) => this.#suspend(row.at_us, "end"),
    "Settle/wake": (row) => this.#resume(row.at_us, "decoding"),
  };

  /** The call that Settle/dependency fails: its row does not say which. */
  #failing() {
    const waiting = [...this.calls.values()].filter((call) => call.outcome === "waiting");
    const ended = (key) => {
      const call = this.calls.get(key);
      return call ? call.returnedUs !== null && call.outcome !== "returned" : true;
    };
    const named = (call) => referencesOf(call.body).filter((key) => this.identifiers.has(key));
    return (
      waiting.find((call) => named(call).some(ended)) ??
      waiting.find((call) => named(call).length && named(call).every((key) => this.calls.get(key)?.returnedUs !== null))
    );
  }

  #effects = {
    decode: (_, row) => { this.askedUs = row.at_us; },
    start: (effect, row) => {
      const call = this.calls.get(effect.call);
      Object.assign(call, { startedUs: row.at_us, outcome: "running", name: effect.function, deadlineUs: effect.deadline_us ?? null });
    },
    inject: (effect, row, number) => this.#inject(effect, row.at_us, number),
    rewind: (effect) => this.#rewind(effect.offset),
    finish: (effect, row, number) => {
      this.#resume(row.at_us, "ended");
      this.askedUs = null;
      this.ending = effect.reason;
      this.#moment("end", row.at_us, effect.reason, number);
    },
  };

  #inject({ interrupts, before = "", after = "" }, atUs, number) {
    if (before) this.#piece("layout", { text: before, marker: false, row: number }, null);
    for (const { id, outcome } of interrupts) {
      const kind = /^user[0-9]+$/.test(id) ? "message" : "interrupt";
      this.#piece(kind, null, null, { call: id, outcome: outcome.kind });
      for (const [text, marker] of interruptText(id, outcome, this.level)) this.#put({ text, marker, row: number });
      if (after) this.#put({ text: after, marker: false, row: number });
      this.#told(this.calls.get(id), outcome, atUs);
    }
  }

  /** What a call's interrupt says counts: a result that no reader would accept became a failure. */
  #told(call, outcome, atUs) {
    if (!call || outcome.kind === "progress") return;
    this.#settle(call, atUs, outcome.kind, outcome.value);
    Object.assign(call, { outcome: outcome.kind, value: outcome.value, deliveredUs: atUs });
  }

  /** What the model wrote from an offset on is taken back; an offset is always where a piece begins, or the end. */
  #rewind(offset) {
    for (const piece of this.pieces.toReversed()) {
      if (piece.offset === null) continue;
      if (piece.offset < offset) break;
      piece.taken = true;
      this.changed.add(piece);
    }
  }
}
