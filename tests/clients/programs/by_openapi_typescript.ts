// A person's program with the types that openapi-typescript makes. The compiler checks it.

import type { components, paths } from "./polls_client.js";

declare const process: { argv: string[] };

type Schemas = components["schemas"];
type Page = paths["/api/poll/get-all-polls"]["get"]["responses"][200]["content"]["application/json"];
type Exported =
  paths["/api/poll/export-poll/{poll_id}"]["get"]["responses"][200]["content"]["application/json"];
type Query = NonNullable<paths["/api/poll/get-all-polls"]["get"]["parameters"]["query"]>;

const [url, token, voted, hidden] = process.argv.slice(2) as [string, string, string, string];

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const answer = await fetch(`${url}/api/poll/${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await answer.json()) as T;
}

const poll = await call<Schemas["PollView"]>("GET", `get-poll-by-id/${voted}`);
// None of them is required, though two have defaults.
const query: Query = { limit: 10 };
const page = await call<Page>("GET", `get-all-polls?limit=${query.limit}`);
const without = await call<Schemas["PollView"]>("GET", `get-poll-by-id/${hidden}`);
const update: Schemas["PollUpdate"] = { closesAt: null };
const changed = await call<Schemas["Poll"]>("PATCH", `update-poll/${voted}`, update);
const exported = await call<Exported>("GET", `export-poll/${voted}?format=json`);
const rows = await call<Schemas["TimelineRow"][]>("GET", `poll-timeline/${voted}?bucket=3600`);
const asked: Schemas["NewPoll"] = {
  question: "By a client?",
  options: [{ text: "yes" }, { text: "no" }],
};
const created = await call<Schemas["Poll"]>("POST", "create-poll", asked);
const refused = await call<Schemas["Problem"]>("POST", `vote-on-poll/${voted}/${"0".repeat(24)}`);

// Each has the type that a person would expect.
const counts: Record<string, number> = poll.counts;
const version: number = poll.version;
const voters: number | undefined = without.votesCount;
const closesAt: string | null = changed.closesAt;
const shares: [number, number][] = exported.options.map((one) => [one.votes, one.percent]);
const chosen: [number, "always" | "after_vote" | "after_close" | "owner"] = [
  created.minChoices,
  created.results,
];

console.log(
  JSON.stringify({
    counts,
    version,
    listed: page.map((one) => one.id),
    hidden: [without.resultsHidden, voters ?? null, without.counts],
    closesAt,
    export: shares,
    timeline: rows.at(-1)?.counts,
    created: chosen,
    code: refused.code,
  }),
);
