// A client of QuickPoll: `createClient({ url, getToken })`, then `rest`, `follow`, `followSession`.

import createFetch, { type Client } from "openapi-fetch";

import { Following } from "./following.js";
import type { components as live } from "./live.js";
import type { components as rest, paths } from "./rest.js";
import { PollTopic, type PollState } from "./poll-topic.js";
import { SessionTopic, type SessionState } from "./session-topic.js";
import { Wire, type GetToken, type Trouble } from "./wire.js";

export type { Following, GetToken, PollState, SessionState, Trouble, live, paths, rest };

export interface Options {
  /** Where the service is, such as `https://polls.example`. */
  url: string;
  /** Answers a token; called for each connection and each request, so it may answer another one. */
  getToken: GetToken;
  /** Told why a connection or a subscription does not come about; it is tried again by itself. */
  onTrouble?: (trouble: Trouble) => void;
}

export interface QuickPollClient {
  /** The REST interface, typed by its OpenAPI document: `rest.GET("/api/poll/get-poll-by-id/{poll_id}", …)`. */
  rest: Client<paths>;
  /** The state of a poll, now and whenever it changes; never an older one after a newer. */
  follow(pollId: string, show?: (state: PollState) => void): Following<PollState>;
  /** The state of a session with its present poll, likewise. */
  followSession(sessionId: string, show?: (state: SessionState) => void): Following<SessionState>;
  /** End everything. */
  close(): void;
}

export function createClient({ url, getToken, onTrouble = () => {} }: Options): QuickPollClient {
  const client = createFetch<paths>({ baseUrl: url.replace(/\/+$/, "") });
  client.use({
    async onRequest({ request }) {
      const token = await getToken();
      if (token) request.headers.set("Authorization", `Bearer ${token}`);
      return request;
    },
  });
  const wire = new Wire(url, getToken, onTrouble);
  return {
    rest: client,
    follow: (pollId, show) => new Following(wire, new PollTopic(pollId), show),
    followSession: (sessionId, show) => new Following(wire, new SessionTopic(sessionId), show),
    close: () => wire.close(),
  };
}
