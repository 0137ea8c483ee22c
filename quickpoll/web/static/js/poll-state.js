// @ts-check
// What is known of a poll. A bar never goes back: what is older than what is shown is ignored.

import { holder } from "./session.js";

/** @typedef {import("./types.js").PollView} PollView */
/** @typedef {import("./types.js").Update} Update */

export class PollState {
  /**
   * @param {PollView} view the poll as the REST interface answers it
   * @param {() => { id: string, admin: boolean }} who looks at it
   */
  constructor(view, who = holder) {
    this.view = view;
    /** @type {Update["checkpoint"]} the last one that was heard of its log, where it is verifiable */
    this.checkpoint = undefined;
    /** @type {any} what the last vote from here was answered */
    this.answered = undefined;
    this.onAnswered = () => {};
    this.who = who;
  }

  get id() {
    return this.view.id;
  }

  /** A vote from here was answered. @param {any} answered */
  wasAnswered(answered) {
    this.answered = answered;
    this.onAnswered();
  }

  get isOpen() {
    return this.view.status === "open";
  }

  get single() {
    return this.view.maxChoices === 1;
  }

  /** Whether the results are kept from whoever looks. */
  get hidden() {
    return this.view.resultsHidden === true;
  }

  /** Whether there are people who may not see the results now, though this one may. */
  get keptFromOthers() {
    if (this.view.results === "owner") return true;
    return this.isOpen && this.view.results !== "always";
  }

  /** Whether this person sees results that others do not, and not for a ballot of theirs. */
  get seesMore() {
    if (this.hidden || !this.keptFromOthers) return false;
    return !(this.view.results === "after_vote" && this.hasVoted);
  }

  /** Whether this person sees the results only because the poll is theirs (or they are an admin). */
  get onlyForOwner() {
    const { id, admin } = this.who();
    return this.seesMore && (id === this.view.userId || admin);
  }

  get hasVoted() {
    return this.view.userVotes.length > 0;
  }

  /** The options' counts in the poll's order; zeros where they are hidden. */
  get counts() {
    return this.view.options.map((option) => this.view.counts[option.id] ?? 0);
  }

  get voters() {
    return this.view.votersCount ?? 0;
  }

  /** The poll read anew. Its counts may be older than an update that came meanwhile. @param {PollView} view */
  read(view) {
    if (view.version < this.view.version && !this.hidden && !view.resultsHidden) {
      const { counts, votersCount, votesCount, version } = this.view;
      this.view = { ...view, counts, votersCount, votesCount, version };
    } else {
      this.view = view;
    }
  }

  /**
   * A snapshot or an update. Answers whether it was taken. Equal versions are equal states.
   * @param {Update} update
   */
  hear({ version, counts, likes, votersCount, votesCount, status, checkpoint }) {
    if (version < this.view.version) return false;
    this.checkpoint = checkpoint ?? this.checkpoint;
    this.view.version = version;
    if (status) this.view.status = status;
    if (likes !== undefined) this.view.counts.likes = likes;
    if (counts) this.#count(counts);
    if (votersCount !== undefined) this.view.votersCount = votersCount;
    if (votesCount !== undefined) this.view.votesCount = votesCount;
    return true;
  }

  /** @param {Record<string, number>} counts */
  #count(counts) {
    Object.assign(this.view.counts, counts);
    if (this.view.options.every((option) => option.id in counts)) delete this.view.resultsHidden;
  }
}
