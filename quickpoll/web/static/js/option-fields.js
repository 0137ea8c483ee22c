// @ts-check
// The rows of a form in which a poll's options are typed, or pasted.

import { el, show } from "./dom.js";
import { fewestOptions, mostOptions } from "./limits.js";
import { t } from "./texts.js";

export class OptionFields {
  /**
   * @param {HTMLElement} list
   * @param {string} describedBy the id of what says what is wrong with options
   * @param {(full: boolean) => void} changed told when rows come and go
   */
  constructor(list, describedBy, changed) {
    this.list = list;
    this.describedBy = describedBy;
    this.changed = changed;
  }

  /** @returns {HTMLInputElement[]} */
  get inputs() {
    return [...this.list.querySelectorAll("input")];
  }

  /** The options that were filled in, and where: what is left empty is left out. */
  get filled() {
    return this.inputs
      .map((input) => ({ input, id: input.dataset.id ?? "", text: input.value.trim() }))
      .filter(({ text }) => text);
  }

  get full() {
    return this.list.children.length >= mostOptions;
  }

  clear() {
    this.list.replaceChildren();
  }

  /**
   * One more row; answers its field, or null where there are as many as a poll may have.
   * @param {{ text?: string, id?: string, fixed?: boolean, after?: Element }} [row]
   */
  add({ text = "", id = "", fixed = false, after } = {}) {
    if (this.full) return null;
    const input = el("input", {
      type: "text",
      name: "option",
      value: text,
      dir: "auto",
      autocomplete: "off",
      enterKeyHint: "next",
      disabled: fixed,
      "aria-describedby": this.describedBy,
    });
    input.dataset.id = id;
    const row = el("li", {}, input);
    if (!fixed) this.#enable(row, input);
    if (after) after.after(row);
    else this.list.append(row);
    this.#renumber();
    return input;
  }

  /** @param {HTMLElement} row @param {HTMLInputElement} input */
  #enable(row, input) {
    row.append(this.#remover(row));
    input.addEventListener("keydown", (event) => this.#key(event, row));
    input.addEventListener("paste", (event) => this.#paste(event, input));
  }

  /** @param {HTMLElement} row */
  #remover(row) {
    const button = el("button", { type: "button", class: "plain remove" }, t("remove"));
    button.addEventListener("click", () => {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      this.#renumber();
      next?.querySelector("input")?.focus();
      this.list.dispatchEvent(new Event("input", { bubbles: true }));
    });
    return button;
  }

  // Enter is for the next option, not for the whole poll. While text is composed it is the composer's.
  /** @param {KeyboardEvent} event @param {HTMLElement} row */
  #key(event, row) {
    if (event.key !== "Enter" || event.isComposing || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    (this.add({ after: row }) ?? row.nextElementSibling?.querySelector("input"))?.focus();
  }

  // A pasted list fills rows: what is empty first, then new ones.
  /** @param {ClipboardEvent} event @param {HTMLInputElement} input */
  #paste(event, input) {
    const lines = linesOf(event.clipboardData?.getData("text/plain") ?? "");
    if (lines.length < 2) return;
    event.preventDefault();
    let last = input;
    if (!input.value.trim()) input.value = String(lines.shift());
    for (const line of lines) last = this.#fill(line, last) ?? last;
    last.focus();
    this.list.dispatchEvent(new Event("input", { bubbles: true }));
  }

  /** @param {string} text @param {HTMLInputElement} before */
  #fill(text, before) {
    const row = before.closest("li");
    const next = row?.nextElementSibling?.querySelector("input");
    if (next && !next.value.trim()) {
      next.value = text;
      return next;
    }
    return this.add({ text, after: row ?? undefined });
  }

  // Of the fewest options that a poll may have none can be taken out.
  #renumber() {
    const rows = [...this.list.children];
    rows.forEach((row, place) => {
      row.querySelector("input")?.setAttribute("aria-label", t("option_numbered", { place: place + 1 }));
      const remove = /** @type {HTMLElement | null} */ (row.querySelector(".remove"));
      if (!remove) return;
      remove.setAttribute("aria-label", t("remove_option_numbered", { place: place + 1 }));
      show(remove, rows.length > fewestOptions);
    });
    this.changed(this.full);
  }
}

/** The lines of a pasted list, without the marks in front where every line has one. @param {string} text */
function linesOf(text) {
  const lines = text.split(/[\r\n]+/).map((line) => line.trim()).filter(Boolean);
  const mark = /^(?:[-*•‣▪◦–]|\d{1,2}[.)])\s+/;
  return lines.every((line) => mark.test(line)) ? lines.map((line) => line.replace(mark, "")) : lines;
}
