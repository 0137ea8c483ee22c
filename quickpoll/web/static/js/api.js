// @ts-check
// The REST interface: a request, or an error with a code.

import { token } from "./session.js";

const base = "/api/poll";
const patience = 15_000; // milliseconds

/** What went wrong: the `code` of the service's answer, or `offline` where none came. */
export class ApiError extends Error {
  /**
   * @param {string} code
   * @param {string} [detail]
   * @param {{ status?: number, retryAfter?: number, problem?: any }} [more]
   */
  constructor(code, detail = "", more = {}) {
    super(detail || code);
    this.code = code;
    this.detail = detail;
    this.status = more.status ?? 0;
    this.retryAfter = more.retryAfter ?? 0;
    this.problem = more.problem ?? {};
  }
}

/** The error, where it is the service's; what is not is thrown on. @param {unknown} error */
export function known(error) {
  if (error instanceof ApiError) return error;
  throw error;
}

let serverAhead = 0;

/** The time by the server's clock, as far as its answers tell it: milliseconds since 1970. */
export const serverNow = () => Date.now() + serverAhead;

/**
 * Ask the service. Answers the parsed body and the response; throws an ApiError.
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {Record<string, string>} [more] headers
 * @returns {Promise<{ body: any, response: Response }>}
 */
export async function ask(method, path, body, more) {
  return request(method, addressOf(path), body, { Authorization: `Bearer ${token()}`, ...more });
}

/**
 * The same of any address, without a token unless it is among the headers.
 * @param {string} method
 * @param {string} address
 * @param {unknown} [body]
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{ body: any, response: Response }>}
 */
export async function request(method, address, body, headers) {
  const response = await send(method, address, body, headers);
  const text = response.status === 204 ? "" : await response.text().catch(cutOff);
  return { body: text ? parse(text) : null, response };
}

/** Paths of polls begin below theirs, all others with `/api/`. @param {string} path */
const addressOf = (path) => (path.startsWith("/api/") ? path : base + path);

const cutOff = () => {
  throw new ApiError("offline");
};

/** Fetch a file that only the holder of the token gets. @param {string} path */
export async function download(path) {
  const response = await send("GET", addressOf(path), undefined, { Authorization: `Bearer ${token()}` });
  return { blob: await response.blob(), name: fileName(response) };
}

/**
 * @param {string} method
 * @param {string} address
 * @param {unknown} [body]
 * @param {Record<string, string>} [more]
 */
async function send(method, address, body, more = {}) {
  /** @type {Record<string, string>} */
  const headers = { ...more };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(address, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      signal: AbortSignal.timeout(patience),
    });
  } catch {
    throw new ApiError("offline");
  }
  noteClock(response);
  if (!response.ok) throw await errorOf(response);
  return response;
}

/** @param {Response} response */
async function errorOf(response) {
  const problem = parse(await response.text().catch(() => "")) ?? {};
  return new ApiError(problem.code ?? "unknown", problem.detail, {
    status: response.status,
    retryAfter: Number(response.headers.get("Retry-After")) || 0,
    problem,
  });
}

// `Date` counts whole seconds: a smaller difference may be only its rounding.
/** @param {Response} response */
function noteClock(response) {
  const ahead = Date.parse(response.headers.get("Date") ?? "") + 500 - Date.now();
  if (Number.isFinite(ahead)) serverAhead = Math.abs(ahead) < 2000 ? 0 : ahead;
}

/** @param {string} text @returns {any} */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param {Response} response */
function fileName(response) {
  const said = /filename="?([^";]+)"?/.exec(response.headers.get("Content-Disposition") ?? "");
  return said ? said[1] : "poll";
}
