// What voters hold, and what is opened at the close: read strictly, since nobody vouches for it.

import { fromBase64, textOf, utf8 } from "./bytes.js";
import { decimal, openNote } from "./notes.js";

const mostSteps = 48; // from a leaf to the root of the largest tree

const hash = (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
const id = (value) => typeof value === "string" && /^[0-9a-f]{24}$/.test(value);
const text = (value) => typeof value === "string" && !/[\ud800-\udfff]/u.test(value);
const path = (value) => Array.isArray(value) && value.every(text) && value.length <= mostSteps;
const whole = (value) => Number.isSafeInteger(value) && value >= 0 && value < 1e15;
const choice = (value) =>
  Array.isArray(value) && value.length > 0 && value.every(id) && new Set(value).size === value.length;

function object(bytes) {
  let found;
  try {
    found = JSON.parse(textOf(bytes));
  } catch {
    throw new Error("it is not JSON");
  }
  return inner({ found }, "found");
}

/** The object inside an object, or that itself where it has none. */
function inner(found, name) {
  const within = Object.hasOwn(found, name) ? found[name] : found;
  if (typeof within !== "object" || within === null || Array.isArray(within)) {
    throw new Error(`${name} is malformed`);
  }
  return within;
}

function heldTo(forms, found) {
  for (const [name, form] of Object.entries(forms)) {
    if (!Object.hasOwn(found, name) || !form(found[name])) throw new Error(`${name} is missing or malformed`);
  }
}

/** Size and root in a live update, or in its `checkpoint` alone. */
export function parseAnnounced(bytes) {
  const found = inner(object(bytes), "checkpoint");
  heldTo({ size: whole, root: text }, found);
  return { size: found.size, root: fromBase64(found.root, 32) };
}

/** The lines of `/openings`, in their order. */
export function parseOpenings(bytes) {
  return textOf(bytes).split("\n").filter(Boolean).map((line) => {
    const found = object(utf8(line));
    heldTo({ tag: hash, salt: hash, optionIds: choice }, found);
    if (Object.keys(found).length > 3) throw new Error("it holds more than tag, salt and optionIds");
    return found;
  });
}

/** A receipt: a tlog-proof (https://c2sp.org/tlog-proof) with what opens its entry in `extra`. */
export function parseReceipt(bytes) {
  const cut = bytes.findIndex((byte, at) => byte === 10 && bytes[at + 1] === 10);
  const lines = cut < 0 ? [] : textOf(bytes.subarray(0, cut)).split("\n");
  if (lines.shift() !== "c2sp.org/tlog-proof@v1") throw new Error("it is not a tlog-proof");
  const extra = lines[0]?.startsWith("extra ") ? fromBase64(lines.shift().slice(6)) : null;
  const index = lines.shift() ?? "";
  if (!index.startsWith("index ") || !decimal.test(index.slice(6))) throw new Error("it names no index");
  const hashes = lines.map((line) => fromBase64(line, 32));
  if (!extra) throw new Error("it has no extra line");
  const found = object(extra);
  const opened = Object.hasOwn(found, "salt") || Object.hasOwn(found, "optionIds");
  heldTo({ entry: text, pepper: hash, userId: id, ...(opened && { salt: hash, optionIds: choice }) }, found);
  const { entry, pepper, userId, salt, optionIds } = found;
  const checkpoint = bytes.subarray(cut + 2);
  return { index: Number(index.slice(6)), path: hashes, checkpoint, entry: utf8(entry), pepper, userId, salt, optionIds };
}

/** A promise: the object itself, the whole Vote around it, or the header's value. */
export function parsePromise(bytes) {
  const said = textOf(bytes).trim();
  const around = object(said.startsWith("{") ? utf8(said) : fromBase64(said));
  const found = inner(around, "promise");
  const salted = Object.hasOwn(found, "salt") && { salt: hash };
  heldTo({ entry: text, pepper: hash, index: whole, path, note: text, ...salted }, found);
  const known = Object.entries({ userId: id, optionIds: choice }).filter(([name]) => Object.hasOwn(around, name));
  heldTo(Object.fromEntries(known), around);
  return {
    entry: utf8(found.entry),
    pepper: found.pepper,
    salt: found.salt,
    index: found.index,
    path: found.path.map((one) => fromBase64(one, 32)),
    note: utf8(found.note),
    userId: around.userId,
    optionIds: around.optionIds,
  };
}

/** The root that a promise's note signs, and when it is due (null: at the next close). */
export async function openPromise(note, keys) {
  const { text: said } = await openNote(note, keys);
  const found = /^quickpoll promise v1\nroot ([^\n]{44})\nby (close|0|[1-9][0-9]{0,14})\n$/.exec(said);
  if (!found) throw new Error("it is signed, but no promise");
  return { root: fromBase64(found[1], 32), due: found[2] === "close" ? null : Number(found[2]) };
}
