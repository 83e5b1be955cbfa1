// The axis of time: round numbers on it, in one unit.

const STEPS = [1, 2, 5];

/** The step between ticks, in microseconds: a round number at least as long as asked for. */
export function roundStep(leastUs) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, leastUs)));
  const step = STEPS.find((factor) => factor * power >= leastUs - 1e-9) ?? 10;
  return step * power;
}

/** The ticks from one moment to another. */
export function ticks(fromUs, toUs, stepUs) {
  const found = [];
  for (let at = Math.ceil(fromUs / stepUs) * stepUs; at <= toUs; at += stepUs) found.push(at);
  return found;
}

/** The name of a tick: as many digits as its step asks for. */
export function tickName(atUs, stepUs) {
  if (stepUs < 1_000) return `${(atUs / 1e3).toLocaleString("en", { maximumFractionDigits: 3 })} ms`;
  if (stepUs < 100_000 && atUs < 1e6) return `${atUs / 1e3} ms`;
  const digits = Math.max(0, 6 - Math.floor(Math.log10(stepUs)));
  return `${(atUs / 1e6).toFixed(Math.min(3, digits))} s`;
}
