// @ts-check
// The poll that is present in a session, on a voter's screen: its ballot, its bars. What the news of
// the session already carries is shown at once; the rest is read within a second, not by all at once.

import { ask, known } from "./api.js";
import { Ballot } from "./ballot.js";
import { standing } from "./bars.js";
import { byId, say, show } from "./dom.js";
import { number } from "./locale.js";
import { Later } from "./pace.js";
import * as page from "./page.js";
import { PollState } from "./poll-state.js";
import { onOtherTabs, tellOtherTabs } from "./session.js";
import { t } from "./texts.js";
import { aboutToken, ownVote, passes } from "./words.js";

/** @typedef {import("./types.js").PresentPoll} PresentPoll */
/** @typedef {import("./types.js").PollView} PollView */
/** @typedef {import("./types.js").Update} Update */

const spread = 1000; // milliseconds over which a hall reads

export class SessionPoll {
  /** @type {PollState | null} */
  poll = null;
  whole = false; // whether all of it was read, not only what the session's news has
  said = "";
  words = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  reading;
  rereading = new Later();

  /** @param {(ids: string[]) => void} follow */
  constructor(follow) {
    this.follow = follow;
    /** @type {Ballot | null} */
    this.ballot = null;
    byId("ballot").addEventListener("submit", (/** @type {Event} */ event) => this.#cast(event));
    byId("ballot").addEventListener("change", () => (this.words = ""));
    byId("retract").addEventListener("click", () => this.#retract());
    onOtherTabs((id) => id === this.poll?.id && this.#readQuietly(id));
    setInterval(() => this.poll && this.whole && page.tick(this.poll), 1000);
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.poll) this.#readQuietly(this.poll.id);
    });
  }

  /** Turn to this poll; `null` where there is none to be seen. @param {PresentPoll | null} poll */
  turnTo(poll) {
    if (poll?.id === this.poll?.id) {
      if (poll && poll.question !== this.poll?.view.question) this.#readSoon(poll.id, spread);
      return;
    }
    clearTimeout(this.reading);
    this.rereading.off();
    this.poll = null;
    page.untell(byId("vote-notice"));
    if (poll) this.#begin(poll);
    else this.follow([]);
  }

  /** The connection is back: what has changed meanwhile is not known. */
  back() {
    if (this.poll) this.#readSoon(this.poll.id, spread);
  }

