// @ts-check
// What this browser remembers of a poll's log: the longest checkpoint that it has seen, the keys that
// signed it then, and what this tab's voter was promised. A log that contradicts it was tampered with.

const mostPolls = 50;
const index = "quickpoll-logs";

/** @typedef {{ size: number, root: string }} Head */

export class LogMemory {
  /** @param {string} pollId */
  constructor(pollId) {
    this.pollId = pollId;
    this.name = `quickpoll-log-${pollId}`;
    /** @type {{ head?: Head, keys?: string[] }} */
    this.held = read("localStorage", this.name) ?? {};
  }

  /** The longest checkpoint that was seen. @returns {Head | undefined} */
  get head() {
    return this.held.head;
  }

  /** The keys that were trusted when the log was first checked. */
  get keys() {
    return this.held.keys ?? [];
  }

  /** Remember a checkpoint. Answers whether it can be of the same log as the one seen before. @param {Head} head */
  see(head) {
    const before = this.held.head;
    if (before && head.size === before.size) return head.root === before.root;
    // An older one may only be late on its way: what it says is looked at when the log is checked.
    if (!before || head.size > before.size) this.#keep({ ...this.held, head: { size: head.size, root: head.root } });
    return true;
  }

  /** @param {string[]} keys */
  trust(keys) {
    if (!this.held.keys) this.#keep({ ...this.held, keys });
  }

  /** What a vote was answered; kept as long as the tab. @param {string} user @param {unknown} vote */
  promised(user, vote) {
    write("sessionStorage", `${this.name}-promise`, { user, vote });
  }

  /** The last promise to this user. @param {string} user */
  promise(user) {
    const kept = read("sessionStorage", `${this.name}-promise`);
    return kept?.user === user ? kept.vote : null;
  }

  /** @param {typeof this.held} held */
  #keep(held) {
    this.held = held;
    const polls = [this.pollId, ...(read("localStorage", index) ?? []).filter((/** @type {string} */ id) => id !== this.pollId)];
    for (const id of polls.splice(mostPolls)) write("localStorage", `quickpoll-log-${id}`, null);
    write("localStorage", index, polls);
    write("localStorage", this.name, held);
  }
}

// Where a browser allows no storage, nothing is remembered.
/** @param {"localStorage" | "sessionStorage"} where @param {string} name */
function read(where, name) {
  try {
    return JSON.parse(window[where].getItem(name) ?? "null");
  } catch {
    return null;
  }
}

/** @param {"localStorage" | "sessionStorage"} where @param {string} name @param {unknown} value */
function write(where, name, value) {
  try {
    if (value === null) window[where].removeItem(name);
    else window[where].setItem(name, JSON.stringify(value));
  } catch {
    // as above
  }
}
