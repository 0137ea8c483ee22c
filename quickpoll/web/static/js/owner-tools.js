// @ts-check
// What the owner of a poll can do to it.

import { ask, download, known } from "./api.js";
import { byId, say, show } from "./dom.js";
import { note, whileBusy } from "./page.js";
import { PollForm, toggle } from "./poll-form.js";
import { save } from "./save.js";
import { holder } from "./session.js";
import { addressOf } from "./share.js";
import { t } from "./texts.js";

/** @typedef {import("./poll-state.js").PollState} PollState */

export class OwnerTools {
  /**
   * @param {PollState} poll
   * @param {() => Promise<void>} reload reads the poll anew
   * @param {() => void} deleted told after a deletion
   */
  constructor(poll, reload, deleted) {
    this.poll = poll;
    this.reload = reload;
    this.deleted = deleted;
    this.notice = byId("owner-notice");
    this.form = new PollForm(byId("editor-form"), "edit");
    /** @type {Promise<unknown> | undefined} */
    this.invites = undefined;
    this.#listen();
  }

  /** Show what may be done now. */
  show() {
    const { id, admin } = holder();
    const own = id === this.poll.view.userId;
    show(byId("owner"), admin || own);
    say(byId("owner-title"), t(own ? "your_poll" : "as_admin"));
    show(byId("close-poll"), this.poll.isOpen);
    show(byId("reopen-poll"), !this.poll.isOpen);
    this.#invite();
  }

  // Whoever asks no guests needs none of this. Shown once it does what its buttons say.
  async #invite() {
    if (!byId("invites")) return;
    if (this.poll.view.guests === "invited") await (this.invites ??= this.#begin());
    show(byId("invites"), this.poll.view.guests === "invited");
  }

  async #begin() {
    const { Invites } = await import("./invites.js");
    return new Invites(`/invite-guests/${this.poll.id}`, addressOf(this.poll.id), this.poll.view.question);
  }

  #listen() {
    this.#on("close-poll", () => this.#turn("close-poll", "reopen-poll"));
    this.#on("reopen-poll", () => this.#turn("reopen-poll", "close-poll"));
    this.#on("export-csv", () => this.#export("csv"));
    this.#on("export-json", () => this.#export("json"));
    this.#on("delete-poll", () => this.#delete());
    byId("edit-poll").addEventListener("click", () => this.#edit(byId("editor").hidden));
    byId("editor-cancel").addEventListener("click", () => this.#edit(false));
    byId("editor-form").addEventListener("submit", (/** @type {SubmitEvent} */ event) => this.#save(event));
  }

  /** @param {string} id @param {() => Promise<void>} run */
  #on(id, run) {
    const button = byId(id);
    button.addEventListener("click", () => whileBusy(button, this.notice, run));
  }

  // One button takes the other's place: whoever uses the keyboard stays where they were.
  /** @param {string} path @param {string} successor */
  async #turn(path, successor) {
    await ask("POST", `/${path}/${this.poll.id}`);
    await this.reload();
    byId(successor).focus();
  }

  /** @param {"csv" | "json"} format */
  async #export(format) {
    const { blob, name } = await download(`/export-poll/${this.poll.id}?format=${format}`);
    save(blob, name);
  }

  async #delete() {
    const dialog = byId("sure");
    dialog.returnValue = "keep";
    dialog.showModal();
    byId("keep-it").focus();
    await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
    if (dialog.returnValue !== "delete") return;
    await ask("DELETE", `/delete-poll/${this.poll.id}`);
    this.deleted();
  }

  /** @param {boolean} open */
  #edit(open) {
    const voted = this.poll.voters > 0;
    if (open) this.form.fill(this.poll.view, voted);
    show(byId("editor-lock"), voted);
    show(byId("editor-notice"), false);
    toggle(byId("edit-poll"), byId("editor"), open);
  }

  /** @param {SubmitEvent} event */
  #save(event) {
    event.preventDefault();
    if (!this.form.check()) return;
    const place = byId("editor-notice");
    const changes = this.form.changes();
    if (!Object.keys(changes).length) return this.#edit(false);
    return whileBusy(/** @type {any} */ (event.submitter) ?? byId("edit-poll"), place, async () => {
      try {
        await ask("PATCH", `/update-poll/${this.poll.id}`, changes);
      } catch (error) {
        if (!showFieldErrors(this.form, place, known(error))) throw error;
        return;
      }
      await this.reload();
      this.#edit(false);
    });
  }
}

/**
 * Errors that belong to fields go beside them. Answers whether there were any.
 * @param {PollForm} form
 * @param {HTMLElement} place
 * @param {import("./api.js").ApiError} error
 */
export function showFieldErrors(form, place, error) {
  if (error.code !== "invalid_request" || !error.problem.errors?.length) return false;
  if (!form.mark(error.problem.errors)) note(place, t("not_right_yet"), t("not_right_yet_next"));
  return true;
}
