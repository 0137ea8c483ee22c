// Options as bars. The widths are what the server said; the style sheet moves them there.

import { el, say, show } from "./dom.js";
import { number, percents } from "./format.js";

/** One option's bar and figures, to be put wherever the page wants them. */
export class Bar {
  constructor() {
    this.fill = el("span", { class: "fill" });
    this.track = el("span", { class: "bar", "aria-hidden": "true" }, this.fill);
    this.percent = el("span", { class: "percent figure" });
    this.count = el("span", { class: "count figure" });
    this.figures = el("span", { class: "figures" }, this.percent, " ", this.count);
  }

  set(share, percent, votes) {
    this.fill.style.setProperty("--share", String(share));
    say(this.percent, `${percent}%`);
    say(this.count, `${number(votes)}${votes === 1 ? " vote" : " votes"}`);
  }
}

/** Move all bars of a poll. `rows`: elements with their Bars, in the poll's order. */
export function move(rows, poll) {
  const { counts, voters } = poll;
  const shares = percents(counts, voters);
  const most = Math.max(...counts);
  rows.forEach(({ row, bar }, place) => {
    const votes = counts[place];
    bar.set(voters ? Math.min(1, votes / voters) : 0, shares[place], votes);
    row.classList.toggle("leading", votes > 0 && votes === most);
    for (const part of [bar.track, bar.figures]) show(part, !poll.hidden);
  });
}

/** In words, for those who hear the page: how many voters, and what leads. */
export function standing(poll) {
  const { counts, voters, view } = poll;
  if (poll.hidden || !voters) return "";
  const shares = percents(counts, voters);
  const most = Math.max(...counts);
  const first = view.options.filter((_, place) => counts[place] === most).map((one) => one.text);
  const lead = first.length === 1 ? `${first[0]} leads` : `${first.length} options are level`;
  const people = voters === 1 ? "1 voter" : `${number(voters)} voters`;
  return `${people}. ${lead} with ${shares[counts.indexOf(most)]} percent.`;
}
