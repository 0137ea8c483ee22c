// @ts-check
// The proof of work that the service asks for where very many guests come from one address: the
// number whose digest, after the salt, is the challenge (ALTCHA).

/** @typedef {{ algorithm: string, challenge: string, salt: string, signature: string, maxnumber?: number, maxNumber?: number }} Challenge */

const atOnce = 500; // digests that are waited for together

/** The answer to a challenge, as ALTCHA's widget sends it. @param {Challenge} asked */
export async function solved(asked) {
  const { algorithm, challenge, salt, signature } = asked;
  const most = asked.maxnumber ?? asked.maxNumber ?? 1_000_000;
  for (let first = 0; first <= most; first += atOnce) {
    const numbers = Array.from({ length: atOnce }, (_, place) => first + place);
    const digests = await Promise.all(numbers.map((number) => digest(algorithm, salt + number)));
    const place = digests.indexOf(challenge);
    if (place >= 0) return btoa(JSON.stringify({ algorithm, challenge, number: numbers[place], salt, signature }));
  }
  return "";
}

/** @param {string} algorithm @param {string} text */
async function digest(algorithm, text) {
  const bytes = new Uint8Array(await crypto.subtle.digest(algorithm, new TextEncoder().encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
