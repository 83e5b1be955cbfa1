// One run on a page: its text, its calls over time, what is pending, its rows.
//
//   import { RunView } from "./run.js";
//   const view = new RunView(element);       // a session under way: the axis grows in real time
//   view.add([header]);                      // rows exactly as a trace has them, the header first,
//   view.add(rows);                          // one at a time or thousands
//
// While something is still to be drawn, the run has the attribute `data-drawing`; while time goes on, there always is.
//
// Give rows that were parsed with `parseRow` of interrupts.js: it keeps numbers as they are spelled.

import { Details } from "./details.js";
import { duration, element, say, visible } from "./dom.js";
import { LanesDrawing, MEANINGS } from "./lanes.js";
import { PendingList } from "./pending.js";
import { Reading } from "./reading.js";
import { RowList } from "./rows.js";
import { TextDrawing } from "./text.js";

const ENDINGS = { stop: "the model came to its end", length: "the output limit came", pending: "calls were pending at the end", forged: "too many forged interrupts", stopped: "stopped" };
/** Between two drawings, at least: after rows, of a model that may be fast, and where only time goes on. */
const ROWS_MS = 20;
const TIME_MS = 100;
/** And so many times what a drawing took, which leaves the browser time for all else. */
const PAUSE_TIMES = 2;
const BLINK_MS = 550;
/** How much time an axis shows that grows, and by how much it grows: between that, what is drawn stays where it is. */
const LEAST_US = 1e6;
const GROWS_BY = 1.25;
/** The symbols of the rows that are chosen, of all runs on the page. */
const CHOSEN = window.Highlight && new Highlight();
CSS.highlights?.set("chosen", CHOSEN);

export class RunView {
  /**
   * @param {Element} parent Where the run goes.
   * @param {object} options
   * @param {boolean} [options.live] Whether time goes on between rows until the turn is over. False for a file.
   * @param {?Object<string, string>} [options.rules] The text of each rule, to be shown beside rows.
   * @param {?(key: string) => void} [options.cancel] What cancels a call; without it there is no button.
   * @param {?string} [options.title] A heading; the prompt if absent.
   * @param {string} [options.note] A sentence below it.
   * @param {string[]} [options.about] Sentences on the run, shown where nothing is chosen.
   * @param {?number} [options.partsAt] A row to be marked: from there on another run is different.
   */
  constructor(parent, { live = true, rules = null, cancel = null, title = null, note = "", about = [], partsAt = null } = {}) {
    this.live = live;
    this.title = title;
    this.shownUs = 0;
    this.range = null;
    this.reading = null;
    this.row = null;
    this.key = null;
    this.isNew = false; // whether something was chosen since the last drawing
    this.axisUs = 0;
    this.frame = this.timer = 0;
    this.askedMs = Infinity; // when the next drawing is, if one was asked for
    this.drawnMs = this.tookMs = 0;
    this.arrivedMs = 0;
    this.#build(parent, { rules, cancel, note, about, partsAt });
  }

  /** Take rows in, the header first; draws them soon. */
  add(rows) {
    const [header, ...rest] = this.reading ? [null, ...rows] : rows;
    if (header) this.#begin(header);
    for (const row of rest) this.reading.take(row);
    this.arrivedMs = performance.now();
    this.list.add(rest);
    this.#askAfter(ROWS_MS);
  }

  /** Choose a row by its number, from 1: its symbol, its moment and its rule are shown. Others are told, unless quietly. */
  choose(number, { quietly = false } = {}) {
    const row = this.reading?.rows[number - 1];
    if (!row) return;
    this.row = number;
    this.key = this.#callOf(row, number);
    this.list.mark(number);
    this.details.row(row, number);
    this.#mark(row.at_us);
    if (!quietly) this.#tell({ row: number, atUs: row.at_us });
  }

  /** Choose a call: its lane and its block are marked. */
  chooseCall(key) {
    const call = this.reading?.calls.get(key);
    if (!call) return;
    [this.row, this.key] = [null, key];
    this.details.call(call, this.nowUs);
    this.#mark(null);
  }

