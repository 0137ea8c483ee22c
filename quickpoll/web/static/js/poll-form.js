// @ts-check
// The form for making a poll, and for changing one. What was not touched is not sent.

import { serverNow } from "./api.js";
import { byId, say, show } from "./dom.js";
import { lengthOf, longOptions, longestQuestion, wrongChoices, wrongDeadline, wrongOptions, wrongQuestion } from "./limits.js";
import { language } from "./locale.js";
import { OptionFields } from "./option-fields.js";
import { t } from "./texts.js";

/** @typedef {import("./types.js").PollView} PollView */
/** @typedef {import("./types.js").FieldError} FieldError */

const lastMoment = "9999-12-31T23:59"; // that a field can show
const plainSettings = ["minChoices", "maxChoices", "results", "visibility"];

export class PollForm {
  /** @type {PollView | null} */
  before = null;
  /** @type {Set<string>} */
  touched = new Set();
  textsFixed = false;

  /** @param {HTMLFormElement} form @param {string} prefix of the form's element ids, `new` or `edit` */
  constructor(form, prefix) {
    this.form = form;
    /** @type {any} */
    this.fields = form.elements;
    this.details = byId(`${prefix}-more`);
    this.adder = byId(`${prefix}-add-option`);
    this.wrong = `${prefix}-wrong-`;
    this.options = new OptionFields(byId(`${prefix}-options`), `${this.wrong}options`, (full) =>
      show(this.adder, !full && !this.textsFixed),
    );
    for (const words of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-wrong]"))) {
      this.#describe(words);
    }
    this.adder.addEventListener("click", () => this.options.add()?.focus());
    form.addEventListener("input", (event) => this.#touch(event));
  }

