// SHA-256 and Ed25519: WebCrypto where the browser has it, else a library of our own copy. Pages
// over plain HTTP have no WebCrypto, and older browsers no Ed25519 in it.

import { hexOf, joined, utf8 } from "./bytes.js";

const fallbacks = { hashes: null, ed25519: null };

const hashes = () => (fallbacks.hashes ??= import("../../vendor/noble-hashes/sha2.js"));

const ed25519 = () =>
  (fallbacks.ed25519 ??= Promise.all([import("../../vendor/noble-ed25519/index.js"), hashes()]).then(
    ([library, { sha512 }]) => {
      library.hashes.sha512 = sha512;
      return library;
    },
  ));

const subtle = () => globalThis.crypto?.subtle;

export async function sha256(bytes) {
  if (subtle()) return new Uint8Array(await subtle().digest("SHA-256", bytes));
  return (await hashes()).sha256(bytes);
}

/** The hash of lines, each ended by a newline, as hex. */
export async function hashOfLines(...lines) {
  return hexOf(await sha256(utf8(lines.map((line) => `${line}\n`).join(""))));
}

/** Whether a signature over bytes is that of a public key. */
export async function isSigned(publicKey, bytes, signature) {
  const key = await imported(publicKey);
  if (key) return subtle().verify("Ed25519", key, signature, bytes);
  const library = await ed25519();
  try {
    return library.verify(signature, bytes, publicKey, { zip215: false });
  } catch {
    return false; // no signature, or no key, at all
  }
}

async function imported(publicKey) {
  try {
    return await subtle()?.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  } catch {
    return undefined; // a browser without Ed25519; a bad key is told by the library
  }
}

/** The hash of an entry, and that of two neighbours: they begin with different bytes. */
export const leafHash = (entry) => sha256(joined(Uint8Array.of(0), entry));
export const nodeHash = (left, right) => sha256(joined(Uint8Array.of(1), left, right));
