// The address of a poll, to be handed on. It never holds a token.

import { byId, say, show } from "./dom.js";

/** The address at which others vote. */
export const addressOf = (id) => `${location.origin}/polls/${id}`;

/** The same for reading it off a wall: no scheme, and where a line may end. */
export function readable(id) {
  const [host, path] = [`${location.host}/`, `polls/${id}`];
  return [host, document.createElement("wbr"), path];
}

/** Show the QR code of the address. It is drawn by the service, which checks the origin. */
export function showCode(image, id) {
  image.addEventListener("load", () => show(image));
  image.addEventListener("error", () => show(image, false));
  image.src = `/polls/${id}/qr.svg?origin=${encodeURIComponent(location.origin)}`;
}

/** The address in a field, and a button that copies it. */
export function offer(id) {
  const field = byId("address");
  field.value = addressOf(id);
  field.addEventListener("focus", () => field.select());
  showCode(byId("qr"), id);
  byId("copy").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      say(byId("share-words"), "Copied. Whoever opens it needs a token of their own.");
    } catch {
      field.focus();
      say(byId("share-words"), "Copying is not allowed here: the address is marked, copy it by hand.");
    }
  });
}
