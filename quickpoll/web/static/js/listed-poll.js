// One poll in the list: its question, its first options, how many took part.

import { Bar, move } from "./bars.js";
import { el, say, show } from "./dom.js";
import { counted } from "./format.js";
import { remaining } from "./page.js";
import { PollState } from "./poll-state.js";
import { whyHidden } from "./words.js";

const shown = 4; // options

export class ListedPoll {
  constructor(view) {
    this.poll = new PollState(view);
    this.status = el("span", { class: "status" });
    this.closing = el("span", { class: "figure" });
    this.link = el("a", { href: `/polls/${view.id}`, dir: "auto" });
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
    this.#make();
  }

  /** The poll read anew. */
  read(view) {
    this.poll.read(view);
    this.#make();
  }

  /** A snapshot or an update. */
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
    say(this.further, [more > 0 ? `and ${counted(more, "more option", "more options")}` : "", poll.hidden ? whyHidden(view) : ""].filter(Boolean).join(". "));
    show(this.further, this.further.textContent !== "");
    const voters = poll.hidden ? [] : [counted(poll.voters, "voter", "voters")];
    const own = poll.hasVoted ? ["you voted"] : [];
    say(this.taking, [...voters, counted(view.counts.likes, "like", "likes"), ...own].join(" · "));
    this.tick();
  }
}
