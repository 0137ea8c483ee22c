// @ts-check
// A list that people put in order: by dragging, or by two buttons a row, which do the same by one tap
// or a key (WCAG 2.5.7). A row that is fixed stays where it is.

import { el, show } from "./dom.js";
import * as page from "./page.js";
import { t } from "./texts.js";

const edge = 48; // pixels at the ends of the window in which a long list goes on under the finger

/** @typedef {{ text: string, id?: string, fixed?: boolean }} Item */

export class OrderList {
  /**
   * @param {HTMLElement} list
   * @param {(from: number, to: number) => void} moved told where a row was, and where it is now
   */
  constructor(list, moved) {
    this.list = list;
    this.moved = moved;
    /** @type {Item[]} in the order that is shown */
    this.items = [];
    /** @type {Map<Element, Item>} */
    this.of = new Map();
  }

  /** Show these; one that could go nowhere is fixed. @param {Item[]} given */
  show(given) {
    const alone = given.filter(({ fixed }) => !fixed).length < 2;
    const items = alone ? given.map((one) => ({ ...one, fixed: true })) : given;
    if (JSON.stringify(items) === JSON.stringify(this.items)) return;
    this.items = items;
    this.of = new Map(items.map((item) => [this.#row(item), item]));
    this.list.replaceChildren(...this.of.keys());
    this.#renumber();
  }

  get #rows() {
    return /** @type {HTMLElement[]} */ ([...this.list.children]);
  }

  /** @param {Item} item */
  #row({ text, fixed }) {
    const row = el("li", { class: "order-row" });
    if (!fixed) row.append(this.#handle(row));
    row.append(el("span", { class: "order-text", dir: "auto" }, text));
    if (!fixed) row.append(this.#button(row, -1), this.#button(row, 1));
    return row;
  }

  /** @param {HTMLElement} row @param {number} by */
  #button(row, by) {
    const button = el("button", { type: "button", class: "plain" }, el("span", { "aria-hidden": "true" }, by < 0 ? "↑" : "↓"));
    button.dataset.by = String(by);
    button.addEventListener("click", () => {
      const from = this.#rows.indexOf(row);
      this.#put(row, this.#next(from, by));
      this.#done(from, row);
      (button.hidden ? row.querySelector("button:not([hidden])") : button)?.focus();
    });
    return button;
  }

  // The place that a row gets that goes up or down by one: fixed ones are passed over.
  /** @param {number} from @param {number} by */
  #next(from, by) {
    let to = from + by;
    while (this.items[to]?.fixed) to += by;
    return this.items[to] ? to : from;
  }

  /** @param {HTMLElement} row */
  #handle(row) {
    const handle = el("span", { class: "order-handle", "aria-hidden": "true" }, "⠿");
    handle.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      if (event.button === 0) this.#drag(row, handle, event);
    });
    return handle;
  }

  /** @param {HTMLElement} row @param {HTMLElement} handle @param {PointerEvent} event */
  #drag(row, handle, event) {
    event.preventDefault();
    const from = this.#rows.indexOf(row);
    const over = new AbortController();
    const end = (/** @type {boolean} */ kept) => {
      over.abort();
      row.classList.remove("is-dragged");
      if (!kept) this.#put(row, from);
      this.#done(from, row);
    };
    handle.setPointerCapture(event.pointerId);
    row.classList.add("is-dragged");
    const on = (/** @type {string} */ name, /** @type {(event: any) => void} */ run) =>
      addEventListener(name, run, { signal: over.signal });
    on("pointermove", ({ clientY }) => {
      this.#put(row, this.#under(clientY, row));
      if (clientY < edge) scrollBy(0, -edge / 4);
      else if (clientY > innerHeight - edge) scrollBy(0, edge / 4);
    });
    on("pointerup", () => end(true));
    on("pointercancel", () => end(false));
    on("keydown", ({ key }) => key === "Escape" && end(false));
  }

  /** The place nearest to that height which is not fixed. @param {number} y @param {HTMLElement} row */
  #under(y, row) {
    const here = this.#rows.indexOf(row);
    const distances = this.#rows.map((one, place) => {
      const { top, height } = one.getBoundingClientRect();
      return this.items[place].fixed ? Infinity : Math.abs(y - top - height / 2);
    });
    const nearest = distances.indexOf(Math.min(...distances));
    return distances[here] === distances[nearest] ? here : nearest;
  }

  // Fixed rows keep their places: what lies between is shifted over them.
  /** @param {HTMLElement} row @param {number} to */
  #put(row, to) {
    const from = this.#rows.indexOf(row);
    if (to === from) return;
    const rows = this.#rows;
    const free = rows.map((_, place) => place).filter((place) => !this.items[place].fixed);
    const loose = free.map((place) => rows[place]).filter((one) => one !== row);
    loose.splice(free.indexOf(to), 0, row);
    const ordered = [...rows];
    free.forEach((place, number) => (ordered[place] = loose[number]));
    this.list.append(...ordered);
  }

  /** @param {number} from @param {HTMLElement} row */
  #done(from, row) {
    this.#renumber();
    const to = this.#rows.indexOf(row);
    if (to === from) return;
    this.items = this.#rows.map((one) => /** @type {Item} */ (this.of.get(one)));
    const question = this.items[to].text;
    page.announce(t("session_order_moved", { question, place: to + 1, all: this.items.length }));
    this.moved(from, to);
  }

  #renumber() {
    const free = this.items.flatMap(({ fixed }, place) => (fixed ? [] : [place]));
    this.#rows.forEach((row, place) => {
      for (const button of /** @type {NodeListOf<HTMLElement>} */ (row.querySelectorAll("button"))) {
        const up = button.dataset.by === "-1";
        button.setAttribute("aria-label", t(up ? "move_up" : "move_down", { place: place + 1 }));
        show(button, place !== (up ? free[0] : free[free.length - 1]));
      }
    });
  }
}
