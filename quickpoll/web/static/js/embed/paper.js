// @ts-check
// The ballot paper within an element's shadow: built once, shown anew with each change.

import { Ballot } from "../ballot.js";
import { standing } from "../bars.js";
import { el, say, show } from "../dom.js";
import { fromRight, language, number } from "../locale.js";
import { t } from "../texts.js";
import { closingWords, explain, ownVote } from "../words.js";

import { sheet } from "./style.js";

/** @typedef {import("../poll-state.js").PollState} PollState */
/** @typedef {import("../types.js").Action} Action */

const named = ["option", "mark", "option-text", "own", "percent", "count", "bar", "fill"]; // classes that are parts, too
const sayEvery = 5000; // milliseconds between two announcements: more nobody can listen to

// Whole sentences in nine languages are most of what an element weighs: what is much the same is said
// in the same words.
const worded = /^(offline|poll_not_found|poll_closed|already_voted|rate_limited|unavailable)$/;
/** @type {Record<string, string>} */
const sameAs = { overloaded: "unavailable", vote_change_not_allowed: "already_voted" };

export class Paper {
  /** @type {Ballot | undefined} */ ballot;
  #said = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #saying;

  /** @param {ShadowRoot} root @param {string} level of the heading */
  constructor(root, level) {
    this.heading = /^[1-6]$/.test(level) ? `h${level}` : "h2";
    const css = new CSSStyleSheet();
    css.replaceSync(sheet);
    root.adoptedStyleSheets = [css];
    this.find = (/** @type {string} */ id) => /** @type {any} */ (root.getElementById(id));
    root.replaceChildren(...built(this.heading));
  }

  /** Show this poll from now on. @param {PollState} poll */
  open(poll) {
    this.ballot = new Ballot(poll, this.find);
    this.show(poll, null);
    this.ballot.reset();
    show(this.find("content"));
  }

  /** Show the poll as it is, with words about what was done last. @param {PollState} poll @param {string | null} told */
  show(poll, told) {
    say(this.find("question"), poll.view.question);
    this.ballot?.show();
    for (const name of named) this.find("options").querySelectorAll(`.${name}`).forEach((/** @type {any} */ one) => (one.part = name));
    const change = poll.hasVoted && poll.view.allowVoteChange;
    show(this.find("cast"), poll.isOpen && (!poll.hasVoted || change));
    say(this.find("cast"), t(change ? "change_your_vote" : "cast_your_vote"));
    show(this.find("retract"), poll.isOpen && change);
    say(this.find("own-vote"), told ?? ownVote(poll));
    this.#turnout(poll);
  }

  /** Move the bars. @param {PollState} poll */
  move(poll) {
    this.ballot?.move();
    this.#turnout(poll);
    const words = standing(poll);
    if (words && words !== this.#said) this.#announce(words);
    this.#said = words;
  }

  /** Show how long it is open still. @param {PollState} poll @param {number} now */
  tick(poll, now) {
    const { status, closesAt } = poll.view;
    const left = closesAt ? Date.parse(closesAt) - now : Infinity;
    say(this.find("status"), t(status === "open" ? "status_open" : "status_closed"));
    this.find("status").classList.toggle("is-open", status === "open");
    say(this.find("closing"), closingWords(status, closesAt, left));
    return left;
  }

  /** What became of the connection. @param {string} state */
  connection(state) {
    const lost = /^(reconnecting|silent|refused)$/.test(state);
    say(this.find("connection"), lost ? t(`connection_${state}`) : "");
  }

  /** Tell of an error, above the poll or by its button. @param {{ code: string, retryAfter?: number }} error @param {Action} [action] */
  tell({ code, retryAfter }, action) {
    if (code.endsWith("_token")) return this.note(t(`error_${code}`), t("embed_token_next"), action);
    const near = sameAs[code] ?? code;
    const { title, next } = explain({ code: worded.test(near) ? near : "unknown", retryAfter });
    this.note(title, next, action);
  }

  /** Tell something; it is the heading where there is nothing else. @param {string} title @param {string} text @param {Action} [action] */
  note(title, text, action) {
    const heading = this.find("content").hidden ? this.heading : "p";
    const parts = [el(heading, { class: "notice-title" }, title), el("p", {}, text)];
    if (action) {
      const button = el("button", { type: "button", class: "plain", part: "button" }, action.words);
      button.addEventListener("click", action.run);
      parts.push(button);
    }
    this.find("notice").replaceChildren(...parts);
    show(this.find("notice"));
  }

  /** There is nothing to tell any more. */
  untell() {
    show(this.find("notice"), false);
    this.find("notice").replaceChildren();
  }

  /** There is no poll any more. @param {string} title */
  gone(title) {
    show(this.find("content"), false);
    this.note(title, t("gone_with_it"));
  }

  /** @param {PollState} poll */
  #turnout(poll) {
    show(this.find("turnout"), !poll.hidden);
    const several = poll.single || poll.hidden ? "" : t("choices_of_voters", { n: poll.view.votesCount ?? 0 });
    say(this.find("voters"), number(poll.voters));
    say(this.find("voters-words"), [t("voters_words", { n: poll.voters }), several].filter(Boolean).join(" · "));
  }

  /** @param {string} words */
  #announce(words) {
    const place = this.find("announcer");
    place.dataset.next = words;
    if (this.#saying) return;
    this.#saying = setTimeout(() => {
      this.#saying = undefined;
      place.textContent = place.dataset.next;
    }, sayEvery);
  }
}

/** @param {string} heading */
function built(heading) {
  const words = { lang: language, dir: fromRight ? "rtl" : "ltr" };
  const options = el("ol", { id: "options", class: "options", part: "options" });
  const rules = el("p", { id: "rules", class: "rules", part: "rules" });
  const choices = el("fieldset", { "aria-labelledby": "question", "aria-describedby": "rules" }, rules, options);
  const cast = el("button", { id: "cast", type: "button", class: "primary", part: "button cast" });
  const retract = el("button", { id: "retract", type: "button", class: "plain", part: "button retract", hidden: true }, t("take_back"));
  const own = el("p", { id: "own-vote", class: "quiet", part: "own-vote", role: "status", tabIndex: -1 });
  // No form: where a frame may send none, nobody could vote.
  const ballot = el("div", { id: "ballot", part: "ballot" }, choices, quiet("hidden-results"), quiet("only-you"), el("div", { class: "actions" }, cast, retract, own));
  const voters = el("span", { id: "voters", class: "figure" });
  const turnout = el("p", { id: "turnout", class: "quiet", part: "voters" }, voters, " ", el("span", { id: "voters-words" }));
  const folio = el("p", { class: "folio", part: "status" }, el("span", { id: "status" }), " ", el("span", { id: "closing", role: "timer" }), " ", el("span", { id: "connection", role: "status" }));
  const question = el(heading, { id: "question", class: "question", part: "question", dir: "auto" });
  const content = el("div", { id: "content", hidden: true }, folio, question, ballot, turnout, el("p", { id: "worth", class: "quiet", part: "hint" }));
  const notice = el("div", { id: "notice", class: "notice", part: "notice", role: "alert", hidden: true });
  const announcer = el("p", { id: "announcer", class: "visually-hidden", "aria-live": "polite" });
  return [el("div", { class: "poll", part: "poll", ...words }, content, notice, announcer)];
}

/** @param {string} id */
const quiet = (id) => el("p", { id, class: "quiet", part: "hint", hidden: true });
