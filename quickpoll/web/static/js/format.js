// @ts-check
// Shares and times, from numbers to what people read.

import { number, padded } from "./locale.js";
import { t } from "./texts.js";

/**
 * Whole percents of all voters: each option's own share, rounded half up, once. Equal votes are
 * equal percents, and no figure is bent to make a sum.
 * @param {number[]} counts
 * @param {number} voters
 */
export const percents = (counts, voters) => counts.map((votes) => percentOf(votes, voters));

// In whole numbers up to the division, so that a half is a half.
/** @param {number} votes @param {number} voters */
const percentOf = (votes, voters) => (voters ? Math.floor((votes * 200 + voters) / (2 * voters)) : 0);

/**
 * The time left: "3 days 4 h", "2:05:09", "5:09". Negative is none.
 * @param {number} milliseconds
 */
export function timeLeft(milliseconds) {
  const total = Math.max(0, Math.ceil(milliseconds / 1000));
  const [days, hours] = [Math.floor(total / 86400), Math.floor(total / 3600) % 24];
  const minutes = Math.floor(total / 60) % 60;
  if (days) return `${t("days", { n: days })} ${t("hours", { n: hours })}`;
  const seconds = padded(total % 60);
  return hours ? `${number(hours)}:${padded(minutes)}:${seconds}` : `${number(minutes)}:${seconds}`;
}
