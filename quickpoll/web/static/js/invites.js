// @ts-check
// Invitations to a poll or a session: made, shown once as cards to print, withdrawn. The service never
// sees them again, so the codes on the cards are drawn here.

import { correction, generate } from "../vendor/lean-qr/index.mjs";

import { ask } from "./api.js";
import { byId, el, say, show } from "./dom.js";
import { whileBusy } from "./page.js";
import { t } from "./texts.js";

const namespace = "http://www.w3.org/2000/svg";
const quiet = 4; // modules around a code

export class Invites {
  /**
   * @param {string} path of the interface, as `/invite-guests/…`
   * @param {string} address of the page that an invitation leads to
   * @param {string} title on each card
   */
  constructor(path, address, title) {
    this.path = path;
    this.address = address;
    this.title = title;
    document.head.append(el("link", { rel: "stylesheet", href: new URL("../invites.css", import.meta.url).href }));
    const notice = byId("invites-notice");
    byId("invites-form").addEventListener("submit", (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      whileBusy(byId("make-invites"), notice, () => this.#make());
    });
    byId("withdraw-invites").addEventListener("click", () =>
      whileBusy(byId("withdraw-invites"), notice, () => this.#withdraw()),
    );
    byId("print-invites").addEventListener("click", () => window.print());
  }

  async #make() {
    const field = byId("invites-count");
    if (!field.reportValidity()) return;
    const { body } = await ask("POST", this.path, { count: Number(field.value) });
    byId("cards").replaceChildren(...body.invites.map((/** @type {string} */ invite) => this.#card(invite)));
    say(byId("invites-words"), t("invites_made", { n: body.invites.length }));
    show(byId("print-invites"));
    show(byId("cards"));
    document.body.classList.add("has-cards"); // what is printed now is these
  }

  async #withdraw() {
    await ask("DELETE", this.path);
    byId("cards").replaceChildren();
    show(byId("cards"), false);
    show(byId("print-invites"), false);
    document.body.classList.remove("has-cards");
    say(byId("invites-words"), t("invites_withdrawn"));
  }

  /** @param {string} invite */
  #card(invite) {
    return el(
      "li",
      { class: "card" },
      picture(`${this.address}#invite=${invite}`),
      el(
        "div",
        {},
        el("p", { class: "card-title", dir: "auto" }, this.title),
        el("p", { class: "hint" }, t("invite_card", { address: this.address.replace(/^https?:\/\//, "") })),
        el("p", { class: "card-code", dir: "ltr" }, invite),
      ),
    );
  }
}

/** A QR code (ISO/IEC 18004) as a picture. @param {string} text */
export function picture(text) {
  const code = /** @type {any} */ (generate)(text, { minCorrectionLevel: correction.M });
  const drawing = document.createElementNS(namespace, "svg");
  const size = code.size + 2 * quiet;
  drawing.setAttribute("viewBox", `0 0 ${size} ${size}`);
  drawing.setAttribute("class", "qr");
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(namespace, "path");
  path.setAttribute("d", modules(code));
  drawing.append(path);
  return drawing;
}

/** @param {{ size: number, get: (x: number, y: number) => boolean }} code */
function modules(code) {
  let path = "";
  for (let y = 0; y < code.size; y++) {
    for (let x = 0; x < code.size; x++) {
      if (code.get(x, y)) path += `M${x + quiet} ${y + quiet}h1v1h-1z`;
    }
  }
  return path;
}
