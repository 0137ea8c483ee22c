// Numbers and times as people read them.

const whole = new Intl.NumberFormat();
const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const number = (value) => whole.format(value);

export const moment = (text) => dateAndTime.format(new Date(text));

/** "1 voter", "2 voters". */
export const counted = (count, one, many) => `${number(count)} ${count === 1 ? one : many}`;

/**
 * Whole percents of all voters. Where each has one choice they sum to 100: the largest remainders
 * are rounded up. Where a ballot may hold several, each stands for itself.
 */
export function percents(counts, voters, single) {
  if (!voters) return counts.map(() => 0);
  const exact = counts.map((count) => (count * 100) / voters);
  if (!single) return exact.map(Math.round);
  const floors = exact.map(Math.floor);
  const left = 100 - floors.reduce((sum, one) => sum + one, 0);
  const order = exact.map((_, place) => place);
  order.sort((a, b) => exact[b] - floors[b] - (exact[a] - floors[a]) || a - b);
  for (const place of order.slice(0, Math.max(left, 0))) floors[place] += 1;
  return floors;
}

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
