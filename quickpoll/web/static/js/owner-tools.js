// What the owner of a poll can do to it, and anyone who wants to ask it anew.

import { ask, download } from "./api.js";
import { byId, el, say, show } from "./dom.js";
import { moment } from "./format.js";
import { note, whileBusy } from "./page.js";
import { PollForm, toggle } from "./poll-form.js";
import { holder } from "./session.js";
import { explain } from "./words.js";

/** `poll`: the PollState; `reload`: reads it anew; `deleted`: told after a deletion. */
export class OwnerTools {
  constructor(poll, reload, deleted) {
    Object.assign(this, { poll, reload, deleted });
    this.notice = byId("owner-notice");
    this.form = new PollForm(byId("editor-form"), "edit");
    this.#listen();
  }

  /** Show what may be done now. */
  show() {
    const { id, admin } = holder();
    show(byId("owner"), admin || id === this.poll.view.userId);
    say(byId("owner-title"), id === this.poll.view.userId ? "Your poll" : "As an admin");
    show(byId("close-poll"), this.poll.isOpen);
    show(byId("reopen-poll"), !this.poll.isOpen);
  }

  #listen() {
    this.#on("close-poll", () => this.#turn("close-poll", "reopen-poll"));
    this.#on("reopen-poll", () => this.#turn("reopen-poll", "close-poll"));
    this.#on("export-csv", () => this.#export("csv"));
    this.#on("export-json", () => this.#export("json"));
    this.#on("delete-poll", () => this.#delete());
    byId("edit-poll").addEventListener("click", () => this.#edit(byId("editor").hidden));
    byId("editor-cancel").addEventListener("click", () => this.#edit(false));
    byId("editor-form").addEventListener("submit", (event) => this.#save(event));
  }

  #on(id, run) {
    const button = byId(id);
    button.addEventListener("click", () => whileBusy(button, this.notice, run));
  }

  // One button takes the other's place: whoever uses the keyboard stays where they were.
  async #turn(path, successor) {
    await ask("POST", `/${path}/${this.poll.id}`);
    await this.reload();
    byId(successor).focus();
  }

  async #export(format) {
    const { blob, name } = await download(`/export-poll/${this.poll.id}?format=${format}`);
    const link = el("a", { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  async #delete() {
    const dialog = byId("sure");
    dialog.returnValue = "keep";
    dialog.showModal();
    await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
    if (dialog.returnValue !== "delete") return;
    await ask("DELETE", `/delete-poll/${this.poll.id}`);
    this.deleted();
  }

  #edit(open) {
    const voted = this.poll.voters > 0;
    if (open) this.form.fill(this.poll.view, voted);
    show(byId("editor-lock"), voted);
    show(byId("editor-notice"), false);
    toggle(byId("edit-poll"), byId("editor"), open);
  }

  #save(event) {
    event.preventDefault();
    const place = byId("editor-notice");
    const changes = this.form.changes();
    if (!Object.keys(changes).length) return this.#edit(false);
    return whileBusy(event.submitter ?? byId("edit-poll"), place, async () => {
      try {
        await ask("PATCH", `/update-poll/${this.poll.id}`, changes);
      } catch (error) {
        if (!showFieldErrors(this.form, place, error)) throw error;
        return;
      }
      await this.reload();
      this.#edit(false);
    });
  }
}

/** Errors that belong to fields go beside them. Answers whether there were any. */
export function showFieldErrors(form, place, error) {
  if (error.code !== "invalid_request" || !error.problem.errors?.length) return false;
  if (!form.mark(error.problem.errors)) note(place, "Something is not right yet", error.detail);
  return true;
}

/** A new poll of one's own with the same question, options and settings. */
export function offerDuplicate(id) {
  const button = byId("duplicate");
  button.addEventListener("click", async () => {
    try {
      const { body } = await ask("POST", `/duplicate-poll/${id}`);
      location.assign(`/polls/${body.id}`);
    } catch (error) {
      if (!error.code) throw error;
      const { title, next } = explain(error);
      say(byId("share-words"), `${title}. ${next}`);
    }
  });
}

const changeWords = { updated: "Changed", closed: "Closed", reopened: "Opened again" };
const fieldWords = {
  question: "the question",
  options: "the options",
  closesAt: "when it closes",
  minChoices: "choices at least",
  maxChoices: "choices at most",
  results: "who sees the results",
  allowVoteChange: "changing one’s mind",
  visibility: "who finds it",
  status: "",
};

/** What was changed since the poll was made, for everyone who votes on it. */
export async function showChanges(id) {
  const { body: changes } = await ask("GET", `/poll-history/${id}`);
  show(byId("changes"), changes.length > 0);
  byId("change-list").replaceChildren(...changes.map(changeRow));
}

function changeRow({ at, change, from, to }) {
  const fields = Object.keys({ ...from, ...to }).map((name) => fieldWords[name] ?? name);
  const named = change === "updated" ? `: ${fields.filter(Boolean).join(", ")}` : "";
  const when = el("time", { dateTime: at, class: "figure" }, moment(at));
  return el("li", {}, when, ` ${changeWords[change] ?? change}${named}`);
}
