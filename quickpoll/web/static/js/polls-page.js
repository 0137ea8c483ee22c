// @ts-check
// The list of polls, with what they are now, and the form for a new one.

import { ask, known } from "./api.js";
import { byId, say, show } from "./dom.js";
import { ListedPoll } from "./listed-poll.js";
import { Live } from "./live.js";
import { Later, jitter } from "./pace.js";
import * as page from "./page.js";
import { holder, onOtherTabs } from "./session.js";
import { t } from "./texts.js";
import { aboutToken } from "./words.js";

/** @typedef {import("./types.js").PollView} PollView */
/** @typedef {import("./types.js").Update} Update */

const pageSize = 20;
const mostAtOnce = 100; // polls in one answer
const mostFollowed = 100; // polls that one client may follow
const pause = 300; // milliseconds after the last key, before searching
const lookEvery = 20_000; // milliseconds between looks for new polls
const filterNames = ["q", "status", "whose", "sort"];

class PollsPage {
  constructor() {
    /** @type {Map<string, ListedPoll>} */
    this.listed = new Map();
    /** @type {Set<string>} rows that are on the screen, or about to be */
    this.inView = new Set();
    /** @type {string | null} */
    this.next = null;
    this.newest = ""; // when the newest poll was made that this list knew of
    this.asked = 0;
    this.filters = byId("filters");
    this.following = new Later();
    this.sight = new IntersectionObserver((seen) => this.#seen(seen), { rootMargin: "50%" });
  }

  async start() {
    this.#fromAddress();
    show(byId("content"));
    this.#listen();
    this.#maker();
    this.live = new Live({
      state: page.connection,
      snapshot: (polls) => polls.forEach((poll) => this.#snapshot(poll)),
      update: (event, payload) => this.#update(event, payload),
      unknown: (ids) => ids.forEach((id) => this.#remove(id)),
      refused: page.askForToken,
    });
    await this.#load(history.state?.count);
    scrollTo(0, history.state?.scroll ?? 0);
    setInterval(() => this.listed.forEach((one) => one.tick()), 1000);
    this.#look();
  }

  #listen() {
    /** @type {ReturnType<typeof setTimeout>} */
    let typing;
    this.filters.addEventListener("submit", (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#search();
    });
    this.filters.addEventListener("input", (/** @type {any} */ event) => {
      clearTimeout(typing);
      typing = setTimeout(() => this.#search(), event.target.id === "q" ? pause : 0);
    });
    byId("more").addEventListener("click", () => this.#more());
    byId("fresh").addEventListener("click", async () => {
      await this.#load();
      byId("list").querySelector("a")?.focus();
    });
    onOtherTabs((id) => this.listed.has(id) && this.#readOne(id));
    window.addEventListener("pagehide", () => this.#remember({ scroll: scrollY }));
  }

  // The form is loaded for whoever makes a poll.
  #maker() {
    const start = async (/** @type {boolean} */ open) => {
      const { Maker } = await import("./maker.js");
      new Maker().start(open);
    };
    const copies = new URLSearchParams(location.search).has("copy");
    if (copies) start(false);
    else byId("make").addEventListener("click", () => start(true), { once: true });
  }

  // -- what is looked for, kept in the address: whoever comes back finds it again ------------

  #fromAddress() {
    const asked = new URLSearchParams(location.search);
    for (const name of filterNames) {
      const field = this.filters.elements[name];
      if (asked.has(name)) field.value = asked.get(name);
      if (field.selectedIndex === -1) field.selectedIndex = 0; // no such choice
    }
  }

  #search() {
    const asked = new URLSearchParams(location.search);
    for (const name of filterNames) {
      const { value, options } = this.filters.elements[name];
      if (value.trim() && value !== options?.[0].value) asked.set(name, value.trim());
      else asked.delete(name);
    }
    const query = asked.toString();
    history.replaceState({ ...history.state, scroll: 0 }, "", query ? `?${query}` : location.pathname);
    return this.#load();
  }

  /** @param {Record<string, unknown>} more */
  #remember(more) {
    history.replaceState({ ...history.state, ...more }, "");
  }

  // -- the list -----------------------------------------------------------------------------

  /** @param {number} limit */
  #path(limit) {
    const { q, status, whose, sort } = this.filters.elements;
    const query = new URLSearchParams({ limit: String(limit), sort: sort.value });
    if (q.value.trim()) query.set("q", q.value.trim());
    if (status.value) query.set("status", status.value);
    const list = whose.value === "mine" ? `/get-poll-by-user-id/${holder().id}` : "/get-all-polls";
    return `${list}?${query}`;
  }

  async #load(count = pageSize) {
    const mine = ++this.asked; // an answer to an earlier question is dropped
    page.stopTrying();
    show(byId("more"), false); // what it would bring belongs to the list that goes
    byId("list").setAttribute("aria-busy", "true");
    try {
      let answer = await ask("GET", this.#path(Math.min(count, mostAtOnce)));
      // A part of a long list may have nothing of what is looked for.
      while (mine === this.asked && !answer.body.length && nextPage(answer.response)) {
        answer = await ask("GET", String(nextPage(answer.response)));
      }
      if (mine === this.asked) this.#fill(answer);
    } catch (error) {
      const told = known(error);
      if (mine === this.asked) page.cannotRead(told, () => this.#load(count));
    }
    byId("list").setAttribute("aria-busy", "false");
  }

  /** @param {{ body: PollView[], response: Response }} answer */
  #fill(answer) {
    page.untell(byId("notice"));
    for (const id of [...this.listed.keys()]) this.#remove(id);
    show(byId("fresh"), false);
    this.newest = answer.body.map((view) => view.createdAt).sort().at(-1) ?? "";
    this.#append(answer);
    show(byId("none"), this.listed.size === 0);
    say(byId("none"), this.listed.size ? "" : this.#noneWords());
  }

  #noneWords() {
    const { q, status, whose } = this.filters.elements;
    if (q.value.trim() || status.value) return t("none_like_that");
    return t(whose.value === "mine" ? "none_of_yours" : "none_at_all");
  }

  /** @param {{ body: PollView[], response: Response }} answer */
  #append({ body, response }) {
    for (const view of body) {
      if (this.listed.has(view.id)) continue;
      const one = new ListedPoll(view);
      this.listed.set(view.id, one);
      byId("list").append(one.row);
      this.sight.observe(one.row);
    }
    this.next = nextPage(response);
    show(byId("more"), this.next !== null);
    this.#remember({ count: this.listed.size });
  }

