// @ts-check
// A poll on a projector.

import { ask, known } from "./api.js";
import { Bar, move, standing } from "./bars.js";
import { byId, el, say, show } from "./dom.js";
import { fit } from "./fit.js";
import { Live } from "./live.js";
import { number } from "./locale.js";
import { Later, jitter } from "./pace.js";
import * as page from "./page.js";
import { PollState } from "./poll-state.js";
import { holder } from "./session.js";
import { readable, showCode } from "./share.js";
import { fullScreen, onKeys, stayAwake } from "./stage.js";
import { t } from "./texts.js";
import { aboutToken, passes, whyHidden, worth } from "./words.js";

/** @typedef {import("./types.js").PollView} PollView */
/** @typedef {import("./types.js").Update} Update */

class PresentPage {
  constructor() {
    this.pollId = String(document.body.dataset.pollId);
    /** @type {string[]} */
    this.own = [];
    /** @type {{ row: HTMLElement, bar: Bar }[]} */
    this.rows = [];
    /** @type {PollState | null} */
    this.poll = null;
    this.revealed = false;
    this.lived = false;
    this.frame = 0;
    this.room = ""; // that the figures take
    this.said = "";
    this.rereading = new Later();
    this.live = new Live({
      state: (name) => this.#connection(name),
      snapshot: (polls) => polls.forEach((poll) => this.#hear(poll)),
      update: (event, payload) => this.#update(event, payload),
      unknown: (ids) => ids.includes(this.pollId) && this.#gone(),
      refused: page.askForToken,
    });
  }

  async start() {
    this.#listen();
    await this.#turnTo(this.pollId);
    await this.#readOwn();
    setInterval(() => this.poll && page.tick(this.poll), 1000);
  }

  // What changed while nobody told: the snapshot has the counts only.
  /** @param {Parameters<typeof page.connection>[0]} state */
  #connection(state) {
    page.connection(state);
    if (state === "live" && this.lived) this.rereading.in(1000, () => this.#readAgain(this.pollId));
    this.lived ||= state === "live";
  }

  // -- which poll ---------------------------------------------------------------------------

  async #readOwn() {
    try {
      const { body } = await ask("GET", `/get-poll-by-user-id/${holder().id}?limit=100`);
      this.own = body.map((/** @type {PollView} */ view) => view.id).reverse(); // onwards is towards the newer one
    } catch (error) {
      // The poll itself may be there; only the keys lead nowhere.
      if (passes(known(error).code)) setTimeout(() => this.#readOwn(), jitter(8000));
    }
    this.#showPlace();
  }

  /** @param {number} by */
  #step(by) {
    const { own } = this;
    if (!own.length) return;
    const place = own.indexOf(this.pollId);
    const next = own[place < 0 ? 0 : (place + by + own.length) % own.length];
    if (next === this.pollId) return;
    history.pushState(null, "", page.here(`/polls/${next}/present`));
    this.#turnTo(next);
  }

  /** @param {string} id */
  async #turnTo(id) {
    this.pollId = id;
    page.stopTrying();
    try {
      const { body } = await ask("GET", `/get-poll-by-id/${id}`);
      if (id === this.pollId) this.#begin(body);
    } catch (error) {
      const told = known(error);
      if (id !== this.pollId) return;
      show(byId("content"), false);
      page.cannotRead(told, () => this.#turnTo(id));
    }
  }

