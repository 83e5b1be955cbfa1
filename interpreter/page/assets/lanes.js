// Lanes over time: what the model did, then each call, waiting, running, waiting for a safe point.
//
// A bar knows its times; the width of a microsecond is one property of the whole, so that growing and zooming move
// no bar by itself. What is seen is measured where it changes, by scrolling and by another size: to draw asks for no layout.

import { duration, element, moment, visible } from "./dom.js";
import { roundStep, tickName, ticks } from "./scale.js";

const TICK_PIXELS = 96;
const EDGE_PIXELS = 48;
const MOST_ZOOM = 2_000;

export const MEANINGS = {
  reading: "until first words", text: "model writes", writing: "writes a call", trapped: "waits at a trap",
  waiting: "call waits to start", running: "call runs", failed: "call fails", returned: "result waits",
};

/** What is drawn: a run that was read (reading.js), or one that the simulator played.
 * @typedef {{calls: Iterable<import("./reading.js").Call>, reading: ?number[][], decoding: number[][], trapped: number[][], phase: string, nowUs: number}} Lanes
 */

export class LanesDrawing {
  /** @param {Element} parent Where the lanes go. */
  constructor(parent, { label = "Lanes over time" } = {}) {
    this.grid = element("div.grid", null, { "aria-hidden": "true" });
    this.cursor = element("div.cursor", null, { "aria-hidden": "true", hidden: true });
    this.axis = element("div.axis", null, { "aria-hidden": "true" });
    this.rows = element("div.lane-rows");
    this.element = element("div.lanes", null, { tabindex: "0", role: "group", "aria-label": `${label}; plus and minus zoom` },
      element("div.lanes-inside", null, {}, this.grid, this.axis, this.rows, this.cursor));
    parent.append(this.element);
    this.zoom = 1;
    this.totalUs = 1;
    this.usPixels = 0;
    this.lanes = new Map();
    this.bars = new Map();
    this.counts = new Map(); // how many bars there are of each kind
    this.spans = { reading: 0, decoding: 0, trapped: 0 }; // how many were drawn
    this.marks = new Map(); // the ticks that are there, by their moments
    this.stepUs = 0;
    this.width = 40;
    this.left = 0;
    this.decoding = this.#lane("", "decoding", "");
    this.element.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.element.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.element.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#resized()).observe(this.element);
  }

  /**
   * Draw a run as it is now, always the same one. What can change no more is not looked at again.
   * @param {Lanes} run
   * @param {number} nowUs The moment that is now.
   * @param {number} totalUs How much time the axis shows.
   */
  draw(run, nowUs = run.nowUs, totalUs = nowUs) {
    const { decoding } = this;
    for (const [begin, end] of this.#undrawn("reading", run.reading ?? [])) this.#bar(decoding, `d${begin}`, "reading", begin, end);
    for (const [begin, end] of this.#undrawn("decoding", run.decoding)) this.#bar(decoding, `d${begin}`, "text", begin, end);
    this.#underWay(decoding, run, nowUs);
    for (const [begin, end] of this.#undrawn("trapped", run.trapped)) this.#bar(decoding, `t${begin}`, "trapped", begin, end ?? nowUs);
    for (const call of run.calls.values()) this.#call(decoding, call, run.phase === "ended", nowUs);
    this.totalUs = Math.max(1, totalUs);
    this.#layout();
  }

  /** Whether there is a bar of a kind. */
  has(kind) {
    return this.counts.get(kind) > 0;
  }

  /** Put the cursor to a moment, or nowhere. */
  point(atUs) {
    this.cursor.hidden = atUs === null;
    if (atUs === null) return;
    this.cursor.style.setProperty("--at", atUs);
    const x = atUs * this.usPixels;
    const { scrollLeft } = this.element;
    if (x < scrollLeft || x > scrollLeft + this.width) this.element.scrollLeft = x - this.width / 2;
  }

  /** Mark the lane of a call, and no other. */
  mark(key) {
    for (const [name, lane] of this.lanes) lane.row.classList.toggle("marked", name === key && key !== "");
    this.lanes.get(key ?? "")?.row.scrollIntoView({ block: "nearest" });
  }

  /** Zoom in or out around a place of the lanes, in pixels from their left. */
  zoomBy(factor, x = this.width / 2) {
    const zoom = Math.min(MOST_ZOOM, Math.max(1, this.zoom * factor));
    const atUs = (this.element.scrollLeft + x) / this.usPixels;
    this.zoom = zoom;
    this.#layout();
    this.element.scrollLeft = atUs * this.usPixels - x;
    this.#scrolled();
  }

  /** What the model writes at this moment: it goes on from what it wrote before, where that ended as this began. */
  #underWay(decoding, { askedUs = null, decoding: before, isReading = false, block = null }, nowUs) {
    if (askedUs !== null) {
      const last = before.at(-1);
      const beginUs = last?.[1] === askedUs ? last[0] : askedUs;
      this.#bar(decoding, `d${beginUs}`, isReading ? "reading" : "text", beginUs, nowUs);
    }
    if (block?.kind === "call") this.#bar(decoding, "block", "writing", block.openedUs, nowUs);
    else this.#drop("block");
  }

  #call(decoding, call, isOver, nowUs) {
    const lane = this.#lane(call.key, call.key, call.name);
    if (lane.isDone) return;
    lane.isDone = call.deliveredUs !== null; // nothing more becomes of it
    // Nobody hears of a call without identifier, and nothing goes in once the turn is over.
    const waits = call.returnedUs !== null && !call.key.startsWith("#") && !isOver;
    const { key, openedUs, writtenUs } = call;
    const returnedUs = call.returnedUs ?? nowUs;
    const startedUs = call.startedUs ?? returnedUs;
    const deliveredUs = call.deliveredUs ?? (waits ? nowUs : returnedUs);
    const ran = call.outcome === "returned" || call.outcome === "running" ? "running" : "failed";
    this.#bar(decoding, `w${key}`, "writing", openedUs, writtenUs, key);
    this.#bar(lane, `q${key}`, "waiting", writtenUs, startedUs, key);
    this.#bar(lane, `r${key}`, ran, startedUs, returnedUs, key);
    this.#bar(lane, `i${key}`, "returned", returnedUs, deliveredUs, key);
  }

  #lane(key, name, more) {
    let lane = this.lanes.get(key);
    if (!lane) {
      const label = element("div.lane-name", null, { title: `${name} ${more}`.trim() }, element("b", name), " ", element("span", more));
      const track = element("div.track");
      const row = element("div.lane", null, { "data-call": key || null }, label, track);
      lane = { row, track, label, more, isDone: false };
      this.lanes.set(key, lane);
      this.rows.append(row);
    } else if (lane.more !== more) {
      // The name in a body may have an alias; the one that is started counts.
      lane.more = more;
      lane.label.lastChild.textContent = visible(more);
      lane.label.title = visible(`${name} ${more}`);
    }
    return lane;
  }

