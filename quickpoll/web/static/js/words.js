// @ts-check
// Every error in plain language, with what to do next.

import { timeLeft } from "./format.js";
import { moment } from "./locale.js";
import { t } from "./texts.js";

/** @typedef {import("./types.js").PollView} PollView */

const explained = new Set([
  "offline",
  "missing_token",
  "invalid_token",
  "expired_token",
  "poll_not_found",
  "option_not_found",
  "poll_closed",
  "already_voted",
  "vote_change_not_allowed",
  "poll_has_votes",
  "locked",
  "results_hidden",
  "forbidden",
  "guests_not_allowed",
  "rate_limited",
  "unavailable",
  "overloaded",
  "payload_too_large",
]);

/**
 * What to tell a person about an error: a title, and what to do next.
 * @param {{ code: string, retryAfter?: number }} error
 */
export function explain(error) {
  const code = explained.has(error.code) ? error.code : "unknown";
  if (code === "rate_limited" && error.retryAfter) {
    return { title: t("error_rate_limited"), next: t("error_rate_limited_wait", { n: error.retryAfter }) };
  }
  return { title: t(`error_${code}`), next: t(`error_${code}_next`) };
}

/** Whether the cure is to wait: the same request may do a moment later. @param {string} code */
export const passes = (code) => /^(offline|unavailable|overloaded|rate_limited)$/.test(code);

/** Whether the cure is another token. @param {string} code */
export const aboutToken = (code) => /^((missing|invalid|expired)_token|guests_not_allowed)$/.test(code);

/** What a ballot stands for, by whom a poll or a session admits. @param {"off" | "open" | "invited"} guests */
export const worth = (guests) => t({ off: "worth_off", open: "worth_open", invited: "worth_invited" }[guests]);

/** Why there are no numbers, and when there will be. @param {PollView} poll */
export function whyHidden(poll) {
  if (poll.results === "after_vote") return t("hidden_after_vote");
  if (poll.results === "after_close") return t("hidden_after_close");
  return t("hidden_owner");
}

/** That others do not see these numbers, and until when. @param {PollView} poll */
export function onlyYou(poll) {
  if (poll.results === "after_vote") return t("only_you_after_vote");
  if (poll.results === "after_close") return t("only_you_after_close");
  return t("only_you_owner");
}

/**
 * What the options are for: how many a ballot takes, or that they are no longer to be chosen.
 * @param {PollView} poll
 */
export function howMany({ minChoices: least, maxChoices: most, options, status, resultsHidden }) {
  if (status === "closed") return t(resultsHidden ? "rules_options" : "rules_result");
  if (most === 1) return t("rules_one");
  if (least === most) return t("rules_exactly", { n: least });
  if (least > 1) return t("rules_between", { least, n: most });
  return most === options.length ? t("rules_any") : t("rules_up_to", { n: most });
}

/** What became of this person's vote. @param {import("./poll-state.js").PollState} poll */
export function ownVote(poll) {
  if (!poll.hasVoted) return poll.isOpen ? "" : t("did_not_vote");
  if (!poll.isOpen) return t("vote_was_counted");
  return t(poll.view.allowVoteChange ? "vote_is_in_change" : "vote_is_in");
}

/**
 * When the poll closes, or closed by itself.
 * @param {string} status
 * @param {string | null} closesAt
 * @param {number} left milliseconds
 */
export function closingWords(status, closesAt, left) {
  if (!closesAt) return "";
  if (status === "closed") return left > 0 ? "" : t("closed_since", { when: moment(closesAt) });
  return left > 0 ? t("closes_in", { time: timeLeft(left) }) : t("closing_now");
}
