'use strict';
// Lower bounds on the makespan of a run (section 4.6). They hold for every order of writing.

const { finalTime, inOrderOfNeeds } = require('./problem');

/** Time/bound, without a solver. */
function lowerBound(problem, durationOf = (call) => call.running) {
  const spans = spansOf(problem, durationOf);
  const bounds = [boundWork(problem), boundPath(spans), boundJackson(spans)];
  if (problem.workers > 0) bounds.push(boundWorkers(spans, problem.workers));
  return Math.max(...bounds) + finalTime(problem);
}

/** Of each call { writing, running, head, start, end, tail }: `start` is when it can begin to run at the earliest (Time/bound-path). */
function spansOf({ model, calls, begin }, durationOf) {
  const isFutures = model === 'futures';
  const ordered = inOrderOfNeeds(calls);
  const spans = new Map();
  for (const call of ordered) {
    const needsEnd = Math.max(0, ...call.needs.map((need) => spans.get(need).end));
    const head = Math.max(begin, call.arrival, isFutures ? 0 : needsEnd);
    const start = Math.max(head + call.writing, isFutures ? needsEnd : 0);
    const running = durationOf(call);
    spans.set(call, { writing: call.writing, running, head, start, end: start + running + (isFutures ? 0 : call.delivery) });
  }
  for (const call of ordered.reverse()) {
    const after = call.neededBy.map((dependent) => (isFutures ? 0 : dependent.writing) + spans.get(dependent).tail);
    const span = spans.get(call);
    span.tail = span.running + (isFutures ? 0 : call.delivery) + Math.max(0, ...after);
  }
  return [...spans.values()];
}

/** Time/bound-work */
function boundWork({ begin, calls }) {
  return calls.reduce((sum, call) => sum + call.writing + call.delivery, begin);
}

/** Time/bound-path */
function boundPath(spans) {
  return Math.max(...spans.map((span) => span.end));
}

/** Time/bound-jackson */
function boundJackson(spans) {
  return jackson(spans.map(({ head, writing, tail }) => ({ release: head, work: writing, tail })));
}

/** Time/bound-workers: in whole numbers, so the times are those of a machine of speed 1 on a clock that is `workers` times as fine. */
function boundWorkers(spans, workers) {
  const jobs = spans.map(({ start, running, tail }) => ({ release: start * workers, work: running, tail: (tail - running) * workers }));
  return Math.ceil(jackson(jobs) / workers);
}

/** Jackson's preemptive schedule: the greatest (end of work + tail). */
function jackson(jobs) {
  const open = [...jobs].sort((one, other) => one.release - other.release);
  const released = []; // of { tail, work }, longest tail last
  let now = 0;
  let greatest = 0;
  for (let next = 0; next < open.length || released.length > 0; ) {
    if (released.length === 0) now = Math.max(now, open[next].release);
    for (; next < open.length && open[next].release <= now; next++) insertByTail(released, { ...open[next] });
    const job = released.at(-1);
    const until = next < open.length ? Math.min(now + job.work, open[next].release) : now + job.work;
    job.work -= until - now;
    now = until;
    if (job.work > 0) continue;
    released.pop();
    greatest = Math.max(greatest, now + job.tail);
  }
  return greatest;
}

function insertByTail(released, job) {
  const at = released.findIndex((other) => other.tail > job.tail);
  released.splice(at < 0 ? released.length : at, 0, job);
}

module.exports = { lowerBound };
