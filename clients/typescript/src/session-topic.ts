// A session: where it is, with its present poll. What is not newer than what is known is ignored.

import type { StateTopic } from "./following.js";
import type { components } from "./live.js";
import type { Trouble } from "./wire.js";

type Schemas = components["schemas"];

/** A session as it is now; `poll` is the present one, null where there is none. */
export type SessionState = Schemas["SessionUpdate"];

export class SessionTopic implements StateTopic<SessionState> {
  readonly request = "follow";
  readonly farewell = "unfollow";
  readonly events = ["session-update"];
  readonly id: string;
  readonly payload: { sessionId: string };
  state: SessionState | undefined;
  changed = (): void => {};

  constructor(id: string) {
    this.id = id.toLowerCase();
    this.payload = { sessionId: this.id };
  }

  get over(): boolean {
    return this.state?.status === "deleted";
  }

  answered(answer: Schemas["Followed"] | Schemas["NotDone"]): Trouble | undefined {
    if ("error" in answer) return answer.error;
    this.#take({ ...answer.session, poll: answer.poll ?? null });
    return undefined;
  }

  heard(_event: string, news: SessionState): void {
    if (news.id === this.id) this.#take(news);
  }

  #take(news: SessionState): void {
    if (this.state && news.version <= this.state.version) return;
    this.state = news;
    this.changed();
  }
}
