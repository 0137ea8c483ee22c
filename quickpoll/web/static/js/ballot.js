// The ballot paper: options to choose from, with their bars.

import { byId, el, say, show } from "./dom.js";
import { Bar, move } from "./bars.js";
import { howMany, whyHidden } from "./words.js";

export class Ballot {
  constructor() {
    this.form = byId("ballot");
    this.rows = [];
    this.made = "";
    this.form.addEventListener("change", () => this.#limit());
  }

  /** The ids of the options chosen and not yet cast. */
  get chosen() {
    return this.rows.filter(({ input }) => input.checked).map(({ input }) => input.value);
  }

  /** Show the poll. Inputs are made anew only when the options changed, so that focus stays. */
  show(poll) {
    this.poll = poll;
    const wanted = JSON.stringify([poll.single, poll.view.options]);
    if (wanted !== this.made) this.#make(poll);
    this.made = wanted;
    say(byId("rules"), howMany(poll.view));
    say(byId("hidden-results"), poll.hidden ? whyHidden(poll.view) : "");
    show(byId("hidden-results"), poll.hidden);
    this.#own();
    this.move();
  }

  /** Move the bars to where the counts are now. */
  move() {
    move(this.rows, this.poll);
  }

  /** Choose what the ballot in the box says. */
  reset() {
    const { userVotes } = this.poll.view;
    for (const { input } of this.rows) input.checked = userVotes.includes(input.value);
    this.#limit();
  }

  #make(poll) {
    const chosen = this.chosen;
    this.rows = poll.view.options.map((option) => row(option, poll.single, chosen));
    byId("options").replaceChildren(...this.rows.map(({ row: item }) => item));
  }

  // Own votes are marked; where nothing can be changed any more, nothing can be chosen.
  #own() {
    const { poll } = this;
    const fixed = !poll.isOpen || (poll.hasVoted && !poll.view.allowVoteChange);
    for (const { row: item, input, own } of this.rows) {
      const mine = poll.view.userVotes.includes(input.value);
      item.classList.toggle("mine", mine);
      say(own, mine ? "Your vote" : "");
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

function row(option, single, chosen) {
  const input = el("input", {
    type: single ? "radio" : "checkbox",
    name: "choice",
    value: option.id,
    checked: chosen.includes(option.id),
  });
  const bar = new Bar();
  const own = el("span", { class: "own" });
  const text = el("span", { class: "option-text", dir: "auto" }, option.text);
  const label = el("label", {}, input, el("span", { class: "mark", "aria-hidden": "true" }), text, own);
  const item = el("li", { class: "option" }, label, bar.figures, bar.track);
  return { row: item, input, own, bar };
}
