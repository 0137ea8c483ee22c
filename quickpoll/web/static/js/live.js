// @ts-check
// The live updates: follow polls, hear what they are now.

import { jitter } from "./pace.js";
import { Wire } from "./wire.js";

/** @typedef {import("./types.js").Update} Update */

const answerWithin = 5000; // milliseconds
const atMost = 100; // polls that a client may follow

/**
 * @typedef {object} Heard
 * @property {(name: "connecting" | "live" | "silent" | "reconnecting" | "refused") => void} state
 * @property {(polls: Update[]) => void} snapshot
 * @property {(event: string, payload: Update) => void} update
 * @property {(ids: string[]) => void} unknown
 * @property {(code: string) => void} refused
 */

export class Live {
  /** @param {Heard} heard @param {import("./wire.js").Service} [service] */
  constructor(heard, service) {
    this.heard = heard;
    /** @type {Set<string>} */
    this.followed = new Set();
    const connected = () => this.#subscribe([...this.followed]);
    this.wire = new Wire({ state: heard.state, refused: heard.refused, connected }, service);
    for (const event of ["vote-update", "like-update", "poll-update"]) {
      this.wire.socket.on(event, (/** @type {Update} */ payload) => this.heard.update(event, payload));
    }
    this.wire.open();
  }

  /** Follow these polls too; what they are now comes as a snapshot. @param {string[]} ids */
  follow(ids) {
    for (const id of ids) if (this.followed.size < atMost) this.followed.add(id);
    return this.#subscribe(ids.filter((id) => this.followed.has(id)));
  }

  /** Follow exactly these polls from now on. @param {string[]} ids */
  followOnly(ids) {
    const gone = [...this.followed].filter((id) => !ids.includes(id));
    for (const id of gone) this.followed.delete(id);
    if (gone.length && this.wire.connected) this.wire.socket.emit("unsubscribe", { pollIds: gone });
    return this.follow(ids.filter((id) => !this.followed.has(id)));
  }

  /** Ask anew what these polls are: more of them may be seen than before. @param {string[]} ids */
  again(ids) {
    this.#subscribe(ids);
  }

  close() {
    this.wire.close();
  }

  // One of them admits this guest no more: that does not pass by itself.
  /** @param {string} code */
  #shutOut(code) {
    this.close();
    this.heard.state("refused");
    this.heard.refused(code);
  }

  /** @param {string[]} ids */
  #subscribe(ids) {
    if (!ids.length || !this.wire.connected) return;
    const socket = this.wire.socket.timeout(answerWithin);
    socket.emit("subscribe", { pollIds: ids }, (/** @type {unknown} */ late, /** @type {any} */ answer) => {
      if (answer?.error?.code === "guests_not_allowed") return this.#shutOut(answer.error.code);
      if (late || answer.error) {
        setTimeout(() => this.#subscribe(ids.filter((id) => this.followed.has(id))), jitter(2000));
        return;
      }
      this.heard.snapshot(answer.polls);
      if (answer.unknown?.length) this.heard.unknown(answer.unknown);
    });
  }
}
