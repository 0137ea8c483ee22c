// @ts-check
// Within the joined module, in place of what a page of ours says of its reader (`locale.js`,
// `texts.js`): nobody chose a language yet. It is the one
// named with the module's address (`?lang=`), or by the first element (`lang`), or the browser's first
// of those that there are.

import { names, texts } from "./all-texts.js";

const asked = new URL(import.meta.url).searchParams.get("lang");
const named = document.querySelector("quick-poll[lang]")?.getAttribute("lang");

/** The language of every element on the page. */
export const language = first([asked ?? "", named ?? "", ...navigator.languages]);

/** Whether it is read from the right. */
export const fromRight = language === "ar";

/** @type {Record<string, string | Record<string, string>>} */
export const catalogue = Object.fromEntries(names.map((name, place) => [name, texts[language][place]]));

/** @param {string[]} tags */
function first(tags) {
  const known = tags.map((tag) => tag.toLowerCase().split(/[-_]/)[0]);
  return known.find((tag) => Object.hasOwn(texts, tag)) ?? "en";
}
