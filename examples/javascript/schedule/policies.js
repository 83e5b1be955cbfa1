'use strict';
// Policies (section 4.7). A chooser, `choose(run, ready)`, says which ready call is written, or null for a trap.

const { createHash } = require('node:crypto');
const { AsyncRun } = require('./async');
const { lowerBound } = require('./bounds');
const { inOrderOfNeeds } = require('./problem');

const TRIED_CALLS = 16;
const TRIED_WORKLOAD = 200; // calls
const PLAYED_PLANS = 2000;
const SEARCHED_CALLS = 6; // of which all orders are tried
const PLANNED_FROM = ['fan-tail', 'critical-path', 'johnson', 'lpt', 'most-successors'];

/** Each says of a problem the key of a call: what is compared from the left, least first; position comes last. */
const KEYS = {
  'program': () => () => [],
  'random': ({ seed, workload }) => (call) => [createHash('sha256').update(`${seed}/${workload}/${call.id}`, 'utf8').digest('hex')],
  'lpt': () => (call) => [-call.estimate],
  'most-successors': () => (call) => [-call.neededBy.length],
  'critical-path': (problem) => {
    const tails = tailsOf(problem);
    return (call) => [-(call.writing + tails.get(call))];
  },
  'longest-tail': (problem) => {
    const tails = tailsOf(problem);
    return (call) => [-tails.get(call)];
  },
  'fan-tail': (problem) => {
    const tails = fanTailsOf(problem);
    return (call) => [-tails.get(call)];
  },
  'johnson': () => (call) => (call.writing < call.estimate ? [0, call.writing] : [1, -call.estimate]),
};

/** How long the writing of what needs a call holds it up: with futures that is written already. */
function writingAfter({ model }, call) {
  return model === 'futures' ? 0 : call.writing;
}

function tailsOf(problem) {
  const tails = new Map();
  for (const call of inOrderOfNeeds(problem.calls).reverse()) {
    const after = call.neededBy.map((dependent) => writingAfter(problem, dependent) + tails.get(dependent));
    tails.set(call, call.estimate + call.delivery + Math.max(0, ...after));
  }
  return tails;
}

function fanTailsOf(problem) {
  const tails = new Map();
  for (const call of inOrderOfNeeds(problem.calls).reverse()) {
    const fan = [...call.neededBy].sort((one, other) => tails.get(other) - tails.get(one) || one.index - other.index);
    let written = 0;
    let length = 0;
    for (const dependent of fan) {
      written += writingAfter(problem, dependent);
      length = Math.max(length, written + tails.get(dependent));
    }
    tails.set(call, call.estimate + call.delivery + length);
  }
  return tails;
}

// ------------------------------------------------------------------------------------------------- orders

/** The rank of each call by the key of a policy. */
function rankBy(policy, problem) {
  const keyOf = KEYS[policy](problem);
  const keys = new Map(problem.calls.map((call) => [call, [...keyOf(call), call.index]]));
  return ranksOf([...problem.calls].sort((one, other) => compareKeys(keys.get(one), keys.get(other))));
}

function compareKeys(one, other) {
  const at = one.findIndex((part, i) => part !== other[i]);
  if (at < 0) return 0;
  return one[at] < other[at] ? -1 : 1;
}

function ranksOf(order) {
  return new Map(order.map((call, rank) => [call, rank]));
}

function sortByRank(calls, ranks) {
  return [...calls].sort((one, other) => ranks.get(one) - ranks.get(other));
}

function chooseByRank(ranks) {
  return (run, ready) => sortByRank(ready, ranks)[0];
}

/** The next call of an order, or a trap until that is ready; where no call is on its way, the next that is ready. */
function followPlan(order) {
  return (run, ready) => {
    const next = order.find((call) => !run.written.has(call));
    if (ready.includes(next)) return next;
    return run.isCallOnItsWay ? null : order.find((call) => ready.includes(call));
  };
}

// ------------------------------------------------------------------------------------------------- trials

/** How long the run takes that goes on with `first`, a call or a trap, and then by `choose`. */
function tryOut(run, first, choose) {
  const trial = run.trial();
  trial.act(first);
  return trial.play(choose).now;
}

/** Time/policy-lookahead, and with `idle` Time/policy-lookahead-idle: { first, makespan } of the best trial. */
function bestTrial(run, ready, ranks, idle) {
  const tried = sortByRank(ready, ranks).slice(0, TRIED_CALLS);
  if (idle && run.isCallOnItsWay) tried.push(null);
  return tried
    .map((first) => ({ first, makespan: tryOut(run, first, chooseByRank(ranks)) }))
    .reduce((best, trial) => (trial.makespan < best.makespan ? trial : best));
}

