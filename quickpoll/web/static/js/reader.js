// @ts-check
// Who reads the page: the language that the service chose, its direction, and what pages say in it.
// Fetched once: whatever imports this waits for it.

import { byId } from "./dom.js";

/** The language of everything on the page: one of those that there is a catalogue for. */
export const language = document.documentElement.lang || "en";

/** Whether the page is read from the right. */
export const fromRight = document.documentElement.dir === "rtl";

/** @type {Record<string, string | Record<string, string>>} */
export const catalogue = (await import(byId("texts").href)).default;
