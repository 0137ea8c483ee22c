// One connection for all that a client follows.
//
// - The server remembers nothing of a connection that has ended: after each one, everything that is
//   followed is asked for anew, and what it is now has what was missed.
// - A crowd must not come back at once: every try waits for a random part of its delay.
// - A token that is refused or has expired is not the end: the next try asks for another one.

import { io, type Socket } from "socket.io-client";

export type GetToken = () => string | undefined | null | Promise<string | undefined | null>;

/** Why something did not work: a code of the service (`expired_token`, `poll_not_found` …), or `cut_off`. */
export interface Trouble {
  code: string;
  detail: string;
}

/** Something that can be followed: how it is asked for, and what is made of the answers. */
export interface Topic {
  readonly id: string;
  readonly request: string;
  readonly payload: object;
  readonly farewell: string;
  readonly events: readonly string[];
  /** What a request was answered; a trouble where it did not work. */
  answered(answer: any): Trouble | undefined;
  /** An event that came; `"ask"` where everything is to be asked for anew. */
  heard(event: string, payload: any): "ask" | void;
}

const answerWithin = 5000; // milliseconds

/** Between half and one and a half of it. */
export const jitter = (milliseconds: number): number => milliseconds * (0.5 + Math.random());

export class Wire {
  #socket: Socket;
  #topics = new Set<Topic>();
  #closed = false;
  #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(
    url: string,
    getToken: GetToken,
    private readonly trouble: (trouble: Trouble) => void,
  ) {
    this.#socket = io(url, {
      path: "/ws/updates",
      auth: (give) => void answered(getToken).then((token) => give(token ? { token } : {})),
      autoConnect: false,
      forceNew: true,
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: 500,
      reconnectionDelayMax: 8000,
      randomizationFactor: 0.5,
    });
    this.#socket.on("connect", () => this.#topics.forEach((topic) => void this.#ask(topic)));
    this.#socket.on("disconnect", () => this.#again());
    this.#socket.on("session-ended", (why: Trouble) => this.trouble(why));
    this.#socket.on("connect_error", (error: Error & { data?: Trouble }) => {
      this.trouble(error.data ?? { code: "cut_off", detail: error.message });
      this.#again();
    });
    this.#socket.onAny((event: string, payload: unknown) => this.#hear(event, payload));
  }

  follow(topic: Topic): void {
    if (this.#closed) throw new Error("This client is closed.");
    this.#topics.add(topic);
    if (this.#socket.connected) void this.#ask(topic);
    else this.#socket.connect();
  }

  leave(topic: Topic): void {
    this.#topics.delete(topic);
    const shared = [...this.#topics].some((one) => one.id === topic.id && one.request === topic.request);
    if (this.#socket.connected && !shared) this.#socket.emit(topic.farewell, topic.payload);
    if (!this.#topics.size) this.#socket.disconnect();
  }

  close(): void {
    this.#closed = true;
    this.#topics.clear();
    this.#timers.forEach(clearTimeout);
    this.#socket.disconnect();
  }

  #hear(event: string, payload: unknown): void {
    for (const topic of this.#topics) {
      if (!topic.events.includes(event)) continue;
      if (topic.heard(event, payload) === "ask") this.#later(500, () => void this.#ask(topic));
    }
  }

  async #ask(topic: Topic): Promise<void> {
    if (!this.#topics.has(topic) || !this.#socket.connected) return; // else the next connection asks
    let trouble: Trouble | undefined;
    try {
      trouble = topic.answered(await this.#socket.timeout(answerWithin).emitWithAck(topic.request, topic.payload));
    } catch {
      trouble = { code: "cut_off", detail: "No answer came." };
    }
    if (!trouble || !this.#topics.has(topic)) return;
    this.trouble(trouble);
    if (passes.has(trouble.code)) this.#later(1000, () => void this.#ask(topic));
  }

  // What the server ended, the library does not begin again by itself.
  #again(): void {
    if (this.#closed || this.#socket.active || !this.#topics.size) return;
    this.#later(2000, () => this.#topics.size && this.#socket.connect());
  }

  #later(milliseconds: number, run: () => unknown): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#closed) run();
    }, jitter(milliseconds));
    this.#timers.add(timer);
  }
}

const passes = new Set(["cut_off", "unavailable", "overloaded", "rate_limited"]);

// A way to a token may fail: without one the service refuses, and the next try asks again.
async function answered(getToken: GetToken): Promise<string | undefined | null> {
  try {
    return await getToken();
  } catch {
    return undefined;
  }
}
