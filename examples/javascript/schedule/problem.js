'use strict';
// What is to be scheduled (section 4.3): the calls of a workload with their links, under the costs of one model.

const COST_NAMES = [
  'token_us', 'request_us', 'naive_request_us', 'answer_tokens', 'sync_call_tokens', 'parallel_call_tokens', 'parallel_round_tokens',
  'async_call_tokens', 'trap_tokens', 'interrupt_token_us',
];
const PROTOCOL_TOKENS = { 'sync': 'sync_call_tokens', 'sync-parallel': 'parallel_call_tokens' };

/**
 * { workload, model, costs, workers, seed, calls, begin, messages }. A call is { index, id, task, arrival, writing (G), running (E),
 * estimate, delivery (I), needs, neededBy }; `begin` is when decoding begins; `messages` are the tasks that arrive later.
 */
function makeProblem({ workload, costs, model, workers = 0, seed = 0 }) {
  const allCosts = { session_per_task: false, final_request: 'none', ...Object.fromEntries(COST_NAMES.map((name) => [name, 0])), ...costs };
  const isWaiting = model in PROTOCOL_TOKENS;
  const protocolTokens = allCosts[PROTOCOL_TOKENS[model] ?? 'async_call_tokens'];
  const calls = workload.calls.map((call, index) => ({
    index,
    id: call.id,
    task: call.task ?? 0,
    arrival: workload.arrivals_us?.[call.task ?? 0] ?? 0,
    writing: (call.generate_tokens + protocolTokens) * allCosts.token_us,
    running: call.execute_us,
    estimate: call.estimate_us ?? call.execute_us,
    delivery: isWaiting ? 0 : (call.result_tokens ?? 0) * allCosts.interrupt_token_us,
    needs: [],
    neededBy: [],
  }));
  const byId = new Map(calls.map((call) => [call.id, call]));
  for (const call of calls) {
    for (const id of new Set(workload.calls[call.index].after ?? [])) {
      call.needs.push(byId.get(id));
      byId.get(id).neededBy.push(call);
    }
  }
  const begin = Math.min(...calls.map((call) => call.arrival)); // Time/first-task
  const messages = [...new Map(calls.filter((call) => call.arrival > begin).map(({ task, arrival }) => [task, { task, at: arrival }])).values()];
  return { workload: workload.id, model, costs: allCosts, workers, seed, calls, begin, messages, hasArrivals: Boolean(workload.arrivals_us) };
}

/** The calls so that each stands after all that it needs, taking again and again the first that can be taken (Time/program-order). */
function inOrderOfNeeds(calls, compare = (one, other) => one.index - other.index) {
  const open = [...calls].sort(compare);
  const taken = new Set();
  while (open.length > 0) {
    const next = open.findIndex((call) => call.needs.every((need) => taken.has(need)));
    taken.add(open.splice(next, 1)[0]);
  }
  return [...taken];
}

/** What the last request and the answer take (Time/sync-answer, Time/async-answer, Time/naive-last, Time/final-request). */
function finalTime({ model, costs }) {
  const answer = costs.answer_tokens * costs.token_us;
  return answer + finalRequest(model, costs);
}

function finalRequest(model, costs) {
  const { final_request: payer } = costs;
  if (model === 'async-naive') return costs.answer_tokens > 0 || payer === 'all' ? costs.naive_request_us : 0;
  const pays = model in PROTOCOL_TOKENS ? payer !== 'none' : payer === 'all';
  return pays ? costs.request_us : 0;
}

module.exports = { finalTime, inOrderOfNeeds, makeProblem };
