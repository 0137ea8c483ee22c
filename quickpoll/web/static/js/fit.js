// @ts-check
// Making everything fit a screen, as large as it goes: the question, then the options in as many
// columns as let their letters be the largest.

const mostColumns = 6;
const questionShare = 0.24; // of the stage's height, at most
const largest = { question: 0.08, option: 0.08 }; // of the stage's height
const smallest = 3; // pixels

/**
 * @param {HTMLElement} stage
 * @param {HTMLElement} question
 * @param {HTMLElement} list of the options
 */
export function fit(stage, question, list) {
  const { height } = stage.getBoundingClientRect();
  if (!height) return;
  fitQuestion(question, height);
  const whole = bestOf(list, height, true); // no word is broken
  const best = whole.size < height * 0.03 ? bestOf(list, height, false) : whole;
  apply(list, best.size > whole.size * 1.6 ? best : whole);
}

/** @param {HTMLElement} question @param {number} height of the stage */
function fitQuestion(question, height) {
  const size = largestThat(smallest, height * largest.question, (tried) => {
    question.style.fontSize = `${tried}px`;
    const high = question.scrollHeight <= height * questionShare;
    return high && question.scrollWidth <= question.clientWidth + 1;
  });
  question.style.fontSize = `${size}px`;
}

/**
 * @typedef {{ size: number, columns: number, whole: boolean }} Layout
 * @param {HTMLElement} list
 * @param {number} height of the stage
 * @param {boolean} whole
 */
function bestOf(list, height, whole) {
  /** @type {Layout} */
  let best = { size: smallest, columns: 1, whole };
  const rows = list.children.length;
  for (let columns = 1; columns <= Math.min(mostColumns, rows); columns += 1) {
    const right = (/** @type {number} */ size) => {
      apply(list, { size, columns, whole });
      return holds(list);
    };
    // Another column has to be worth it; most are not, and one look tells.
    const [least, most] = [best.size * 1.04, height * largest.option];
    if (least < most && right(least)) best = { size: largestThat(least, most, right), columns, whole };
  }
  return best;
}

// The list is as high as the stage lets it be: what does not fit would have to be scrolled for.
/** @param {HTMLElement} list */
function holds(list) {
  const boxes = [...list.children].map((row) => row.getBoundingClientRect());
  const high = Math.max(...boxes.map((box) => box.bottom)) - Math.min(...boxes.map((box) => box.top));
  if (high > list.clientHeight || list.scrollWidth > list.clientWidth + 1) return false;
  return [...list.querySelectorAll(".option-text")].every((text) => text.scrollWidth <= text.clientWidth + 1);
}

/** @param {HTMLElement} list @param {Layout} layout */
function apply(list, { size, columns, whole }) {
  list.style.setProperty("--size", `${size}px`);
  list.style.setProperty("--columns", String(columns));
  list.style.setProperty("--rows", String(Math.ceil(list.children.length / columns)));
  list.dataset.columns = String(columns);
  list.classList.toggle("whole-words", whole);
}

/**
 * The largest size that is right, to two in a hundred; `least` where none above it is.
 * @param {number} least
 * @param {number} most
 * @param {(size: number) => boolean} right
 */
function largestThat(least, most, right) {
  if (right(most)) return most;
  let [low, high] = [least, most];
  while (high > low * 1.02) {
    const middle = (low + high) / 2;
    if (right(middle)) low = middle;
    else high = middle;
  }
  return low;
}
