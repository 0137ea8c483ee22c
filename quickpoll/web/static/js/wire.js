// @ts-check
// One connection to the service, kept up whatever stands in between.
//
// - A WebSocket is tried first. Where it is refused, hangs, says nothing, or is cut off twice right
//   after it opened, long-polling is next, at once.
// - What worked last is tried first when the connection is lost. A connection by long-polling is
//   never upgraded: behind a proxy that holds frames back, the service would wait for the end of the
//   upgrade. Now and then a WebSocket of its own shows whether the way is free (as after a restart).
// - Where nothing comes for a while the service is asked for a word; where none comes, `silent`.
// - Only the service says that a token is not good any more.

import { io } from "../vendor/socket.io-client/socket.io.esm.min.js";

import { jitter } from "./pace.js";
import { token } from "./session.js";
import { aboutToken } from "./words.js";

const path = "/ws/updates";
const openWithin = 4000; // milliseconds for a connection to be of use
const cutOffWithin = 5000; // a WebSocket that ends before that was cut off
const askAfter = 6000; // of silence
const silentAfter = 9000;
const deadAfter = 20_000;
const lookAgainAfter = 60_000; // by long-polling, whether a WebSocket can be had now
const leastRest = 3000; // that such a WebSocket has to stay open

const now = () => performance.now();

/** @typedef {{ origin: string, token: () => string }} Service Where it is, and who asks. */

/** @returns {Service} */
const ownService = () => ({ origin: location.origin, token });

/**
 * @typedef {object} Heard
 * @property {(state: "connecting" | "live" | "silent" | "reconnecting" | "refused") => void} state
 * @property {() => void} connected
 * @property {(code: string) => void} refused
 */

export class Wire {
  #tries = 0;
  #over = false; // refused, or closed: nothing is tried any more
  #polling = false; // the next try is by long-polling
  #cuts = 0;
  #openedAt = 0; // the WebSocket in use, 0 where there is none
  #heardAt = 0;
  #silent = false;
  /** @type {unknown} */ #engine = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #deadline;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #look;

  #end = new AbortController();

