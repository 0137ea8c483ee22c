// @ts-check
// Under the result: votes over time, the result as a picture, what was changed. What draws is loaded
// when it is wanted.

import { ask, known } from "./api.js";
import { byId, el, show } from "./dom.js";
import { moment } from "./locale.js";
import { Later } from "./pace.js";
import { t } from "./texts.js";

/** @typedef {import("./poll-state.js").PollState} PollState */

const againAfter = 10_000; // milliseconds between two looks at the timeline, while votes come in

export class Extras {
  /** @param {PollState} poll */
  constructor(poll) {
    this.poll = poll;
    this.drawn = -1; // the version that the chart shows
    this.inView = false;
    this.busy = false;
    this.later = new Later();
    /** @type {import("./check-vote.js").Proof | undefined} */
    this.proof = undefined;
    for (const format of ["svg", "png"]) {
      byId(`save-${format}`).addEventListener("click", () => this.#save(format));
    }
    new IntersectionObserver(([seen]) => this.#seen(seen.isIntersecting)).observe(byId("over-time"));
  }

  /** Show what there is to show now. */
  show() {
    const { poll } = this;
    const there = !poll.hidden && poll.voters > 0;
    show(byId("over-time"), there);
    show(byId("pictures"), !poll.hidden);
    if (there && this.drawn >= 0) this.#draw();
    this.#prove();
  }

  // Whoever watches a verifiable poll is a witness of its log.
  async #prove() {
    if (this.poll.view.verifiable && !this.proof) {
      const { begin } = await import("./check-vote.js");
      this.proof = await begin(this.poll);
    }
    this.proof?.show();
  }

  /** Show what was changed, to everyone who votes. */
  changes() {
    showChanges(this.poll.id).catch(known); // the page is whole without it
  }

  /** @param {boolean} inView */
  #seen(inView) {
    this.inView = inView;
    if (inView) this.#draw();
  }

  // Nobody looks at what is below the screen, and a crowd does not ask at once.
  async #draw() {
    const { version } = this.poll.view;
    if (this.busy || !this.inView || this.poll.hidden || version === this.drawn) return;
    this.busy = true;
    try {
      const { drawTimeline } = await import("./timeline.js");
      await drawTimeline(this.poll, byId("chart"), byId("chart-table"));
      this.drawn = version;
    } catch (error) {
      known(error); // the page is whole without it
    }
    this.later.in(againAfter, () => {
      this.busy = false;
      this.#draw();
    });
  }

  /** @param {string} format */
  async #save(format) {
    const picture = await import("./picture.js");
    await picture.savePicture(this.poll, format);
  }
}

/** @typedef {{ at: string, change: string, from: Record<string, unknown>, to: Record<string, unknown> }} Change */

const namedFields = new Set([
  "question",
  "options",
  "closesAt",
  "minChoices",
  "maxChoices",
  "results",
  "allowVoteChange",
  "visibility",
  "guests",
  "verifiable",
  "context",
]);

/** What was changed since the poll was made, for everyone who votes on it. @param {string} id */
async function showChanges(id) {
  const { body: changes } = await ask("GET", `/poll-history/${id}`);
  show(byId("changes"), changes.length > 0);
  byId("change-list").replaceChildren(...changes.map(changeRow));
}

/** @param {Change} change */
function changeRow({ at, change, from, to }) {
  const when = el("time", { dateTime: at, class: "figure" }, moment(at));
  return el("li", {}, when, " ", changeWords(change, Object.keys({ ...from, ...to })));
}

/** @param {string} change @param {string[]} fields */
function changeWords(change, fields) {
  if (change === "closed" || change === "reopened") return t(`change_${change}`);
  const named = fields.filter((name) => namedFields.has(name)).map((name) => t(`field_${name}`));
  return named.length ? `${t("change_updated")}: ${named.join(t("list_comma"))}` : t("change_updated");
}