  /** Choose nothing. */
  clear({ quietly = false } = {}) {
    if (!this.reading) return;
    [this.row, this.key] = [null, null];
    this.details.clear();
    this.list.mark(null);
    this.#mark(null);
    if (!quietly) this.#tell({ row: null, atUs: null });
  }

  /** Show a moment, of which no row is chosen. */
  point(atUs) {
    this.clear({ quietly: true });
    this.lanes.point(atUs);
  }

  /** Show the time up to this moment, also beyond the end: for runs side by side. Returns the moment that is shown. */
  showTime(totalUs) {
    this.shownUs = totalUs;
    this.#ask();
    return Math.max(totalUs, this.nowUs);
  }

  /** The moment that is now: with a session under way, time goes on between its rows. */
  get nowUs() {
    const { nowUs } = this.reading;
    return this.#isGoing ? nowUs + (performance.now() - this.arrivedMs) * 1e3 : nowUs;
  }

  get #isGoing() {
    return this.live && this.reading !== null && !["ready", "ended"].includes(this.reading.phase);
  }

  #tell(detail) {
    this.element.dispatchEvent(new CustomEvent("choose", { detail, bubbles: true }));
  }

  #build(parent, { rules, cancel, note, about, partsAt }) {
    this.heading = element("h2");
    this.facts = element("p.facts");
    const said = note ? [element("p.note", note)] : [];
    this.context = element("section.context", null, { tabindex: "0", role: "region", "aria-label": "The context" });
    this.text = new TextDrawing(this.context);
    const side = element("aside.side");
    this.time = element("section.time", null, { "aria-label": "Calls over time" });
    const main = element("div.run-main", null, {}, this.context, this.time);
    this.element = element("article.run", null, {}, element("header.run-head", null, {}, this.heading, this.facts, ...said), main, side);
    this.pending = new PendingList(side, { cancel });
    this.details = new Details(side, { rules, about });
    this.time.append(this.#tools());
    this.lanes = new LanesDrawing(this.time);
    this.list = new RowList(main, { choose: (number) => this.choose(number), partsAt });
    parent.append(this.element);
    this.element.addEventListener("click", (event) => this.#click(event));
    this.element.addEventListener("keydown", (event) => event.key === "Escape" && this.clear());
  }

  #tools() {
    this.legend = element("ul.legend", null, {}, ...Object.entries(MEANINGS).map(([kind, meaning]) =>
      element("li", null, { "data-kind": kind }, element(`i.bar.${kind}`), meaning)));
    const button = (name, label, act) => {
      const made = element("button", name, { type: "button", "aria-label": label, title: label });
      made.addEventListener("click", act);
      return made;
    };
    return element("div.bar-of-tools", null, {}, this.legend, element("div.zoom", null, {},
      button("−", "Zoom out", () => this.lanes.zoomBy(1 / 1.5)), button("+", "Zoom in", () => this.lanes.zoomBy(1.5)),
      button("all", "Show the whole run", () => this.lanes.zoomBy(0))));
  }

  #begin(header) {
    this.reading = new Reading(header);
    this.heading.textContent = visible(this.title ?? (header.prompt || "A run"));
  }

  #callOf(row, number) {
    const named = row.event?.call ?? row.effects?.find((effect) => effect.call)?.call;
    return named ?? this.reading.pieces[this.reading.places[number]?.piece]?.call ?? null;
  }

  // -------------------------------------------------------------------------------------------- drawing

  #ask() {
    this.element.toggleAttribute("data-drawing", true);
    this.frame ||= requestAnimationFrame(() => this.#draw());
  }

  /** Draw when so much time has passed since the last drawing, if nobody has asked for it sooner. */
  #askAfter(pauseMs) {
    const atMs = this.drawnMs + Math.max(pauseMs, PAUSE_TIMES * this.tookMs);
    if (this.frame || atMs >= this.askedMs) return;
    this.element.toggleAttribute("data-drawing", true);
    clearTimeout(this.timer);
    this.askedMs = atMs;
    const waitMs = atMs - performance.now();
    if (waitMs > 0) this.timer = setTimeout(() => this.#ask(), waitMs);
    else this.#ask();
  }

  /** Draw what has changed. What is measured comes first, and what it is measured for last: one layout is enough. */
  #draw() {
    const beginMs = performance.now();
    clearTimeout(this.timer);
    this.frame = this.timer = 0;
    this.askedMs = Infinity;
    const { nowUs, reading } = this;
    const isAtEnd = this.context.scrollHeight - this.context.scrollTop - this.context.clientHeight < 40;
    this.lanes.draw(reading, nowUs, this.#axisUs(nowUs));
    this.list.draw();
    this.text.draw(reading);
    this.context.classList.toggle("going", this.#isGoing && reading.phase === "decoding");
    this.context.classList.toggle("off", Math.floor(beginMs / BLINK_MS) % 2 === 1);
    for (const entry of this.legend.children) entry.hidden = !this.lanes.has(entry.dataset.kind);
    this.pending.draw(reading.pendingAt(this.#momentUs ?? nowUs), this.#momentUs ?? nowUs);
    say(this.facts, this.#said(reading, nowUs));
    if (this.live && isAtEnd) this.context.scrollTop = this.context.scrollHeight;
    if (this.isNew) this.#show();
    this.isNew = false;
    this.drawnMs = performance.now();
    this.tookMs = this.drawnMs - beginMs;
    if (this.#isGoing) this.#askAfter(TIME_MS);
    else this.element.toggleAttribute("data-drawing", false);
  }

  /** How much time the axis shows: with a session under way there is room on it for what comes. */
  #axisUs(nowUs) {
    if (!this.#isGoing) return Math.max(this.shownUs, nowUs);
    if (nowUs > this.axisUs) this.axisUs = Math.max(LEAST_US, nowUs * GROWS_BY);
    return Math.max(this.shownUs, this.axisUs);
  }

  #said({ header, calls, phase, ending }, nowUs) {
    const count = calls.size === 1 ? "1 call" : `${calls.size} calls`;
    const state = phase === "ended" ? ENDINGS[ending] : this.live ? { trapped: "waits at a trap", ready: "not begun" }[phase] ?? "decodes" : "cut short";
    return [header.model, header.clock === "real" ? "" : "virtual time", count, duration(nowUs), state].filter(Boolean).join(" · ");
  }

  get #momentUs() {
    return this.row === null ? null : this.reading.rows[this.row - 1].at_us;
  }

  #mark(atUs) {
    this.lanes.point(atUs);
    this.#show();
    this.isNew = true; // its lane, or its text, may not be drawn yet
    this.#ask();
  }

  /** Mark the call that is chosen and highlight the row, as far as they are drawn. */
  #show() {
    this.lanes.mark(this.key ?? "");
    this.text.mark(this.key);
    this.#highlight();
  }

  /** The symbol of the chosen row is highlighted where it stands. */
  #highlight() {
    const { piece, part } = this.reading.places[this.row] ?? {};
    const place = this.reading.pieces[piece]?.parts[part]?.place;
    if (this.range) CHOSEN?.delete(this.range);
    this.range = null;
    if (!place) return;
    this.range = new Range();
    this.range.setStart(place.node, place.from);
    this.range.setEnd(place.node, place.to);
    CHOSEN?.add(this.range);
    const { top, bottom } = this.range.getBoundingClientRect();
    const seen = this.context.getBoundingClientRect();
    if (top < seen.top || bottom > seen.bottom) this.context.scrollTop += top - seen.top - seen.height / 2;
  }

  #click(event) {
    const span = event.target.closest("[data-call]");
    if (span && !event.target.closest("button, .row-list")) return this.chooseCall(span.dataset.call);
    const piece = event.target.closest("[data-piece]");
    const row = piece && this.reading.pieces[Number(piece.dataset.piece)].parts.at(-1)?.row;
    if (row) this.choose(row);
    return undefined;
  }
}
