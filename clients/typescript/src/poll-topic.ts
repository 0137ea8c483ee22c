// A poll: its counts and status. What is not newer than what is known is ignored, so no count goes
// back; equal versions are equal states.

import type { StateTopic } from "./following.js";
import type { components } from "./live.js";
import type { Trouble } from "./wire.js";

type Schemas = components["schemas"];

/** A poll as it is now; `counts` has `likes` alone while `resultsHidden`. */
export type PollState = Omit<Schemas["Snapshot"], "status"> & {
  status: Schemas["Snapshot"]["status"] | "deleted";
  likes?: number;
  at?: string;
};

type News = Partial<PollState> & { pollId: string; version: number };

const statusAfter: Record<string, PollState["status"]> = { closed: "closed", reopened: "open", deleted: "deleted" };

export class PollTopic implements StateTopic<PollState> {
  readonly request = "subscribe";
  readonly farewell = "unsubscribe";
  readonly events = ["vote-update", "like-update", "poll-update"];
  readonly id: string;
  readonly payload: { pollIds: string[] };
  state: PollState | undefined;
  changed = (): void => {};

  constructor(id: string) {
    this.id = id.toLowerCase();
    this.payload = { pollIds: [this.id] };
  }

  get over(): boolean {
    return this.state?.status === "deleted";
  }

  answered(answer: Schemas["Subscribed"] | Schemas["NotSubscribed"]): Trouble | undefined {
    if ("error" in answer) return answer.error;
    for (const snapshot of answer.polls) this.#take(snapshot, snapshot);
    if (answer.unknown.includes(this.id)) return { code: "poll_not_found", detail: "There is no such poll." };
    return undefined;
  }

  heard(event: string, news: any): "ask" | void {
    if (news?.pollId !== this.id || !this.state) return;
    if (event === "vote-update") return this.#take(news, { ...this.state, ...news, resultsHidden: false });
    if (event === "like-update") return this.#take(news, { ...this.state, ...news, counts: { ...this.state.counts, ...news.counts } });
    const status = statusAfter[news.change];
    if (!status) return "ask"; // its settings are new
    const { change: _change, ...rest } = news;
    this.#take(news, { ...this.state, ...rest, status });
  }

  #take(news: News, state: PollState): void {
    if (news.pollId !== this.id || news.version <= (this.state?.version ?? 0)) return;
    this.state = state;
    this.changed();
  }
}
