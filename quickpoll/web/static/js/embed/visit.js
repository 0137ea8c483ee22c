// @ts-check
// One visit of an element at a poll, from its entry to its end: reads, follows, votes, and says so.

import { Live } from "../live.js";
import { Later } from "../pace.js";
import { PollState } from "../poll-state.js";
import { t } from "../texts.js";
import { passes } from "../words.js";

import { Failure, failure } from "./service.js";

/** @typedef {import("../types.js").PollView} PollView @typedef {import("../types.js").Update} Update */
/** @typedef {(type: "vote" | "state" | "need-token" | "error", more: Record<string, unknown>) => void} Tell */

const second = 1000;

export class Visit {
  /** @type {PollState | undefined} */ poll;
  /** @type {Live | undefined} */ live;
  /** @type {{ voted: boolean, words: string } | null} */ #told = null; // what became of the last thing done
  #ended = new AbortController();
  #asked = 0;
  #shown = 0;
  #lived = false;
  #overdue = false;
  #said = "";
  #wired = ""; // the token of the connection
  #followedWith = ""; // the token with which it was begun
  #later = new Later();

  /**
   * @param {string} id of the poll
   * @param {import("./service.js").Service} service
   * @param {import("./paper.js").Paper} paper
   * @param {Tell} tell
   */
  constructor(id, service, paper, tell) {
    this.id = id;
    this.service = service;
    this.paper = paper;
    this.tell = tell;
    const { signal } = this.#ended;
    const on = (/** @type {EventTarget} */ place, /** @type {string} */ event, /** @type {(event: any) => unknown} */ run) =>
      place.addEventListener(event, run, { signal });
    on(paper.find("cast"), "click", () => this.#cast());
    on(paper.find("options"), "keydown", (event) => event.key === "Enter" && this.#cast());
    on(paper.find("retract"), "click", () => this.#retract());
    on(document, "visibilitychange", () => !document.hidden && this.poll && this.#readQuietly());
    const ticking = setInterval(() => this.#tick(), second);
    signal.addEventListener("abort", () => clearInterval(ticking));
  }

  /** Begin, or go on with another token. */
  async begin() {
    try {
      await this.service.enter();
      await this.#read();
      this.paper.untell();
      if (this.#followedWith !== this.service.token()) this.#follow();
    } catch (error) {
      this.#cannot(failure(error));
    }
  }

  end() {
    this.#ended.abort();
    this.#later.off();
    this.live?.close();
  }

  get #over() {
    return this.#ended.signal.aborted;
  }

  #follow() {
    this.live?.close();
    if (this.#over) return;
    this.#followedWith = this.service.token();
    this.live = new Live(
      {
        state: (name) => this.#connection(name),
        snapshot: (polls) => polls.forEach((poll) => this.#hear(poll)),
        update: (event, payload) => this.#update(event, payload),
        unknown: () => this.#gone(),
        refused: (code) => this.#renew(code),
      },
      { origin: this.service.origin, token: () => (this.#wired = this.service.token()) },
    );
    this.live.follow([this.id]);
  }

  /** @param {string} code */
  async #renew(code) {
    this.#followedWith = ""; // it is over
    if (code === "guests_not_allowed") return this.#cannot(new Failure(code));
    try {
      await this.service.enter(code, this.#wired);
      this.#follow();
    } catch (error) {
      this.#cannot(failure(error));
    }
  }

  // -- reading ------------------------------------------------------------------------------

  // Of two reads under way the later one knows more: what the earlier one brings after it is old.
  async #read() {
    const turn = ++this.#asked;
    /** @type {PollView} */
    const view = await this.service.ask("GET", `/get-poll-by-id/${this.id}`);
    if (this.#over || turn < this.#shown) return;
    this.#shown = turn;
    if (!this.poll) this.#open(view);
    else this.#take(this.poll, view);
    this.#state();
    if (this.poll?.seesMore) this.#tellOwner();
  }

  // Who sees more than others is told so; where the service does not say who that is, nobody.
  async #tellOwner() {
    if (await this.service.learnHolder().catch(() => false)) this.#show();
  }

  /** @param {PollView} view */
  #open(view) {
    this.poll = new PollState(view, () => this.service.holder());
    this.paper.open(this.poll);
    this.#tick();
  }

  /** @param {PollState} poll @param {PollView} view */
  #take(poll, view) {
    const voted = JSON.stringify(poll.view.userVotes);
    poll.read(view);
    this.#show();
    if (voted !== JSON.stringify(view.userVotes)) this.paper.ballot?.reset();
  }

  async #readQuietly() {
    try {
      await this.#read();
    } catch (error) {
      const { code } = failure(error);
      if (code === "poll_not_found") this.#gone();
      else if (passes(code)) this.#later.in(4 * second, () => this.#readQuietly());
      else if (code.endsWith("_token")) this.#cannot(failure(error));
    }
  }

  // What changed while nobody told: the snapshot has the counts only.
  /** @param {"connecting" | "live" | "silent" | "reconnecting" | "refused"} state */
  #connection(state) {
    this.paper.connection(state);
    if (state === "live" && this.#lived) this.#later.in(second, () => this.#readQuietly());
    this.#lived ||= state === "live";
  }

  /** @param {string} event @param {Update} payload */
  #update(event, payload) {
    if (payload.pollId !== this.id || !this.poll) return;
    if (event !== "poll-update") return this.#hear(payload);
    if (payload.change === "deleted") return this.#gone();
    if (payload.version >= this.poll.view.version) this.#turned(this.poll, payload.change);
    this.#later.in(300, () => this.#readQuietly()); // not everyone at once
  }

  /** @param {PollState} poll @param {string} [change] */
  #turned(poll, change) {
    if (change !== "closed" && change !== "reopened") return;
    poll.view.status = change === "closed" ? "closed" : "open";
    this.#show();
    this.#state();
  }

  /** @param {Update} payload */
  #hear(payload) {
    const { poll } = this;
    if (!poll || payload.pollId !== this.id) return;
    const before = [poll.view.status, poll.hidden].join();
    if (!poll.hear(payload)) return;
    if (before !== [poll.view.status, poll.hidden].join()) this.#show();
    else this.paper.move(poll);
    this.#state();
  }

  // -- showing ------------------------------------------------------------------------------

  #show() {
    const { poll } = this;
    if (!poll) return;
    const told = this.#told?.voted === poll.hasVoted && poll.isOpen ? this.#told.words : null;
    this.paper.show(poll, told);
    this.#tick();
  }