  async #more() {
    const last = byId("list").lastElementChild;
    const asked = this.asked;
    await page.whileBusy(byId("more"), byId("notice"), async () => {
      const answer = await ask("GET", String(this.next));
      if (asked === this.asked) this.#append(answer); // else it belongs to another list
    });
    last?.nextElementSibling?.querySelector("a").focus();
  }

  /** @param {string} id */
  #remove(id) {
    const one = this.listed.get(id);
    if (!one) return;
    this.sight.unobserve(one.row);
    one.row.remove();
    this.listed.delete(id);
    this.inView.delete(id);
  }

  // -- what moves ---------------------------------------------------------------------------

  // A client may follow so many polls: those that can be seen are followed, however many are listed.
  /** @param {IntersectionObserverEntry[]} rows */
  #seen(rows) {
    for (const { target, isIntersecting } of rows) {
      const id = String(/** @type {HTMLElement} */ (target).dataset.id);
      if (isIntersecting && this.listed.has(id)) this.inView.add(id);
      else this.inView.delete(id);
    }
    this.following.in(100, () => this.live?.followOnly([...this.inView].slice(-mostFollowed)));
  }

  // What changed while a row was not followed may be more than its counts.
  /** @param {Update} poll */
  #snapshot(poll) {
    const one = this.listed.get(poll.pollId);
    if (!one) return;
    const missed = poll.version > one.poll.view.version;
    one.hear(poll);
    if (missed) this.#readSoon(poll.pollId);
  }

  /** @param {string} event @param {Update} payload */
  #update(event, payload) {
    const one = this.listed.get(payload.pollId);
    if (!one) return;
    if (event !== "poll-update") one.hear(payload);
    else if (payload.change === "deleted") this.#remove(payload.pollId);
    else this.#readSoon(payload.pollId);
  }

  /** @param {string} id */
  #readSoon(id) {
    setTimeout(() => this.#readOne(id), jitter(300));
  }

  /** @param {string} id */
  async #readOne(id) {
    try {
      const { body } = await ask("GET", `/get-poll-by-id/${id}`);
      this.listed.get(id)?.read(body);
    } catch (error) {
      if (known(error).code === "poll_not_found") this.#remove(id);
    }
  }

  // New polls are offered, not pushed in: nothing jumps away under a reader's finger.
  #look() {
    setTimeout(async () => {
      try {
        if (!document.hidden) await this.#countFresh();
      } catch (error) {
        const { code } = known(error);
        if (aboutToken(code)) return page.askForToken(code);
      }
      this.#look();
    }, jitter(lookEvery));
  }

  async #countFresh() {
    if (this.filters.elements.sort.value !== "newest") return;
    const asked = this.asked;
    const { body } = await ask("GET", this.#path(pageSize));
    if (asked !== this.asked) return;
    const isNew = (/** @type {PollView} */ view) => view.createdAt > this.newest && !this.listed.has(view.id);
    const count = body.filter(isNew).length;
    show(byId("fresh"), count > 0);
    say(byId("fresh"), t("show_new", { n: count }));
  }
}

/** The path of the next page, below the API's base; `null` on the last. @param {Response} response */
function nextPage(response) {
  const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get("Link") ?? "");
  if (!link) return null;
  const address = new URL(link[1], response.url);
  return address.pathname.replace(/^.*\/api\/poll/, "") + address.search;
}

page.begin(() => new PollsPage().start());
