// @ts-check
// The result as a picture, made in the browser: question, bars with numbers, date. One layout, two
// pens: SVG as text, PNG on a canvas.

import { percents } from "./format.js";
import { moment, percent } from "./locale.js";
import { save } from "./save.js";
import { t } from "./texts.js";
import { svg } from "./timeline.js";

/** @typedef {import("./poll-state.js").PollState} PollState */

/**
 * @typedef {object} Shape A filled rectangle, or a line of text where there is `text`.
 * @property {number} x
 * @property {number} y
 * @property {number} [width]
 * @property {number} [height]
 * @property {string} color
 * @property {string} [text]
 * @property {string} [font]
 * @property {number} [size]
 * @property {number} [weight]
 * @property {"start" | "end"} [at]
 */

const wide = 1200;
const edge = 72;
const scale = 2; // points of a PNG for each unit
const serif = 'Newsreader, Georgia, "Times New Roman", serif';
const sans = '"Libre Franklin", "Helvetica Neue", Arial, sans-serif';
const ink = { paper: "#fbf9f3", text: "#1b1813", soft: "#5d574c", track: "#ece7db", bar: "#857c6b" };

/** @param {PollState} poll @param {string} format "svg" or "png" */
export async function savePicture(poll, format) {
  await document.fonts.ready;
  const { shapes, height } = layOut(poll);
  const blob = format === "svg" ? asSvg(shapes, height) : await asPng(shapes, height);
  if (blob) save(blob, `poll-${poll.id}.${format}`);
}

const rightToLeft = () => document.documentElement.dir === "rtl";

// Laid out from the left; in a page from right to left the whole is mirrored.
/** @param {PollState} poll */
function layOut(poll) {
  /** @type {Shape[]} */
  const shapes = [];
  let y = edge;
  const line = (/** @type {Partial<Shape> & { size: number }} */ more) =>
    shapes.push({ x: edge, y, color: ink.text, font: serif, weight: 500, at: "start", ...more });
  for (const text of wrapped(poll.view.question, `600 52px ${serif}`, wide - 2 * edge)) {
    y += 60;
    line({ text, size: 52, weight: 600 });
  }
  y += 28;
  shapes.push({ x: edge, y, width: wide - 2 * edge, height: 5, color: ink.text });
  y += 24;
  const shares = percents(poll.counts, poll.voters);
  const most = Math.max(...poll.counts);
  poll.view.options.forEach((option, place) => {
    const votes = poll.counts[place];
    const first = votes > 0 && votes === most;
    y += 6;
    wrapped(option.text, `500 30px ${serif}`, wide - 2 * edge - 300).forEach((text, row) => {
      y += 40;
      line({ text, size: 30 });
      if (row) return;
      line({ text: percent(shares[place]), x: wide - edge, at: "end", size: 34, weight: first ? 700 : 500 });
      line({ text: t("votes", { n: votes }), x: wide - edge - 110, at: "end", size: 22, color: ink.soft });
    });
    y += 16;
    shapes.push({ x: edge, y, width: wide - 2 * edge, height: 18, color: ink.track });
    const width = poll.voters ? (Math.min(1, votes / poll.voters) * (wide - 2 * edge)) : 0;
    if (width) shapes.push({ x: edge, y, width, height: 18, color: first ? ink.text : ink.bar });
    y += 30;
  });
  y += 40;
  const about = [t("voters", { n: poll.voters }), t("as_of", { when: moment(Date.now()) })];
  line({ text: about.join(" · "), size: 22, font: sans, weight: 400, color: ink.soft });
  line({ text: "QuickPoll", x: wide - edge, at: "end", size: 22, color: ink.soft });
  return { shapes: rightToLeft() ? shapes.map(mirrored) : shapes, height: y + edge };
}

/** @param {Shape} shape @returns {Shape} */
function mirrored(shape) {
  if (shape.text === undefined) return { ...shape, x: wide - shape.x - (shape.width ?? 0) };
  return { ...shape, x: wide - shape.x };
}

/** Lines no wider than that; a word that is, is broken. @param {string} text @param {string} font @param {number} most */
function wrapped(text, font, most) {
  const pen = pencil(document.createElement("canvas"));
  pen.font = font;
  const lines = [""];
  const fits = (/** @type {string} */ line) => pen.measureText(line.trimEnd()).width <= most;
  for (const word of pieces(text, "word")) {
    if (fits(lines[lines.length - 1] + word)) lines[lines.length - 1] += word;
    else if (fits(word)) lines.push(word.trimStart());
    else {
      for (const letter of pieces(word, "grapheme")) {
        if (fits(lines[lines.length - 1] + letter)) lines[lines.length - 1] += letter;
        else lines.push(letter);
      }
    }
  }
  return lines.map((line) => line.trim()).filter(Boolean);
}

/** @param {string} text @param {"word" | "grapheme"} granularity */
function pieces(text, granularity) {
  const found = new Intl.Segmenter(undefined, { granularity }).segment(text);
  return Array.from(found, ({ segment }) => segment);
}

/** @param {HTMLCanvasElement} canvas */
function pencil(canvas) {
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("This browser has no canvas");
  return pen;
}

/** @param {Shape[]} shapes @param {number} height */
function asSvg(shapes, height) {
  const box = { viewBox: `0 0 ${wide} ${height}`, width: String(wide), height: String(height) };
  const picture = svg("svg", { ...box, direction: rightToLeft() ? "rtl" : "ltr" });
  picture.append(svg("rect", { width: String(wide), height: String(height), fill: ink.paper }), ...shapes.map(asElement));
  return new Blob([new XMLSerializer().serializeToString(picture)], { type: "image/svg+xml" });
}

/** @param {Shape} shape */
function asElement({ x, y, width, height, color, text, font, size, weight, at }) {
  if (text === undefined) {
    return svg("rect", { x: String(x), y: String(y), width: String(width), height: String(height), fill: color });
  }
  const type = { "font-family": String(font), "font-size": String(size), "font-weight": String(weight) };
  return svg("text", { x: String(x), y: String(y), fill: color, ...type, "text-anchor": String(at) }, text);
}

/** @param {Shape[]} shapes @param {number} height @returns {Promise<Blob | null>} */
function asPng(shapes, height) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [wide * scale, height * scale];
  const pen = pencil(canvas);
  pen.scale(scale, scale);
  pen.direction = rightToLeft() ? "rtl" : "ltr";
  pen.fillStyle = ink.paper;
  pen.fillRect(0, 0, wide, height);
  for (const shape of shapes) draw(pen, shape);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** @param {CanvasRenderingContext2D} pen @param {Shape} shape */
function draw(pen, { x, y, width = 0, height = 0, color, text, font, size, weight, at }) {
  pen.fillStyle = color;
  if (text === undefined) return pen.fillRect(x, y, width, height);
  pen.font = `${weight} ${size}px ${font}`;
  pen.textAlign = at ?? "start";
  pen.fillText(text, x, y);
}
