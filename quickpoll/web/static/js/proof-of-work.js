// @ts-check
// Solving a proof of work in a worker, so that many guests from one address cost a crowd nothing and
// a flood much.

/** @typedef {{ algorithm: string, challenge: string, salt: string, signature: string, maxnumber: number }} Challenge */

/**
 * The payload that ALTCHA's widget makes of a solved challenge. Throws where there is no worker.
 * @param {Challenge} asked
 * @returns {Promise<string>}
 */
export async function solve(asked) {
  const began = performance.now();
  const worker = new Worker(/** @type {any} */ (trusted(new URL("./proof-worker.js", import.meta.url).href)), {
    type: "module",
  });
  try {
    const number = await new Promise((resolve, reject) => {
      worker.addEventListener("message", ({ data }) => resolve(data));
      worker.addEventListener("error", reject);
      worker.postMessage(asked);
    });
    const { algorithm, challenge, salt, signature } = asked;
    const took = Math.round(performance.now() - began);
    return btoa(JSON.stringify({ algorithm, challenge, number, salt, signature, took }));
  } finally {
    worker.terminate();
  }
}

// The one address that may become a script here; the page's policy knows no other.
/** @param {string} address @returns {unknown} */
function trusted(address) {
  const types = /** @type {any} */ (globalThis).trustedTypes;
  policy ??= types?.createPolicy("quickpoll-worker", { createScriptURL: (/** @type {string} */ one) => one });
  return policy ? policy.createScriptURL(address) : address;
}

/** @type {any} */
let policy;
