// The form for making a poll, and for changing one.

import { byId, el, show } from "./dom.js";

const fewest = 2;
const most = 50;

/** `prefix`: of the form's element ids, `new` or `edit`. */
export class PollForm {
  constructor(form, prefix) {
    this.form = form;
    this.options = byId(`${prefix}-options`);
    this.details = byId(`${prefix}-more`);
    this.fields = form.elements;
    this.before = null;
    this.wrong = `${prefix}-wrong-`;
    for (const words of form.querySelectorAll("[data-wrong]")) this.#describe(words);
  }

  // What is wrong with a field is read out with it.
  #describe(words) {
    const name = words.dataset.wrong;
    words.id = this.wrong + name;
    const field = this.fields[name];
    const others = field?.getAttribute("aria-describedby") ?? "";
    field?.setAttribute("aria-describedby", `${others} ${words.id}`.trim());
  }

  /** Start anew, with empty options to fill in. */
  clear() {
    this.form.reset();
    this.options.replaceChildren();
    this.add();
    this.add();
    this.unmark();
  }

  /** Fill in a poll; its texts can be changed only where nobody has voted. */
  fill(view, textsFixed) {
    this.clear();
    this.options.replaceChildren();
    this.before = view;
    this.fields.question.value = view.question;
    for (const option of view.options) this.#row(option.text, option.id, textsFixed);
    for (const name of ["minChoices", "maxChoices", "results", "visibility"]) {
      this.fields[name].value = view[name];
    }
    this.fields.allowVoteChange.checked = view.allowVoteChange;
    this.fields.closesAt.value = toLocal(view.closesAt);
    for (const name of ["question", "minChoices", "maxChoices"]) this.fields[name].disabled = textsFixed;
    this.fields.allowVoteChange.disabled = textsFixed;
    this.details.open = true;
  }

  /** One more option to fill in. */
  add() {
    if (this.options.children.length >= most) return null;
    return this.#row("", "", false, true);
  }

  #row(text, id, fixed, removable = false) {
    const input = el("input", {
      type: "text",
      name: "option",
      value: text,
      maxLength: 200,
      dir: "auto",
      autocomplete: "off",
      disabled: fixed,
      "aria-describedby": `${this.wrong}options`,
    });
    input.dataset.id = id;
    const row = el("li", {}, input);
    if (removable) row.append(this.#remover(row));
    this.options.append(row);
    this.#renumber();
    return input;
  }

  #remover(row) {
    const button = el("button", { type: "button", class: "plain remove" }, "Remove");
    button.addEventListener("click", () => {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      this.#renumber();
      next.querySelector("input").focus();
    });
    return button;
  }

  // Of the fewest options that a poll may have none can be taken out.
  #renumber() {
    const rows = [...this.options.children];
    rows.forEach((row, place) => {
      row.querySelector("input").setAttribute("aria-label", `Option ${place + 1}`);
      const remove = row.querySelector(".remove");
      if (!remove) return;
      remove.setAttribute("aria-label", `Remove option ${place + 1}`);
      show(remove, rows.length > fewest);
    });
  }

  /** A new poll as the service takes it. Options left empty are left out. */
  poll() {
    const texts = this.#inputs().map((input) => input.value.trim());
    return {
      question: this.fields.question.value,
      options: texts.filter(Boolean).map((text) => ({ text })),
      ...this.#settings(),
    };
  }

  /** What differs from the poll that was filled in. */
  changes() {
    const now = { question: this.fields.question.value.trim(), ...this.#settings() };
    const changed = Object.entries(now).filter(([name, value]) => !same(value, this.before[name]));
    const options = this.#inputs().map((input) => ({ id: input.dataset.id, text: input.value.trim() }));
    const texts = this.before.options.map((option) => option.text);
    const reworded = options.some((option, place) => option.text !== texts[place]);
    return { ...Object.fromEntries(changed), ...(reworded ? { options } : {}) };
  }

  #settings() {
    const { closesAt, minChoices, maxChoices, results, visibility, allowVoteChange } = this.fields;
    const kept = this.before && closesAt.value === toLocal(this.before.closesAt);
    return {
      minChoices: Number(minChoices.value),
      maxChoices: Number(maxChoices.value),
      closesAt: kept ? this.before.closesAt : fromLocal(closesAt.value),
      results: results.value,
      visibility: visibility.value,
      allowVoteChange: allowVoteChange.checked,
    };
  }

  #inputs() {
    return [...this.options.querySelectorAll("input")];
  }

  /** Say beside each field what is wrong with it. Answers whether every error found its place. */
  mark(errors) {
    this.unmark();
    const placed = errors.map(({ field, message }) => this.#markOne(field, message));
    this.form.querySelector("[aria-invalid=true]")?.focus();
    return placed.every(Boolean);
  }

  #markOne(field, message) {
    const [name, place] = field.split(/[.[\]]+/);
    const words = this.form.querySelector(`[data-wrong="${CSS.escape(name)}"]`);
    if (!words) return false;
    const numbered = name === "options" && place ? `Option ${Number(place) + 1}: ${message}` : message;
    words.textContent = words.textContent ? `${words.textContent} ${numbered}` : numbered;
    const input = name === "options" ? this.#inputs()[Number(place) || 0] : this.fields[name];
    input?.setAttribute("aria-invalid", "true");
    if (this.details.contains(words)) this.details.open = true;
    return true;
  }

  unmark() {
    for (const words of this.form.querySelectorAll("[data-wrong]")) words.textContent = "";
    for (const input of this.form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  }
}

/** Open or shut a form's panel, with the button that does so. */
export function toggle(button, panel, open) {
  show(panel, open);
  button.setAttribute("aria-expanded", String(open));
  (open ? panel.querySelector("textarea:not(:disabled), select") : button).focus();
}

function same(a, b) {
  return a === b || (a && b && Date.parse(a) === Date.parse(b) && !Number.isNaN(Date.parse(a)));
}

// `datetime-local` speaks the visitor's own time zone, the service UTC.
function toLocal(text) {
  if (!text) return "";
  const moment = new Date(text);
  return new Date(moment - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function fromLocal(value) {
  return value ? new Date(value).toISOString() : null;
}
