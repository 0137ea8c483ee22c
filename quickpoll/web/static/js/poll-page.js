// @ts-check
// One poll: its ballot, its bars, and what its owner may do.

import { ask, known } from "./api.js";
import { Ballot } from "./ballot.js";
import { standing } from "./bars.js";
import { byId, say, show } from "./dom.js";
import { Live } from "./live.js";
import { number } from "./locale.js";
import { Later } from "./pace.js";
import * as page from "./page.js";
import { PollState } from "./poll-state.js";
import { holder, onOtherTabs, tellOtherTabs } from "./session.js";
import { offer } from "./share.js";
import { t } from "./texts.js";
import { aboutToken, ownVote, passes } from "./words.js";

/** @typedef {import("./types.js").PollView} PollView @typedef {import("./types.js").Update} Update */
/** @typedef {{ voted: boolean, words: string }} Told what became of the last thing done */

const pollId = String(document.body.dataset.pollId);
const second = 1000;

class PollPage {
  asked = 0;
  shown = 0;
  lived = false;
  overdue = false;
  said = "";
  /** @type {Told | null} */
  told = null;
  /** @type {import("./owner-tools.js").OwnerTools | undefined} */
  owner;
  /** @type {import("./extras.js").Extras | undefined} */
  extras;
  rereading = new Later();
  /** @param {PollView} view */
  constructor(view) {
    this.poll = new PollState(view);
    this.ballot = new Ballot(this.poll);
    this.#show();
    this.ballot.reset();
    this.#chooseAgain();
    show(byId("content"));
    this.#listen();
    this.#clock();
    this.#own();
    this.#more();
    this.live = new Live({
      state: (name) => this.#connection(name),
      snapshot: (polls) => polls.forEach((poll) => this.#hear(poll)),
      update: (event, payload) => this.#update(event, payload),
      unknown: () => this.#gone(t("poll_was_deleted")),
      refused: page.askForToken,
    });
    this.live.follow([pollId]);
  }

  // What only owners need is loaded for them alone.
  async #own() {
    const { id, admin } = holder();
    if (id !== this.poll.view.userId && !admin) return;
    const { OwnerTools } = await import("./owner-tools.js");
    const deleted = () => this.#gone(t("you_deleted"));
    this.owner = new OwnerTools(this.poll, () => this.#read(), deleted);
    this.owner.show();
  }

  // What is beneath the result comes when all else is there.
  async #more() {
    const { Extras } = await import("./extras.js");
    this.extras = new Extras(this.poll);
    this.extras.show();
    this.extras.changes();
  }

  #listen() {
    byId("ballot").addEventListener("submit", (/** @type {Event} */ event) => this.#cast(event));
    byId("ballot").addEventListener("change", () => this.#keepChoice());
    byId("retract").addEventListener("click", () => this.#retract());
    byId("like").addEventListener("click", () => this.#like());
    byId("duplicate").addEventListener("click", () => location.assign(page.here(`/polls?copy=${pollId}`)));
    onOtherTabs((id) => id === pollId && this.#readQuietly());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#readQuietly();
    });
  }

  // A choice that was not cast yet outlives a new token, and a page that is loaded again.
  #keepChoice() {
    history.replaceState({ ...history.state, choice: this.ballot.chosen }, "");
  }

  #chooseAgain() {
    const { choice } = history.state ?? {};
    if (Array.isArray(choice) && choice.length && !this.ballot.fixed) this.ballot.choose(choice);
  }

  // -- reading ------------------------------------------------------------------------------

