// @ts-check
// When to try again.

/**
 * A delay between half and one and a half of it, so that a crowd does not come back at once.
 * @param {number} milliseconds
 */
export const jitter = (milliseconds) => milliseconds * (0.5 + Math.random());

/** One thing to be done later; asked for again before that, it is done once, at the later time. */
export class Later {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {number} milliseconds @param {() => void} run */
  in(milliseconds, run) {
    this.off();
    this.#timer = setTimeout(run, jitter(milliseconds));
  }

  off() {
    clearTimeout(this.#timer);
  }
}
