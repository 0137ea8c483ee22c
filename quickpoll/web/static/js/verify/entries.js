// The entries of a poll's log, and the hashes in them.

import { hashOfLines } from "./digest.js";

const hex = "([0-9a-f]{64})";
const id = "([0-9a-f]{24})";
const number = "(0|[1-9][0-9]{0,14})";
const forms = {
  poll: [
    new RegExp(`^poll v1 ${id} ${number} ${number} (fixed|free) ${hex} ${hex}$`),
    ([pollId, least, most, change, nonce, definition]) => ({
      pollId,
      least: Number(least),
      most: Number(most),
      free: change === "free",
      nonce,
      definition,
    }),
  ],
  cast: [new RegExp(`^cast ${hex} ${hex}$`), ([tag, commit]) => ({ tag, commit })],
  change: [new RegExp(`^change ${hex} ${hex}$`), ([tag, commit]) => ({ tag, commit })],
  retract: [new RegExp(`^retract ${hex}$`), ([tag]) => ({ tag })],
  erase: [new RegExp(`^erase ${hex}$`), ([tag]) => ({ tag })],
  close: [
    new RegExp(`^close ${number}((?: [0-9a-f]{24}=(?:0|[1-9][0-9]{0,14}))+)$`),
    ([ballots, votes]) => ({ ballots: Number(ballots), tally: tallyOf(votes) }),
  ],
  reopen: [/^reopen$/, () => ({})],
};
const mostBytes = (kind) => (kind === "close" ? 4095 : 255);

/** Read an entry, strictly. */
export function parseEntry(bytes) {
  if (bytes.some((byte) => byte > 127)) throw new Error("it is not ASCII");
  const line = String.fromCharCode(...bytes);
  for (const [kind, [form, fields]] of Object.entries(forms)) {
    const found = form.exec(line);
    if (!found) continue;
    if (line.length > mostBytes(kind)) throw new Error("it is too long");
    return { kind, ...fields(found.slice(1)) };
  }
  throw new Error("it has no known form");
}

function tallyOf(votes) {
  const tally = votes.trim().split(" ").map((one) => [one.slice(0, 24), Number(one.slice(25))]);
  if (new Set(tally.map(([optionId]) => optionId)).size < tally.length) {
    throw new Error("it names an option twice");
  }
  return tally;
}

/** The hash that stands for a voter. */
export const tagOf = (pollId, pepper, userId) =>
  hashOfLines("quickpoll voter v1", pollId, pepper, userId);

/** The hash that stands for a choice. */
export const commitOf = (pollId, tag, salt, optionIds) =>
  hashOfLines("quickpoll ballot v1", pollId, tag, salt, [...optionIds].sort().join(","));

/** The `poll` entry that goes with a poll as the API answers it. */
export async function pollShown(nonce, shown) {
  const definition = await hashOfLines(
    "quickpoll definition v1",
    shown.id,
    nonce,
    `question ${shown.question}`,
    `choices ${shown.minChoices} ${shown.maxChoices}`,
    `change ${shown.allowVoteChange ? "free" : "fixed"}`,
    `guests ${shown.guests}`,
    ...shown.options.map((one) => `option ${one.id} ${one.text}`),
  );
  const { id: pollId, minChoices: least, maxChoices: most, allowVoteChange: free } = shown;
  return { kind: "poll", pollId, least, most, free, nonce, definition };
}

/** The `close` entry that goes with the counts of a poll as the API answers it. */
export function closeShown(shown) {
  const tally = shown.options.map((one) => [one.id, shown.counts[one.id]]);
  const votes = tally.reduce((sum, [, count]) => sum + count, 0);
  return { kind: "close", ballots: votes === shown.votesCount ? shown.votersCount : null, tally };
}
