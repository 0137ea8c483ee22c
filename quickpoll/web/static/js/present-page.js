// A poll on a projector.

import { announce } from "./announce.js";
import { ask } from "./api.js";
import { Bar, move, standing } from "./bars.js";
import { byId, el, say, show } from "./dom.js";
import { number } from "./format.js";
import { Live } from "./live.js";
import { Later, jitter } from "./pace.js";
import * as page from "./page.js";
import { PollState } from "./poll-state.js";
import { holder } from "./session.js";
import { readable, showCode } from "./share.js";
import { aboutToken, passes, whyHidden } from "./words.js";

class PresentPage {
  constructor() {
    this.pollId = document.body.dataset.pollId;
    this.own = [];
    this.rows = [];
    this.poll = null;
    this.lived = false;
    this.rereading = new Later();
  }

  async start() {
    this.#listen();
    this.live = new Live({
      state: (name) => this.#connection(name),
      snapshot: (polls) => polls.forEach((poll) => this.#hear(poll)),
      update: (event, payload) => this.#update(event, payload),
      unknown: (ids) => ids.includes(this.pollId) && this.#gone(),
      refused: page.askForToken,
    });
    await this.#turnTo(this.pollId);
    await this.#readOwn();
    setInterval(() => this.poll && page.tick(this.poll), 1000);
  }

  // What changed while nobody told: the snapshot has the counts only.
  #connection(state) {
    page.connection(state);
    if (state === "live" && this.lived) this.rereading.in(1000, () => this.#readAgain(this.pollId));
    this.lived ||= state === "live";
  }

  // -- which poll ---------------------------------------------------------------------------

  async #readOwn() {
    try {
      const { body } = await ask("GET", `/get-poll-by-user-id/${holder().id}?limit=100`);
      this.own = body.map((view) => view.id).reverse(); // onwards is towards the newer one
    } catch (error) {
      if (!error.code) throw error; // the poll itself may be there; only the keys lead nowhere
      if (passes(error.code)) setTimeout(() => this.#readOwn(), jitter(8000));
    }
    this.#showPlace();
  }

  #step(by) {
    const { own } = this;
    if (!own.length) return;
    const place = own.indexOf(this.pollId);
    const next = own[place < 0 ? 0 : (place + by + own.length) % own.length];
    if (next === this.pollId) return;
    history.pushState(null, "", `/polls/${next}/present`);
    this.#turnTo(next);
  }

  async #turnTo(id) {
    this.pollId = id;
    page.stopTrying();
    try {
      const { body } = await ask("GET", `/get-poll-by-id/${id}`);
      if (id === this.pollId) this.#begin(body);
    } catch (error) {
      if (!error.code) throw error;
      if (id !== this.pollId) return;
      show(byId("content"), false);
      page.cannotRead(error, () => this.#turnTo(id));
    }
  }

