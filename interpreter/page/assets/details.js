// What is told of the row, or of the call, that a reader points at; and the rule behind it, in the words of the specification.

import { duration, element, moment } from "./dom.js";
import { written } from "./interrupts.js";
import { summaryOf } from "./rows.js";

/** What there is to say of a call, as pairs of a name and a text. */
export function factsOf(call, nowUs) {
  const returnedUs = call.returnedUs ?? nowUs;
  const startedUs = call.startedUs ?? returnedUs;
  return [
    ["written", `at ${moment(call.writtenUs)}, in ${duration(call.writtenUs - call.openedUs)}`],
    ["waited", `${duration(startedUs - call.writtenUs)} to start`],
    call.startedUs !== null && ["ran", duration(returnedUs - call.startedUs)],
    call.deliveredUs !== null && ["result waited", `${duration(call.deliveredUs - returnedUs)} for a safe point`],
    ["outcome", call.outcome],
    call.value !== undefined && ["value", written(call.value)],
  ].filter(Boolean);
}

export class Details {
  /**
   * @param {Element} parent Where it goes.
   * @param {object} options
   * @param {?Object<string, string>} options.rules The text of each rule, by its name; null where it is not known.
   * @param {string[]} options.about What there is to say of the run itself.
   */
  constructor(parent, { rules = null, about = [] } = {}) {
    this.rules = rules;
    this.about = about;
    this.element = element("section.details", null, { "aria-live": "polite", "aria-label": "What is chosen" });
    parent.append(this.element);
    this.clear();
  }

  /** Tell of the run, and how to choose something in it. */
  clear() {
    const about = this.about.length ? [element("h3.about", "About this run"), ...this.about.map((sentence) => element("p", sentence))] : [];
    this.element.replaceChildren(...about, element("p.hint", "Choose a bar, a block of the text or a row."));
  }

  /** Tell of a call. */
  call(call, nowUs) {
    this.element.replaceChildren(element("h3", null, {}, element("b", call.key), " ", call.name), element("pre.body", call.body), facts(factsOf(call, nowUs)));
  }

  /** Tell of a row. */
  row(row, number) {
    const told = this.rules?.[row.rule];
    this.element.replaceChildren(
      element("h3", null, {}, element("b", row.rule), ` row ${number}`),
      facts([["at", moment(row.at_us)], summaryOf(row) && ["what", summaryOf(row)]].filter(Boolean)),
      ...(told ? [element("div.rule", null, {}, ...paragraphs(told))] : []),
      element("details", null, {}, element("summary", "as it stands in the trace"), element("pre.body", JSON.stringify(row, null, 1))),
    );
  }
}

function facts(pairs) {
  return element("dl", null, {}, ...pairs.flatMap(([name, text]) => [element("dt", name), element("dd", text)]));
}

/** A section of the specification: its fenced blocks as they are, everything else in paragraphs. */
function* paragraphs(markdown) {
  for (const [at, part] of markdown.split(/^```.*\n?/m).entries()) {
    if (at % 2) yield element("pre", part.trimEnd());
    else for (const text of part.split(/\n{2,}/)) if (text.trim()) yield element("p", null, {}, ...inline(text.trim()));
  }
}

function* inline(text) {
  for (const part of text.split(/(`[^`]+`|\*\*[^*]+\*\*|\*[^*\s][^*]*\*)/)) {
    if (/^`[^`]+`$/.test(part)) yield element("code", part.slice(1, -1));
    else if (part.startsWith("**") && part.endsWith("**") && part.length > 4) yield element("b", part.slice(2, -2));
    else if (/^\*[^*]+\*$/.test(part)) yield element("em", part.slice(1, -1));
    else if (part) yield document.createTextNode(part);
  }
}
