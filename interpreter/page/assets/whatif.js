// A run played again by the simulator: in another order, with other workers, with faster decoding. Python has played them all.

import { duration, element } from "./dom.js";
import { LanesDrawing } from "./lanes.js";

const ALL = "any number";
const TOKENS = { 25: "a quarter as long", 50: "half as long", 100: "as long as it did", 200: "twice as long" };

export class WhatIf {
  /**
   * @param {Element} parent Where it goes.
   * @param {object} played What was played, as interpreter/schedule/advice/what_if.py says it.
   * @param {(totalUs: number) => void} showTime Shows the run itself on the same axis of time.
   */
  constructor(parent, played, showTime) {
    this.played = played;
    this.showTime = showTime;
    const [order, workers, tokens] = [played.orders, played.workers.map((count) => count || ALL), played.token_percents.map((percent) => TOKENS[percent])];
    this.choices = [this.#choice("order of the calls", order, 1), this.#choice("calls at once", workers, played.as_it_was[1]), this.#choice("a token takes", tokens, played.as_it_was[2])];
    this.said = element("output.facts");
    this.drawing = element("div");
    this.element = element("details.what-if", null, {}, element("summary", "What if: another order, other workers, faster decoding"),
      element("div.choices", null, {}, ...this.choices.map(({ label }) => label)), this.said, this.drawing);
    this.element.addEventListener("toggle", () => this.#show());
    this.element.addEventListener("change", () => this.#show());
    parent.append(this.element);
  }

  #choice(name, entries, chosen) {
    const select = element("select", null, {}, ...entries.map((entry, at) => element("option", entry, { value: at, selected: at === chosen && "" })));
    return { select, label: element("label", null, {}, name, select) };
  }

  /** What was played with these choices: the last of them changes first. */
  #at(choices) {
    const { workers, token_percents: tokens, played } = this.played;
    return played[(choices[0] * workers.length + choices[1]) * tokens.length + choices[2]];
  }

  #show() {
    if (!this.element.open) return this.showTime(0);
    const before = this.#at(this.played.as_it_was);
    const after = this.#at(this.choices.map(({ select }) => Number(select.value)));
    this.said.textContent = `${duration(after.total_us)} ${compared(after.total_us, before.total_us)}`;
    this.drawing.replaceChildren();
    const lanes = new LanesDrawing(this.drawing, { label: "What if: lanes over time" });
    lanes.draw(asRun(after, this.played), after.total_us, this.showTime(after.total_us));
    return undefined;
  }
}

function compared(afterUs, beforeUs) {
  if (afterUs === beforeUs) return "as the simulator plays the run itself";
  const share = Math.round((100 * Math.abs(afterUs - beforeUs)) / beforeUs);
  return `instead of the ${duration(beforeUs)} that the run itself takes in the simulator: ${duration(Math.abs(afterUs - beforeUs))} (${share}%) ${afterUs < beforeUs ? "sooner" : "later"}`;
}

/** What was played, as lanes are drawn from it. */
function asRun({ total_us: nowUs, decoding, trapped, calls }, { calls: named, reading_us: readingUs }) {
  const drawn = new Map();
  for (const [place, openedUs, writtenUs, startedUs, returnedUs, deliveredUs] of calls.toSorted((one, other) => one[0] - other[0])) {
    const [key, name] = named[place];
    drawn.set(key, { key, name, openedUs, writtenUs, startedUs, returnedUs, deliveredUs, outcome: "returned" });
  }
  return { reading: [[0, readingUs]], decoding, trapped, calls: drawn, phase: "ended", nowUs };
}