  #tick() {
    if (!this.poll) return;
    const left = this.paper.tick(this.poll, this.service.now());
    // The service says so within three seconds; if that did not get here, ask.
    if (left < -4 * second && this.poll.isOpen && !this.#overdue) {
      this.#overdue = true;
      this.#readQuietly();
    }
    if (left > 0) this.#overdue = false;
  }

  // Status and version, never a count: who hears of it is the page around.
  #state() {
    if (!this.poll) return;
    const { status, version } = this.poll.view;
    const said = `${status} ${version}`;
    if (said !== this.#said) this.tell("state", { status, version });
    this.#said = said;
  }

  #gone() {
    if (this.#over) return;
    this.end();
    this.paper.gone(t("poll_was_deleted"));
    this.tell("error", { code: "poll_not_found" });
  }

  /** @param {import("./service.js").Failure} error */
  #cannot(error) {
    if (this.#over) return;
    const code = error.code === "guests_not_allowed" ? "missing_token" : error.code;
    this.tell(code.endsWith("_token") ? "need-token" : "error", { code });
    const again = { words: t("try_again"), run: () => this.begin() };
    this.paper.tell({ code, retryAfter: error.retryAfter }, passes(code) ? again : undefined);
    if (passes(code)) this.#later.in(Math.max(error.retryAfter, 4) * second, () => this.begin());
  }

  // -- doing --------------------------------------------------------------------------------

  #cast() {
    const { poll, paper } = this;
    if (!poll || paper.find("cast").hidden) return;
    const optionIds = paper.ballot?.chosen ?? [];
    const least = poll.view.minChoices;
    if (optionIds.length < least) return paper.note(t("nothing_sent"), t("choose_first", { n: least }));
    const told = poll.hasVoted ? { voted: true, words: t("vote_changed") } : null;
    this.#do(paper.find("cast"), told, optionIds, () => this.service.ask("PUT", `/ballot/${this.id}`, { optionIds }));
  }

  #retract() {
    const told = { voted: false, words: t("vote_taken_back") };
    this.#do(this.paper.find("retract"), told, [], () => this.service.ask("DELETE", `/ballot/${this.id}`));
  }

  // Whatever came of it, the poll is read again: what is shown is what the service has.
  /**
   * @param {HTMLElement} button
   * @param {{ voted: boolean, words: string } | null} told
   * @param {string[]} optionIds
   * @param {() => Promise<unknown>} send
   */
  async #do(button, told, optionIds, send) {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    this.paper.untell();
    this.#told = null;
    try {
      await send();
      this.#told = told;
      this.tell("vote", { optionIds });
      await this.#read();
      this.paper.ballot?.reset();
      if (button.hidden) this.paper.find("own-vote").focus();
      this.live?.again([this.id]); // what may be seen may differ now
    } catch (error) {
      await this.#refused(failure(error));
    }
    button.removeAttribute("aria-disabled");
  }

  /** @param {import("./service.js").Failure} error */
  async #refused(error) {
    if (error.code.endsWith("_token")) return this.#cannot(error);
    if (error.code !== "offline") await this.#readQuietly();
    this.tell("error", { code: error.code });
    this.paper.tell(error);
  }
}
