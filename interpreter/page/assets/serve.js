// The page of `cml serve`: a session under way, and a person who speaks into it.

import { element } from "./dom.js";
import { RunView } from "./run.js";
import { ask, follow } from "./server.js";

const STATES = { none: "no session", running: "a turn is under way", waiting: "waits for a question", over: "over", lost: "the line is lost; trying again" };
const ENDED = { over: "its one turn is over", closed: "it was closed", failed: "it failed", lost: "it is not to be had" };

class Serve {
  /** @param {Element} parent Where the page goes. */
  constructor(parent) {
    this.id = null;
    this.state = "none";
    this.leave = () => {};
    this.#build(parent);
  }

  /** Show a session, from its first row on. */
  watch(id) {
    this.#clear();
    this.id = id;
    history.replaceState(null, "", `#${id}`);
    const view = new RunView(this.run, { rules: this.rules, cancel: (call) => this.#do("POST", "cancel", { call }) });
    const show = () => view.reading && this.#show(view.reading.phase === "ended" ? "waiting" : "running");
    const close = follow(id, {
      row: (row) => {
        view.add([row]);
        show();
      },
      line: (isOpen) => (isOpen ? show() : this.#show("lost")),
      ended: ({ reason, message }) => {
        view.live = false;
        this.#show("over", [ENDED[reason] ?? reason, message].filter(Boolean).join(": "));
      },
    });
    this.leave = () => {
      close();
      view.live = false; // its clock stands still
    };
    this.download.href = `/api/sessions/${id}/trace`;
    this.list();
  }

  /** Begin anew: what is said next is the question of another session. */
  begin() {
    this.#clear();
    history.replaceState(null, "", location.pathname);
    this.#show("none");
    this.list();
    this.input.focus();
  }

  /** List the sessions that the server knows. */
  async list() {
    const { sessions } = await ask("GET", "/api/sessions").catch(() => ({ sessions: null }));
    if (!sessions) return; // that the line is lost is said elsewhere
    const options = sessions.map(({ id, question, state }) => element("option", `${question.slice(0, 60)} (${state})`, { value: id, selected: id === this.id && "" }));
    this.known.replaceChildren(element("option", "another session", { value: "" }), ...options.reverse());
    this.known.value = this.id ?? "";
  }

  #build(parent) {
    const button = (name, act) => {
      const made = element("button", name, { type: "button" });
      made.addEventListener("click", act);
      return made;
    };
    this.input = element("input", null, { type: "text", name: "text", autocomplete: "off", maxlength: 100000, "aria-label": "What you say" });
    this.send = element("button", "Ask", { type: "submit" });
    this.stop = button("Stop", () => this.#do("POST", "stop"));
    this.download = element("a.button", "Trace", { download: "", href: "#", title: "Download the trace" });
    this.known = element("select", null, { "aria-label": "Sessions" });
    this.status = element("span.status", null, { role: "status" });
    this.error = element("p.error", null, { role: "alert" });
    this.model = element("span.model");
    this.run = element("div.runs");
    const form = element("form.saying", null, {}, this.input, this.send, this.stop);
    const tools = element("div.session", null, {}, this.status, this.known, button("New question", () => this.begin()), this.download);
    parent.append(element("header.serving", null, {}, element("h1", null, {}, "cml serve ", this.model), tools, form, this.error), this.run);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#say(this.input.value);
    });
    this.known.addEventListener("change", () => (this.known.value ? this.watch(this.known.value) : this.begin()));
    this.known.addEventListener("focus", () => this.list());
  }

  async #say(text) {
    if (!text.trim()) return;
    this.input.value = "";
    const isNew = this.id === null || this.state === "over";
    const done = isNew ? await this.#try(() => ask("POST", "/api/sessions", { question: text })) : await this.#do("POST", "say", { text });
    if (!done) this.input.value ||= text; // it was not taken, and is not lost
    else if (isNew) this.watch(done.id);
  }

  #do(method, act, body = null) {
    return this.#try(() => ask(method, `/api/sessions/${this.id}/${act}`, body));
  }

  /** Do something; what goes wrong is said, until the next time. */
  async #try(act) {
    this.error.textContent = "";
    try {
      return await act();
    } catch (error) {
      this.error.textContent = error.message;
      return null;
    }
  }

  #clear() {
    this.leave();
    this.leave = () => {};
    this.id = null;
    this.run.replaceChildren();
    this.error.textContent = "";
  }

  #show(state, words = "") {
    if (this.state === state && !words) return;
    this.state = state;
    this.status.textContent = words || STATES[state];
    this.status.dataset.state = state;
    if (this.id) this.list();
    const says = state === "running" || state === "lost";
    this.send.textContent = says ? "Say" : "Ask";
    this.input.placeholder = says ? "Say something into the turn" : "Ask something";
    this.stop.disabled = state !== "running";
    this.download.toggleAttribute("hidden", this.id === null);
  }

  /** Say what decodes, and show the session that the address names. */
  async start() {
    history.replaceState(null, "", location.pathname + location.hash); // the token has become a cookie
    this.#show("waiting");
    this.#show("none");
    const { model, tools } = await ask("GET", "/api");
    this.model.textContent = [model, tools.join(", ")].filter(Boolean).join(" · ");
    this.rules = await ask("GET", "/rules.json");
    const named = location.hash.slice(1);
    if (named) this.watch(named);
    else this.begin();
  }
}

const page = document.getElementById("page");
const serve = new Serve(page);
serve.start()
  .catch((error) => (serve.error.textContent = `This page cannot be shown: ${error.message}`))
  .finally(() => page.removeAttribute("aria-busy"));
