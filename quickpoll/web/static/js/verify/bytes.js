// Bytes and texts, each in one spelling only.

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const utf8 = (text) => encoder.encode(text);

/** A text; throws where the bytes are not UTF-8. */
export const textOf = (bytes) => strict.decode(bytes);

export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const same = (one, other) =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);

export const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export const toBase64 = (bytes) => btoa(String.fromCharCode(...bytes));

/** Standard base64 with padding, and no other spelling of it; of `length` bytes, where it is given. */
export function fromBase64(text, length) {
  let found;
  try {
    found = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    throw new Error("bad base64");
  }
  if ((length !== undefined && found.length !== length) || btoa(atob(text)) !== text) {
    throw new Error("bad base64");
  }
  return found;
}
