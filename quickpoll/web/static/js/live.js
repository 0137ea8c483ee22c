// The live connection: follow polls, hear what they are now.

import { io } from "../vendor/socket.io-client/socket.io.esm.min.js";

import { jitter } from "./pace.js";
import { holder, token } from "./session.js";
import { aboutToken } from "./words.js";

const path = "/ws/updates";
const answerWithin = 5000; // milliseconds
const atMost = 100; // polls that a client may follow

/**
 * `heard`: { state(name), snapshot(polls), update(event, payload), unknown(ids), refused(code) }.
 * States: connecting, live, reconnecting, refused.
 */
export class Live {
  constructor(heard) {
    this.heard = heard;
    this.followed = new Set();
    this.tries = 0;
    this.retry = 0;
    this.over = false; // refused, or closed: nothing is tried any more
    this.socket = io({
      path,
      auth: (give) => give({ token: token() }),
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: 500,
      reconnectionDelayMax: 8000,
      randomizationFactor: 0.5,
      autoConnect: false,
    });
    this.#listen();
    window.addEventListener("online", () => this.#hurry());
    this.heard.state("connecting");
    this.socket.connect();
  }

  /** Follow these polls too; what they are now comes as a snapshot. */
  follow(ids) {
    for (const id of ids) if (this.followed.size < atMost) this.followed.add(id);
    return this.#subscribe(ids.filter((id) => this.followed.has(id)));
  }

  /** Follow exactly these polls from now on. */
  followOnly(ids) {
    const gone = [...this.followed].filter((id) => !ids.includes(id));
    for (const id of gone) this.followed.delete(id);
    if (gone.length && this.socket.connected) this.socket.emit("unsubscribe", { pollIds: gone });
    return this.follow(ids.filter((id) => !this.followed.has(id)));
  }

  /** Ask anew what these polls are: more of them may be seen than before. */
  again(ids) {
    this.#subscribe(ids);
  }

  close() {
    this.over = true;
    clearTimeout(this.retry);
    this.socket.disconnect();
  }

  #listen() {
    this.socket.on("connect", () => this.#connected());
    this.socket.on("disconnect", (reason) => this.#disconnected(reason));
    this.socket.on("connect_error", (error) => this.#failed(error));
    for (const event of ["vote-update", "like-update", "poll-update"]) {
      this.socket.on(event, (payload) => this.heard.update(event, payload));
    }
  }

  #connected() {
    this.tries = 0;
    this.heard.state("live");
    this.#subscribe([...this.followed]);
  }

  #disconnected(reason) {
    if (reason === "io client disconnect") return;
    if (holder().expired) return this.#refuse("expired_token");
    this.heard.state("reconnecting");
    // A server that says goodbye is not asked again by the library itself.
    if (!this.socket.active) this.#later();
  }

  #failed(error) {
    const code = error.data?.code ?? "";
    if (aboutToken(code)) return this.#refuse(code);
    this.heard.state("reconnecting");
    if (!this.socket.active) this.#later();
  }

  #refuse(code) {
    this.over = true;
    clearTimeout(this.retry);
    this.socket.disconnect();
    this.heard.state("refused");
    this.heard.refused(code);
  }

  // Back on the network: the next try is now, not when the library's patience is over.
  #hurry() {
    if (this.socket.connected || this.over) return;
    this.heard.state("reconnecting");
    this.socket.disconnect();
    this.socket.connect();
  }

  #later() {
    clearTimeout(this.retry);
    this.retry = setTimeout(() => this.socket.connect(), jitter(Math.min(8000, 500 * 2 ** this.tries++)));
  }

  #subscribe(ids) {
    if (!ids.length || !this.socket.connected) return;
    const { socket } = this;
    socket.timeout(answerWithin).emit("subscribe", { pollIds: ids }, (late, answer) => {
      if (late || answer.error) {
        setTimeout(() => this.#subscribe(ids.filter((id) => this.followed.has(id))), jitter(2000));
        return;
      }
      this.heard.snapshot(answer.polls);
      if (answer.unknown?.length) this.heard.unknown(answer.unknown);
    });
  }
}