  /** @param {PresentPoll} poll */
  #begin(poll) {
    this.whole = false;
    this.words = this.said = "";
    this.poll = new PollState(notReadYet(poll));
    this.ballot = this.ballot ?? new Ballot(this.poll);
    this.ballot.poll = this.poll;
    this.#show();
    this.ballot.choose([]);
    this.#readSoon(poll.id, spread);
  }

  /** @param {string} id @param {number} within milliseconds */
  #readSoon(id, within) {
    clearTimeout(this.reading);
    this.reading = setTimeout(() => this.#readQuietly(id), Math.random() * within);
  }

  /** @param {string} id */
  async #read(id) {
    const { body } = await ask("GET", `/get-poll-by-id/${id}`);
    if (id !== this.poll?.id) return;
    const first = !this.whole;
    const voted = JSON.stringify(this.poll.view.userVotes) !== JSON.stringify(body.userVotes);
    if (first) this.poll.view = body;
    else this.poll.read(body);
    this.whole = true;
    this.#show();
    if (voted) this.ballot?.reset();
    if (first) this.follow([id]);
  }

  /** @param {string} id */
  async #readQuietly(id) {
    try {
      await this.#read(id);
    } catch (error) {
      const { code } = known(error);
      if (aboutToken(code)) page.askForToken(code);
      if (passes(code)) this.rereading.in(4 * spread, () => this.#readQuietly(id));
    }
  }

  // -- what moves -----------------------------------------------------------------------------------

  /** @param {Update[]} polls */
  snapshot(polls) {
    for (const poll of polls) this.#hear(poll);
  }

  /** @param {string} event @param {Update} payload */
  update(event, payload) {
    if (!this.poll || payload.pollId !== this.poll.id) return;
    if (event !== "poll-update") return this.#hear(payload);
    if (this.whole && payload.version >= this.poll.view.version) this.#turned(payload.change);
    this.#readSoon(payload.pollId, spread);
  }

  /** @param {string} [change] */
  #turned(change) {
    if (!this.poll || (change !== "closed" && change !== "reopened")) return;
    this.poll.view.status = change === "closed" ? "closed" : "open";
    this.#show();
  }

  /** @param {Update} payload */
  #hear(payload) {
    const { poll } = this;
    if (!poll || !this.whole || payload.pollId !== poll.id) return;
    const [status, hidden] = [poll.view.status, poll.hidden];
    if (!poll.hear(payload)) return;
    if (status !== poll.view.status || hidden !== poll.hidden) this.#show();
    else this.#showNumbers();
    const words = standing(poll);
    if (words && words !== this.said) page.announce(words);
    this.said = words;
  }

  // -- showing ----------------------------------------------------------------------------------------

  #show() {
    const { poll, ballot } = this;
    if (!poll || !ballot) return;
    say(byId("question"), poll.view.question);
    ballot.show();
    if (!this.whole) {
      say(byId("rules"), "");
      show(byId("hidden-results"), false);
    }
    this.#showActions();
    this.#showNumbers();
    if (this.whole) page.tick(poll);
    else for (const place of ["status", "closing"]) say(byId(place), "");
  }

  #showNumbers() {
    const { poll } = this;
    if (!poll) return;
    if (this.whole) this.ballot?.move();
    const shown = this.whole && !poll.hidden;
    show(byId("turnout"), shown);
    say(byId("voters"), number(poll.voters));
    say(byId("voters-words"), t("voters_words", { n: poll.voters }));
  }

  #showActions() {
    const { poll } = this;
    if (!poll) return;
    const change = poll.hasVoted && poll.view.allowVoteChange;
    const open = this.whole && poll.isOpen;
    const may = open && (!poll.hasVoted || change);
    show(byId("cast"), may);
    byId("ballot-actions").classList.toggle("in-reach", may);
    say(byId("cast"), t(change ? "change_your_vote" : "cast_your_vote"));
    show(byId("retract"), open && change);
    say(byId("own-vote"), this.whole ? this.words || ownVote(poll) : "");
  }

  // -- doing ------------------------------------------------------------------------------------------

  /** @param {Event} event */
  #cast(event) {
    event.preventDefault();
    const { poll, ballot } = this;
    if (!poll || !ballot || !this.whole) return;
    const { chosen } = ballot;
    const least = poll.view.minChoices;
    if (chosen.length < least) {
      return page.note(byId("vote-notice"), t("nothing_sent"), t("choose_first", { n: least }));
    }
    const words = poll.hasVoted ? t("vote_changed") : "";
    return this.#do(byId("cast"), words, () => ask("PUT", `/ballot/${poll.id}`, { optionIds: chosen }));
  }

  #retract() {
    const id = this.poll?.id;
    return this.#do(byId("retract"), t("vote_taken_back"), () => ask("DELETE", `/ballot/${id}`));
  }

  /** @param {HTMLElement} button @param {string} words @param {() => Promise<unknown>} send */
  #do(button, words, send) {
    const id = String(this.poll?.id);
    return page.whileBusy(button, byId("vote-notice"), async () => {
      this.words = "";
      try {
        await send();
      } catch (error) {
        if (known(error).code !== "offline") await this.#readQuietly(id);
        if (id !== this.poll?.id) return; // the hall has gone on
        throw error;
      }
      tellOtherTabs(id);
      if (id !== this.poll?.id) return;
      this.words = words;
      await this.#read(id);
      this.ballot?.reset();
      if (button.hidden) byId("own-vote").focus();
      this.follow([id]); // what may be seen may differ now
    });
  }
}

/** A poll of which the question and the options are known. @param {PresentPoll} poll @returns {PollView} */
function notReadYet(poll) {
  return {
    ...poll,
    userId: "",
    createdAt: "",
    status: "open",
    closesAt: null,
    minChoices: 1,
    maxChoices: 1,
    results: "owner",
    allowVoteChange: false,
    visibility: "unlisted",
    guests: "off",
    verifiable: false,
    counts: { likes: 0 },
    version: 0,
    userVotes: [],
    userHasLiked: false,
    resultsHidden: true,
  };
}