  #begin(view) {
    this.poll = new PollState(view);
    page.untell(byId("notice"));
    byId("leave").href = `/polls/${view.id}`;
    byId("address").replaceChildren(...readable(view.id));
    showCode(byId("qr"), view.id);
    this.#make();
    show(byId("content"));
    this.#showPlace();
    this.live.followOnly([view.id]);
  }

  #showPlace() {
    const place = this.own.indexOf(this.pollId);
    const others = this.own.some((id) => id !== this.pollId);
    say(byId("place"), place < 0 ? "" : `${place + 1} of ${this.own.length}`);
    for (const id of ["previous", "next"]) show(byId(id), others);
  }

  // -- what it shows ------------------------------------------------------------------------

  #make() {
    const { view } = this.poll;
    this.rows = view.options.map((option) => {
      const bar = new Bar();
      const text = el("span", { class: "option-text", dir: "auto" }, option.text);
      return { row: el("li", { class: "option" }, text, bar.figures, bar.track), bar };
    });
    const list = byId("options");
    list.replaceChildren(...this.rows.map(({ row }) => row));
    const columns = Math.min(3, Math.ceil(view.options.length / 10));
    list.dataset.columns = String(columns);
    list.style.setProperty("--rows", String(Math.ceil(view.options.length / columns)));
    this.#show();
  }

  #show() {
    const { poll } = this;
    say(byId("question"), poll.view.question);
    byId("question").classList.toggle("long", poll.view.question.length > 120);
    document.title = `${poll.view.question} · QuickPoll`;
    move(this.rows, poll);
    show(byId("turnout"), !poll.hidden);
    say(byId("voters"), number(poll.voters));
    say(byId("voters-words"), poll.voters === 1 ? "voter" : "voters");
    say(byId("votes-words"), poll.single ? "" : "percent of voters");
    say(byId("join-words"), joinWords(poll));
    say(byId("hidden-results"), poll.hidden ? whyHidden(poll.view) : "");
    show(byId("hidden-results"), poll.hidden);
    page.tick(poll);
  }

  #hear(payload) {
    if (!this.poll || payload.pollId !== this.pollId || !this.poll.hear(payload)) return;
    this.#show();
    const words = standing(this.poll);
    if (words && words !== this.said) announce(words);
    this.said = words;
  }

  #update(event, payload) {
    if (payload.pollId !== this.pollId) return;
    if (event !== "poll-update") return this.#hear(payload);
    if (payload.change === "deleted") return this.#gone();
    this.rereading.in(300, () => this.#readAgain(payload.pollId));
  }

  async #readAgain(id) {
    try {
      const { body } = await ask("GET", `/get-poll-by-id/${id}`);
      if (id !== this.pollId || !this.poll) return;
      this.poll.read(body);
      this.#make();
    } catch (error) {
      if (!error.code) throw error;
      if (aboutToken(error.code)) page.askForToken(error.code);
      if (passes(error.code)) this.rereading.in(4000, () => this.#readAgain(id));
    }
  }

  #gone() {
    show(byId("content"), false);
    page.note(byId("notice"), "This poll was deleted", "Its votes and likes went with it.");
    this.own = this.own.filter((id) => id !== this.pollId);
  }

  // -- keys and buttons ---------------------------------------------------------------------

  #listen() {
    show(byId("steering"));
    byId("previous").addEventListener("click", () => this.#step(-1));
    byId("next").addEventListener("click", () => this.#step(1));
    byId("fullscreen").addEventListener("click", () => this.#fill());
    document.addEventListener("keydown", (event) => this.#key(event));
    document.addEventListener("visibilitychange", () => this.#stayAwake());
    this.#stayAwake();
    window.addEventListener("popstate", () => this.#turnTo(location.pathname.split("/")[2]));
    document.addEventListener("fullscreenchange", () => {
      say(byId("fullscreen"), document.fullscreenElement ? "Leave full screen" : "Full screen");
    });
  }

  #key(event) {
    const typing = event.target.matches?.("input:not([type=checkbox]), textarea, select");
    const other = event.ctrlKey || event.metaKey || event.altKey;
    if (typing || other || !byId("keys").checked) return;
    const steps = { ArrowLeft: -1, PageUp: -1, ArrowRight: 1, PageDown: 1 }; // clickers send pages
    if (event.key in steps) this.#step(steps[event.key]);
    else if (event.key.toLowerCase() === "f") this.#fill();
  }

  // A screen that sleeps shows nothing to the hall. Not every browser can be asked to stay awake.
  async #stayAwake() {
    if (document.hidden) return;
    try {
      await navigator.wakeLock?.request("screen");
    } catch {
      // as when the battery is low: then the system decides
    }
  }

  async #fill() {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else await document.documentElement.requestFullscreen();
    } catch {
      byId("fullscreen").textContent = "Full screen is not allowed here";
    }
  }
}

function joinWords(poll) {
  if (poll.isOpen) return "Vote at";
  return poll.hidden ? "This poll is at" : "See the result at";
}

page.begin(() => new PresentPage().start());
