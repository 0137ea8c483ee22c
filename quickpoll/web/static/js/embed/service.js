// @ts-check
// The service that an element belongs to, and with which token it asks there.
//
// - A token comes from the page around (`getToken`), and where it gives none, from a guest's entry.
// - One that was refused is not used again. It is asked for anew once, then the element waits.
// - Entries go one after the other: several requests that were refused with one token get the next
//   token together.
// - What a guest got is kept, where the browser allows it, so that a device stays one person.

import { solved } from "./proof.js";

/** @typedef {(refused?: string) => Promise<string | null | undefined>} GetToken */

const patience = 15_000; // milliseconds

/** What went wrong: the `code` of the service's answer, or `offline` where none came. */
export class Failure extends Error {
  /** @param {string} code @param {{ retryAfter?: number, problem?: any }} [more] */
  constructor(code, { retryAfter = 0, problem = {} } = {}) {
    super(code);
    this.code = code;
    this.retryAfter = retryAfter;
    this.problem = problem;
  }
}

/** The failure, where it is one of the service; what is not is thrown on. @param {unknown} error */
export function failure(error) {
  if (error instanceof Failure) return error;
  throw error;
}

export class Service {
  #held = "";
  #refused = "";
  #ahead = 0;
  #why = "missing_token";
  #holder = { token: "", id: "", admin: false };
  /** @type {Promise<void>} */ #entering = Promise.resolve();

  /**
   * @param {string} origin
   * @param {() => GetToken | null} getToken the page's way to a token, as it is then
   * @param {{ guests: boolean }} options whether a guest may be tried
   */
  constructor(origin, getToken, { guests }) {
    this.origin = origin;
    this.getToken = getToken;
    this.guests = guests;
    this.token = () => this.#held;
  }

  /** The time by the service's clock, as far as its answers tell it: milliseconds since 1970. */
  now() {
    return Date.now() + this.#ahead;
  }

  /**
   * Get a token, another one than was refused. Throws a Failure.
   * @param {string} [code] why it was refused
   * @param {string} [used] the one that was
   */
  enter(code, used) {
    this.#entering = this.#entering.catch(() => {}).then(() => this.#enter(code, used));
    return this.#entering;
  }

  /** @param {string} [code] @param {string} [used] */
  async #enter(code, used) {
    if (code && used !== this.#held) return; // another one came meanwhile
    if (code) [this.#refused, this.#why] = [this.#held, code];
    const given = await this.#given(code);
    if (given && given !== this.#refused) this.#held = given;
    else if (this.guests && !given) this.#held = await this.#guest();
    else throw new Failure(this.#why);
  }

  /** @param {string} [code] */
  async #given(code) {
    try {
      return ((await this.getToken()?.(code)) ?? "").trim().replace(/^Bearer\s+/i, "");
    } catch {
      return "";
    }
  }

  /**
   * Ask the service for what the holder of the token may see or do. Throws a Failure.
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   */
  async ask(method, path, body) {
    const used = this.#held;
    try {
      return await this.#send(method, `/api/poll${path}`, body, used);
    } catch (error) {
      const { code } = failure(error);
      if (!/^(missing|invalid|expired)_token$/.test(code)) throw error;
      await this.enter(code, used);
      return this.#send(method, `/api/poll${path}`, body, this.#held);
    }
  }

  /** Who holds the token, as far as the service was asked. Nothing is decided by it. */
  holder() {
    return this.#holder.token === this.#held ? this.#holder : { id: "", admin: false };
  }

  /** Ask who holds the token. Answers whether that was not known; throws a Failure. */
  async learnHolder() {
    const token = this.#held;
    if (this.#holder.token === token) return false;
    const { userId, roles } = await this.#send("GET", "/api/user/me", undefined, token);
    this.#holder = { token, id: userId, admin: roles.includes("admin") };
    return true;
  }

  // -- guests -------------------------------------------------------------------------------

  async #guest() {
    const kept = stored((storage) => storage.getItem(this.#key)) ?? "";
    const { token } = await this.#enterAsGuest(kept).catch((error) => {
      if (kept && failure(error).code.endsWith("_token")) return this.#enterAsGuest("");
      throw error;
    });
    stored((storage) => storage.setItem(this.#key, token));
    return token;
  }

  // Where many come from one address, a little work is asked for first.
  /** @param {string} kept */
  async #enterAsGuest(kept) {
    try {
      return await this.#send("POST", "/guest", {}, kept);
    } catch (error) {
      const { code, problem } = failure(error);
      if (code === "not_found") throw new Failure("missing_token");
      if (code !== "proof_required" || !globalThis.crypto?.subtle) throw error; // plain HTTP has none
      return this.#send("POST", "/guest", { proof: await solved(problem.challenge) }, kept);
    }
  }

  get #key() {
    return this.origin === location.origin ? "quickpoll-guest" : `quickpoll-guest ${this.origin}`;
  }

  // -- the wire -----------------------------------------------------------------------------

  /** @param {string} method @param {string} path @param {unknown} body @param {string} token */
  async #send(method, path, body, token) {
    /** @type {Record<string, string>} */
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const response = await fetch(this.origin + path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(patience),
    }).catch(cutOff);
    const said = parsed(response.status === 204 ? "" : await response.text().catch(cutOff));
    this.#noteClock(response);
    if (response.ok) return said;
    const retryAfter = Number(response.headers.get("Retry-After")) || 0;
    throw new Failure(said?.code ?? "unknown", { retryAfter, problem: said ?? {} });
  }

  // `Date` counts whole seconds, and scripts of other origins are not told it.
  /** @param {Response} response */
  #noteClock(response) {
    const ahead = Date.parse(response.headers.get("Date") ?? "") + 500 - Date.now();
    if (Number.isFinite(ahead)) this.#ahead = Math.abs(ahead) < 2000 ? 0 : ahead;
  }
}

const cutOff = () => {
  throw new Failure("offline");
};

/** @param {string} text @returns {any} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// Reading the property itself throws where storage is denied.
/** @template T @param {(storage: Storage) => T} use @returns {T | null} */
function stored(use) {
  try {
    return use(localStorage);
  } catch {
    return null;
  }
}
