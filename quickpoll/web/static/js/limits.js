// @ts-check
// What the service will not take, told before it is sent. The service decides all the same.

import { t } from "./texts.js";

/** @typedef {import("./types.js").FieldError} FieldError */

export const longestQuestion = 500;
export const longestOption = 200;
export const fewestOptions = 2;
export const mostOptions = 50;

/** Characters as the service counts them: code points, without the white space around. @param {string} text */
export const lengthOf = (text) => [...text.trim()].length;

/** As two options are compared: what is alike to the eye is the same. @param {string} text */
const folded = (text) =>
  text.normalize("NFKC").toLowerCase().normalize("NFKC").replace(/\p{Default_Ignorable_Code_Point}/gu, "").replace(/\s+/gu, " ").trim();

/** @param {string} text @param {number} most */
const tooLong = (text, most) => t("wrong_too_long", { n: lengthOf(text), most });

/** @param {string} text @returns {FieldError[]} */
export function wrongQuestion(text) {
  if (!lengthOf(text)) return [{ field: "question", message: t("wrong_question_empty") }];
  if (lengthOf(text) <= longestQuestion) return [];
  return [{ field: "question", message: tooLong(text, longestQuestion) }];
}

/** @param {string[]} texts of the rows; empty ones are left out @returns {FieldError[]} */
export function wrongOptions(texts) {
  if (texts.filter(lengthOf).length < fewestOptions) return [{ field: "options", message: t("wrong_options_few") }];
  return [...longOptions(texts), ...doubles(texts)];
}

/** @param {string[]} texts @returns {FieldError[]} */
export function longOptions(texts) {
  return texts.flatMap((text, place) =>
    lengthOf(text) > longestOption ? [{ field: `options.${place}`, message: tooLong(text, longestOption) }] : [],
  );
}

/** @param {string[]} texts @returns {FieldError[]} */
function doubles(texts) {
  const seen = new Map();
  return texts.flatMap((text, place) => {
    if (!lengthOf(text)) return [];
    const first = seen.get(folded(text));
    if (first === undefined) {
      seen.set(folded(text), place);
      return [];
    }
    return [{ field: `options.${place}`, message: t("wrong_option_double", { other: first + 1 }) }];
  });
}

/**
 * @param {number} least
 * @param {number} most
 * @param {number} options
 * @returns {FieldError[]}
 */
export function wrongChoices(least, most, options) {
  const whole = (/** @type {number} */ value) => Number.isInteger(value) && value >= 1;
  if (!whole(least)) return [{ field: "minChoices", message: t("wrong_choices") }];
  if (!whole(most)) return [{ field: "maxChoices", message: t("wrong_choices") }];
  if (least > most) return [{ field: "minChoices", message: t("wrong_min_above_max") }];
  if (most > options) return [{ field: "maxChoices", message: t("wrong_max_above_options", { n: options }) }];
  return [];
}

/** @param {HTMLInputElement} field @returns {FieldError[]} */
export function wrongDeadline(field) {
  if (field.validity.badInput) return [{ field: "closesAt", message: t("wrong_deadline_incomplete") }];
  if (field.validity.rangeOverflow || Number.isNaN(Date.parse(field.value || "2000-01-01"))) {
    return [{ field: "closesAt", message: t("wrong_closesAt") }];
  }
  return [];
}
