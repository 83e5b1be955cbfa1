'use strict';
// Answers to the vectors of schedules (vectors/README.md).

const { lowerBound } = require('./bounds');
const { runPolicy } = require('./policies');
const { makeProblem } = require('./problem');
const { sync, syncParallel } = require('./waiting');

const WAITING = { 'sync': sync, 'sync-parallel': syncParallel };

function answerSchedule(request) {
  const problem = makeProblem(request);
  const { makespan, order } = problem.model in WAITING ? WAITING[problem.model](problem) : runAsync(request.policy, problem);
  const bound = problem.model === 'sync' ? makespan : lowerBound(problem); // Time/bound-sync
  return { makespan_us: makespan, order: order.map((call) => call.id), lower_bound_us: bound };
}

function runAsync(policy, problem) {
  const { now, order } = runPolicy(policy, problem);
  return { makespan: now, order };
}

module.exports = { answerSchedule };
