// Signed notes, verifier keys, checkpoints (https://c2sp.org/signed-note, /tlog-checkpoint).

import { fromBase64, hexOf, joined, textOf, utf8 } from "./bytes.js";
import { isSigned, sha256 } from "./digest.js";

const verifierKey = /^([^\s+\x00-\x1f\x7f]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u;
const signatureLine = /^— ([^\s+]+) ([A-Za-z0-9+/=]+)$/u;
const mostSignatures = 64;
export const decimal = /^(?:0|[1-9][0-9]{0,14})$/;

/** No signature of a known key, or one that is wrong. */
export class UnknownSigner extends Error {}

function plain(bytes) {
  const text = textOf(bytes);
  if (/[\x00-\x09\x0b-\x1f]/.test(text)) throw new Error("it holds control characters");
  return text;
}

/** Read `<name>+<key id>+<base64(0x01 ‖ public key)>`. */
export async function parseKey(text) {
  const found = verifierKey.exec(text.trim());
  if (!found) throw new Error("a verifier key is <name>+<8 hex digits>+<base64>");
  const [, name, said, encoded] = found;
  const content = fromBase64(encoded, 33);
  if (content[0] !== 1) throw new Error("the key is not an Ed25519 key");
  const id = hexOf((await sha256(joined(utf8(`${name}\n`), content))).subarray(0, 4));
  if (id !== said) throw new Error("the key's id does not fit the key");
  return { name, id, publicKey: content.subarray(1) };
}

/** The lines of `/log/key`. */
export async function parseKeys(bytes) {
  const lines = plain(bytes).split("\n").filter(Boolean);
  return Promise.all(lines.map(parseKey));
}

/** The text of a note that one of these keys signed, and the key. */
export async function openNote(bytes, keys) {
  const whole = plain(bytes);
  const cut = whole.lastIndexOf("\n\n");
  const lines = whole.slice(cut + 2).split("\n");
  if (cut < 0 || lines.length < 2 || lines.pop() !== "") throw new Error("it has no signatures");
  if (lines.length > mostSignatures) throw new Error("it has too many signatures");
  const text = whole.slice(0, cut + 1);
  let signer = null;
  for (const line of lines) {
    const { name, id, signature } = signed(line);
    const key = keys.find((one) => one.name === name && one.id === id);
    if (!key) continue;
    if (!(await isSigned(key.publicKey, utf8(text), signature))) {
      throw new UnknownSigner(`the signature of ${name} is wrong`);
    }
    signer ??= key;
  }
  if (!signer) throw new UnknownSigner("it is not signed by a key that is trusted here");
  return { text, key: signer };
}

function signed(line) {
  const found = signatureLine.exec(line);
  if (!found) throw new Error("a signature line is — <key name> <base64>");
  const content = fromBase64(found[2]);
  if (content.length < 5) throw new Error("a signature is too short");
  return { name: found[1], id: hexOf(content.subarray(0, 4)), signature: content.subarray(4) };
}

/** A signed checkpoint: origin, size, root, and the key. */
export async function openCheckpoint(bytes, keys) {
  const { text, key } = await openNote(bytes, keys);
  const lines = text.split("\n");
  if (lines.length !== 4 || lines[3] || !lines[0]) {
    throw new Error("a checkpoint is an origin, a size and a root, a line each");
  }
  if (!decimal.test(lines[1])) throw new Error("the size is no number");
  return { origin: lines[0], size: Number(lines[1]), root: fromBase64(lines[2], 32), key };
}
