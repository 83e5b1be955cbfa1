// The rows of a trace as a list that holds only what is seen of it: ten thousand cost what thirty do.

import { element, moment } from "./dom.js";
import { written } from "./interrupts.js";

const ROW_PIXELS = 24;
const BEYOND = 12;
const DECODING = new Set(["Settle/decode", "Step/text", "Step/inside"]);

/** What a row says beside its rule. */
export function summaryOf({ event, effects = [] }) {
  return [event && EVENTS[event.type]?.(event), ...effects.map((effect) => EFFECTS[effect.type]?.(effect))].filter(Boolean).join(" · ");
}

const EVENTS = {
  began: ({ prompt }) => prompt ?? "",
  decoded: ({ symbol }) => (symbol.marker ? symbol.text : JSON.stringify(symbol.text)),
  ended: ({ reason }) => reason,
  returned: ({ call, outcome }) => `${call} ${outcome.kind} ${written(outcome.value)}`,
  expired: ({ call }) => call,
  said: ({ text }) => JSON.stringify(text),
  stopped: () => "",
};

const EFFECTS = {
  start: ({ call, function: name }) => `starts ${call}: ${name}`,
  cancel: ({ call }) => `asks ${call} to stop`,
  inject: ({ interrupts }) => `in go ${interrupts.map(({ id }) => id).join(", ")}`,
  rewind: ({ offset }) => `back to ${offset}`,
  report: ({ message }) => message,
  finish: ({ reason }) => `over: ${reason}`,
};

let lists = 0;

export class RowList {
  /**
   * @param {Element} parent Where the list goes.
   * @param {object} options
   * @param {(row: number) => void} options.choose What happens when a row is chosen.
   * @param {?number} options.partsAt A row to be marked, also among those that are left out.
   */
  constructor(parent, { choose, partsAt = null }) {
    this.choose = choose;
    this.partsAt = partsAt;
    this.name = `rows-${(lists += 1)}`;
    this.rows = [];
    this.shown = [];
    this.lines = new Map(); // those that are there, by the numbers of their rows
    this.chosen = null;
    this.all = false;
    this.list = element("div.row-list", null, { role: "listbox", tabindex: "0", "aria-label": "Rows of the trace" }, element("div.row-space"));
    const box = element("input", null, { type: "checkbox" });
    box.addEventListener("change", () => this.#filter(box.checked));
    this.element = element("div.rows", null, {}, element("div.bar-of-tools", null, {}, element("h3", "Rows"), element("label", null, {}, box, "with every symbol")), this.list);
    parent.append(this.element);
    this.list.addEventListener("scroll", () => this.#moved(), { passive: true });
    this.list.addEventListener("keydown", (event) => this.#key(event));
    this.list.addEventListener("click", (event) => {
      const line = event.target.closest("[data-row]");
      if (line) this.choose(Number(line.dataset.row));
    });
    this.top = this.height = 0; // what is seen, in pixels
    new ResizeObserver(() => this.#moved()).observe(this.list);
  }

  /** Take more rows in, each with its number; they are drawn with the next `draw`. */
  add(rows) {
    for (const row of rows) {
      const number = this.rows.push(row);
      if (this.#belongs(row, number)) this.shown.push(number);
    }
    this.#makeRoom();
  }

  /** Mark a row, and bring it into view; or none. */
  mark(number) {
    this.chosen = number;
    if (number === null) {
      this.list.removeAttribute("aria-activedescendant");
      return this.draw();
    }
    const at = this.#place(number);
    const { scrollTop, clientHeight } = this.list;
    if (at * ROW_PIXELS < scrollTop || (at + 1) * ROW_PIXELS > scrollTop + clientHeight) {
      this.list.scrollTop = at * ROW_PIXELS - clientHeight / 2;
    }
    return this.#moved();
  }

  /** Make the list as long as its rows are: one that is not drawn yet can be brought into view. */
  #makeRoom() {
    this.list.firstChild.style.height = `${this.shown.length * ROW_PIXELS}px`;
  }

  #moved() {
    this.top = this.list.scrollTop;
    this.height = this.list.clientHeight;
    this.draw();
  }

  /** Draw what is seen of the list. A line that is there already stays. */
  draw() {
    const { shown, lines, top, height } = this;
    const space = this.list.firstChild;
    const first = Math.max(0, Math.floor(top / ROW_PIXELS) - BEYOND);
    const seen = shown.slice(first, Math.ceil((top + height) / ROW_PIXELS) + BEYOND);
    const kept = new Set(seen);
    for (const [number, line] of lines) {
      if (kept.has(number)) continue;
      line.remove();
      lines.delete(number);
    }
    let next = null;
    for (const [at, number] of [...seen.entries()].reverse()) {
      if (!lines.has(number)) lines.set(number, this.#line(number, first + at));
      const line = lines.get(number);
      if (!line.isConnected || line.nextSibling !== next) space.insertBefore(line, next);
      this.#tell(line, number);
      next = line;
    }
  }

  /** Tell which line is chosen, and of how many it is one. */
  #tell(line, number) {
    const isChosen = number === this.chosen;
    line.setAttribute("aria-selected", isChosen);
    line.setAttribute("aria-setsize", this.shown.length);
    if (isChosen) this.list.setAttribute("aria-activedescendant", line.id);
  }

  #belongs(row, number) {
    return this.all || number === this.partsAt || !DECODING.has(row.rule);
  }

  #filter(all) {
    this.all = all;
    this.shown = this.rows.flatMap((row, at) => (this.#belongs(row, at + 1) ? [at + 1] : []));
    for (const line of this.lines.values()) line.remove(); // each has another place now
    this.lines.clear();
    this.#makeRoom();
    if (this.chosen !== null) this.mark(this.chosen);
    this.draw();
  }

  /** Where a row stands among those that are shown, or the one before it. */
  #place(number) {
    let [low, high] = [0, this.shown.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.shown[middle] < number) low = middle + 1;
      else high = middle;
    }
    return Math.min(low, this.shown.length - 1);
  }

  #line(number, at) {
    const row = this.rows[number - 1];
    const line = element("div.row", null, { role: "option", id: `${this.name}-${number}`, "data-row": number, "aria-posinset": at + 1 },
      element("span.row-number", number), element("span.row-time", moment(row.at_us)), element("span.row-rule", row.rule), element("span.row-summary", summaryOf(row)));
    line.classList.add(row.rule.startsWith("Step/") ? "step" : "settle");
    line.classList.toggle("parting", number === this.partsAt);
    line.style.top = `${at * ROW_PIXELS}px`;
    return line;
  }

  #key(event) {
    const page = Math.max(1, Math.floor(this.list.clientHeight / ROW_PIXELS) - 1);
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity }[event.key];
    if (!by || !this.shown.length) return;
    event.preventDefault();
    const from = this.chosen === null ? -1 : this.#place(this.chosen);
    this.choose(this.shown[Math.max(0, Math.min(this.shown.length - 1, from + by))]);
  }
}
