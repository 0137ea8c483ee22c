// @ts-check
// Who is using this tab. The token comes from `#token=…`, from another tab of this browser, or from
// the field, and lives as long as the tab: in sessionStorage, or where a browser allows none (as in
// a frame of another site), in memory.

const key = "quickpoll-token";
const othersAnswerWithin = 150; // milliseconds

let memory = "";
const tabs = openChannel();

/** Take a token out of the address, so that it is neither shared nor shown. */
export function takeFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null) return false;
  history.replaceState(history.state, "", location.pathname + location.search);
  if (given.trim()) keep(given);
  return true;
}

/** Keep a token for this tab; "Bearer " in front of it is forgiven. @param {string} given */
export function keep(given) {
  const bare = given.trim().replace(/^Bearer\s+/i, "");
  memory = bare;
  stored((storage) => storage.setItem(key, bare));
}

/** Forget the token, and do not ask other tabs for it again. */
export function forget() {
  memory = "";
  stored((storage) => storage.removeItem(key));
  history.replaceState({ ...history.state, alone: true }, "");
}

/** The token of this tab; empty where there is none. @returns {string} */
export function token() {
  return stored((storage) => storage.getItem(key)) ?? memory;
}

// Reading the property itself throws where storage is denied.
/**
 * @template T
 * @param {(storage: Storage) => T} use
 * @returns {T | null}
 */
function stored(use) {
  try {
    return use(sessionStorage);
  } catch {
    return null;
  }
}

/** Whether a text could be a token at all: three parts in base64url. @param {string} text */
export function looksLikeToken(text) {
  return /^(Bearer\s+)?[\w-]+\.[\w-]+\.[\w-]+$/i.test(text.trim());
}

/** What the token says of its holder. Nothing is decided by it: the service checks, we only show. */
export function holder() {
  const claims = readClaims(token());
  const id = claims[document.body.dataset.userIdClaim || "sub"];
  const roles = Array.isArray(claims.roles) ? claims.roles : [];
  return { id: typeof id === "string" ? id.toLowerCase() : "", admin: roles.includes("admin") };
}

/** @param {string} text @returns {Record<string, unknown>} */
function readClaims(text) {
  try {
    const middle = text.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(middle), (letter) => letter.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {};
  }
}

// -- other tabs of the same browser ------------------------------------------------------------

function openChannel() {
  try {
    return new BroadcastChannel("quickpoll");
  } catch {
    return null;
  }
}

/** Get the token of another tab, unless this one has its own or wants none. Whether there is one. */
export async function tokenFromOtherTabs() {
  if (token() || !tabs || history.state?.alone) return Boolean(token());
  tabs.postMessage({ ask: "token" });
  return new Promise((resolve) => {
    const late = setTimeout(() => resolve(false), othersAnswerWithin);
    tabs.addEventListener("message", ({ data }) => {
      if (typeof data?.token !== "string" || token()) return;
      clearTimeout(late);
      keep(data.token);
      resolve(true);
    });
  });
}

/** Answer tabs that ask for the token. */
export function answerOtherTabs() {
  tabs?.addEventListener("message", ({ data }) => {
    if (data?.ask === "token" && token()) tabs.postMessage({ token: token() });
  });
}

/** Tell the other tabs that this person did something to a poll. @param {string} pollId */
export function tellOtherTabs(pollId) {
  tabs?.postMessage({ did: pollId, by: holder().id });
}

/**
 * Hear what the same person did to a poll in another tab.
 * @param {(pollId: string) => void} hear
 */
export function onOtherTabs(hear) {
  tabs?.addEventListener("message", ({ data }) => {
    if (typeof data?.did === "string" && data.by === holder().id) hear(data.did);
  });
}
