// @ts-check
// Who is using this tab. The token comes from `#token=…`, from another tab of this browser, or from
// the field, and lives as long as the tab: in sessionStorage, or where a browser allows none (as in
// a frame of another site), in memory. A guest's belongs to the device, in localStorage; it counts
// where the tab has none of its own.

const key = "quickpoll-token";
const guestKey = "quickpoll-guest";
const othersAnswerWithin = 150; // milliseconds

let memory = "";
let guestMemory = "";
const tabs = openChannel();

/** Take a token out of the address, so that it is neither shared nor shown. */
export function takeFromAddress() {
  const given = outOfAddress("token");
  if (given?.trim()) keep(given);
  return given !== null;
}

/** Take an invitation out of the address. @returns {string} empty where there is none */
export const inviteFromAddress = () => outOfAddress("invite")?.trim() ?? "";

/** @param {string} name */
function outOfAddress(name) {
  const given = new URLSearchParams(location.hash.slice(1)).get(name);
  if (given !== null) history.replaceState(history.state, "", location.pathname + location.search);
  return given;
}

/** Keep a token for this tab; "Bearer " in front of it is forgiven. @param {string} given */
export function keep(given) {
  const bare = given.trim().replace(/^Bearer\s+/i, "");
  memory = bare;
  stored((storage) => storage.setItem(key, bare));
}

/** Forget the token, and do not ask other tabs for it again. The device remembers its guest. */
export function forget() {
  forgetOwn();
  history.replaceState({ ...history.state, alone: true }, "");
}

/** Forget this tab's own token: the device's guest is who uses it. */
export function forgetOwn() {
  memory = "";
  stored((storage) => storage.removeItem(key));
}

/** The token in use; empty where there is none. @returns {string} */
export const token = () => own() || (history.state?.alone ? "" : guestToken());

/** The tab's own. @returns {string} */
const own = () => stored((storage) => storage.getItem(key)) ?? memory;

/** Keep a guest's token for this device. @param {string} given */
export function keepGuest(given) {
  guestMemory = given;
  stored((storage) => storage.setItem(guestKey, given), () => localStorage);
  if (history.state?.alone) history.replaceState({ ...history.state, alone: false }, "");
}

/** The token of this device's guest; empty where there is none. @returns {string} */
export function guestToken() {
  return stored((storage) => storage.getItem(guestKey), () => localStorage) || guestMemory;
}

/** Whether a guest uses this tab. */
export const isGuest = () => Boolean(token()) && token() === guestToken();

/** When the guest's token ends, in milliseconds since 1970. */
export const guestEnds = () => Number(readClaims(guestToken()).exp) * 1000 || 0;

// Reading the property itself throws where storage is denied.
/**
 * @template T
 * @param {(storage: Storage) => T} use
 * @param {() => Storage} [where]
 * @returns {T | null}
 */
function stored(use, where = () => sessionStorage) {
  try {
    return use(where());
  } catch {
    return null;
  }
}

/** Whether a text could be a token at all: three parts in base64url. @param {string} text */
export function looksLikeToken(text) {
  return /^(Bearer\s+)?[\w-]+\.[\w-]+\.[\w-]+$/i.test(text.trim());
}

/** @type {{ token: string, id: string, admin: boolean } | undefined} */
let told;

/** Whether only the service can say who holds the token: what it makes of the claims is not in them. */
export const needsTelling = () =>
  document.body.dataset.holder === "asked" && Boolean(token()) && !isGuest() && told?.token !== token();

/** Keep what the service says of the holder of a token. @param {string} asked @param {any} said */
export function wasTold(asked, { userId, roles }) {
  told = { token: asked, id: userId, admin: roles.includes("admin") };
}

/** Who holds the token; no id where that is not known. Nothing is decided by it: the service checks,
 * we only show. */
export function holder() {
  if (told?.token === token()) return told;
  if (needsTelling()) return { id: "", admin: false };
  const claims = readClaims(token());
  const id = claims[(!isGuest() && document.body.dataset.userIdClaim) || "sub"];
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
    if (data?.ask === "token" && own()) tabs.postMessage({ token: own() });
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
