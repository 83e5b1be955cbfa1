// The calls that are pending, each with the time since it was written.

import { duration, element, say } from "./dom.js";

export class PendingList {
  /**
   * @param {Element} parent Where the list goes.
   * @param {object} options
   * @param {?(key: string) => void} options.cancel What cancels a call; without it there is no button.
   */
  constructor(parent, { cancel = null } = {}) {
    this.cancel = cancel;
    this.items = new Map();
    this.count = element("span.count");
    this.list = element("ul");
    this.none = element("p.hint", "Nothing is pending.");
    this.element = element("section.pending", null, { "aria-label": "Pending calls" }, element("h3", null, {}, "Pending ", this.count), this.list, this.none);
    parent.append(this.element);
  }

  /** Show these calls as they were at a moment. */
  draw(calls, atUs) {
    const keys = new Set(calls.map((call) => call.key));
    for (const [key, { line }] of this.items) {
      if (keys.has(key)) continue;
      line.remove();
      this.items.delete(key);
    }
    for (const call of calls) this.#item(call, atUs);
    say(this.count, calls.length || "");
    this.none.hidden = calls.length > 0;
  }

  #item(call, atUs) {
    let item = this.items.get(call.key);
    if (!item) {
      const [name, time, state] = [element("span.what", call.name), element("span.elapsed"), element("i.bar")];
      const line = element("li", null, { "data-call": call.key }, state, element("b", call.key), name, time);
      if (this.cancel) {
        const button = element("button", "cancel", { type: "button", "aria-label": `Cancel ${call.key}` });
        button.addEventListener("click", () => this.cancel(call.key));
        line.append(button);
      }
      item = { line, name, time, state };
      this.items.set(call.key, item);
      this.list.append(line);
    }
    const runs = call.startedUs !== null && call.startedUs <= atUs;
    say(item.name, call.name);
    item.state.className = `bar ${runs ? "running" : "waiting"}`;
    say(item.time, duration(Math.max(0, Math.round(atUs - call.writtenUs))));
  }
}
