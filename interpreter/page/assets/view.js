// The page of `cml view`: one trace, or several side by side, from this file itself or from where it was served.

import { compare } from "./compare.js";
import { element } from "./dom.js";
import { parseRow } from "./interrupts.js";
import { RunView } from "./run.js";
import { WhatIf } from "./whatif.js";

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
  const { traces, rules } = JSON.parse(await part("commentary.json"));
  const several = traces.length > 1;
  const place = several ? page.appendChild(element("div.pair")) : page;
  const views = [];
  let leastUs = 0;
  for (const [at, told] of traces.entries()) {
    const { about, parting, cut, parts_at: partsAt } = told;
    const view = new RunView(place, { live: false, rules, about, title: several ? told.name : null, note: [cut, parting].filter(Boolean).join(" "), partsAt });
    view.add(await trace(at));
    if (told.what_if) new WhatIf(view.time, told.what_if, (totalUs) => view.showTime(Math.max(leastUs, totalUs)));
    views.push(view);
  }
  if (several) leastUs = compare(views, traces.map((told) => told.parts_at));
}

const page = document.getElementById("page");
show(page)
  .catch((error) => page.append(element("p.error", `This page cannot be shown: ${error.message}`, { role: "alert" })))
  .finally(() => page.removeAttribute("aria-busy"));
