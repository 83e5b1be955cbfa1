// The page of `cml view`: one trace, or two side by side, from this file itself or from where it was served.

import { element } from "./dom.js";
import { parseRow } from "./interrupts.js";
import { RunView } from "./run.js";

/** A part of what is shown: it stands in the file, or is served beside it. */
async function part(name) {
  const here = document.getElementById(name);
  if (here) return here.textContent;
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name}: ${answer.status} ${answer.statusText}`);
  return answer.text();
}

/** The rows of a trace, its header first. */
async function trace(at) {
  const text = await part(`trace-${at}.jsonl`);
  return text.split("\n").filter(Boolean).map(parseRow);
}

async function show(page) {
  const commentary = JSON.parse(await part("commentary.json"));
  for (const [at, name] of commentary.names.entries()) {
    const view = new RunView(page, { live: false, rules: commentary.rules, title: commentary.names.length > 1 ? name : null });
    view.add(await trace(at));
  }
}

const page = document.getElementById("page");
show(page).catch((error) => page.append(element("p.error", `This page cannot be shown: ${error.message}`, { role: "alert" })));
