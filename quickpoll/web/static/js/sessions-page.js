// @ts-check
// The evenings of whoever looks: a list, and the form for a new one, with all its questions at once.

import { ask, download, known } from "./api.js";
import { byId, el, say, show } from "./dom.js";
import { moment } from "./locale.js";
import * as page from "./page.js";
import { OrderList } from "./order-list.js";
import { readQuestions, reordered } from "./question-list.js";
import { save } from "./save.js";
import { askSession } from "./session-live.js";
import { SessionOrder } from "./session-order.js";
import { t } from "./texts.js";

/** @typedef {import("./types.js").Session} Session */

const pageSize = 20;
const mostQuestions = 100;

class SessionsPage {
  /** @type {string | null} */
  next = null;

  order = new OrderList(byId("asked-list"), (from, to) => {
    byId("questions").value = reordered(byId("questions").value, from, to);
  });

  async start() {
    show(byId("content"));
    byId("make").addEventListener("click", () => this.#open(byId("maker").hidden));
    byId("maker-cancel").addEventListener("click", () => this.#open(false));
    byId("maker-form").addEventListener("submit", (/** @type {SubmitEvent} */ event) => this.#make(event));
    byId("guests")?.addEventListener("change", () => show(byId("guests-hint"), whoElse() === "invited"));
    byId("questions").addEventListener("input", () => this.#count());
    byId("more").addEventListener("click", () =>
      page.whileBusy(byId("more"), byId("notice"), () => this.#load(String(this.next))),
    );
    await this.#read();
  }

  // -- the list -----------------------------------------------------------------------------------

  async #read() {
    page.stopTrying();
    try {
      byId("list").replaceChildren();
      await this.#load(`/get-sessions?limit=${pageSize}`);
      page.untell(byId("notice"));
    } catch (error) {
      page.cannotRead(known(error), () => this.#read());
    }
    byId("list").setAttribute("aria-busy", "false");
  }

  /** @param {string} path */
  async #load(path) {
    const { body, response } = await askSession("GET", path);
    byId("list").append(...body.map((/** @type {Session} */ one) => this.#row(one)));
    const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get("Link") ?? "");
    this.next = link && new URL(link[1], response.url).href.replace(/^.*\/api\/session/, "");
    show(byId("more"), this.next !== null);
    show(byId("none"), !byId("list").children.length);
  }

  /** @param {Session} session */
  #row(session) {
    const status = el("span", { class: "status" }, statusOf(session));
    status.classList.toggle("is-open", session.status === "running");
    const when = el("time", { dateTime: session.createdAt, class: "figure" }, moment(session.createdAt));
    const title = el("a", { href: page.here(`/sessions/${session.id}/present`), dir: "auto" }, session.title);
    const audience = el("a", { class: "plain", href: page.here(`/sessions/${session.id}`) }, t("session_audience"));
    const row = el(
      "li",
      { class: "listed session-row" },
      el("p", { class: "folio" }, status, " ", when),
      el("h2", {}, title),
      el("p", { class: "quiet" }, t("session_questions", { n: session.pollIds.length })),
    );
    const order = new SessionOrder(session);
    const others = [this.#export(session), this.#delete(session, row)];
    row.append(el("div", { class: "actions" }, audience, order.button, ...others), order.place);
    return row;
  }

  /** @param {Session} session */
  #export(session) {
    const button = el("button", { type: "button", class: "plain" }, t("session_export"));
    button.addEventListener("click", () =>
      page.whileBusy(button, byId("notice"), async () => {
        const { blob, name } = await download(`/api/session/export-session/${session.id}?format=csv`);
        save(blob, name);
      }),
    );
    return button;
  }

  /** @param {Session} session @param {HTMLElement} row */
  #delete(session, row) {
    const button = el("button", { type: "button", class: "plain danger" }, t("session_delete"));
    button.addEventListener("click", async () => {
      const dialog = byId("sure");
      dialog.returnValue = "keep";
      dialog.showModal();
      byId("keep-it").focus();
      await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
      if (dialog.returnValue !== "delete") return button.focus();
      return page.whileBusy(button, byId("notice"), async () => {
        await askSession("DELETE", `/delete-session/${session.id}`);
        row.remove();
        byId("main").focus();
        show(byId("none"), !byId("list").children.length);
      });
    });
    return button;
  }

  // -- a new one --------------------------------------------------------------------------------------

  /** @param {boolean} open */
  #open(open) {
    show(byId("maker"), open);
    byId("make").setAttribute("aria-expanded", String(open));
    byId(open ? "title" : "make").focus();
  }

  #count() {
    const questions = readQuestions(byId("questions").value);
    const n = questions.length;
    say(byId("counted"), n ? t("session_questions", { n }) : "");
    show(byId("asked"), n > 1);
    this.order.show(questions.map(({ question }) => ({ text: question })));
  }

  /** @param {SubmitEvent} event */
  #make(event) {
    event.preventDefault();
    const title = byId("title").value.trim();
    const questions = readQuestions(byId("questions").value);
    const place = byId("maker-notice");
    const wrong = wrongWith(title, questions);
    byId("title").toggleAttribute("aria-invalid", !title);
    if (wrong) {
      page.note(place, t("not_right_yet"), wrong);
      return byId(title ? "questions" : "title").focus();
    }
    return page.whileBusy(byId("begin"), place, async () => {
      const { body, failed } = await createPolls(questions, whoElse());
      if (failed) return page.note(place, t("not_right_yet"), failed);
      const { body: session } = await askSession("POST", "/create-session", {
        title,
        pollIds: body,
        ...guestsOf(whoElse()),
      });
      return page.here(`/sessions/${session.id}/present`);
    });
  }
}

