// Follows a poll with the published client: `node … URL POLL [SESSION]`, tokens as lines of the input.
// Prints a line of JSON for each state and each trouble.

import { createClient } from "quickpoll-client";

declare const process: {
  argv: string[];
  stdin: AsyncIterable<Uint8Array> & { pause(): void };
  stdout: { write(text: string): void };
};

const [url = "", pollId = "", sessionId = ""] = process.argv.slice(2);
const say = (what: string, more: unknown): void => process.stdout.write(`${JSON.stringify([what, more])}\n`);

const tokens: string[] = [];
const client = createClient({
  url,
  getToken: () => {
    say("token", tokens.length);
    return tokens.length > 1 ? tokens.shift() : tokens[0];
  },
  onTrouble: ({ code }) => say("trouble", code),
});

async function begin(): Promise<void> {
  const { data, error } = await client.rest.GET("/api/poll/get-poll-by-id/{poll_id}", {
    params: { path: { poll_id: pollId } },
  });
  if (error) return say("refused", error.code);
  const question: string = data.question;
  say("question", question);
  if (sessionId) client.followSession(sessionId, (state) => say("session", state));
  for await (const state of client.follow(pollId)) say("state", state);
  say("over", client.follow(pollId.toUpperCase()).state ?? null);
  client.close();
  process.stdin.pause();
}

const decoder = new TextDecoder();
let begun = false;
for await (const bytes of process.stdin) {
  tokens.push(...decoder.decode(bytes).split("\n").filter(Boolean));
  if (!begun) void begin();
  begun = true;
}
