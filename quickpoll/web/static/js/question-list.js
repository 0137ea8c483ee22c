// @ts-check
// Questions as people paste them: a blank line between two, the options below each, one a line, with
// or without a sign in front.

const sign = /^\s*(?:[*•·‣◦–—-]|\d{1,2}[.)]|[a-zA-Z][.)]|\[[ xX]?\]|☐|○)\s+/u;

/**
 * The polls that a text asks for.
 * @param {string} text
 * @returns {{ question: string, options: { text: string }[] }[]}
 */
export function readQuestions(text) {
  return blocksOf(text).map(readBlock);
}

/**
 * The same text with one of its questions in another place.
 * @param {string} text @param {number} from @param {number} to counted from 0
 */
export function reordered(text, from, to) {
  const blocks = blocksOf(text);
  blocks.splice(to, 0, ...blocks.splice(from, 1));
  return blocks.join("\n\n");
}

/** @param {string} text */
function blocksOf(text) {
  const blocks = text.replaceAll("\r", "").split(/\n(?:[ \t\u3000]*\n)+/);
  return blocks.map((block) => block.replace(/^\n+|\n+$/g, "")).filter((block) => block.trim());
}

/** @param {string} block */
function readBlock(block) {
  const lines = block.split("\n").filter((line) => line.trim());
  const [first = "", ...others] = lines;
  // A question of two lines has its options behind a sign.
  const marked = others.findIndex((line) => /^\s*[*•]\s/u.test(line));
  const more = marked > 0 ? others.splice(0, marked) : [];
  const question = [first, ...more].map((line) => line.trim()).join(" ");
  return { question, options: others.map((line) => ({ text: line.replace(sign, "").trim() })) };
}
