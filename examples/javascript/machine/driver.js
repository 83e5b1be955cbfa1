'use strict';
// The virtual driver (Time/driver): a timeline, a machine, a scripted model and scripted functions.

const { VirtualDecoder } = require('./decoder');
const { settleAll } = require('./settle');
const { firstState, makeSettings } = require('./state');
const { step } = require('./step');

/** Time/order */
const PRIORITIES = { began: 0, said: 1, returned: 2, expired: 3, decoded: 4, ended: 4, stopped: 5 };

/** What is planned, in order of time, priority and planning. */
class Timeline {
  constructor() {
    this.planned = [];
  }

  plan(at, event) {
    const priority = PRIORITIES[event.type];
    const next = this.planned.findIndex((other) => other.at > at || (other.at === at && other.priority > priority));
    this.planned.splice(next < 0 ? this.planned.length : next, 0, { at, priority, event });
  }

  get isEmpty() {
    return this.planned.length === 0;
  }

  /** Takes all events of the first time: { at, events }. */
  takeInstant() {
    const { at } = this.planned[0];
    const next = this.planned.findIndex((other) => other.at > at);
    const taken = this.planned.splice(0, next < 0 ? this.planned.length : next);
    return { at, events: taken.map((entry) => entry.event) };
  }
}

class VirtualDriver {
  /** `functions`: by name, for each call of it the answers { after, outcome }. `planned`: of { at, event }. */
  constructor({ settings, script, costs, functions, planned }) {
    this.state = firstState(makeSettings(settings));
    this.decoder = new VirtualDecoder(script, costs, this.state.settings.profile);
    this.functions = functions;
    this.started = new Map(); // function -> how often
    this.rows = [];
    this.timeline = new Timeline();
    this.timeline.plan(0, { type: 'began' });
    for (const { at, event } of planned) this.timeline.plan(at, event);
  }

  run() {
    while (!this.timeline.isEmpty) this.takeInstant(this.timeline.takeInstant());
    return { rows: this.rows, context: this.decoder.context };
  }

  takeInstant({ at, events }) {
    this.state.now = at;
    const rows = [];
    for (const event of events) {
      if (this.isDropped(event)) continue;
      rows.push({ at_us: at, event, ...step(this.state, event) });
    }
    rows.push(...settleAll(this.state).map((fired) => ({ at_us: at, event: null, ...fired })));
    this.rows.push(...rows);
    for (const row of rows) this.perform(row);
  }

  /** Embed/stop */
  isDropped(event) {
    return this.state.ending === 'stopped' && !['began', 'returned', 'expired'].includes(event.type);
  }

  perform({ at_us: now, event, effects }) {
    for (const effect of effects) {
      switch (effect.type) {
        case 'decode': this.decode(now); break;
        case 'start': this.start(now, effect); break;
        case 'inject': this.decoder.inject(now, effect); break;
        case 'finish': this.finish(effect.reason); break;
        case 'rewind': this.decoder.rewind(effect.offset, modeAt(effect.offset, event)); break;
      }
    }
  }

  decode(now) {
    const { at, event } = this.decoder.decode(now);
    this.timeline.plan(at, event);
  }

  /** Embed/stop: the symbol that was being decoded is dropped. */
  finish(reason) {
    if (reason !== 'stopped') return;
    this.decoder.endTurn();
    this.timeline.planned = this.timeline.planned.filter(({ event }) => event.type !== 'decoded' && event.type !== 'ended');
  }

  start(now, { call, function: name, deadline_us: deadline }) {
    const calls = this.functions.get(name) ?? [];
    const count = this.started.get(name) ?? 0;
    this.started.set(name, count + 1);
    for (const { after, outcome } of calls[Math.min(count, calls.length - 1)] ?? []) {
      this.timeline.plan(now + after, { type: 'returned', call, outcome });
    }
    if (deadline !== null) this.timeline.plan(deadline, { type: 'expired', call });
  }
}

/** Embed/taken-back: at the offset of a forged marker the mode that it stood in, else prose. */
function modeAt(offset, { symbol }) {
  return symbol?.marker === 'INTR' && symbol.offset === offset ? symbol.mode : 'prose';
}

module.exports = { VirtualDriver };
