// @ts-check
// The present poll on the stage: question and bars, as large as fits. Results that are kept from the
// hall are covered until they are revealed.

import { ask, known } from "./api.js";
import { Bar, move, standing } from "./bars.js";
import { byId, el, say, show } from "./dom.js";
import { fit } from "./fit.js";
import { number } from "./locale.js";
import { Later } from "./pace.js";
import * as page from "./page.js";
import { PollState } from "./poll-state.js";
import { t } from "./texts.js";
import { aboutToken, passes, whyHidden, worth } from "./words.js";

/** @typedef {import("./types.js").PresentPoll} PresentPoll */
/** @typedef {import("./types.js").PollView} PollView */
/** @typedef {import("./types.js").Update} Update */

export class StagePoll {
  id = "";
  /** @type {PollState | null} */
  poll = null;
  /** @type {{ row: HTMLElement, bar: Bar }[]} */
  rows = [];
  revealed = false;
  made = "";
  room = ""; // that the figures take
  said = "";
  frame = 0;
  rereading = new Later();

  /** @param {(ids: string[]) => void} follow */
  constructor(follow) {
    this.follow = follow;
    new ResizeObserver(() => this.#fit()).observe(byId("stage"));
    document.fonts.addEventListener("loadingdone", () => this.#fit());
    setInterval(() => this.poll && page.tick(this.poll), 1000);
  }

  /** Turn to this poll; `null` where there is none. @param {PresentPoll | null} poll */
  turnTo(poll) {
    if (poll?.id === this.id) {
      if (poll && this.poll && poll.question !== this.poll.view.question) this.readAgain();
      return;
    }
    this.id = poll?.id ?? "";
    this.poll = null;
    this.revealed = false;
    this.follow(poll ? [poll.id] : []);
    if (!poll) return;
    this.#make(poll);
    for (const place of ["status", "closing", "worth", "hidden-results"]) say(byId(place), "");
    this.readAgain();
  }

  /** Read the poll anew: for a screen there is no hall to wait for. */
  async readAgain() {
    const { id } = this;
    if (!id) return;
    try {
      const { body } = await ask("GET", `/get-poll-by-id/${id}`);
      if (id !== this.id) return;
      if (this.poll) this.poll.read(body);
      else this.poll = new PollState(body);
      this.#make(body);
      this.#show();
    } catch (error) {
      const { code } = known(error);
      if (aboutToken(code)) page.askForToken(code);
      if (passes(code)) this.rereading.in(2000, () => this.readAgain());
    }
  }

  /** @param {Update} payload */
  hear(payload) {
    if (!this.poll || payload.pollId !== this.id || !this.poll.hear(payload)) return;
    this.#show();
    const words = this.covered ? "" : standing(this.poll);
    if (words && words !== this.said) page.announce(words);
    this.said = words;
  }

  /** @param {string} event @param {Update} payload */
  update(event, payload) {
    if (payload.pollId !== this.id) return;
    if (event === "poll-update") this.rereading.in(100, () => this.readAgain());
    else this.hear(payload);
  }

  /** Close the poll, or open it again. */
  async turnOver() {
    if (!this.poll) return;
    await ask("POST", `/${this.poll.isOpen ? "close-poll" : "reopen-poll"}/${this.id}`);
    await this.readAgain();
  }

  /** Show the hall what was kept from it, or cover it again. */
  reveal() {
    if (!this.poll || this.poll.hidden || !this.poll.keptFromOthers) return;
    this.revealed = !this.revealed;
    this.#show();
  }

  /** Whether nothing is on the wall: it is not to be seen, or was not revealed. */
  get covered() {
    const { poll } = this;
    return !poll || poll.hidden || (poll.keptFromOthers && !this.revealed);
  }

  /** @param {PresentPoll | PollView} poll */
  #make(poll) {
    say(byId("question"), poll.question);
    const wanted = JSON.stringify(poll.options);
    if (wanted !== this.made) {
      this.rows = poll.options.map((option) => {
        const bar = new Bar();
        const text = el("span", { class: "option-text", dir: "auto" }, option.text);
        for (const part of [bar.figures, bar.track]) show(part, false);
        return { row: el("li", { class: "option" }, text, bar.figures, bar.track), bar };
      });
      byId("options").replaceChildren(...this.rows.map(({ row }) => row));
    }
    this.made = wanted;
    if (!this.poll) for (const place of ["turnout", "hidden-results", "reveal"]) show(byId(place), false);
    this.#fit();
  }

  #show() {
    const { poll, covered } = this;
    if (!poll) return;
    move(this.rows, poll, covered);
    show(byId("turnout"), !covered);
    say(byId("voters"), number(poll.voters));
    say(byId("voters-words"), t("voters_words", { n: poll.voters }));
    say(byId("votes-words"), poll.single ? "" : t("percent_of_voters"));
    say(byId("hidden-results"), covered ? (poll.hidden ? whyHidden(poll.view) : t("results_hidden_here")) : "");
    show(byId("hidden-results"), covered);
    show(byId("reveal"), !poll.hidden && poll.keptFromOthers);
    say(byId("reveal"), t(this.revealed ? "hide_again" : "reveal"));
    say(byId("worth"), worth(poll.view.guests));
    say(byId("turn-over"), t(poll.isOpen ? "stage_close" : "stage_reopen"));
    page.tick(poll);
    // More digits are wider, and results that appear are higher: what fitted may fit no more.
    const room = this.rows.map(({ bar }) => (covered ? 0 : bar.figures.textContent.length)).join();
    if (room !== this.room) this.#fit();
    this.room = room;
  }

  // Once a frame, however many reasons there are.
  #fit() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      if (byId("stage").hidden) return;
      fit(byId("stage"), byId("question"), byId("options"));
      byId("stage").classList.toggle("fitted", true);
    });
  }
}
