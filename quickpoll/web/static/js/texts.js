// @ts-check
// What pages say, in the language of the reader. One catalogue a language; a text is a sentence, or
// one for each plural category of the language. Fetched once: whatever imports this waits for it.

import { byId } from "./dom.js";
import { fromRight, number, plural } from "./locale.js";

/** @type {Record<string, string | Record<string, string>>} */
export const catalogue = (await import(byId("texts").href)).default;

/**
 * The text of this name. Numbers get the language's digits, `n` chooses the plural.
 * @param {string} name
 * @param {Record<string, string | number>} [values]
 */
export function t(name, values = {}) {
  const found = catalogue[name];
  const text = typeof found === "string" ? found : found[plural(Number(values.n))];
  return text.replace(/\{(\w+)\}/g, (_place, value) => within(values[value]));
}

/** @param {string | number} value */
const within = (value) => (typeof value === "number" ? number(value) : isolated(value));

const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]/;

// What people wrote keeps its own direction within a sentence of ours, and bends none of it.
/** @param {string} text */
function isolated(text) {
  const mixed = fromRight || rightToLeft.test(text);
  return mixed ? `\u2068${text}\u2069` : text;
}
