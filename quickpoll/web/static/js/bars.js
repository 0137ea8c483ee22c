// @ts-check
// Options as bars. The widths are what the server said; the style sheet moves them there.

import { el, say, show } from "./dom.js";
import { percents } from "./format.js";
import { percent } from "./locale.js";
import { t } from "./texts.js";

/** @typedef {import("./poll-state.js").PollState} PollState */

/** One option's bar and figures, to be put wherever the page wants them. */
export class Bar {
  constructor() {
    this.fill = el("span", { class: "fill" });
    this.track = el("span", { class: "bar", "aria-hidden": "true" }, this.fill);
    this.percent = el("span", { class: "percent figure" });
    this.count = el("span", { class: "count figure" });
    this.figures = el("span", { class: "figures" }, this.percent, " ", this.count);
  }

  /**
   * @param {number} share 0 to 1
   * @param {number} whole percents
   * @param {number} votes
   */
  set(share, whole, votes) {
    this.fill.style.setProperty("--share", String(share));
    say(this.percent, percent(whole));
    say(this.count, t("votes", { n: votes }));
  }
}

/**
 * Move all bars of a poll, or hide them.
 * @param {{ row: HTMLElement, bar: Bar }[]} rows elements with their Bars, in the poll's order
 * @param {PollState} poll
 * @param {boolean} [covered] whether nothing is shown, although it is known
 */
export function move(rows, poll, covered = poll.hidden) {
  const { counts, voters } = poll;
  const shares = percents(counts, voters);
  const most = Math.max(...counts);
  rows.forEach(({ row, bar }, place) => {
    const votes = covered ? 0 : counts[place];
    bar.set(voters ? Math.min(1, votes / voters) : 0, covered ? 0 : shares[place], votes);
    row.classList.toggle("leading", votes > 0 && votes === most);
    for (const part of [bar.track, bar.figures]) show(part, !covered);
  });
}

/** In words, for those who hear the page: how many voters, and what leads. @param {PollState} poll */
export function standing(poll) {
  const { counts, voters, view } = poll;
  if (poll.hidden || !voters) return "";
  const most = Math.max(...counts);
  const first = view.options.map((one) => one.text).filter((_text, place) => counts[place] === most);
  const [share] = percents([most], voters);
  const lead =
    first.length === 1
      ? t("standing_leads", { option: first[0], percent: share })
      : t("standing_level", { n: first.length, percent: share });
  return `${t("standing_voters", { n: voters })} ${lead}`;
}
