// @ts-check
// A session on a projector, and in the hands of its presenter: the lobby with the way in, then poll
// after poll. Another device may lead at the same time; each sees at once where the session is.

import { known } from "./api.js";
import { byId, el, say, show } from "./dom.js";
import { Later } from "./pace.js";
import * as page from "./page.js";
import { askSession, SessionLive } from "./session-live.js";
import { holder } from "./session.js";
import { host, showQr } from "./share.js";
import { fullScreen, onKeys, stayAwake } from "./stage.js";
import { StagePoll } from "./stage-poll.js";
import { t } from "./texts.js";
import { aboutToken, passes } from "./words.js";

/** @typedef {import("./types.js").Session} Session */
/** @typedef {import("./types.js").PresentPoll} PresentPoll */

const id = String(document.body.dataset.sessionId);

class StagePage {
  /** @type {Session | null} */
  session = null;
  lived = false;
  busy = false;
  joining = false; // whether the way in covers the poll
  black = false;
  vanished = false; // whether the present poll was deleted
  gone = false;
  code = "";
  again = new Later();

  constructor() {
    this.present = new StagePoll((ids) => this.live?.followOnly(ids));
    page.connection("connecting");
    this.#listen();
    this.live = new SessionLive(id, {
      state: (name) => this.#connection(name),
      snapshot: (polls) => polls.forEach((poll) => this.present.hear(poll)),
      update: (event, payload) => this.present.update(event, payload),
      unknown: () => {},
      refused: page.askForToken,
      session: (session, poll) => this.#show(session, poll),
      lost: (code) => this.#lost(code),
      people: (n) => {
        say(byId("people"), t("stage_people", { n }));
        show(byId("people"));
      },
    });
  }

