// One poll: its ballot, its bars, and what its owner may do.

import { announce } from "./announce.js";
import { ask } from "./api.js";
import { Ballot } from "./ballot.js";
import { standing } from "./bars.js";
import { byId, say, show } from "./dom.js";
import { counted, number } from "./format.js";
import { Live } from "./live.js";
import { OwnerTools, offerDuplicate, showChanges } from "./owner-tools.js";
import { Later } from "./pace.js";
import * as page from "./page.js";
import { PollState } from "./poll-state.js";
import { offer } from "./share.js";
import { aboutToken, passes } from "./words.js";

const pollId = document.body.dataset.pollId;
const second = 1000;

class PollPage {
  asked = 0;
  shown = 0;
  lived = false;
  rereading = new Later();

  async start() {
    page.connection("connecting");
    offer(pollId);
    offerDuplicate(pollId);
    await this.#firstRead();
  }

  async #firstRead() {
    page.stopTrying();
    try {
      const { body } = await ask("GET", `/get-poll-by-id/${pollId}`);
      if (this.poll) return; // two tries at once
      page.untell(byId("notice"));
      this.#begin(body);
    } catch (error) {
      if (!error.code) throw error;
      this.#cannotRead(error);
    }
  }

  #cannotRead(error) {
    page.connection("refused");
    if (error.code !== "poll_not_found") return page.cannotRead(error, () => this.#firstRead());
    const elsewhere = { words: "See all polls", run: () => location.assign("/polls") };
    page.tell(byId("notice"), error, elsewhere);
  }

  #begin(view) {
    this.poll = new PollState(view);
    this.ballot = new Ballot();
    this.owner = new OwnerTools(this.poll, () => this.#read(), () => this.#gone("You deleted this poll"));
    this.#show();
    this.ballot.reset();
    show(byId("content"));
    this.#listen();
    this.#clock();
    this.#readChanges();
    this.live = new Live({
      state: (name) => this.#connection(name),
      snapshot: (polls) => polls.forEach((poll) => this.#hear(poll)),
      update: (event, payload) => this.#update(event, payload),
      unknown: () => this.#gone("This poll was deleted"),
      refused: page.askForToken,
    });
    this.live.follow([pollId]);
  }

  #listen() {
    byId("ballot").addEventListener("submit", (event) => this.#cast(event));
    byId("retract").addEventListener("click", () => this.#retract());
    byId("like").addEventListener("click", () => this.#like());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.#readQuietly();
    });
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
    this.#readChanges();
  }

  async #readQuietly() {
    try {
      await this.#read();
    } catch (error) {
      if (!error.code) throw error;
      if (aboutToken(error.code)) page.askForToken(error.code);
      if (error.code === "poll_not_found") this.#gone("This poll was deleted");
      if (passes(error.code)) this.rereading.in(4 * second, () => this.#readQuietly());
    }
  }

  // The history is an extra: the page is whole without it.
  #readChanges() {
    showChanges(pollId).catch((error) => {
      if (!error.code) throw error;
    });
  }

  // What changed while nobody told: the snapshot has the counts only.
  #connection(state) {
    page.connection(state);
    if (state === "live" && this.lived) this.rereading.in(second, () => this.#readQuietly());
    this.lived ||= state === "live";
  }

  #update(event, payload) {
    if (payload.pollId !== pollId) return;
    if (event !== "poll-update") return this.#hear(payload);
    if (payload.change === "deleted") return this.#gone("This poll was deleted");
    const status = { closed: "closed", reopened: "open" }[payload.change];
    if (status && payload.version >= this.poll.view.version) {
      this.poll.view.status = status;
      this.#show();
    }
    this.rereading.in(300, () => this.#readQuietly()); // not everyone at once
  }

  #hear(payload) {
    if (payload.pollId !== pollId) return;
    const [status, hidden] = [this.poll.view.status, this.poll.hidden];
    if (!this.poll.hear(payload)) return;
    if (status !== this.poll.view.status || hidden !== this.poll.hidden) this.#show();
    else this.#showNumbers();
    const words = standing(this.poll);
    if (words && words !== this.said) announce(words);
    this.said = words;
  }

  // -- showing ------------------------------------------------------------------------------

  #show() {
    const { poll } = this;
    say(byId("question"), poll.view.question);
    document.title = `${poll.view.question} · QuickPoll`;
    this.ballot.show(poll);
    this.owner.show();
    this.#showActions();
    this.#showNumbers();
    page.tick(poll);
  }

  #showNumbers() {
    const { poll } = this;
    this.ballot.move();
    show(byId("turnout"), !poll.hidden);
    say(byId("voters"), number(poll.voters));
    say(byId("voters-words"), poll.voters === 1 ? "voter" : "voters");
    const several = !poll.single && !poll.hidden;
    show(byId("votes-words"), several);
    say(byId("votes-words"), several ? `${counted(poll.view.votesCount, "choice", "choices")}; percent of voters` : "");
    say(byId("likes"), number(poll.view.counts.likes));
    byId("like").setAttribute("aria-pressed", String(poll.view.userHasLiked));
  }

  #showActions() {
    const { poll } = this;
    const change = poll.hasVoted && poll.view.allowVoteChange;
    show(byId("cast"), poll.isOpen && (!poll.hasVoted || change));
    say(byId("cast"), change ? "Change your vote" : "Cast your vote");
    show(byId("retract"), poll.isOpen && change);
    const told = this.told?.voted === poll.hasVoted && poll.isOpen ? this.told.words : null;
    say(byId("own-vote"), told ?? ownWords(poll));
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

  #gone(title) {
    this.live?.close();
    show(byId("content"), false);
    const elsewhere = { words: "See all polls", run: () => location.assign("/polls") };
    page.note(byId("notice"), title, "Its votes and likes went with it.", elsewhere);
    byId("main").focus();
  }

  // -- doing --------------------------------------------------------------------------------

  #cast(event) {
    event.preventDefault();
    const { chosen } = this.ballot;
    const least = this.poll.view.minChoices;
    if (chosen.length < least) {
      const text = least === 1 ? "Choose an option first." : `Choose at least ${least} options first.`;
      return page.note(byId("vote-notice"), "Nothing was sent yet", text);
    }
    const changed = { voted: true, words: "Your vote was changed. You may change it again." };
    const told = this.poll.hasVoted ? changed : null;
    return this.#do(byId("cast"), told, () => ask("PUT", `/ballot/${pollId}`, { optionIds: chosen }));
  }

  #retract() {
    const told = { voted: false, words: "Your vote was taken back." };
    return this.#do(byId("retract"), told, () => ask("DELETE", `/ballot/${pollId}`));
  }

  // Whatever came of it, the poll is read again: what the page shows is what the service has.
  // The words about the last time go first, so that the same words are heard again.
  #do(button, told, send) {
    const place = byId("vote-notice");
    return page.whileBusy(button, place, async () => {
      this.told = null;
      this.#showActions();
      try {
        await send();
      } catch (error) {
        if (error.code && error.code !== "offline") await this.#readQuietly();
        throw error;
      }
      this.told = told;
      await this.#read();
      this.ballot.reset();
      if (button.hidden) byId("own-vote").focus();
      this.live.again([pollId]); // what may be seen may differ now
    });
  }

  #like() {
    const method = this.poll.view.userHasLiked ? "DELETE" : "PUT";
    return page.whileBusy(byId("like"), byId("vote-notice"), async () => {
      const { body } = await ask(method, `/like-poll/${pollId}`);
      this.poll.view.userHasLiked = body.liked;
      await this.#read();
    });
  }
}

function ownWords(poll) {
  if (!poll.hasVoted) return poll.isOpen ? "" : "You did not vote on this poll.";
  if (!poll.isOpen) return "Your vote was counted.";
  return poll.view.allowVoteChange ? "Your vote is in. You may change it." : "Your vote is in. It stands.";
}

page.begin(() => new PollPage().start());
