// @ts-check
// Guests: how somebody without an account comes in, stays the same person on this device, and is let
// in again before their token ends.

import { ApiError, request } from "./api.js";
import { byId, say, show } from "./dom.js";
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
export async function enter(how, working = () => {}) {
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
    const { solve } = await import("./proof.js");
    await come({ ...how, proof: await solve(challenge) }, token, working);
  }
}

/** Let a guest in again in good time: at once where the token has ended. Whether it is good now. */
export async function stay() {
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
 * Offer the way in. `entered` goes on with the page; `account` is for who has one.
 * @param {() => unknown} entered
 * @param {() => void} account
 * @param {unknown} [failed] why an invitation in the address did not do
 */
export function offer(entered, account, failed) {
  const form = byId("guest-form");
  show(byId("guest-panel"));
  if (failed) tell(failed);
  byId("have-account").onclick = account;
  form.onsubmit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const button = byId("join-as-guest");
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    say(byId("guest-wrong"), "");
    try {
      const invite = byId("invite")?.value.trim();
      if (byId("invite") && !invite) throw new ApiError("not_found");
      await enter(invite ? { invite } : {}, () => say(byId("guest-words"), t("guest_working")));
      show(byId("guest-panel"), false);
      await entered();
    } catch (error) {
      tell(error);
    } finally {
      button.removeAttribute("aria-disabled");
      say(byId("guest-words"), "");
    }
  };
}

/** @param {unknown} error */
function tell(error) {
  const code = /** @type {any} */ (error)?.code ?? "unknown";
  const { title, next } = explain(/** @type {any} */ (error)?.code ? /** @type {any} */ (error) : { code });
  say(byId("guest-wrong"), code === "not_found" ? t("invite_unknown") : `${title}. ${next}`);
  byId("invite")?.setAttribute("aria-invalid", "true");
  byId("invite")?.focus();
}
