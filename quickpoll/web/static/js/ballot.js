// @ts-check
// The ballot paper: options to choose from, with their bars.

import { Bar, move } from "./bars.js";
import { byId, el, say, show } from "./dom.js";
import { t } from "./texts.js";
import { howMany, onlyYou, whyHidden, worth } from "./words.js";

/** @typedef {import("./poll-state.js").PollState} PollState */
/** @typedef {import("./types.js").Option} Option */

export class Ballot {
  /** @param {PollState} poll @param {(id: string) => any} find the element of this id */
  constructor(poll, find = byId) {
    this.poll = poll;
    this.find = find;
    this.form = find("ballot");
    /** @type {ReturnType<typeof row>[]} */
    this.rows = [];
    this.made = "";
    this.fixed = false;
    this.form.addEventListener("change", () => this.#limit());
  }

  /** The ids of the options chosen and not yet cast. */
  get chosen() {
    return this.rows.filter(({ input }) => input.checked).map(({ input }) => input.value);
  }

  /** Show the poll. Inputs are made anew only when the options changed, so that focus stays. */
  show() {
    const { poll } = this;
    const wanted = JSON.stringify([poll.single, poll.view.options]);
    if (wanted !== this.made) this.#make();
    this.made = wanted;
    say(this.find("rules"), howMany(poll.view));
    say(this.find("worth"), worth(poll.view.guests));
    this.#own();
    this.move();
  }

  /** Move the bars to where the counts are now. */
  move() {
    const { poll } = this;
    move(this.rows, poll);
    say(this.find("hidden-results"), poll.hidden ? whyHidden(poll.view) : "");
    show(this.find("hidden-results"), poll.hidden);
    say(this.find("only-you"), poll.onlyForOwner ? onlyYou(poll.view) : "");
    show(this.find("only-you"), poll.onlyForOwner);
    // What is not to be seen is not to be heard either.
    for (const { input, bar } of this.rows) {
      if (poll.hidden) input.removeAttribute("aria-describedby");
      else input.setAttribute("aria-describedby", bar.figures.id);
    }
  }

  /** Choose what the ballot in the box says. */
  reset() {
    this.choose(this.poll.view.userVotes);
  }

  /** Choose these options, as far as they are there. @param {string[]} ids */
  choose(ids) {
    for (const { input } of this.rows) input.checked = ids.includes(input.value);
    this.#limit();
  }

  #make() {
    const { poll, chosen } = this;
    this.rows = poll.view.options.map((option) => row(option, poll.single, chosen));
    this.find("options").replaceChildren(...this.rows.map(({ row: item }) => item));
  }

  // Own votes are marked; where nothing can be changed any more, nothing can be chosen.
  #own() {
    const { poll } = this;
    const fixed = !poll.isOpen || (poll.hasVoted && !poll.view.allowVoteChange);
    for (const { row: item, input, own } of this.rows) {
      const mine = poll.view.userVotes.includes(input.value);
      item.classList.toggle("mine", mine);
      say(own, mine ? t("your_vote") : "");
      if (fixed) input.checked = mine;
    }
    this.form.classList.toggle("fixed", fixed);
    this.fixed = fixed;
    this.#limit();
  }

  #limit() {
    const full = !this.poll.single && this.chosen.length >= this.poll.view.maxChoices;
    for (const { input } of this.rows) input.disabled = this.fixed || (full && !input.checked);
  }
}

/**
 * @param {Option} option
 * @param {boolean} single
 * @param {string[]} chosen
 */
function row(option, single, chosen) {
  const input = el("input", {
    type: single ? "radio" : "checkbox",
    name: "choice",
    value: option.id,
    checked: chosen.includes(option.id),
  });
  const bar = new Bar();
  bar.figures.id = `figures-${option.id}`;
  const own = el("span", { class: "own" });
  const text = el("span", { class: "option-text", dir: "auto" }, option.text);
  const label = el("label", {}, input, el("span", { class: "mark", "aria-hidden": "true" }), text, own);
  const item = el("li", { class: "option" }, label, bar.figures, bar.track);
  return { row: item, input, own, bar };
}
