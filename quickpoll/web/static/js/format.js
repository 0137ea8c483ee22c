// Numbers and times as people read them.

const whole = new Intl.NumberFormat();
const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const number = (value) => whole.format(value);

export const moment = (text) => dateAndTime.format(new Date(text));

/** "1 voter", "2 voters". */
export const counted = (count, one, many) => `${number(count)} ${count === 1 ? one : many}`;

/**
 * Whole percents of all voters, each rounded by itself, halves up: equal votes are equal percents.
 * Whole numbers all the way, as the service's export has it.
 */
export const percents = (counts, voters) =>
  counts.map((count) => (voters ? Math.floor((count * 200 + voters) / (2 * voters)) : 0));

/** The time left: "3 days 4 h", "2:05:09", "5:09". Negative is none. */
export function timeLeft(milliseconds) {
  const total = Math.max(0, Math.ceil(milliseconds / 1000));
  const [days, hours] = [Math.floor(total / 86400), Math.floor(total / 3600) % 24];
  const minutes = Math.floor(total / 60) % 60;
  const two = (value) => String(value).padStart(2, "0");
  if (days) return `${counted(days, "day", "days")} ${hours} h`;
  const clock = `${two(minutes)}:${two(total % 60)}`;
  return hours ? `${hours}:${clock}` : clock.replace(/^0(?=\d)/, "");
}
