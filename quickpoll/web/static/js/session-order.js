// @ts-check
// The order of a session's questions: changed where the list of sessions stands, saved at once.

import { download, known } from "./api.js";
import { el, say, show } from "./dom.js";
import { OrderList } from "./order-list.js";
import * as page from "./page.js";
import { askSession } from "./session-live.js";
import { t } from "./texts.js";

/** @typedef {import("./types.js").Session} Session */

export class SessionOrder {
  /** @param {Session} session */
  constructor(session) {
    this.session = session;
    this.button = el("button", { type: "button", class: "plain", "aria-expanded": "false" }, t("session_order"));
    this.notice = el("div", { class: "notice", role: "alert", hidden: true });
    this.hint = el("p", { class: "hint" });
    this.list = el("ol", { class: "ordering" });
    this.place = el("div", { class: "order-place", hidden: true }, this.hint, this.notice, this.list);
    this.order = new OrderList(this.list, () => this.#save());
    this.button.addEventListener("click", () => this.#open());
    show(this.button, session.status !== "ended" && session.pollIds.length > 1);
  }

  #open() {
    const open = this.place.hidden;
    show(this.place, open);
    this.button.setAttribute("aria-expanded", String(open));
    if (open) return page.whileBusy(this.button, this.notice, () => this.#read());
  }

  // What it is now, by whoever changed it; the questions come with the results, all in one answer.
  async #read() {
    const { body } = await askSession("GET", `/get-session/${this.session.id}`);
    const { blob } = await download(`/api/session/export-session/${this.session.id}?format=json`);
    /** @type {{ poll: { id: string, question: string } }[]} */
    const results = JSON.parse(await blob.text());
    this.session = body;
    this.questions = new Map(results.map(({ poll }) => [poll.id, poll.question]));
    this.#show();
  }

  #show() {
    const { pollIds, at } = this.session;
    this.order.items = [];
    const fixed = (at ?? -1) >= 0;
    say(this.hint, fixed ? `${t("session_order_hint")} ${t("session_order_fixed")}` : t("session_order_hint"));
    this.order.show(
      pollIds.map((id, place) => ({
        id,
        text: this.questions?.get(id) ?? "–",
        fixed: place <= (at ?? -1) || !this.questions?.has(id),
      })),
    );
  }

  async #save() {
    const { id, version } = this.session;
    const pollIds = this.order.items.map((item) => item.id);
    try {
      const { body } = await askSession("PATCH", `/update-session/${id}`, { pollIds, ifVersion: version });
      this.session = body;
      page.untell(this.notice);
    } catch (error) {
      await this.#undo(known(error));
    }
  }

  // Somebody else was faster, or a question was shown: then it is as the service says.
  /** @param {{ code: string }} error */
  async #undo(error) {
    const { code } = error;
    if (code === "locked") page.note(this.notice, t("not_right_yet"), t("session_order_fixed"));
    else if (code === "session_changed") page.note(this.notice, t("not_right_yet"), t("session_order_changed"));
    else page.tell(this.notice, error);
    await this.#read().catch(() => this.#show());
  }
}
