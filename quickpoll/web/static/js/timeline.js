// @ts-check
// Votes over time: a small chart, and a table that says the same.

import { ask } from "./api.js";
import { el } from "./dom.js";
import { moment, number, timeOfDay } from "./locale.js";
import { t } from "./texts.js";

/** @typedef {import("./poll-state.js").PollState} PollState */
/** @typedef {import("./types.js").TimelineRow} TimelineRow */

const lengths = [1, 10, 60, 300, 1800, 3600, 21_600, 86_400, 604_800]; // of a bucket, in seconds
const mostBuckets = 120;
const mostLines = 5;
const [width, height, edge] = [600, 150, 6];
const space = "http://www.w3.org/2000/svg";

/**
 * Read how the votes came in, and draw it.
 * @param {PollState} poll
 * @param {SVGElement} chart
 * @param {HTMLTableElement} table
 */
export async function drawTimeline(poll, chart, table) {
  const seconds = bucketFor(poll);
  const { body } = await ask("GET", `/poll-timeline/${poll.id}?bucket=${seconds}`);
  /** @type {TimelineRow[]} */
  const rows = body;
  if (!rows.length) return;
  chart.replaceChildren(...lines(poll, rows, seconds));
  fillTable(table, poll, rows);
}

/** @param {PollState} poll */
function bucketFor(poll) {
  const end = poll.view.closedAt ?? (poll.isOpen ? null : poll.view.closesAt);
  const age = ((end ? Date.parse(end) : Date.now()) - Date.parse(poll.view.createdAt)) / 1000;
  return lengths.find((length) => age / length <= mostBuckets) ?? Math.ceil(age / mostBuckets);
}

/**
 * The options with the most votes at the end, each a line of steps.
 * @param {PollState} poll
 * @param {TimelineRow[]} rows
 * @param {number} seconds
 */
function lines(poll, rows, seconds) {
  const final = rows[rows.length - 1].counts;
  const ids = poll.view.options.map((option) => option.id);
  const leading = [...ids].sort((a, b) => final[b] - final[a]).slice(0, mostLines);
  const most = Math.max(1, final[leading[0]]);
  const times = rows.map((row) => Date.parse(row.at));
  const [first, last] = [times[0], times[times.length - 1] + seconds * 1000];
  const x = (/** @type {number} */ time) => edge + ((time - first) / (last - first)) * (width - 2 * edge);
  const y = (/** @type {number} */ votes) => height - edge - (votes / most) * (height - 2 * edge);
  const drawn = leading.reverse().map((id) => {
    const steps = rows.map((row, place) => `H${x(times[place]).toFixed(1)}V${y(row.counts[id]).toFixed(1)}`);
    const mine = poll.view.userVotes.includes(id);
    const kind = mine ? "mine" : final[id] === most ? "first" : "other";
    return svg("path", { class: `line ${kind}`, d: `M${edge} ${y(0)}${steps.join("")}H${width - edge}` });
  });
  return [svg("path", { class: "base", d: `M0 ${height - edge}H${width}` }), ...drawn];
}

/** @param {HTMLTableElement} table @param {PollState} poll @param {TimelineRow[]} rows */
function fillTable(table, poll, rows) {
  const day = (/** @type {string} */ at) => new Date(at).toDateString();
  const when = day(rows[0].at) === day(rows[rows.length - 1].at) ? timeOfDay : moment;
  const { options } = poll.view;
  const heads = options.map((option) => el("th", { scope: "col", dir: "auto" }, option.text));
  const body = rows.map(({ at, counts }) =>
    el("tr", {}, el("th", { scope: "row" }, when(at)), ...options.map(({ id }) => el("td", {}, number(counts[id])))),
  );
  table.replaceChildren(
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, t("chart_time")), ...heads)),
    el("tbody", {}, ...body),
  );
}

/** @param {string} name @param {Record<string, string>} attributes */
export function svg(name, attributes, text = "") {
  const element = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.textContent = text;
  return element;
}
