// @ts-check
// What every page has around its content: connection, token, notices, the clock.

import { known, request, serverNow } from "./api.js";
import { byId, el, say, show } from "./dom.js";
import { moment } from "./locale.js";
import { Later } from "./pace.js";
import * as session from "./session.js";
import { t } from "./texts.js";
import { aboutToken, closingWords, explain, passes } from "./words.js";

/** @typedef {import("./types.js").Action} Action */
/** @typedef {import("./poll-state.js").PollState} PollState */

/**
 * Say how the connection is.
 * @param {"connecting" | "live" | "silent" | "reconnecting" | "refused"} state
 */
export function connection(state) {
  byId("connection").dataset.state = state;
  const offline = state === "reconnecting" && !navigator.onLine;
  say(byId("connection-words"), t(offline ? "connection_offline" : `connection_${state}`));
}

/** The address of another page, in the language that was asked for here. @param {string} path */
export function here(path) {
  const asked = new URLSearchParams(location.search).get("lang");
  return asked ? `${path}${path.includes("?") ? "&" : "?"}lang=${encodeURIComponent(asked)}` : path;
}

/** A way on from where there is nothing. @returns {Action} */
export const toAllPolls = () => ({ words: t("see_all_polls"), run: () => location.assign(here("/polls")) });

/** Begin: run `page` with a token, or ask for one. @param {() => unknown} page */
export async function begin(page) {
  byId("starting").remove();
  session.takeFromAddress();
  const invite = session.inviteFromAddress();
  window.addEventListener("hashchange", () => {
    if (session.takeFromAddress() || /^#invite=/.test(location.hash)) location.reload();
  });
  byId("token-form").addEventListener("submit", useToken);
  byId("forget")?.addEventListener("click", () => {
    session.forget();
    location.reload();
  });
  if (!invite) await session.tokenFromOtherTabs();
  session.answerOtherTabs();
  const entered = async () => {
    try {
      await learnHolder();
    } catch (error) {
      return cannotRead(known(error), entered);
    }
    showIdentity();
    return page();
  };
  if (invite || session.isGuest() || (byId("guest-panel") && !session.token())) {
    return (await import("./guest.js")).begin(invite, entered);
  }
  return session.token() ? entered() : askForToken("missing_token");
}

/** Ask for a token in place, saying why. @param {string} code @returns {unknown} */
export function askForToken(code) {
  if (session.isGuest() && byId("guest-panel")) {
    return import("./guest.js").then(({ again }) => again(code));
  }
  const { title, next } = explain({ code });
  const first = byId("token-panel").hidden;
  const login = byId("sign-in");
  say(byId("token-title"), login && code === "missing_token" ? login.textContent : title);
  say(byId("token-why"), login ? login.dataset.why : next);
  show(byId("token-panel"));
  if (login) login.href = signIn();
  if (first && code !== "missing_token") byId("token").focus();
}

/** Where people get a token, and where they come back to with it. */
function signIn() {
  const address = new URL(byId("sign-in").href);
  address.searchParams.set("return_to", location.origin + location.pathname + location.search);
  return address.href;
}

/** @param {SubmitEvent} event */
function useToken(event) {
  event.preventDefault();
  const given = byId("token").value;
  if (!session.looksLikeToken(given)) {
    byId("token-wrong").textContent = t("token_not_whole");
    byId("token").setAttribute("aria-invalid", "true");
    byId("token").focus();
    return;
  }
  session.keep(given);
  location.reload();
}

/** Ask who holds the token, where it does not say that itself. Throws an ApiError. */
async function learnHolder() {
  if (!session.needsTelling()) return;
  const token = session.token();
  const { body } = await request("GET", "/api/user/me", undefined, { Authorization: `Bearer ${token}` });
  session.wasTold(token, body);
}

function showIdentity() {
  const { id, admin } = session.holder();
  if (!id || !byId("identity")) return;
  const short = `${id.slice(0, 4)}…${id.slice(-4)}`;
  const role = admin ? t("admin") : session.isGuest() ? t("guest") : "";
  byId("identity-name").textContent = role ? `${short} (${role})` : short;
  show(byId("identity"));
}

/**
 * Tell of an error in this place, with an action beside it where there is one.
 * @param {HTMLElement} place
 * @param {{ code: string, retryAfter?: number }} error
 * @param {Action} [action]
 */
export function tell(place, error, action) {
  if (aboutToken(error.code)) return askForToken(error.code);
  const { title, next } = explain(error);
  note(place, title, next, action);
}

const nextTry = new Later();

/**
 * Tell why the page has nothing to show. `again` reads it again: on demand, and after a while by
 * itself where waiting may help. What is told already is not told anew each time.
 * @param {{ code: string, retryAfter: number }} error
 * @param {() => void} again
 */
export function cannotRead(error, again) {
  const place = byId("notice");
  const told = place.hidden ? "" : place.querySelector(".notice-title").textContent;
  if (told !== explain(error).title) tell(place, error, { words: t("try_again"), run: again });
  if (passes(error.code)) nextTry.in(Math.max(error.retryAfter, 4) * 1000, again);
}

/** The page is being read: by whom does not matter any more. */
export function stopTrying() {
  nextTry.off();
}

/**
 * Tell something in this place; it is the page's heading where there is nothing else.
 * @param {HTMLElement} place
 * @param {string} title
 * @param {string} text
 * @param {Action} [action]
 */
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
  if (focused) parts[parts.length - 1].focus();
}

