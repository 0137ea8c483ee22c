// Every error in plain language, with what to do next.

const words = {
  offline: [
    "No answer from the service",
    "Check your connection, then try again. Sending the same thing twice does no harm: nothing counts double.",
  ],
  missing_token: ["A token is needed", "Paste the token you were given."],
  invalid_token: [
    "This token is not accepted",
    "Perhaps a piece was lost while copying, or it belongs to another service. Paste it again, or ask for a new one.",
  ],
  expired_token: [
    "Your token has expired",
    "Ask whoever gave it to you for a new one and paste it here. What you voted before still counts.",
  ],
  poll_not_found: [
    "There is no such poll",
    "Its owner may have deleted it, or a piece of the address is missing. Ask for the link again.",
  ],
  option_not_found: [
    "This option is no longer there",
    "The poll was changed while you looked at it. Load the page again to see it as it is now.",
  ],
  poll_closed: ["The poll is closed", "No more votes are taken. What you see is the result."],
  already_voted: [
    "You have voted already",
    "Each person has one ballot, and this poll does not allow changing it. Yours is marked.",
  ],
  vote_change_not_allowed: [
    "This vote stands",
    "The poll does not allow changing a vote or taking it back.",
  ],
  poll_has_votes: [
    "Somebody has voted",
    "From the first vote on, the question and the options stay as they are. To ask differently, use “Ask the same again”.",
  ],
  locked: [
    "This setting is fixed",
    "Somebody has voted, and voters rely on it. Other settings can still be changed.",
  ],
  results_hidden: ["The results are not shown yet", "They appear here as soon as you may see them."],
  forbidden: ["Only the owner or an administrator may do this", "Sign in with a token of theirs."],
  rate_limited: ["Too many requests", "Wait a moment, then try again."],
  unavailable: [
    "The service is catching its breath",
    "Try again in a moment. Sending the same vote twice does no harm.",
  ],
  overloaded: [
    "Very many are voting right now",
    "Try again in a moment. Sending the same vote twice does no harm.",
  ],
  payload_too_large: ["That is too much text", "Shorten it, then try again."],
};

/** What to tell a person about an error: a title, and what to do next. */
export function explain(error) {
  const [title, next] = words[error.code] ?? ["That did not work", error.detail || "Try again."];
  if (error.code === "rate_limited" && error.retryAfter) {
    return { title, next: `Wait ${seconds(error.retryAfter)}, then try again.` };
  }
  return { title, next };
}

/** Whether the cure is to wait: the same request may do a moment later. */
export const passes = (code) => /^(offline|unavailable|overloaded|rate_limited)$/.test(code);

/** Whether the cure is another token. */
export const aboutToken = (code) => /^(missing|invalid|expired)_token$/.test(code);

function seconds(count) {
  return count === 1 ? "a second" : `${count} seconds`;
}

/** Why there are no numbers, and when there will be. */
export function whyHidden(poll) {
  if (poll.results === "after_vote") return "The results appear here once you have voted.";
  if (poll.results === "after_close") return "The results appear here once the poll is closed.";
  return "Only the owner of this poll sees its results.";
}

/** What the options are for: how many a ballot takes, or that they are no longer to be chosen. */
export function howMany({ minChoices: least, maxChoices: most, options, status, resultsHidden }) {
  if (status === "closed") return resultsHidden ? "The options." : "The result.";
  if (most === 1) return "Choose one.";
  if (least === most) return `Choose ${least}.`;
  if (least === 1) return most === options.length ? "Choose as many as you like." : `Choose up to ${most}.`;
  return `Choose ${least} to ${most}.`;
}