  /** @param {PollView} view */
  #begin(view) {
    this.poll = new PollState(view);
    this.revealed = false;
    page.untell(byId("notice"));
    byId("leave").href = page.here(`/polls/${view.id}`);
    byId("address").replaceChildren(...readable(view.id));
    showCode(byId("qr"), view.id);
    show(byId("content"));
    this.#make();
    this.#showPlace();
    this.live.followOnly([view.id]);
  }

  #showPlace() {
    const place = this.own.indexOf(this.pollId);
    const others = this.own.some((id) => id !== this.pollId);
    say(byId("place"), place < 0 ? "" : t("place_of", { place: place + 1, all: this.own.length }));
    for (const id of ["previous", "next"]) show(byId(id), others);
  }

  // -- what it shows ------------------------------------------------------------------------

  /** Whether nothing is on the wall: it is not to be seen, or was not revealed. */
  get covered() {
    return Boolean(this.poll && (this.poll.hidden || (this.poll.keptFromOthers && !this.revealed)));
  }

  #make() {
    const { view } = /** @type {PollState} */ (this.poll);
    this.rows = view.options.map((option) => {
      const bar = new Bar();
      const text = el("span", { class: "option-text", dir: "auto" }, option.text);
      return { row: el("li", { class: "option" }, text, bar.figures, bar.track), bar };
    });
    byId("options").replaceChildren(...this.rows.map(({ row }) => row));
    this.#show();
    this.#fit();
  }

  #show() {
    const poll = /** @type {PollState} */ (this.poll);
    const { covered } = this;
    say(byId("question"), poll.view.question);
    document.title = `${poll.view.question} · QuickPoll`;
    move(this.rows, poll, covered);
    show(byId("turnout"), !covered);
    say(byId("voters"), number(poll.voters));
    say(byId("voters-words"), t("voters_words", { n: poll.voters }));
    say(byId("votes-words"), poll.single ? "" : t("percent_of_voters"));
    say(byId("join-words"), joinWords(poll));
    say(byId("worth"), worth(poll.view.guests));
    this.#showCover(poll);
    page.tick(poll);
    // More digits are wider, and results that appear are higher: what fitted may fit no more.
    const room = this.rows.map(({ bar }) => (covered ? 0 : bar.figures.textContent.length)).join();
    if (room !== this.room) this.#fit();
    this.room = room;
  }

  // Whoever may see the results decides whether the hall does, too.
  /** @param {PollState} poll */
  #showCover(poll) {
    const mayReveal = !poll.hidden && poll.keptFromOthers;
    say(byId("hidden-results"), this.covered ? (poll.hidden ? whyHidden(poll.view) : t("results_hidden_here")) : "");
    show(byId("hidden-results"), this.covered);
    show(byId("reveal"), mayReveal);
    say(byId("reveal"), t(this.revealed ? "hide_again" : "reveal"));
  }

  #reveal() {
    if (!this.poll || this.poll.hidden || !this.poll.keptFromOthers) return;
    this.revealed = !this.revealed;
    this.#show();
  }

  // Once a frame, however many reasons there are.
  #fit() {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => {
      fit(byId("content"), byId("question"), byId("options"));
      byId("content").classList.toggle("fitted", true);
    });
  }

  /** @param {Update} payload */
  #hear(payload) {
    if (!this.poll || payload.pollId !== this.pollId) return;
    if (!this.poll.hear(payload)) return;
    this.#show();
    const words = this.covered ? "" : standing(this.poll);
    if (words && words !== this.said) page.announce(words);
    this.said = words;
  }

  /** @param {string} event @param {Update} payload */
  #update(event, payload) {
    if (payload.pollId !== this.pollId) return;
    if (event !== "poll-update") return this.#hear(payload);
    if (payload.change === "deleted") return this.#gone();
    this.rereading.in(300, () => this.#readAgain(payload.pollId));
  }

  /** @param {string} id */
  async #readAgain(id) {
    try {
      const { body } = await ask("GET", `/get-poll-by-id/${id}`);
      if (id !== this.pollId || !this.poll) return;
      this.poll.read(body);
      this.#make();
    } catch (error) {
      const { code } = known(error);
      if (aboutToken(code)) page.askForToken(code);
      if (passes(code)) this.rereading.in(4000, () => this.#readAgain(id));
    }
  }

  #gone() {
    show(byId("content"), false);
    page.note(byId("notice"), t("poll_was_deleted"), t("gone_with_it"));
    this.own = this.own.filter((id) => id !== this.pollId);
  }

  // -- keys and buttons ---------------------------------------------------------------------

  #listen() {
    show(byId("steering"));
    byId("previous").addEventListener("click", () => this.#step(-1));
    byId("next").addEventListener("click", () => this.#step(1));
    byId("reveal").addEventListener("click", () => this.#reveal());
    window.addEventListener("popstate", () => this.#turnTo(location.pathname.split("/")[2]));
    new ResizeObserver(() => this.#fit()).observe(byId("content"));
    document.fonts.addEventListener("loadingdone", () => this.#fit());
    const fill = fullScreen(byId("fullscreen"));
    const [back, on] = [() => this.#step(-1), () => this.#step(1)];
    const [left, right] = document.documentElement.dir === "rtl" ? [on, back] : [back, on];
    const clicker = { pageup: back, pagedown: on };
    onKeys(byId("keys"), { arrowleft: left, arrowright: right, ...clicker, f: fill, r: () => this.#reveal() });
    stayAwake();
  }
}

/** @param {PollState} poll */
function joinWords(poll) {
  if (poll.isOpen) return t("vote_at");
  return t(poll.hidden ? "this_poll_is_at" : "see_result_at");
}

page.begin(() => new PresentPage().start());
