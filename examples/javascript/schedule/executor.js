'use strict';
// The workers (Time/workers, Time/futures-start): what runs, what waits for a worker or for what it needs, what has returned.

class Executor {
  /** `durationOf` says how long a call runs; `workers` 0 is without limit; `returned` are the calls that have returned before. */
  constructor(workers, durationOf, returned = []) {
    this.workers = workers || Infinity;
    this.durationOf = durationOf;
    this.now = 0;
    this.waiting = []; // in the order in which they were written
    this.running = []; // of { call, start, end }
    this.returned = new Set(returned);
    this.undelivered = []; // returned and not taken, in order
  }

  /** A copy in which calls run as long as `durationOf` says; what should be back already returns now. */
  copy(durationOf) {
    const copy = new Executor(this.workers, durationOf, this.returned);
    copy.now = this.now;
    copy.waiting = [...this.waiting];
    copy.running = this.running.map(({ call, start }) => ({ call, start, end: Math.max(start + durationOf(call), this.now) }));
    copy.undelivered = [...this.undelivered];
    return copy;
  }

  add(call, now) {
    this.advance(now);
    this.waiting.push(call);
    this.advance(now);
  }

  /** Goes on to this time, or to the last return if it is Infinity. All returns of a microsecond are taken before a worker chooses. */
  advance(to) {
    this.startWaiting();
    while (this.running.length > 0 && this.nextReturn() <= to) {
      const next = this.nextReturn();
      this.now = next;
      const isBack = ({ end }) => end === next;
      for (const { call } of this.running.filter(isBack)) {
        this.returned.add(call);
        this.undelivered.push(call);
      }
      this.running = this.running.filter((run) => !isBack(run));
      this.startWaiting();
    }
    if (to < Infinity) this.now = Math.max(this.now, to);
  }

  /** A free worker takes, of the calls that can start, the one that was written first. */
  startWaiting() {
    this.waiting = this.waiting.filter((call) => {
      const starts = this.running.length < this.workers && call.needs.every((need) => this.returned.has(need));
      if (starts) this.running.push({ call, start: this.now, end: this.now + this.durationOf(call) });
      return !starts;
    });
  }

  /** When the next call returns; Infinity if none runs. */
  nextReturn() {
    return this.running.reduce((least, { end }) => Math.min(least, end), Infinity);
  }

  /** All times from now on at which calls return, if nothing more is added, in order. */
  returnsToCome() {
    const future = this.copy(this.durationOf);
    const returns = [];
    for (let at = future.nextReturn(); at < Infinity; at = future.nextReturn()) {
      future.advance(at);
      returns.push(at);
    }
    return returns;
  }

  takeReturned() {
    const taken = this.undelivered;
    this.undelivered = [];
    return taken;
  }
}

module.exports = { Executor };
