// What a log says, entry by entry: who holds a ballot, and whether each step was allowed.

import { require } from "./findings.js";

export class Fold {
  constructor(pollId) {
    this.pollId = pollId;
    this.poll = null;
    this.closed = null; // the close that stands
    this.ballots = new Map(); // those that count: tag → last commit
    this.seen = new Set();
    this.sealed = new Set(); // they count although their person was erased: never opened
    this.fixedOptions = null; // of the last close since the definition was last written
  }

  /** Go on by one entry; throws `Wrong`. A close closes, whatever it says. */
  apply(entry) {
    const { kind } = entry;
    if (kind !== "poll") require(this.poll, "no_definition", "the first entry is not the poll");
    if (this.closed) {
      require(kind === "erase" || kind === "reopen", "after_close", `${kind} while the poll is closed`);
    }
    this[`_${kind}`](entry);
  }

  _poll(entry) {
    require(entry.pollId === this.pollId, "foreign_poll", `it is of poll ${entry.pollId}`);
    require(!this.seen.size, "definition_changed", "the poll was edited after the first ballot");
    const sound = entry.least >= 1 && entry.least <= entry.most;
    require(sound, "bad_choices", `${entry.least} to ${entry.most} choices`);
    this.poll = entry;
    this.fixedOptions = null;
  }

  _cast({ tag, commit }) {
    require(!this.seen.has(tag), "cast_twice", "a ballot of this tag was there before");
    this.seen.add(tag);
    this.ballots.set(tag, commit);
  }

  _change(entry) {
    this.#mayChange(entry);
    this.ballots.set(entry.tag, entry.commit);
  }

  _retract(entry) {
    this.#mayChange(entry);
    this.ballots.delete(entry.tag);
  }

  _erase(entry) {
    this.#mustHold(entry);
    if (this.closed) this.sealed.add(entry.tag);
    else this.ballots.delete(entry.tag);
  }

  _close(entry) {
    const [before, options] = [this.fixedOptions, entry.tally.map(([optionId]) => optionId).join()];
    this.closed = entry;
    this.fixedOptions = options;
    const same = !this.seen.size || before === null || before === options;
    require(same, "close_options", "other options than at the close before");
    const held = this.ballots.size;
    require(entry.ballots === held, "close_ballots", `${entry.ballots} ballots, ${held} in the log`);
    const counts = entry.tally.map(([, votes]) => votes);
    const most = Math.max(0, ...counts);
    require(most <= entry.ballots, "close_tally", `${most} votes from ${entry.ballots} ballots`);
    const votes = counts.reduce((sum, one) => sum + one, 0);
    const possible = this.poll.least * held <= votes && votes <= this.poll.most * held;
    require(possible, "close_tally", `${votes} votes are not possible`);
  }

  _reopen() {
    require(this.closed, "reopen_open", "reopened while it was open");
    this.closed = null;
  }

  #mayChange(entry) {
    require(this.poll.free, "not_free", `${entry.kind} in a poll whose votes stand`);
    this.#mustHold(entry);
  }

  #mustHold({ kind, tag }) {
    require(this.ballots.has(tag), "no_ballot", `${kind} without a ballot`);
    require(!this.sealed.has(tag), "is_sealed", `${kind} of a sealed ballot`);
  }
}
