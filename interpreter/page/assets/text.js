// The text of the context: calls, interrupts and traps as coloured spans, what was taken back struck out.

import { element, visible } from "./dom.js";

const MEANINGS = {
  question: "a further question", call: "a call", trap: "a trap", interrupt: "an interrupt", message: "a message of a person",
  forged: "a forged interrupt, taken back", stray: "a marker that means nothing here",
};

export class TextDrawing {
  /** @param {Element} parent Where the text goes. */
  constructor(parent) {
    this.element = parent;
    this.spans = [];
    this.drawn = [];
    this.call = null; // whose pieces are marked
  }

  /** Mark the pieces of a call, those that come later too, and no others; null marks none. */
  mark(call) {
    this.call = call;
    for (const span of this.element.querySelectorAll(".marked")) span.classList.remove("marked");
    if (call === null) return;
    for (const span of this.element.querySelectorAll(`[data-call="${CSS.escape(call)}"]`)) span.classList.add("marked");
  }

  /** Draw what has come since the last time. */
  draw(reading) {
    for (let at = Math.max(0, this.spans.length - 1); at < reading.pieces.length; at += 1) {
      const piece = reading.pieces[at];
      this.spans[at] ??= this.#span(piece, at);
      this.#append(this.spans[at], piece, at);
    }
    for (const piece of reading.changed) this.#dress(this.spans[reading.pieces.lastIndexOf(piece)], piece);
    reading.changed.clear();
  }

  #span(piece, at) {
    const span = element("span", null, { "data-piece": at });
    this.#dress(span, piece);
    this.element.append(span);
    return span;
  }

  #dress(span, piece) {
    const isMarked = piece.call !== null && piece.call === this.call;
    span.className = ["piece", piece.kind, piece.fault && "fault", piece.taken && "taken", piece.outcome, isMarked && "marked"].filter(Boolean).join(" ");
    if (MEANINGS[piece.kind]) span.title = visible(piece.fault ?? MEANINGS[piece.kind]);
    if (piece.call !== null) span.dataset.call = piece.call;
  }

  /** A text goes on in the node that it has; a marker has one of its own. */
  #append(span, piece, at) {
    const from = this.drawn[at] ?? 0;
    for (const part of piece.parts.slice(from)) {
      const shown = visible(part.text);
      const last = span.lastChild;
      if (part.marker) span.append(element("b.marker", part.text));
      else if (last?.nodeType === Node.TEXT_NODE) last.appendData(shown);
      else span.append(shown);
      const node = part.marker ? span.lastChild.firstChild : span.lastChild;
      part.place = { node, from: node.length - shown.length, to: node.length };
    }
    this.drawn[at] = piece.parts.length;
  }
}
