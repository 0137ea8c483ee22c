// @ts-check
// Whether an origin is one of a list of sources, as `frame-ancestors` reads them (CSP, 6.7.2).

/** @param {string[]} sources @param {string} origin @param {string} self the origin of this page */
export function allows(sources, origin, self) {
  let place;
  try {
    place = new URL(origin);
  } catch {
    return false; // an origin that is none: "null"
  }
  return sources.some((source) => matches(source, place, self));
}

/** @param {string} source @param {URL} place @param {string} self */
function matches(source, place, self) {
  if (source === "*") return /^(https?|wss?):$/.test(place.protocol);
  if (source === "'self'") return place.origin === self;
  if (/^[a-z][a-z0-9+.-]*:$/i.test(source)) return sameScheme(source.toLowerCase(), place.protocol);
  const found = /^(?:([a-z][a-z0-9+.-]*:)\/\/)?([^/:]+|\[[^\]]+\])(?::(\d+|\*))?(?:\/.*)?$/i.exec(source);
  if (!found) return false;
  const [, scheme = new URL(self).protocol, host, port] = found;
  return sameScheme(scheme.toLowerCase(), place.protocol) && sameHost(host.toLowerCase(), place.hostname) && samePort(port, place);
}

// What is allowed without encryption is allowed with it.
/** @param {string} wanted @param {string} there */
const sameScheme = (wanted, there) => wanted === there || (wanted === "http:" && there === "https:");

/** @param {string} wanted @param {string} there */
const sameHost = (wanted, there) => (wanted.startsWith("*.") ? there.endsWith(wanted.slice(1)) : wanted === there);

/** @param {string | undefined} wanted @param {URL} place */
function samePort(wanted, place) {
  if (wanted === "*") return true;
  const usual = { "http:": "80", "https:": "443" }[place.protocol] ?? "";
  const there = place.port || usual;
  return wanted ? wanted === there || (wanted === "80" && there === "443") : there === usual;
}
