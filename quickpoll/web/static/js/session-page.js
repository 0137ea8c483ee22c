// @ts-check
// A session on the screen of whoever takes part: the lobby, the present poll, the end. It follows by
// itself.

import { byId, say, show } from "./dom.js";
import * as page from "./page.js";
import { SessionLive } from "./session-live.js";
import { SessionPoll } from "./session-poll.js";
import { holder } from "./session.js";
import { origin } from "./share.js";
import { t } from "./texts.js";

/** @typedef {import("./types.js").Session} Session */
/** @typedef {import("./types.js").PresentPoll} PresentPoll */

const parts = ["lobby", "present", "vanished", "ended"];

class SessionPage {
  lived = false;
  part = "";
  invited = false; // whether the form for invitations was made ready

  constructor() {
    const id = String(document.body.dataset.sessionId);
    this.present = new SessionPoll((ids) => this.#follow(ids));
    page.connection("connecting");
    this.live = new SessionLive(id, {
      state: (name) => this.#connection(name),
      snapshot: (polls) => this.present.snapshot(polls),
      update: (event, payload) => this.present.update(event, payload),
      unknown: () => {},
      refused: page.askForToken,
      session: (session, poll) => this.#show(session, poll),
      lost: (code) => this.#lost(code),
    });
  }

  /** @param {string[]} ids */
  #follow(ids) {
    if (ids.length && this.live.followed.has(ids[0])) this.live.again(ids);
    else this.live.followOnly(ids);
  }

  /** @param {Parameters<typeof page.connection>[0]} state */
  #connection(state) {
    page.connection(state);
    if (state === "live" && this.lived) this.present.back();
    this.lived ||= state === "live";
  }

  /** @param {Session} session @param {PresentPoll | null} poll */
  #show(session, poll) {
    if (session.status === "deleted") return this.#gone(t("session_was_deleted"), t("session_gone_next"));
    page.untell(byId("notice"));
    say(byId("session-title"), session.title);
    document.title = `${session.title} · QuickPoll`;
    const { id, admin } = holder();
    const leads = id === session.userId || admin;
    show(byId("to-stage"), leads);
    this.#invite(session, leads && session.guests === "invited" && session.status !== "ended");
    const running = session.status === "running";
    const count = { place: (session.at ?? 0) + 1, all: session.pollIds.length };
    say(byId("place"), running ? t("place_of", count) : "");
    this.present.turnTo(running ? poll : null);
    this.#turn(running ? (poll ? "present" : "vanished") : session.status);
  }

  // Invitations are made by whoever leads, and only where they are wanted. Shown once they can be.
  /** @param {Session} session @param {boolean} wanted */
  async #invite({ id, title }, wanted) {
    if (!byId("invites")) return;
    this.invites = wanted;
    if (wanted && !this.invited) {
      this.invited = true;
      const { Invites } = await import("./invites.js");
      new Invites(`/api/session/invite-guests/${id}`, `${origin()}/sessions/${id}`, title);
      this.ready = true;
    }
    show(byId("invites"), this.invites && this.ready);
  }

  // One part is seen, and whoever hears the page is told when it becomes another one.
  /** @param {string} part */
  #turn(part) {
    for (const one of parts) show(byId(one), one === part);
    show(byId("content"));
    const said = part === "present" ? byId("question").textContent : byId(part).textContent.trim();
    if (this.part) page.announce(String(said));
    this.part = part;
  }

  /** @param {string} code */
  #lost(code) {
    if (code === "not_found") return this.#gone(t("error_session_not_found"), t("session_not_found_next"));
    page.tell(byId("notice"), { code });
    show(byId("content"), false);
  }

  /** @param {string} title @param {string} next */
  #gone(title, next) {
    this.live.close();
    show(byId("content"), false);
    page.note(byId("notice"), title, next, page.toAllPolls());
    byId("main").focus();
  }
}

page.begin(() => new SessionPage());
