// @ts-check
// Guests: how somebody without an account comes in, stays the same person on this device, and is let
// in again before their token ends.

import { ApiError, request } from "./api.js";
import { byId, say, show } from "./dom.js";
import { askForToken } from "./page.js";
import * as session from "./session.js";
import { t } from "./texts.js";
import { explain } from "./words.js";

const hour = 3_600_000;
const renewBefore = 6 * hour; // of its end, when a page is opened
const renewAtLast = hour; // while a page stays open

/**
 * Come in, by an invitation or as who this device was before. A proof of work is done where one is
 * asked for; `working` is told.
 * @param {{ invite?: string }} how
 * @param {() => void} [working]
 */
async function enter(how, working = () => {}) {
  const before = how.invite ? "" : session.guestToken();
  try {
    await come(how, before, working);
  } catch (error) {
    // A token that is worth nothing any more is no reason to stay outside.
    if (!before || !(error instanceof ApiError) || error.status !== 401) throw error;
    await come(how, "", working);
  }
  if (how.invite) session.forgetOwn();
}

/** @param {{ invite?: string, proof?: string }} how @param {string} token @param {() => void} working */
async function come(how, token, working) {
  const headers = /** @type {Record<string, string>} */ (token ? { Authorization: `Bearer ${token}` } : {});
  try {
    const { body } = await request("POST", "/guest", how, headers);
    session.keepGuest(body.token);
  } catch (error) {
    const challenge = error instanceof ApiError && error.code === "proof_required" && error.problem.challenge;
    if (!challenge || how.proof) throw error;
    working();
    const { solve } = await import("./proof-of-work.js");
    await come({ ...how, proof: await solve(challenge) }, token, working);
  }
}

/** Let a guest in again in good time: at once where the token has ended. Whether it is good now. */
async function stay() {
  const left = session.guestEnds() - Date.now();
  setTimeout(() => stay(), Math.max(Math.min(left - renewAtLast, 12 * hour), hour / 60));
  if (left > renewBefore) return true;
  try {
    await enter({});
  } catch {
    return left > 0; // it is tried again
  }
  return true;
}

/**
 * Begin a page for a guest, or for who may become one: come in by the invitation, go on as who this
 * device was before, or be offered the way in.
 * @param {string} invite empty where there is none
 * @param {() => unknown} entered goes on with the page
 */
export async function begin(invite, entered) {
  let failed;
  try {
    if (invite) await enter({ invite });
  } catch (error) {
    failed = error;
  }
  if (failed || !session.token()) return offer(entered, () => askForToken("missing_token"), failed);
  await stay();
  return entered();
}

/**
 * The service has refused a guest: one whose token has ended is let in again, one who is not admitted
 * needs an invitation.
 * @param {string} code
 */
export async function again(code) {
  const anew = () => location.reload();
  const account = () => {
    session.forget();
    location.reload();
  };
  if (code === "guests_not_allowed") return offer(anew, account, { code });
  try {
    await enter({});
    anew();
  } catch (error) {
    offer(anew, account, error);
  }
}

/**
 * Offer the way in. `entered` goes on with the page; `account` is for who has one.
 * @param {() => unknown} entered
 * @param {() => void} account
 * @param {unknown} [failed] why it did not do before
 */
function offer(entered, account, failed) {
  const form = byId("guest-form");
  if (!form) return askForToken("missing_token");
  show(byId("guest-panel"));
  if (failed) tell(failed);
  byId("have-account").onclick = account;
  form.onsubmit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    join(entered);
  };
}

/** @param {() => unknown} entered */
async function join(entered) {
  const button = byId("join-as-guest");
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  say(byId("guest-wrong"), "");
  try {
    const invite = byId("invite")?.value.trim();
    if (byId("invite") && !invite) throw new ApiError("not_found");
    await enter(invite ? { invite } : {}, () => say(byId("guest-words"), t("guest_working")));
    show(byId("guest-panel"), false);
    stay();
    await entered();
  } catch (error) {
    tell(error);
  } finally {
    button.removeAttribute("aria-disabled");
    say(byId("guest-words"), "");
  }
}

/** @param {unknown} error */
function tell(error) {
  const code = /** @type {any} */ (error)?.code ?? "unknown";
  const { title, next } = explain(/** @type {any} */ (error)?.code ? /** @type {any} */ (error) : { code });
  say(byId("guest-wrong"), code === "not_found" ? t("invite_unknown") : `${title}. ${next}`);
  byId("invite")?.setAttribute("aria-invalid", "true");
  byId("invite")?.focus();
}
