// @ts-check
// The frame around an element: what it tells goes to the page that shows it, and a token comes from
// there. Whose page that may be says API_FRAME_ANCESTORS, for the browser and for us.

import { allows } from "./ancestors.js";

/** @typedef {{ quickpoll: 1, type: string, [name: string]: unknown }} Message */

const firstTokenWithin = 200; // milliseconds in which a token comes before a guest's entry

const element = /** @type {any} */ (document.querySelector("quick-poll"));
const sources = (document.body.dataset.ancestors ?? "").split(" ");
const above = window.parent;
const framed = above !== window;
const origin = location.ancestorOrigins?.[0]; // not every browser tells it
const known = origin !== undefined && allows(sources, origin, location.origin);

let given = "";
/** @type {(token: string) => void} */
let come = () => {};
/** @type {Promise<string>} */
const first = new Promise((resolve) => (come = resolve));

// The browser shows this frame to nobody else than those named: where it does not tell us whose page
// this is, what is said to the parent is said to one of them.
/** @param {Message} message @param {Transferable[]} [more] */
function say(message, more = []) {
  if (framed) above.postMessage(message, known ? origin : "*", more);
}

/** @param {unknown} data */
function hear(data) {
  const said = /** @type {Partial<Message> | null} */ (data);
  if (said?.quickpoll !== 1 || said.type !== "token" || typeof said.token !== "string") return;
  given = said.token;
  come(given);
  element.getToken = () => Promise.resolve(given);
}

window.addEventListener("message", ({ source, origin: from, data }) => {
  if (framed && source === above && allows(sources, from, location.origin)) hear(data);
});

for (const type of ["vote", "state", "error"]) {
  element.addEventListener(type, (/** @type {CustomEvent<Message>} */ { detail }) => {
    if (detail.type !== "error") say(detail);
  });
}

new ResizeObserver(() => {
  const { height } = document.body.getBoundingClientRect();
  say({ quickpoll: 1, type: "height", height: Math.ceil(height) });
}).observe(document.body);

// A port reaches whoever gets this message and nobody else, so a token may come through it, too.
function greet() {
  const hello = /** @type {Message} */ ({ quickpoll: 1, type: "hello" });
  if (!known) return say(hello);
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => hear(data);
  say(hello, [port2]);
}

greet();
const late = new Promise((resolve) => setTimeout(resolve, framed ? firstTokenWithin : 0, ""));
if (!given) element.getToken = () => (given ? Promise.resolve(given) : Promise.race([first, late]));