/** There is nothing to tell any more. Whoever pressed a button in there stays on the page. @param {HTMLElement} place */
export function untell(place) {
  if (place.contains(document.activeElement)) byId("main").focus();
  show(place, false);
  place.replaceChildren();
}

/**
 * Run something for a button that must not be pressed twice meanwhile; errors go to `place`. Where
 * `run` answers an address, the page goes there, and the button stays as it is until it is gone.
 * @param {HTMLElement} button
 * @param {HTMLElement} place
 * @param {() => Promise<string | void>} run
 */
export async function whileBusy(button, place, run) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  untell(place);
  let next;
  try {
    next = await run();
  } catch (error) {
    tell(place, known(error));
  }
  if (next) return location.assign(next);
  button.removeAttribute("aria-disabled");
}

// A page that comes back from the browser's memory takes no part in what was under way.
window.addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  for (const button of document.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
});

/**
 * Show whether a poll is open, and how long still; called every second. Answers the time left.
 * @param {PollState} poll
 * @param {HTMLElement} statusPlace
 * @param {HTMLElement} closingPlace
 */
export function remaining(poll, statusPlace, closingPlace) {
  const { status, closesAt } = poll.view;
  const left = closesAt ? Date.parse(closesAt) - serverNow() : Infinity;
  say(statusPlace, t(status === "open" ? "status_open" : "status_closed"));
  statusPlace.classList.toggle("is-open", status === "open");
  say(closingPlace, closingWords(status, closesAt, left));
  return left;
}

/** The same for a page of one poll. @param {PollState} poll */
export function tick(poll) {
  if (byId("printed")) say(byId("printed"), t("as_of", { when: moment(serverNow()) }));
  return remaining(poll, byId("status"), byId("closing"));
}

// -- for those who hear the page ---------------------------------------------------------------

const every = 5000; // milliseconds between two announcements: more nobody can listen to

let lastSaid = -Infinity;
let toSay = "";
/** @type {ReturnType<typeof setTimeout> | undefined} */
let speaking;

/** Say this soon; of several in a row the latest is said. @param {string} text */
export function announce(text) {
  toSay = text;
  if (speaking) return;
  speaking = setTimeout(speak, Math.max(500, lastSaid + every - performance.now()));
}

function speak() {
  speaking = undefined;
  lastSaid = performance.now();
  byId("announcer").textContent = toSay;
}
