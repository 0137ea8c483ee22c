// @ts-check
// The address of a poll, to be handed on. It never holds a token.

import { byId, el, say, show } from "./dom.js";
import { isGuest } from "./session.js";
import { t } from "./texts.js";

/** Where others reach this page: here, unless this is the service's own machine and nobody else's. */
export const origin = () => document.body.dataset.origin ?? location.origin;

/** The same without a scheme, for reading it off a wall. */
export const host = () => new URL(origin()).host;

/** The address at which others vote. @param {string} id */
export const addressOf = (id) => `${origin()}/polls/${id}`;

/** The same for reading it off a wall: no scheme, and where a line may end. @param {string} id */
export function readable(id) {
  return [`${host()}/`, el("wbr"), `polls/${id.slice(0, 12)}`, el("wbr"), id.slice(12)];
}

/**
 * Show the QR code of the address. It is drawn by the service, which checks the origin.
 * @param {HTMLImageElement} image
 * @param {string} id
 */
export const showCode = (image, id) => showQr(image, `/polls/${id}`);

/** The same of any page that has one. @param {HTMLImageElement} image @param {string} path */
export function showQr(image, path) {
  image.addEventListener("load", () => show(image));
  image.addEventListener("error", () => show(image, false));
  image.src = `${path}/qr.svg?origin=${encodeURIComponent(location.origin)}`;
}

/** @type {Record<string, string>} */
const copied = { open: "copied_open", invited: "copied_invited" };

/** The address in a field, and a button that copies it; guests make no polls. @param {string} id */
export function offer(id) {
  show(byId("duplicate"), !isGuest());
  const field = byId("address");
  field.value = addressOf(id);
  field.addEventListener("focus", () => field.select());
  showCode(byId("qr"), id);
  byId("copy").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      say(byId("share-words"), t(copied[document.body.dataset.guests ?? ""] ?? "copied"));
    } catch {
      field.focus();
      say(byId("share-words"), t("copy_by_hand"));
    }
  });
}
