// The list of polls, with what they are now, and the form for a new one.

import { ask } from "./api.js";
import { byId, say, show } from "./dom.js";
import { Live } from "./live.js";
import { jitter } from "./pace.js";
import { showFieldErrors } from "./owner-tools.js";
import * as page from "./page.js";
import { PollForm, toggle } from "./poll-form.js";
import { ListedPoll } from "./listed-poll.js";
import { holder } from "./session.js";
import { aboutToken } from "./words.js";

const pageSize = 20;
const most = 100; // polls that one client may follow
const pause = 300; // milliseconds after the last key, before searching
const lookEvery = 20_000; // milliseconds between looks for new polls

class PollsPage {
  constructor() {
    this.listed = new Map();
    this.next = null;
    this.asked = 0;
    this.filters = byId("filters");
  }

  async start() {
    show(byId("content"));
    this.#listen();
    this.#maker();
    this.live = new Live({
      state: page.connection,
      snapshot: (polls) => polls.forEach((poll) => this.listed.get(poll.pollId)?.hear(poll)),
      update: (event, payload) => this.#update(event, payload),
      unknown: (ids) => ids.forEach((id) => this.#remove(id)),
      refused: page.askForToken,
    });
    await this.#load();
    setInterval(() => this.listed.forEach((one) => one.tick()), 1000);
    this.#look();
  }

  #listen() {
    let typing = 0;
    this.filters.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#load();
    });
    this.filters.addEventListener("input", (event) => {
      clearTimeout(typing);
      typing = setTimeout(() => this.#load(), event.target.id === "q" ? pause : 0);
    });
    byId("more").addEventListener("click", () => this.#more());
    byId("fresh").addEventListener("click", async () => {
      await this.#load();
      byId("list").querySelector("a")?.focus();
    });
  }

  // -- the list -----------------------------------------------------------------------------

  #path(limit) {
    const { q, status, whose, sort } = this.filters.elements;
    const query = new URLSearchParams({ limit, sort: sort.value });
    if (q.value.trim()) query.set("q", q.value.trim());
    if (status.value) query.set("status", status.value);
    const list = whose.value === "mine" ? `/get-poll-by-user-id/${holder().id}` : "/get-all-polls";
    return `${list}?${query}`;
  }

  async #load() {
    const mine = ++this.asked; // an answer to an earlier question is dropped
    page.stopTrying();
    show(byId("more"), false); // what it would bring belongs to the list that goes
    byId("list").setAttribute("aria-busy", "true");
    try {
      const answer = await ask("GET", this.#path(pageSize));
      if (mine === this.asked) this.#fill(answer);
    } catch (error) {
      if (!error.code) throw error;
      if (mine === this.asked) page.cannotRead(error, () => this.#load());
    }
    byId("list").setAttribute("aria-busy", "false");
  }

  #fill(answer) {
    page.untell(byId("notice"));
    this.listed.clear();
    byId("list").replaceChildren();
    show(byId("fresh"), false);
    this.#append(answer);
    show(byId("none"), this.listed.size === 0);
    say(byId("none"), this.listed.size ? "" : this.#noneWords());
  }

  #noneWords() {
    const { q, status, whose } = this.filters.elements;
    if (q.value.trim() || status.value) return "No poll is like that. Try other words, or show open and closed ones.";
    return whose.value === "mine" ? "You have made no poll yet." : "There is no poll yet. Make the first one.";
  }

  #append({ body, response }) {
    for (const view of body) {
      if (this.listed.has(view.id)) continue;
      const one = new ListedPoll(view);
      this.listed.set(view.id, one);
      byId("list").append(one.row);
    }
    this.next = nextPage(response);
    show(byId("more"), this.next !== null);
    this.live.followOnly([...this.listed.keys()].slice(-most));
  }

  async #more() {
    const last = byId("list").lastElementChild;
    const asked = this.asked;
    await page.whileBusy(byId("more"), byId("notice"), async () => {
      const answer = await ask("GET", this.next);
      if (asked === this.asked) this.#append(answer); // else it belongs to another list
    });
    last?.nextElementSibling?.querySelector("a").focus();
  }

  #remove(id) {
    this.listed.get(id)?.row.remove();
    this.listed.delete(id);
  }

  #update(event, payload) {
    const one = this.listed.get(payload.pollId);
    if (!one) return;
    if (event !== "poll-update") one.hear(payload);
    else if (payload.change === "deleted") this.#remove(payload.pollId);
    else setTimeout(() => this.#readOne(payload.pollId), jitter(300));
  }

  async #readOne(id) {
    try {
      const { body } = await ask("GET", `/get-poll-by-id/${id}`);
      this.listed.get(id)?.read(body);
    } catch (error) {
      if (!error.code) throw error;
      if (error.code === "poll_not_found") this.#remove(id);
    }
  }

  // New polls are offered, not pushed in: nothing jumps away under a reader's finger.
  #look() {
    setTimeout(async () => {
      try {
        if (!document.hidden) await this.#countFresh();
      } catch (error) {
        if (!error.code) throw error;
        if (aboutToken(error.code)) return page.askForToken(error.code);
      }
      this.#look();
    }, jitter(lookEvery));
  }

  async #countFresh() {
    if (this.filters.elements.sort.value !== "newest") return;
    const asked = this.asked;
    const { body } = await ask("GET", this.#path(pageSize));
    if (asked !== this.asked) return;
    const count = body.filter((view) => !this.listed.has(view.id)).length;
    show(byId("fresh"), count > 0);
    say(byId("fresh"), count === 1 ? "Show one new poll" : `Show ${count} new polls`);
  }

  // -- a new poll ---------------------------------------------------------------------------

  #maker() {
    const form = new PollForm(byId("maker-form"), "new");
    const panel = byId("maker");
    form.clear();
    byId("make").addEventListener("click", () => toggle(byId("make"), panel, panel.hidden));
    byId("maker-cancel").addEventListener("click", () => toggle(byId("make"), panel, false));
    byId("add-option").addEventListener("click", () => form.add()?.focus());
    byId("maker-form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#make(form, event.submitter ?? byId("make"));
    });
  }

  #make(form, button) {
    const place = byId("maker-notice");
    return page.whileBusy(button, place, async () => {
      form.unmark();
      try {
        const { body } = await ask("POST", "/create-poll", form.poll());
        location.assign(`/polls/${body.id}`);
      } catch (error) {
        if (!showFieldErrors(form, place, error)) throw error;
      }
    });
  }
}

/** The path of the next page, below the API's base; `null` on the last. */
function nextPage(response) {
  const link = /<([^>]+)>\s*;\s*rel="?next"?/.exec(response.headers.get("Link") ?? "");
  if (!link) return null;
  const address = new URL(link[1], response.url);
  return address.pathname.replace(/^.*\/api\/poll/, "") + address.search;
}

page.begin(() => new PollsPage().start());
