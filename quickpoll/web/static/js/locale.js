// @ts-check
// Numbers, times and plurals as the reader's language has them. The service chose the language of
// the page; the region (en-GB, ar-MA) is the browser's own, where it has one for that language.

/** The language of everything on the page: one of those that there is a catalogue for. */
export const language = document.documentElement.lang || "en";

/** Whether the page is read from the right. */
export const fromRight = document.documentElement.dir === "rtl";

/** The language with its region, for digits and dates. */
export const locale = withRegion();

const whole = new Intl.NumberFormat(locale);
const twoDigits = new Intl.NumberFormat(locale, { minimumIntegerDigits: 2 });
const share = new Intl.NumberFormat(locale, { style: "percent" });
const dateAndTime = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const rules = new Intl.PluralRules(locale);

/** @param {number} value */
export const number = (value) => whole.format(value);

/** At least two digits, as minutes have them. @param {number} value */
export const padded = (value) => twoDigits.format(value);

/** Whole percents. @param {number} value 0 to 100 */
export const percent = (value) => share.format(value / 100);

/** Day and time. @param {string | number} when */
export const moment = (when) => dateAndTime.format(new Date(when));

/** The time of the day. @param {string | number} when */
export const timeOfDay = (when) => clock.format(new Date(when));

/** The plural category of a number. @param {number} value */
export const plural = (value) => rules.select(value);

// Where nobody names a region, CLDR's likely one counts: digits of "ar" are those of Egypt.
function withRegion() {
  const same = (/** @type {string} */ tag) => new Intl.Locale(tag).language === language;
  const own = navigator.languages.find((tag) => same(tag) && new Intl.Locale(tag).region);
  const likely = new Intl.Locale(language).maximize();
  return own ?? `${likely.language}-${likely.region}`;
}