  // What is wrong with a field is read out with it.
  /** @param {HTMLElement} words */
  #describe(words) {
    const name = words.dataset.wrong ?? "";
    words.id = this.wrong + name;
    const field = this.fields[name];
    const others = field?.getAttribute("aria-describedby") ?? "";
    field?.setAttribute("aria-describedby", `${others} ${words.id}`.trim());
  }

  /** @param {Event} event */
  #touch(event) {
    this.touched.add(/** @type {any} */ (event.target).name ?? "option");
    this.#count();
  }

  // How long a text is, is told when the end is near, and what is too long is not cut.
  #count() {
    const length = lengthOf(this.#question());
    const near = length > longestQuestion * 0.8;
    say(this.#counter("question"), near ? t("characters_of", { n: length, most: longestQuestion }) : "");
    const [long] = longOptions(this.options.inputs.map((input) => input.value));
    say(this.#counter("options"), long ? this.#numbered(long.field, long.message) : "");
  }

  /** @param {string} name @returns {any} */
  #counter(name) {
    return this.form.querySelector(`[data-count="${name}"]`);
  }

  /** Start anew, with empty options to fill in. */
  clear() {
    this.form.reset();
    this.before = null;
    this.textsFixed = false;
    this.options.clear();
    this.options.add();
    this.options.add();
    this.unmark();
    this.touched.clear();
    this.#count();
  }

  /** Fill in a poll to change; its texts can be changed only where nobody has voted. @param {PollView} view @param {boolean} textsFixed */
  fill(view, textsFixed) {
    this.clear();
    this.before = view;
    this.textsFixed = textsFixed;
    this.#put(view);
    for (const name of ["question", "minChoices", "maxChoices", "allowVoteChange"]) {
      this.fields[name].disabled = textsFixed;
    }
  }

  /** Fill in a copy of a poll, to be changed before it is made. A deadline that is over is left out. @param {PollView} view */
  draft(view) {
    this.clear();
    const over = view.closesAt && Date.parse(view.closesAt) <= serverNow();
    const options = view.options.map(({ text }) => ({ id: "", text }));
    this.#put({ ...view, options, closesAt: over ? null : view.closesAt });
  }

  /** @param {PollView} view */
  #put(view) {
    this.options.clear();
    this.fields.question.value = view.question;
    for (const { text, id } of view.options) this.options.add({ text, id, fixed: this.textsFixed });
    for (const name of plainSettings) this.fields[name].value = /** @type {any} */ (view)[name];
    this.fields.allowVoteChange.checked = view.allowVoteChange;
    this.fields.closesAt.value = toLocal(view.closesAt);
    this.details.open = true;
    this.#count();
  }

  /** A new poll as the service takes it. Options left empty are left out. */
  poll() {
    const options = this.options.filled.map(({ text }) => ({ text }));
    return { question: this.#question(), options, ...this.#settings() };
  }

  /** What differs from the poll that was filled in. @returns {Record<string, unknown>} */
  changes() {
    const before = /** @type {any} */ (this.before);
    const now = { question: this.#question().trim(), ...this.#settings() };
    const changed = Object.entries(now).filter(([name, value]) => this.touched.has(name) && !same(value, before[name]));
    const options = this.options.filled.map(({ id, text }) => (id ? { id, text } : { text }));
    const had = before.options.map((/** @type {any} */ { id, text }) => ({ id, text }));
    const other = this.touched.has("option") && JSON.stringify(options) !== JSON.stringify(had);
    return { ...Object.fromEntries(changed), ...(other ? { options } : {}) };
  }

  // A line break is a blank: a question is one line.
  #question() {
    return this.fields.question.value.replace(/\s*[\r\n]+\s*/g, " ");
  }

  #settings() {
    const { closesAt, minChoices, maxChoices, results, visibility, allowVoteChange } = this.fields;
    return {
      minChoices: Number(minChoices.value),
      maxChoices: Number(maxChoices.value),
      closesAt: closesAt.value ? new Date(closesAt.value).toISOString() : null,
      results: results.value,
      visibility: visibility.value,
      allowVoteChange: allowVoteChange.checked,
    };
  }

  // -- what is wrong ------------------------------------------------------------------------

  /** Say what is wrong, where anything is. Answers whether all is right. */
  check() {
    const texts = this.options.inputs.map((input) => input.value);
    const { minChoices, maxChoices, closesAt } = this.fields;
    const settings = [
      ...wrongChoices(Number(minChoices.value), Number(maxChoices.value), Math.max(this.options.filled.length, 2)),
      ...wrongDeadline(closesAt),
    ];
    const errors = this.textsFixed ? settings : [...wrongQuestion(this.#question()), ...wrongOptions(texts), ...settings];
    this.#mark(errors);
    return errors.length === 0;
  }

  /** Say beside each field what the service says is wrong with it. Answers whether every error found its place. @param {FieldError[]} errors */
  mark(errors) {
    return this.#mark(
      errors.map(({ field, message }) => ({ field: this.#inRows(field), message: inOwnWords(field, message) })),
    );
  }

  // The service counts the options that were sent, the form its rows.
  /** @param {string} field */
  #inRows(field) {
    const [name, place] = field.split(/[.[\]]+/);
    const sent = this.options.filled[Number(place)];
    return name === "options" && place && sent ? `options.${this.options.inputs.indexOf(sent.input)}` : field;
  }

  /** @param {FieldError[]} errors */
  #mark(errors) {
    this.unmark();
    const placed = errors.map(({ field, message }) => this.#markOne(field, message));
    /** @type {HTMLElement | null} */ (this.form.querySelector("[aria-invalid=true]"))?.focus();
    return placed.every(Boolean);
  }

  /** @param {string} field @param {string} message */
  #markOne(field, message) {
    const [name, place] = field.split(/[.[\]]+/);
    const words = this.form.querySelector(`[data-wrong="${CSS.escape(name)}"]`);
    if (!words) return false;
    const numbered = this.#numbered(field, message);
    words.textContent = words.textContent ? `${words.textContent} ${numbered}` : numbered;
    const row = this.options.inputs[Number(place) || 0];
    const input = name === "options" ? row : this.fields[name];
    input?.setAttribute("aria-invalid", "true");
    if (this.details.contains(words)) this.details.open = true;
    return true;
  }

  /** @param {string} field @param {string} message */
  #numbered(field, message) {
    const [name, place] = field.split(/[.[\]]+/);
    return name === "options" && place ? t("option_wrong", { place: Number(place) + 1, message }) : message;
  }

  unmark() {
    for (const words of this.form.querySelectorAll("[data-wrong]")) words.textContent = "";
    for (const input of this.form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  }
}

// The service explains in English. Whoever reads another language gets a sentence of ours.
/** @param {string} field @param {string} message */
function inOwnWords(field, message) {
  if (language === "en") return message;
  const name = field.split(/[.[\]]+/)[0];
  const own = ["question", "options", "closesAt"].includes(name);
  return t(own ? `wrong_${name}` : "wrong_setting");
}

/** Open or shut a form's panel, with the button that does so. @param {HTMLElement} button @param {HTMLElement} panel @param {boolean} open */
export function toggle(button, panel, open) {
  show(panel, open);
  button.setAttribute("aria-expanded", String(open));
  const first = /** @type {HTMLElement | null} */ (panel.querySelector("textarea:not(:disabled), select"));
  (open ? first : button)?.focus();
}

/** @param {unknown} a @param {unknown} b */
function same(a, b) {
  if (typeof a !== "string" || typeof b !== "string") return a === b;
  return a === b || (Date.parse(a) === Date.parse(b) && a.endsWith("Z"));
}

// `datetime-local` speaks the visitor's own time zone, the service UTC.
/** @param {string | null} text */
function toLocal(text) {
  if (!text) return "";
  const when = new Date(text);
  if (when.getFullYear() > 9999) return lastMoment;
  return new Date(when.getTime() - when.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
