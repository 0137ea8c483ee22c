// The REST interface: a request, or an error with a code.

import { token } from "./session.js";

const base = "/api/poll";
const patience = 15_000; // milliseconds

/** What went wrong: the `code` of the service's answer, or `offline` where none came. */
export class ApiError extends Error {
  constructor(code, detail = "", more = {}) {
    super(detail || code);
    this.code = code;
    this.detail = detail;
    this.status = more.status ?? 0;
    this.retryAfter = more.retryAfter ?? 0;
    this.problem = more.problem ?? {};
  }
}

let serverAhead = 0;

/** The time by the server's clock, as far as its answers tell it: milliseconds since 1970. */
export const serverNow = () => Date.now() + serverAhead;

/** Ask the service. Answers the parsed body and the response; throws an ApiError. */
export async function ask(method, path, body) {
  const response = await send(method, path, body);
  const text = response.status === 204 ? "" : await response.text().catch(() => "");
  return { body: text ? parse(text) : null, response };
}

/** Fetch a file that only the holder of the token gets. */
export async function download(path) {
  const response = await send("GET", path);
  return { blob: await response.blob(), name: fileName(response) };
}

async function send(method, path, body) {
  const headers = { Authorization: `Bearer ${token()}` };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(base + path, {
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

async function errorOf(response) {
  const problem = parse(await response.text().catch(() => "")) ?? {};
  return new ApiError(problem.code ?? "unknown", problem.detail, {
    status: response.status,
    retryAfter: Number(response.headers.get("Retry-After")) || 0,
    problem,
  });
}

// `Date` counts whole seconds: a smaller difference may be only its rounding.
function noteClock(response) {
  const ahead = Date.parse(response.headers.get("Date")) + 500 - Date.now();
  if (Number.isFinite(ahead)) serverAhead = Math.abs(ahead) < 2000 ? 0 : ahead;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function fileName(response) {
  const said = /filename="?([^";]+)"?/.exec(response.headers.get("Content-Disposition") ?? "");
  return said ? said[1] : "poll";
}
