// @ts-check
// One poll in the list: its question, its first options, how many took part.

import { Bar, move } from "./bars.js";
import { el, say, show } from "./dom.js";
import { here, remaining } from "./page.js";
import { PollState } from "./poll-state.js";
import { t } from "./texts.js";
import { onlyYou, whyHidden } from "./words.js";

/** @typedef {import("./types.js").PollView} PollView */
/** @typedef {import("./types.js").Update} Update */

const shown = 4; // options

export class ListedPoll {
  /** @type {{ row: HTMLElement, bar: Bar }[]} */
  rows = [];

  /** @param {PollView} view */
  constructor(view) {
    this.poll = new PollState(view);
    this.status = el("span", { class: "status" });
    this.closing = el("span", { class: "figure" });
    this.link = el("a", { href: here(`/polls/${view.id}`), dir: "auto" });
    this.options = el("ol", { class: "options brief" });
    this.further = el("p", { class: "quiet" });
    this.taking = el("p", { class: "quiet" });
    this.row = el(
      "li",
      { class: "listed" },
      el("p", { class: "folio" }, this.status, " ", this.closing),
      el("h2", {}, this.link),
      this.options,
      this.further,
      this.taking,
    );
    this.row.dataset.id = view.id;
    this.#make();
  }

  /** The poll read anew. @param {PollView} view */
  read(view) {
    this.poll.read(view);
    this.#make();
  }

  /** A snapshot or an update. @param {Update} payload */
  hear(payload) {
    if (this.poll.hear(payload)) this.#show();
  }

  tick() {
    remaining(this.poll, this.status, this.closing);
  }

  #make() {
    const { view } = this.poll;
    say(this.link, view.question);
    this.rows = view.options.map((option) => {
      const bar = new Bar();
      const text = el("span", { class: "option-text", dir: "auto" }, option.text);
      return { row: el("li", { class: "option" }, text, bar.figures, bar.track), bar };
    });
    this.options.replaceChildren(...this.rows.slice(0, shown).map(({ row }) => row));
    this.#show();
  }

  #show() {
    const { poll } = this;
    const { view } = poll;
    move(this.rows, poll);
    const more = view.options.length - shown;
    const further = [
      ...(more > 0 ? [t("more_options", { n: more })] : []),
      ...(poll.hidden ? [whyHidden(view)] : []),
      ...(poll.onlyForOwner ? [onlyYou(view)] : []),
    ];
    say(this.further, further.join(" · "));
    show(this.further, further.length > 0);
    const voters = poll.hidden ? [] : [t("voters", { n: poll.voters })];
    const own = poll.hasVoted ? [t("you_voted")] : [];
    say(this.taking, [...voters, t("likes", { n: view.counts.likes }), ...own].join(" · "));
    this.tick();
  }
}