  /** @param {Parameters<typeof page.connection>[0]} state */
  #connection(state) {
    page.connection(state);
    if (state === "live" && this.lived) this.present.readAgain();
    this.lived ||= state === "live";
  }

  /** Whether whoever looks may lead. */
  get leads() {
    const { id: user, admin } = holder();
    return Boolean(this.session) && (admin || user === this.session?.userId);
  }

  // -- what it shows ----------------------------------------------------------------------------------

  /** @param {Session} session @param {PresentPoll | null} poll */
  #show(session, poll) {
    if (session.status === "deleted") return this.#lost("not_found");
    const first = !this.session;
    this.session = session;
    page.untell(byId("notice"));
    say(byId("session-title"), session.title);
    document.title = `${session.title} · QuickPoll`;
    if (first) this.#wayIn();
    show(byId("steering"), this.leads);
    this.present.turnTo(session.status === "running" ? poll : null);
    this.vanished = session.status === "running" && !poll;
    if (!first) this.joining = false;
    this.#turn();
  }

  #turn() {
    const { session } = this;
    if (!session) return;
    const running = session.status === "running";
    const lobby = session.status === "lobby" || (running && this.joining);
    show(byId("content"));
    show(byId("lobby"), lobby);
    show(byId("stage"), running && !lobby && !this.vanished);
    show(byId("vanished"), running && !lobby && Boolean(this.vanished));
    show(byId("ended"), session.status === "ended");
    document.body.classList.toggle("black", this.black);
    const place = { place: (session.at ?? -1) + 1, all: session.pollIds.length };
    say(byId("place"), session.status === "ended" ? "" : t("place_of", place));
    for (const one of ["previous", "next", "join-now", "end"]) show(byId(one), session.status !== "ended");
    show(byId("turn-over"), running && !this.vanished);
    if (!running) show(byId("reveal"), false);
    byId("join-now").setAttribute("aria-pressed", String(lobby));
  }

  // The code is for whoever may give it out; others see the address of the page itself.
  async #wayIn() {
    try {
      if (!this.leads) throw new Error("not theirs");
      const { body } = await askSession("POST", `/share-session/${id}`);
      this.code = body.code;
      for (const place of ["code", "join-code"]) say(byId(place), body.code);
      for (const place of ["join-host", "address"]) say(byId(place), `${host()}/j`);
      for (const image of ["qr", "lobby-qr"]) showQr(byId(image), `/j/${body.code}`);
      show(byId("code-place"));
    } catch (error) {
      const code = /** @type {any} */ (error).code ?? "";
      if (passes(code)) return this.again.in(3000, () => this.#wayIn());
      for (const place of ["join-host", "address"]) {
        byId(place).replaceChildren(`${host()}/`, el("wbr"), `sessions/${id.slice(0, 12)}`, el("wbr"), id.slice(12));
      }
      for (const image of ["qr", "lobby-qr"]) showQr(byId(image), `/sessions/${id}`);
    }
  }

  /** @param {string} code */
  #lost(code) {
    this.live?.close();
    this.gone = true;
    show(byId("content"), false);
    show(byId("steering"), false);
    if (code === "guests_not_allowed") return page.tell(byId("notice"), { code });
    page.note(byId("notice"), t("error_session_not_found"), t("session_not_found_next"), page.toAllPolls());
  }

  // -- leading ----------------------------------------------------------------------------------------

  /** @param {number} by */
  #step(by) {
    const { session } = this;
    if (!session || !this.leads) return;
    const next = (session.at ?? -1) + by;
    if (next < -1 || next >= session.pollIds.length) return;
    return this.#goTo(next < 0 ? null : next);
  }

  // What was pressed is about what was seen: where somebody else was faster, nothing is skipped.
  /** @param {number | null} at */
  #goTo(at) {
    return this.#do(async () => {
      const ifVersion = this.session?.version;
      await askSession("POST", `/step-session/${id}`, { at, ifVersion });
    });
  }

  #end() {
    const dialog = byId("sure");
    dialog.returnValue = "keep";
    dialog.showModal();
    byId("keep-it").focus();
    dialog.addEventListener(
      "close",
      () => dialog.returnValue === "end" && this.#do(() => askSession("POST", `/end-session/${id}`)),
      { once: true },
    );
  }

  /** One thing after the other; what it has changed comes by the news, also to this page. @param {() => Promise<unknown>} deed */
  async #do(deed) {
    if (this.busy) return;
    this.busy = true;
    try {
      await deed();
      page.untell(byId("notice"));
    } catch (error) {
      const told = known(error);
      if (aboutToken(told.code)) page.askForToken(told.code);
      else if (told.code !== "session_changed") page.tell(byId("notice"), told);
    } finally {
      this.busy = false;
    }
  }

  #listen() {
    const [back, on] = [() => this.#step(-1), () => this.#step(1)];
    const deeds = {
      j: () => this.#toggle("joining"),
      c: () => this.leads && this.#do(() => this.present.turnOver()),
      r: () => this.present.reveal(),
      b: () => this.#toggle("black"),
      f: fullScreen(byId("fullscreen")),
    };
    byId("previous").addEventListener("click", back);
    byId("next").addEventListener("click", on);
    byId("join-now").addEventListener("click", deeds.j);
    byId("turn-over").addEventListener("click", deeds.c);
    byId("reveal").addEventListener("click", deeds.r);
    byId("end").addEventListener("click", () => this.#end());
    const [left, right] = document.documentElement.dir === "rtl" ? [on, back] : [back, on];
    onKeys(byId("keys"), { arrowleft: left, arrowright: right, pageup: back, pagedown: on, ...deeds });
    this.#onSpace(on);
    stayAwake();
  }

  // On a button the space bar presses that button.
  /** @param {() => void} on */
  #onSpace(on) {
    document.addEventListener("keydown", (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (event.key !== " " || !byId("keys").checked || target.closest("button, a, input, textarea, select, dialog")) return;
      event.preventDefault();
      on();
    });
  }

  /** @param {"joining" | "black"} what */
  #toggle(what) {
    if (this.gone) return;
    this[what] = !this[what];
    this.#turn();
  }
}

page.begin(() => new StagePage());
