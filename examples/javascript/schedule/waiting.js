'use strict';
// The models that wait (section 4.4): Sync and Sync-Parallel. They know no policy.

const { Executor } = require('./executor');
const { finalTime, inOrderOfNeeds } = require('./problem');

/** Time/sync: { makespan, order } */
function sync(problem) {
  const { costs, hasArrivals } = problem;
  const order = syncOrder(problem);
  const begun = new Set(); // tasks
  let now = 0;
  for (const call of order) {
    if (!begun.has(call.task)) {
      if (costs.session_per_task && begun.size > 0) now += finalTime(problem); // Time/sync-session
      if (hasArrivals) now = Math.max(now, call.arrival);
      begun.add(call.task);
    }
    if (call !== order[0]) now += costs.request_us; // Time/sync-request
    now += call.writing + call.running;
  }
  return { makespan: now + finalTime(problem), order };
}

/** Time/sync-order */
function syncOrder({ calls, costs, hasArrivals }) {
  return inOrderOfNeeds(calls, costs.session_per_task || hasArrivals ? byTask : undefined);
}

/** Tasks are ranked by arrival, then by number. */
function byTask(one, other) {
  return one.arrival - other.arrival || one.task - other.task || one.index - other.index;
}

/** Time/sync-parallel: { makespan, order } */
function syncParallel(problem) {
  const { costs, hasArrivals, workers } = problem;
  const taken = new Set();
  const begun = new Set(); // tasks
  let now = 0;
  for (let round = nextRound(problem, taken); round.length > 0; round = nextRound(problem, taken)) {
    const { task, arrival } = round[0];
    if (hasArrivals && !begun.has(task)) {
      if (costs.session_per_task && begun.size > 0) now += finalTime(problem);
      now = Math.max(now, arrival);
      begun.add(task);
    }
    if (taken.size > 0) now += costs.request_us;
    now += costs.parallel_round_tokens * costs.token_us;
    for (const call of round) now += call.writing;
    const executor = new Executor(workers, (call) => call.running, taken);
    for (const call of round) executor.add(call, now);
    executor.advance(Infinity);
    now = executor.now;
    for (const call of round) taken.add(call);
  }
  return { makespan: now + finalTime(problem), order: [...taken] };
}

/** Time/sync-parallel-round */
function nextRound({ calls, hasArrivals }, taken) {
  const ready = calls.filter((call) => !taken.has(call) && call.needs.every((need) => taken.has(need)));
  if (!hasArrivals || ready.length === 0) return ready;
  const { task } = [...ready].sort(byTask)[0];
  return ready.filter((call) => call.task === task);
}

module.exports = { sync, syncParallel };
