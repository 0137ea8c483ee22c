// Telling screen readers what moves, but not more often than anyone can listen to.

import { byId } from "./dom.js";

const every = 5000; // milliseconds between two announcements

let last = -Infinity;
let waiting = null;
let timer = 0;

/** Say this soon; of several in a row the latest is said. */
export function announce(text) {
  waiting = text;
  if (timer) return;
  timer = setTimeout(speak, Math.max(500, last + every - performance.now()));
}

function speak() {
  timer = 0;
  last = performance.now();
  byId("announcer").textContent = waiting;
}
