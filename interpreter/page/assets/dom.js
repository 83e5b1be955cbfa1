// Elements, and what they say. Text enters the page by textContent alone: nothing foreign is ever read as HTML.

/**
 * Make an element.
 * @param {string} name Its tag, with classes behind points: "span.marker".
 * @param {?string} text What it says.
 * @param {object} attributes Attributes; null and false are left out.
 * @param {...(Node|string)} children What it holds.
 */
export function element(name, text = null, attributes = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(" ");
  if (text !== null) made.textContent = visible(text);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(key, READ.has(key) ? visible(value) : value);
  }
  made.append(...children.map((child) => (typeof child === "string" ? visible(child) : child)));
  return made;
}

/** Let an element say a text. One that it says already costs nothing. */
export function say(spoken, text) {
  const seen = visible(text);
  if (spoken.textContent !== seen) spoken.textContent = seen;
}

/** Attributes that people read, or hear; others hold names. */
const READ = new Set(["title", "aria-label"]);

/** A text in which what acts on others, or takes no room, is replaced by a sign that is seen: as `cml` writes it to a terminal. */
export function visible(text) {
  return String(text).replace(UNSEEN, (sign, at, whole) => {
    const code = sign.codePointAt(0);
    if (JOINERS.has(sign) && at > 0 && whole.charCodeAt(at - 1) > 0x7f) return sign;
    if (code < 0x20) return String.fromCodePoint(0x2400 + code);
    return code === 0x7f ? "\u2421" : "\ufffd";
  });
}

const JOINERS = new Set(["\u200c", "\u200d"]);
// What Python calls not printable, but for spaces, tabs and line feeds; and letters and marks that are blank.
const UNSEEN = /(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u034f\u115f\u1160\u3164\uffa0\u2800]/gu;

/** A duration or a moment: 3.21 s, 214 ms, 84 µs. */
export function duration(us) {
  if (us >= 9_999_500) return `${(us / 1e6).toFixed(1)} s`;
  if (us >= 999_500) return `${(us / 1e6).toFixed(2)} s`;
  if (us >= 9_950) return `${Math.round(us / 1e3)} ms`;
  if (us >= 1_000) return `${(us / 1e3).toFixed(1)} ms`;
  return us === 0 ? "0 s" : `${us} µs`;
}

/** A moment of a run, to the millisecond. */
export function moment(us) {
  return `${(us / 1e6).toFixed(3)} s`;
}