  /** @param {Heard} heard @param {Service} [service] */
  constructor(heard, service = ownService()) {
    this.heard = heard;
    this.service = service;
    this.socket = io(service.origin, {
      path,
      auth: (/** @type {(data: object) => void} */ give) => give({ token: service.token() }),
      reconnection: false, // this class does it
      autoConnect: false,
      forceNew: true,
    });
    this.socket.on("connect", () => this.#connected());
    this.socket.on("disconnect", () => this.#lost());
    this.socket.on("connect_error", (/** @type {any} */ error) => this.#failed(error.data?.code ?? ""));
    this.socket.on("session-ended", (/** @type {any} */ { code }) => aboutToken(code) && this.#refuse(code));
    const { signal } = this.#end;
    window.addEventListener("online", () => this.#hurry(), { signal });
    document.addEventListener("visibilitychange", () => this.#seen(), { signal });
    const listening = setInterval(() => this.#listen(), 1000);
    signal.addEventListener("abort", () => clearInterval(listening));
  }

  get #byPolling() {
    return this.#polling || this.#cuts >= 2;
  }

  get connected() {
    return this.socket.connected;
  }

  open() {
    this.heard.state("connecting");
    this.#try();
  }

  close() {
    this.#over = true;
    this.#end.abort();
    clearTimeout(this.#look);
    clearTimeout(this.#retry);
    this.#hangUp();
  }

  #try() {
    clearTimeout(this.#retry);
    this.#openedAt = 0;
    this.socket.io.opts.transports = [this.#byPolling ? "polling" : "websocket"];
    this.#deadline = setTimeout(() => this.#failed(""), openWithin);
    this.socket.connect();
    this.#watch(this.socket.io.engine);
  }

  // The engine tells of what the library keeps to itself: a close before it was open, each packet.
  /** @param {any} engine */
  #watch(engine) {
    this.#engine = engine;
    const current = (/** @type {() => void} */ run) => () => engine === this.#engine && run();
    engine.on("open", current(() => (this.#openedAt = this.#byPolling ? 0 : now())));
    engine.on("packet", current(() => this.#word()));
    engine.on("close", current(() => this.#cut()));
  }

  #cut() {
    if (this.#openedAt) this.#cuts = now() - this.#openedAt < cutOffWithin ? this.#cuts + 1 : 0;
    if (!this.socket.connected) this.#failed("");
  }

  #connected() {
    clearTimeout(this.#deadline);
    this.#tries = 0;
    if (this.#byPolling) this.#lookAgain(lookAgainAfter);
    this.#word();
    this.heard.state("live");
    this.heard.connected();
  }

  #lost() {
    if (this.#over) return;
    this.heard.state("reconnecting");
    this.#polling = !this.#openedAt;
    this.#later(500);
  }

  /** @param {string} code */
  #failed(code) {
    if (this.#over) return;
    if (aboutToken(code)) return this.#refuse(code);
    this.#hangUp();
    const wasPolling = this.#byPolling;
    this.#polling = !wasPolling;
    if (this.#tries) this.heard.state("reconnecting");
    this.#later(wasPolling ? Math.min(8000, 500 * 2 ** this.#tries++) : 0);
  }

  /** @param {string} code */
  #refuse(code) {
    this.close();
    this.heard.state("refused");
    this.heard.refused(code);
  }

  /** @param {number} milliseconds */
  #later(milliseconds) {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#try(), jitter(milliseconds));
  }

  // What this connection still says is not listened to.
  #hangUp() {
    clearTimeout(this.#deadline);
    this.#engine = null;
    this.socket.disconnect();
  }

  // Back on the network: the next try is now, not when the wait is over.
  #hurry() {
    if (this.#over) return;
    this.heard.state("reconnecting");
    this.#hangUp();
    this.#later(0);
  }

  // -- back to a WebSocket --------------------------------------------------------------------

  /** @param {number} milliseconds */
  #lookAgain(milliseconds) {
    clearTimeout(this.#look);
    this.#look = setTimeout(async () => {
      if (this.#over || !this.#byPolling) return;
      if (!(await staysOpen(this.service.origin))) return this.#lookAgain(milliseconds * 2);
      this.#polling = false;
      this.#cuts = 0;
      this.#hangUp();
      this.#later(0);
    }, jitter(milliseconds));
  }

  // -- silence ------------------------------------------------------------------------------

  #word() {
    this.#heardAt = now();
    if (this.#silent && this.connected) this.heard.state("live");
    this.#silent = false;
  }

  // While nobody looked, nobody listened either.
  #seen() {
    if (document.hidden || !this.connected) return;
    this.#heardAt = now();
    this.#ask();
  }

  #listen() {
    if (document.hidden || !this.connected) return;
    const quiet = now() - this.#heardAt;
    if (quiet > deadAfter) return this.#dead();
    if (quiet > silentAfter && !this.#silent) {
      this.#silent = true;
      this.heard.state("silent");
    } else if (quiet > askAfter && quiet < askAfter + 1100) this.#ask();
  }

  // Any answer is a word: this one changes nothing.
  #ask() {
    this.socket.emit("unsubscribe", { pollIds: [] }, () => {});
  }

  #dead() {
    this.#silent = false;
    this.#hangUp();
    this.heard.state("reconnecting");
    this.#later(0);
  }
}

/**
 * Whether a WebSocket to the service opens, brings its greeting, and stays.
 * @param {string} origin
 * @returns {Promise<boolean>}
 */
function staysOpen(origin) {
  return new Promise((resolve) => {
    const trial = new WebSocket(`${origin.replace(/^http/, "ws")}${path}/?EIO=4&transport=websocket`);
    const end = (/** @type {boolean} */ stayed) => {
      resolve(stayed);
      trial.close();
    };
    const late = setTimeout(() => end(false), openWithin);
    trial.addEventListener("close", () => end(false));
    trial.addEventListener("message", () => {
      clearTimeout(late);
      setTimeout(() => end(true), leastRest);
    });
  });
}