function lookahead(ranks, idle) {
  return (run, ready) => bestTrial(run, ready, ranks, idle).first;
}

/** Time/policy-auto */
function auto(problem) {
  if (problem.messages.length > 0) return lookahead(rankBy('fan-tail', problem), true);
  const plan = improvePlan(problem, firstPlan(problem));
  const ranks = ranksOf(plan);
  const follow = followPlan(plan);
  return (run, ready) => {
    const first = follow(run, ready);
    const other = bestTrial(run, ready, ranks, true);
    return tryOut(run, first, follow) <= other.makespan ? first : other.first;
  };
}

function playEstimates(problem, choose) {
  return new AsyncRun(problem, (call) => call.estimate).play(choose);
}

function firstPlan(problem) {
  const choosers = PLANNED_FROM.map((policy) => rankBy(policy, problem)).flatMap((ranks) => [chooseByRank(ranks), lookahead(ranks, true)]);
  const runs = choosers.map((choose) => playEstimates(problem, choose));
  return runs.reduce((best, run) => (run.now < best.now ? run : best)).order;
}

/** Moves calls one by one to where that shortens the run, until no move does. */
function improvePlan(problem, first) {
  const bound = lowerBound(problem, (call) => call.estimate);
  let plan = first;
  let makespan = playEstimates(problem, followPlan(plan)).now;
  let played = 0;
  for (let next = plan; next; ) {
    next = undefined;
    for (const moved of movesOf(plan)) {
      if (makespan <= bound || ++played > PLAYED_PLANS) return plan;
      const run = playEstimates(problem, followPlan(moved));
      if (run.now >= makespan) continue;
      [next, plan, makespan] = [moved, moved, run.now];
      break;
    }
  }
  return plan;
}

/** All plans in which one call stands elsewhere, and still after what it needs. */
function* movesOf(plan) {
  for (const call of plan) {
    const others = plan.filter((other) => other !== call);
    for (let at = 0; at <= others.length; at++) {
      if (others.slice(at).some((other) => call.needs.includes(other))) continue;
      if (others.slice(0, at).some((other) => other.needs.includes(call))) continue;
      if (plan[at] !== call) yield [...others.slice(0, at), call, ...others.slice(at)];
    }
  }
}

/** Time/policy-optimal: the best run that another policy finds with the true run times, or, not with futures, of all orders of few calls. */
function optimalRun(problem) {
  const known = { ...problem, calls: withTrueEstimates(problem.calls) };
  const policies = [...Object.keys(KEYS), 'lookahead', 'lookahead-idle', 'auto'];
  const choosers = policies.map((policy) => chooserOf(policy, known));
  if (problem.model !== 'futures' && problem.calls.length <= SEARCHED_CALLS) choosers.push(...ordersOf(known.calls).map(followPlan));
  return choosers.map((choose) => new AsyncRun(known).play(choose)).reduce((best, run) => (run.now < best.now ? run : best));
}

function withTrueEstimates(calls) {
  const copies = new Map(calls.map((call) => [call, { ...call, estimate: call.running }]));
  for (const copy of copies.values()) {
    copy.needs = copy.needs.map((call) => copies.get(call));
    copy.neededBy = copy.neededBy.map((call) => copies.get(call));
  }
  return [...copies.values()];
}

/** All orders in which each call stands after what it needs. */
function ordersOf(calls, before = []) {
  if (before.length === calls.length) return [before];
  return calls
    .filter((call) => !before.includes(call) && call.needs.every((need) => before.includes(need)))
    .flatMap((call) => ordersOf(calls, [...before, call]));
}

// ------------------------------------------------------------------------------------------------- all policies

function chooserOf(policy, problem) {
  if (policy in KEYS) return chooseByRank(rankBy(policy, problem));
  if (problem.model === 'futures') return chooseByRank(rankBy('longest-tail', problem)); // Time/futures-policy
  const byFanTail = rankBy('fan-tail', problem);
  if (problem.calls.length > TRIED_WORKLOAD) return chooseByRank(byFanTail);
  if (policy === 'auto') return auto(problem);
  return lookahead(byFanTail, policy === 'lookahead-idle');
}

/** The run of a model that does not wait, under a policy. */
function runPolicy(policy, problem) {
  return policy === 'optimal' ? optimalRun(problem) : new AsyncRun(problem).play(chooserOf(policy, problem));
}

module.exports = { runPolicy };
