// @ts-check
// What a screen in front of a hall needs: keys, all of the screen, and not to fall asleep.

import { say } from "./dom.js";
import { t } from "./texts.js";

/**
 * Run what belongs to a key, while `box` is checked and nobody types.
 * @param {HTMLInputElement} box
 * @param {Record<string, () => void>} keys in lower case
 */
export function onKeys(box, keys) {
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const typing = target.matches?.("input:not([type=checkbox]), textarea, select");
    const other = event.ctrlKey || event.metaKey || event.altKey;
    if (typing || other || !box.checked) return;
    keys[event.key.toLowerCase()]?.();
  });
}

/** Let a button fill the screen, and leave it again. Answers what does the same. @param {HTMLElement} button */
export function fullScreen(button) {
  const fill = async () => {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else await document.documentElement.requestFullscreen();
    } catch {
      say(button, t("full_screen_not_allowed"));
    }
  };
  button.addEventListener("click", fill);
  document.addEventListener("fullscreenchange", () => {
    say(button, t(document.fullscreenElement ? "leave_full_screen" : "full_screen"));
  });
  return fill;
}

/** A screen that sleeps shows nothing to the hall. Not every browser can be asked to stay awake. */
export function stayAwake() {
  const ask = async () => {
    if (document.hidden) return;
    try {
      await navigator.wakeLock?.request("screen");
    } catch {
      // as when the battery is low: then the system decides
    }
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}
