// Who is using this tab. The token comes from `#token=…` or the field, and lives as long as the tab.

const key = "quickpoll-token";

/** Take a token out of the address, so that it is neither shared nor shown. */
export function takeFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null) return false;
  history.replaceState(history.state, "", location.pathname + location.search);
  if (given.trim()) keep(given);
  return true;
}

/** Keep a token for this tab; "Bearer " in front of it is forgiven. */
export function keep(token) {
  sessionStorage.setItem(key, token.trim().replace(/^Bearer\s+/i, ""));
}

export function forget() {
  sessionStorage.removeItem(key);
}

export function token() {
  return sessionStorage.getItem(key) ?? "";
}

/** Whether a text could be a token at all: three parts in base64url. */
export function looksLikeToken(text) {
  return /^(Bearer\s+)?[\w-]+\.[\w-]+\.[\w-]+$/i.test(text.trim());
}

/** What the token says of its holder. Nothing is decided by it: the service checks, we only show. */
export function holder() {
  const claims = readClaims(token());
  const id = claims[document.body.dataset.userIdClaim || "sub"];
  const roles = Array.isArray(claims.roles) ? claims.roles : [];
  return {
    id: typeof id === "string" ? id.toLowerCase() : "",
    admin: roles.includes("admin"),
    expired: typeof claims.exp === "number" && claims.exp * 1000 <= Date.now(),
  };
}

function readClaims(text) {
  try {
    const middle = text.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(middle), (letter) => letter.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {};
  }
}
