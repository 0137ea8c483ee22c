// @ts-check
// Files for the reader to keep.

import { el } from "./dom.js";

/** Hand a file to the browser to be saved. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
