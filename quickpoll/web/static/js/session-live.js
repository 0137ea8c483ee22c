// @ts-check
// Following a session, and the poll that is present in it, over one connection.

import { ask } from "./api.js";
import { Live } from "./live.js";
import { jitter } from "./pace.js";

/** @typedef {import("./types.js").Session} Session */
/** @typedef {import("./types.js").PresentPoll} PresentPoll */

const base = "/api/session";
const answerWithin = 5000; // milliseconds

/** Ask for something to be done to a session. @param {string} method @param {string} path @param {unknown} [body] */
export const askSession = (method, path, body) => ask(method, `${base}${path}`, body);

/**
 * @typedef {import("./live.js").Heard & {
 *   session: (session: Session, poll: PresentPoll | null) => void,
 *   lost: (code: string) => void,
 *   people?: (number: number) => void,
 * }} SessionHeard
 */

export class SessionLive extends Live {
  version = -1;

  /** @param {string} id @param {SessionHeard} heard */
  constructor(id, heard) {
    super(heard);
    this.id = id;
    this.told = heard;
    const { socket } = this.wire;
    socket.on("session-update", (/** @type {any} */ { poll, ...session }) => this.hear(session, poll));
    socket.on("session-attendance", (/** @type {any} */ { sessionId, people }) => {
      if (sessionId === id) heard.people?.(people);
    });
    socket.on("connect", () => this.#begin());
    if (socket.connected) this.#begin();
  }

  /**
   * What the session is now. A page never goes back: what is not newer is ignored.
   * @param {Session} session @param {PresentPoll | null} poll
   */
  hear(session, poll) {
    if (session.id !== this.id || session.version <= this.version) return;
    this.version = session.version;
    this.told.session(session, poll);
  }

  // Whoever has subscribed to something, be it nothing, does not hear of every public poll.
  #begin() {
    if (!this.followed.size) this.wire.socket.emit("subscribe", { pollIds: [] });
    const socket = this.wire.socket.timeout(answerWithin);
    socket.emit("follow", { sessionId: this.id }, (/** @type {unknown} */ late, /** @type {any} */ answer) => {
      if (!late && answer.session) return this.hear(answer.session, answer.poll);
      if (!late && /^(not_found|guests_not_allowed)$/.test(answer.error.code)) return this.told.lost(answer.error.code);
      setTimeout(() => this.wire.connected && this.#begin(), jitter(2000));
    });
  }
}
