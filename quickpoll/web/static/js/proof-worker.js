// @ts-check
// A proof of work as ALTCHA's widget does it, apart from the page, which stays quick meanwhile: the
// number of which SHA-256(salt, number) is the challenge. In plain script, because a page over plain
// HTTP (a laptop in a hall) has no WebCrypto, and many short digests cost less without it.

import { sha256 } from "../vendor/noble-hashes/sha2.js";

const text = new TextEncoder();

self.addEventListener("message", ({ data }) => {
  const { challenge, salt, maxnumber } = data;
  for (let number = 0; number <= maxnumber; number++) {
    if (hex(sha256(text.encode(salt + number))) === challenge) return self.postMessage(number);
  }
  self.postMessage(null);
});

/** @param {Uint8Array} bytes */
function hex(bytes) {
  let found = "";
  for (const byte of bytes) found += (byte < 16 ? "0" : "") + byte.toString(16);
  return found;
}
