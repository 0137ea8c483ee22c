// What every page has around its content: connection, token, notices, the clock.

import { serverNow } from "./api.js";
import { byId, el, say, show } from "./dom.js";
import { moment, timeLeft } from "./format.js";
import { Later } from "./pace.js";
import * as session from "./session.js";
import { aboutToken, explain, passes } from "./words.js";

const stateWords = {
  connecting: "Connecting…",
  live: "Live",
  reconnecting: "Reconnecting…",
  refused: "Not connected",
};

/** Say how the connection is. */
export function connection(state) {
  byId("connection").dataset.state = state;
  const offline = state === "reconnecting" && !navigator.onLine;
  say(byId("connection-words"), offline ? "You are offline; these are the last known numbers" : stateWords[state]);
}

/** Begin: run `page` with a token, or ask for one. */
export function begin(page) {
  byId("starting").remove();
  session.takeFromAddress();
  window.addEventListener("hashchange", () => {
    if (session.takeFromAddress()) location.reload();
  });
  byId("token-form").addEventListener("submit", useToken);
  byId("forget")?.addEventListener("click", () => {
    session.forget();
    location.reload();
  });
  if (!session.token()) return askForToken("missing_token");
  if (session.holder().expired) return askForToken("expired_token");
  showIdentity();
  return page();
}

/** Ask for a token in place, saying why. */
export function askForToken(code) {
  const { title, next } = explain({ code });
  const first = byId("token-panel").hidden;
  say(byId("token-title"), title);
  say(byId("token-why"), next);
  show(byId("token-panel"));
  if (first && code !== "missing_token") byId("token").focus();
}

function useToken(event) {
  event.preventDefault();
  const given = byId("token").value;
  if (!session.looksLikeToken(given)) {
    byId("token-wrong").textContent =
      "This is not a whole token: it has three parts with dots between, and no spaces.";
    byId("token").setAttribute("aria-invalid", "true");
    byId("token").focus();
    return;
  }
  session.keep(given);
  location.reload();
}

function showIdentity() {
  const { id, admin } = session.holder();
  if (!id || !byId("identity")) return;
  byId("identity-name").textContent = `${id.slice(0, 4)}…${id.slice(-4)}${admin ? " (admin)" : ""}`;
  show(byId("identity"));
}

/** Tell of an error in this place, with an action beside it where there is one. */
export function tell(place, error, action) {
  if (aboutToken(error.code)) return askForToken(error.code);
  const { title, next } = explain(error);
  note(place, title, next, action);
}

const nextTry = new Later();

/**
 * Tell why the page has nothing to show. `again` reads it again: on demand, and after a while by
 * itself where waiting may help. What is told already is not told anew each time.
 */
export function cannotRead(error, again) {
  const place = byId("notice");
  const told = place.hidden ? "" : place.querySelector(".notice-title").textContent;
  if (told !== explain(error).title) tell(place, error, { words: "Try again", run: again });
  if (passes(error.code)) nextTry.in(Math.max(error.retryAfter, 4) * 1000, again);
}

/** The page is being read: by whom does not matter any more. */
export function stopTrying() {
  nextTry.off();
}

/** Tell something in this place; it is the page's heading where there is nothing else. */
export function note(place, title, text, action) {
  const heading = byId("content").hidden ? "h1" : "p";
  const parts = [el(heading, { class: "notice-title" }, title), el("p", {}, text)];
  if (action) {
    const button = el("button", { type: "button", class: "plain" }, action.words);
    button.addEventListener("click", action.run);
    parts.push(button);
  }
  const focused = place.contains(document.activeElement);
  place.replaceChildren(...parts);
  show(place);
  if (focused) parts.at(-1).focus();
}

/** There is nothing to tell any more. Whoever pressed a button in there stays on the page. */
export function untell(place) {
  if (place.contains(document.activeElement)) byId("main").focus();
  show(place, false);
  place.replaceChildren();
}

/** Run something for a button that must not be pressed twice meanwhile; errors go to `place`. */
export async function whileBusy(button, place, run) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  untell(place);
  try {
    await run();
  } catch (error) {
    if (!error.code) throw error;
    tell(place, error);
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/** Show whether a poll is open, and how long still; called every second. Answers the time left. */
export function remaining(poll, statusPlace, closingPlace) {
  const { status, closesAt } = poll.view;
  const left = closesAt ? Date.parse(closesAt) - serverNow() : Infinity;
  say(statusPlace, status === "open" ? "Open" : "Closed");
  statusPlace.classList.toggle("is-open", status === "open");
  say(closingPlace, closingWords(status, closesAt, left));
  return left;
}

/** The same for a page of one poll. */
export function tick(poll) {
  return remaining(poll, byId("status"), byId("closing"));
}

function closingWords(status, closesAt, left) {
  if (!closesAt) return "";
  if (status === "closed") return left > 0 ? "" : `since ${moment(closesAt)}`;
  return left > 0 ? `closes in ${timeLeft(left)}` : "closing now";
}
