'use strict';
// The models that do not wait (section 4.5): Async, Async-Naive and futures, from one call boundary to the next.

const { Executor } = require('./executor');
const { finalTime } = require('./problem');

class AsyncRun {
  /** `durationOf` says how long a call runs: it does (`running`), or it is believed to (`estimate`). */
  constructor(problem, durationOf = (call) => call.running) {
    this.problem = problem;
    this.calls = problem.calls;
    this.now = problem.begin;
    this.executor = new Executor(problem.workers, durationOf);
    this.messages = [...problem.messages]; // that were not delivered
    this.order = []; // the calls that were written
    this.written = new Set();
    this.delivered = new Set();
    this.isOver = false;
  }

  /** A copy that goes on with estimates, without the tasks that have not arrived and what needs them. */
  trial() {
    const copy = Object.assign(Object.create(AsyncRun.prototype), this);
    const later = new Set(this.calls.filter((call) => call.arrival > this.now));
    for (const call of later) call.neededBy.forEach((dependent) => later.add(dependent));
    copy.calls = this.calls.filter((call) => !later.has(call));
    copy.messages = this.messages.filter((message) => message.at <= this.now);
    copy.executor = this.executor.copy((call) => call.estimate);
    copy.order = [...this.order];
    copy.written = new Set(this.written);
    copy.delivered = new Set(this.delivered);
    return copy;
  }

  /** Plays to the end; `choose(run, ready)` picks the call that is written, or null for a trap. */
  play(choose) {
    for (this.arrive(); !this.isOver; this.arrive()) {
      const ready = this.readyCalls();
      this.act(ready.length > 0 ? choose(this, ready) : null);
    }
    return this;
  }

  /** Writes a call, or a trap, which comes to the next boundary. */
  act(call) {
    if (call) this.write(call);
    else if (this.problem.model === 'futures') this.futuresTrap();
    else this.trap();
  }

  /** What happens first at a call boundary (Time/async, steps 1 and 2). */
  arrive() {
    this.deliver();
    if (this.delivered.size < this.calls.length) return;
    this.isOver = true;
    // Async-Naive has paid the request of the answer with its last batch (Time/naive-last).
    const { model, costs } = this.problem;
    this.now += model === 'async-naive' ? costs.answer_tokens * costs.token_us : finalTime(this.problem);
  }

  /** Time/async-deliver, Time/naive-request, Time/naive-last */
  deliver() {
    this.executor.advance(this.now);
    const calls = this.executor.takeReturned();
    const messages = this.messages.filter((message) => message.at <= this.now);
    if (calls.length === 0 && messages.length === 0) return;
    this.messages = this.messages.filter((message) => !messages.includes(message));
    for (const call of calls) {
      this.now += call.delivery;
      this.delivered.add(call);
    }
    if (this.problem.model === 'async-naive') this.now += this.naiveRequest();
  }

  naiveRequest() {
    const { costs } = this.problem;
    if (this.delivered.size < this.calls.length) return costs.naive_request_us;
    return costs.answer_tokens > 0 || costs.final_request === 'all' ? costs.naive_request_us : 0;
  }

  readyCalls() {
    const before = this.problem.model === 'futures' ? this.written : this.delivered;
    const waiting = new Set(this.messages.map((message) => message.task));
    return this.calls.filter((call) => !this.written.has(call) && !waiting.has(call.task) && call.needs.every((need) => before.has(need)));
  }

  get isCallOnItsWay() {
    return this.written.size > this.delivered.size;
  }

  /** Time/async-write */
  write(call) {
    this.now += call.writing;
    this.written.add(call);
    this.order.push(call);
    this.executor.add(call, this.now);
  }

  /** Time/async-trap */
  trap() {
    this.writeTrap();
    if (this.executor.undelivered.length > 0) return;
    this.now = Math.max(this.now, Math.min(this.executor.nextReturn(), this.nextMessage()));
  }

  writeTrap() {
    this.now += this.problem.costs.trap_tokens * this.problem.costs.token_us;
    this.executor.advance(this.now);
  }

  nextMessage() {
    return this.messages.reduce((least, { at }) => Math.min(least, at), Infinity);
  }

  /** Time/futures-trap: deliveries go on while the trap waits. */
  futuresTrap() {
    this.writeTrap();
    const start = this.now;
    const returns = this.executor.returnsToCome();
    const message = this.nextMessage();
    const isDelivered = this.delivered.size === this.written.size;
    const lastReturn = returns.at(-1) ?? start;
    const end = isDelivered ? Math.max(start, message) : Math.max(start, Math.min(lastReturn, message));
    this.deliver();
    for (const at of returns.filter((due) => due <= end)) {
      this.now = Math.max(this.now, at);
      this.deliver();
    }
    this.now = Math.max(this.now, end);
  }
}

module.exports = { AsyncRun };