/** @param {Session} session */
function statusOf({ status }) {
  if (status === "lobby") return t("session_status_lobby");
  return status === "running" ? t("session_status_running") : t("session_status_ended");
}

/** What is wrong before anything is asked; empty where nothing is. @param {string} title @param {ReturnType<typeof readQuestions>} questions */
function wrongWith(title, questions) {
  if (!title) return t("session_wrong_title");
  if (questions.length > mostQuestions) return t("session_wrong_many", { n: mostQuestions });
  const few = questions.findIndex(({ options }) => options.length < 2);
  return few < 0 ? "" : t("session_wrong_question", { place: few + 1, message: t("wrong_options_few") });
}

/** Who may take part without an account: nobody, where the service knows no guests. */
const whoElse = () => byId("guests")?.value ?? "off";

// Nobody who admits nobody has to say so: a service without guests knows no other word.
/** @param {string} guests */
const guestsOf = (guests) => (guests === "off" ? {} : { guests });

/**
 * All of the polls, or none: what was made before one was refused goes again.
 * @param {ReturnType<typeof readQuestions>} questions
 * @param {string} guests
 */
async function createPolls(questions, guests) {
  if (!questions.length) return { body: [], failed: "" };
  const polls = questions.map((one) => ({ ...one, visibility: "unlisted", ...guestsOf(guests) }));
  const { body } = await ask("POST", "/create-polls", { polls });
  /** @type {{ status: number, poll?: { id: string }, error?: { detail: string, errors?: { message: string }[] } }[]} */
  const results = body.results;
  const made = results.flatMap(({ poll }) => (poll ? [poll.id] : []));
  const bad = results.findIndex(({ error }) => error);
  if (bad < 0) return { body: made, failed: "" };
  await Promise.allSettled(made.map((id) => ask("DELETE", `/delete-poll/${id}`)));
  const { error } = results[bad];
  const message = error?.errors?.[0]?.message ?? error?.detail ?? "";
  return { body: [], failed: t("session_wrong_question", { place: bad + 1, message }) };
}

page.begin(() => new SessionsPage().start());
