'use strict';

/**
 * What makes a block malformed: the rule that it breaks, and words. Readers throw the first one that they find. It is no
 * Error: a model writes any number of them, and nobody reads their stacks.
 */
class Fault {
  constructor(rule, message) {
    this.rule = rule;
    this.message = message;
  }
}

module.exports = { Fault };