  #bar(lane, name, kind, beginUs, endUs, key = null) {
    if (!(endUs > beginUs)) return this.#drop(name);
    let bar = this.bars.get(name);
    if (!bar) {
      bar = { element: element("i", null, { "data-call": key }), kind: "", beginUs: -1, endUs: -1 };
      this.bars.set(name, bar);
      lane.track.append(bar.element);
    }
    if (bar.kind !== kind) {
      bar.element.className = `bar ${kind}`;
      this.#count(bar.kind, -1);
      this.#count(kind, 1);
    }
    if (bar.beginUs !== beginUs) bar.element.style.setProperty("--from", beginUs);
    if (bar.endUs !== endUs || bar.beginUs !== beginUs) bar.element.style.setProperty("--for", endUs - beginUs);
    if (bar.kind !== kind || bar.endUs !== endUs) bar.element.title = `${MEANINGS[kind]}: ${duration(endUs - beginUs)}, from ${moment(beginUs)} to ${moment(endUs)}`;
    Object.assign(bar, { kind, beginUs, endUs });
    return bar;
  }

  #drop(name) {
    const bar = this.bars.get(name);
    if (!bar) return;
    bar.element.remove();
    this.bars.delete(name);
    this.#count(bar.kind, -1);
  }

  #count(kind, more) {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + more);
  }

  /** The spans that have come since the last drawing, and the one before them, which may have grown. */
  #undrawn(what, spans) {
    const from = Math.max(0, this.spans[what] - 1);
    this.spans[what] = spans.length;
    return spans.slice(from);
  }

  #resized() {
    this.width = Math.max(40, this.element.clientWidth - this.#namesWidth() - EDGE_PIXELS);
    this.left = this.element.scrollLeft;
    this.#layout();
  }

  #namesWidth() {
    return this.decoding.label.offsetWidth;
  }

  #scrolled() {
    this.left = this.element.scrollLeft;
    this.#ticks();
  }

  #layout() {
    const usPixels = (this.width * this.zoom) / this.totalUs;
    if (usPixels !== this.usPixels) {
      this.usPixels = usPixels;
      this.element.style.setProperty("--us", `${usPixels}px`);
      this.element.style.setProperty("--total", this.totalUs);
    }
    this.#ticks();
  }

  /** Only the ticks that can be seen, and a few beside them, are there; those that stay are not touched. */
  #ticks() {
    const stepUs = roundStep(TICK_PIXELS / this.usPixels);
    const fromUs = Math.max(0, (this.left - 200) / this.usPixels);
    const toUs = Math.min(this.totalUs, (this.left + this.width + 200) / this.usPixels);
    const wanted = new Set(ticks(fromUs, toUs, stepUs));
    for (const [at, mark] of this.marks) {
      if (stepUs === this.stepUs && wanted.has(at)) continue;
      for (const one of mark) one.remove();
      this.marks.delete(at);
    }
    this.stepUs = stepUs;
    for (const at of wanted) if (!this.marks.has(at)) this.marks.set(at, this.#tick(at));
  }

  #tick(at) {
    const mark = [element("span.tick", tickName(at, this.stepUs)), element("i.line")];
    for (const one of mark) one.style.setProperty("--at", at);
    this.axis.append(mark[0]);
    this.grid.append(mark[1]);
    return mark;
  }

  #wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const left = this.element.getBoundingClientRect().left + this.#namesWidth();
    this.zoomBy(Math.exp(-event.deltaY / 240), event.clientX - left);
  }

  #key(event) {
    const factor = { "+": 1.5, "=": 1.5, "-": 1 / 1.5, 0: 1 / MOST_ZOOM }[event.key];
    if (!factor || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.zoomBy(factor);
  }
}
