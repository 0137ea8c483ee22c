// @ts-check
// Making a poll: anew, or as a copy of another one. Nothing is made before it is put to the vote.

import { ask, known } from "./api.js";
import { byId, show } from "./dom.js";
import { showFieldErrors } from "./owner-tools.js";
import { here, tell, whileBusy } from "./page.js";
import { PollForm, toggle } from "./poll-form.js";

export class Maker {
  constructor() {
    this.form = new PollForm(byId("maker-form"), "new");
    this.panel = byId("maker");
    this.sent = { body: "", key: "" };
  }

  /** @param {boolean} open whether the form is open from the start */
  start(open) {
    const [make, panel] = [byId("make"), this.panel];
    this.form.clear();
    make.addEventListener("click", () => toggle(make, panel, panel.hidden));
    byId("maker-cancel").addEventListener("click", () => toggle(make, panel, false));
    byId("maker-form").addEventListener("submit", (/** @type {SubmitEvent} */ event) => this.#submit(event));
    if (open) toggle(make, panel, true);
    const original = new URLSearchParams(location.search).get("copy");
    if (original) this.#copy(original);
  }

  /** @param {string} id */
  async #copy(id) {
    try {
      const { body } = await ask("GET", `/get-poll-by-id/${encodeURIComponent(id)}`);
      this.form.draft(body);
      show(byId("copy-hint"));
      toggle(byId("make"), this.panel, true);
    } catch (error) {
      tell(byId("notice"), known(error));
    }
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    if (!this.form.check()) return;
    const place = byId("maker-notice");
    return whileBusy(/** @type {any} */ (event.submitter) ?? byId("make"), place, async () => {
      this.form.unmark();
      try {
        const poll = this.form.poll();
        const { body } = await ask("POST", "/create-poll", poll, { "Idempotency-Key": this.#key(poll) });
        return here(`/polls/${body.id}`);
      } catch (error) {
        if (!showFieldErrors(this.form, place, known(error))) throw error;
      }
    });
  }

  // The same poll sent again, as after an answer that got lost, is the same poll.
  /** @param {object} poll */
  #key(poll) {
    const body = JSON.stringify(poll);
    if (body !== this.sent.body) this.sent = { body, key: randomKey() };
    return this.sent.key;
  }
}

function randomKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