  // Of two reads under way the later one knows more: what the earlier one brings after it is old.
  async #read() {
    const turn = ++this.asked;
    const { body } = await ask("GET", `/get-poll-by-id/${pollId}`);
    if (turn < this.shown) return;
    this.shown = turn;
    const voted = JSON.stringify(this.poll.view.userVotes);
    this.poll.read(body);
    this.#show();
    if (voted !== JSON.stringify(body.userVotes)) this.ballot.reset();
    this.extras?.changes();
  }

  async #readQuietly() {
    try {
      await this.#read();
    } catch (error) {
      const { code } = known(error);
      if (aboutToken(code)) page.askForToken(code);
      if (code === "poll_not_found") this.#gone(t("poll_was_deleted"));
      if (passes(code)) this.rereading.in(4 * second, () => this.#readQuietly());
    }
  }

  // What changed while nobody told: the snapshot has the counts only.
  /** @param {Parameters<typeof page.connection>[0]} state */
  #connection(state) {
    page.connection(state);
    if (state === "live" && this.lived) this.rereading.in(second, () => this.#readQuietly());
    this.lived ||= state === "live";
  }

  /** @param {string} event @param {Update} payload */
  #update(event, payload) {
    if (payload.pollId !== pollId) return;
    if (event !== "poll-update") return this.#hear(payload);
    if (payload.change === "deleted") return this.#gone(t("poll_was_deleted"));
    if (payload.version >= this.poll.view.version) this.#turned(payload.change);
    this.rereading.in(300, () => this.#readQuietly()); // not everyone at once
  }

  /** @param {string} [change] */
  #turned(change) {
    if (change !== "closed" && change !== "reopened") return;
    this.poll.view.status = change === "closed" ? "closed" : "open";
    this.#show();
  }

  /** @param {Update} payload */
  #hear(payload) {
    if (payload.pollId !== pollId) return;
    const [status, hidden] = [this.poll.view.status, this.poll.hidden];
    if (!this.poll.hear(payload)) return;
    if (status !== this.poll.view.status || hidden !== this.poll.hidden) this.#show();
    else this.#showNumbers();
    const words = standing(this.poll);
    if (words && words !== this.said) page.announce(words);
    this.said = words;
  }

  // -- showing ------------------------------------------------------------------------------

  #show() {
    const { poll } = this;
    say(byId("question"), poll.view.question);
    document.title = `${poll.view.question} · QuickPoll`;
    this.ballot.show();
    this.owner?.show();
    this.#showActions();
    this.#showNumbers();
    page.tick(poll);
  }

  #showNumbers() {
    const { poll } = this;
    this.ballot.move();
    this.extras?.show();
    show(byId("turnout"), !poll.hidden);
    say(byId("voters"), number(poll.voters));
    say(byId("voters-words"), t("voters_words", { n: poll.voters }));
    const several = !poll.single && !poll.hidden;
    show(byId("votes-words"), several);
    say(byId("votes-words"), several ? t("choices_of_voters", { n: poll.view.votesCount ?? 0 }) : "");
    say(byId("likes"), number(poll.view.counts.likes));
    byId("like").setAttribute("aria-pressed", String(poll.view.userHasLiked));
  }

  #showActions() {
    const { poll } = this;
    const change = poll.hasVoted && poll.view.allowVoteChange;
    const may = poll.isOpen && (!poll.hasVoted || change);
    show(byId("cast"), may);
    byId("ballot-actions").classList.toggle("in-reach", may);
    say(byId("cast"), t(change ? "change_your_vote" : "cast_your_vote"));
    show(byId("retract"), poll.isOpen && change);
    const told = this.told?.voted === poll.hasVoted && poll.isOpen ? this.told.words : null;
    say(byId("own-vote"), told ?? ownVote(poll));
  }

  #clock() {
    const tick = () => {
      const left = page.tick(this.poll);
      // The service says so within three seconds; if that did not get here, ask.
      if (left < -4 * second && this.poll.isOpen && !this.overdue) {
        this.overdue = true;
        this.#readQuietly();
      }
      if (left > 0) this.overdue = false;
    };
    setInterval(tick, second);
  }

  /** @param {string} title */
  #gone(title) {
    this.live?.close();
    show(byId("content"), false);
    page.note(byId("notice"), title, t("gone_with_it"), page.toAllPolls());
    byId("main").focus();
  }

  // -- doing --------------------------------------------------------------------------------

  /** @param {Event} event */
  #cast(event) {
    event.preventDefault();
    const { chosen } = this.ballot;
    const least = this.poll.view.minChoices;
    if (chosen.length < least) {
      return page.note(byId("vote-notice"), t("nothing_sent"), t("choose_first", { n: least }));
    }
    const told = this.poll.hasVoted ? { voted: true, words: t("vote_changed") } : null;
    const keep = (/** @type {{ body: any }} */ answer) => this.poll.wasAnswered(answer.body);
    return this.#do(byId("cast"), told, () => ask("PUT", `/ballot/${pollId}`, { optionIds: chosen }).then(keep));
  }

  #retract() {
    const told = { voted: false, words: t("vote_taken_back") };
    return this.#do(byId("retract"), told, () => ask("DELETE", `/ballot/${pollId}`));
  }

  // Whatever came of it, the poll is read again: what the page shows is what the service has.
  // The words about the last time go first, so that the same words are heard again.
  /** @param {HTMLElement} button @param {Told | null} told @param {() => Promise<unknown>} send */
  #do(button, told, send) {
    const place = byId("vote-notice");
    return page.whileBusy(button, place, async () => {
      this.told = null;
      this.#showActions();
      try {
        await send();
      } catch (error) {
        if (known(error).code !== "offline") await this.#readQuietly();
        throw error;
      }
      this.told = told;
      tellOtherTabs(pollId);
      await this.#read();
      this.ballot.reset();
      this.#keepChoice();
      if (button.hidden) byId("own-vote").focus();
      this.live.again([pollId]); // what may be seen may differ now
    });
  }

  #like() {
    const method = this.poll.view.userHasLiked ? "DELETE" : "PUT";
    return page.whileBusy(byId("like"), byId("vote-notice"), async () => {
      const { body } = await ask(method, `/like-poll/${pollId}`);
      this.poll.view.userHasLiked = body.liked;
      tellOtherTabs(pollId);
      await this.#read();
    });
  }
}

let begun = false;

async function start() {
  page.connection("connecting");
  page.stopTrying();
  try {
    const { body } = await ask("GET", `/get-poll-by-id/${pollId}`);
    if (begun) return; // two tries at once
    begun = true;
    page.untell(byId("notice"));
    offer(pollId);
    new PollPage(body);
  } catch (error) {
    cannotRead(known(error));
  }
}

/** @param {import("./api.js").ApiError} error */
function cannotRead(error) {
  page.connection("refused");
  if (error.code !== "poll_not_found") return page.cannotRead(error, start);
  page.tell(byId("notice"), error, page.toAllPolls());
}

page.begin(start);
