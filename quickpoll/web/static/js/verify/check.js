// The checker: whether the log of a poll is what the service says it is. It trusts nobody.
//
// It reads public files through `fetch(path)`, which answers bytes or throws NotServed or
// CannotCheck, and what a voter kept. The same steps and codes as quickpoll/verification/check.py.

import { same } from "./bytes.js";
import { closeShown, commitOf, parseEntry, pollShown, tagOf } from "./entries.js";
import { CannotCheck, formed, NotServed, require, Wrong } from "./findings.js";
import { Fold } from "./fold.js";
import { openPromise, parseAnnounced, parseOpenings, parsePromise, parseReceipt } from "./kept.js";
import { openCheckpoint, parseKey, parseKeys, UnknownSigner } from "./notes.js";
import { leafHashes, readEntries, readHashes } from "./tiles.js";
import { rootByPath, rootOf } from "./tree.js";
import { leafHash } from "./digest.js";

const looks = 5; // at a log that grows meanwhile, before its findings are believed
const leastBallots = 5; // a close that counts fewer publishes no openings
const leastDepth = 4; // of a promise's tree

/**
 * Check a poll's log. `keys` are verifier keys as text; without any, those of `log/key` are
 * trusted. `kept` is { checkpoints, receipts, promises: [bytes], shown: PollView }; `now` a Unix time.
 * Answers { findings: [{ code, said }], notes: [text], signed: bytes, fold: Fold or null }.
 */
export async function check({ fetch, pollId, keys = [], kept = {}, now = Date.now() / 1000 }) {
  const trusted = keys.length ? await Promise.all(keys.map(parseKey)) : await served(fetch);
  let checkpoints = kept.checkpoints ?? [];
  for (let look = 1; ; look += 1) {
    const checker = new Checker(fetch, pollId, trusted, now);
    const report = await checker.run({ ...kept, checkpoints });
    if (!report.findings.length || look === looks || !(await checker.hasGrown())) return report;
    checkpoints = [...checkpoints, report.signed];
  }
}

async function served(fetch) {
  try {
    return await parseKeys(await fetch("log/key"));
  } catch (error) {
    throw new CannotCheck(`the service's keys (log/key) cannot be had: ${error.message}`);
  }
}

class Checker {
  constructor(fetch, pollId, keys, now) {
    Object.assign(this, { fetch, pollId, keys, now, log: `log/${pollId}` });
    this.report = { findings: [], notes: [], signed: null, fold: null };
    [this.lines, this.leaves, this.read] = [[], [], []];
    this.fold = new Fold(pollId);
  }

  async run({ checkpoints = [], receipts = [], promises = [], shown = null }) {
    this.report.signed = await this.newest();
    if (!(await this.#step(() => this.#read()))) {
      this.report.notes.push("The log cannot be read as signed: nothing else was checked.");
      return this.report;
    }
    for (const one of checkpoints) await this.#step(() => this.#keptCheckpoint(one));
    await this.#holds(this.lines.length, "no_definition", "the log has no entry");
    for (const [number, line] of this.lines.entries()) await this.#step(() => this.#entry(number, line));
    this.report.fold = this.fold;
    if (this.fold.closed) await this.#step(() => this.#openings(this.fold.closed));
    for (const one of receipts) await this.#step(() => this.#receipt(one));
    for (const one of promises) await this.#step(() => this.#promise(one));
    if (shown) await this.#step(() => this.#shown(shown));
    return this.report;
  }

  /** Do a step; what is wrong ends the step and becomes a finding. */
  async #step(work) {
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      this.report.findings.push({ code: error.code, said: error.message });
      return false;
    }
  }

  #holds(holds, code, said) {
    return this.#step(() => require(holds, code, said));
  }

  // 1. Key and checkpoint.

  async newest() {
    try {
      return await this.fetch(`${this.log}/checkpoint`);
    } catch (error) {
      if (!(error instanceof NotServed)) throw error;
      throw new CannotCheck(`there is no log of poll ${this.pollId}: ${error.message}`);
    }
  }

  async hasGrown() {
    try {
      return !same(await this.newest(), this.report.signed);
    } catch (error) {
      if (error instanceof CannotCheck) return false;
      throw error;
    }
  }

  async #checkpoint(signed, what) {
    const checkpoint = await formed("checkpoint_form", what, async () => {
      try {
        return await openCheckpoint(signed, this.keys);
      } catch (error) {
        if (error instanceof UnknownSigner) throw new Wrong("signature", `${what}: ${error.message}`);
        throw error;
      }
    });
    const own = `${checkpoint.key.name}/log/${this.pollId}`;
    require(checkpoint.origin === own, "origin", `${what} is of ${checkpoint.origin}, not ${own}`);
    return checkpoint;
  }

  // 2. Every entry and every hash.

  async #read() {
    const checkpoint = await this.#checkpoint(this.report.signed, "the checkpoint");
    this.lines = await readEntries(this.fetch, this.log, checkpoint.size);
    this.leaves = await leafHashes(this.lines);
    await readHashes(this.fetch, this.log, this.leaves);
    const made = same(await rootOf(this.leaves), checkpoint.root);
    require(made, "root", "the entries do not make the root that is signed");
  }

  // 3. Older checkpoints, signed ones and those of live updates.

  async #keptCheckpoint(content) {
    const what = "the kept checkpoint";
    const unsigned = /^\s*\{/.test(new TextDecoder().decode(content));
    const older = unsigned
      ? await formed("checkpoint_form", what, () => parseAnnounced(content))
      : await this.#checkpoint(content, what);
    await this.#grown(older, what);
  }

  async #grown({ size, root }, what) {
    const held = this.leaves.length;
    require(size <= held, "cut_short", `${what} has ${size} entries, the log has ${held}`);
    const kept = same(await rootOf(this.leaves.slice(0, size)), root);
    require(kept, "forked", `${what} has ${size} entries that are not those of this log`);
  }

  // 4. The entries, one by one.

  async #entry(number, line) {
    this.read.push(null);
    const what = `entry ${number}`;
    const entry = await formed("entry_form", what, () => parseEntry(line));
    this.read[number] = entry;
    try {
      this.fold.apply(entry);
    } catch (error) {
      throw error instanceof Wrong ? new Wrong(error.code, `${what}: ${error.message}`) : error;
    }
  }

  #about(tag, after) {
    return this.read.slice(after + 1).find((one) => one?.tag === tag);
  }

  // 5. The openings, and their sum.

  async #openings(close) {
    const sealed = this.fold.sealed.size;
    if (sealed) this.report.notes.push(`${sealed} of ${close.ballots} ballots are sealed by erasure.`);
    if (close.ballots < leastBallots) {
      this.report.notes.push(`With fewer than ${leastBallots} ballots nothing is opened: the sum is not proven.`);
      return;
    }
    const opened = await formed("opening_form", "openings", async () => parseOpenings(await this.#opened()));
    const tags = opened.map((one) => one.tag);
    const ordered = tags.every((tag, at) => at === 0 || tags[at - 1] < tag);
    await this.#holds(ordered, "openings_order", "openings out of order, or one twice");
    for (const one of opened) await this.#step(() => this.#opening(one, close));
    const there = new Set(tags);
    const missing = [...this.fold.ballots.keys()].filter((tag) => !there.has(tag) && !this.fold.sealed.has(tag));
    await this.#holds(!missing.length, "openings_missing", `${missing.length} ballots are not opened`);
    await this.#sum(close, opened);
  }

  async #opened() {
    try {
      return await this.fetch(`${this.log}/openings`);
    } catch (error) {
      if (!(error instanceof NotServed)) throw error;
      throw new Wrong("openings_withheld", `the openings are not served: ${error.message}`);
    }
  }

  async #opening({ tag, salt, optionIds }, close) {
    const counts = this.fold.ballots.has(tag) && !this.fold.sealed.has(tag);
    require(counts, "opening_foreign", `no ballot to be opened has the tag ${tag}`);
    const cast = (await commitOf(this.pollId, tag, salt, optionIds)) === this.fold.ballots.get(tag);
    require(cast, "commitment", `the opening of ${tag} is not what was cast`);
    const { least, most } = this.fold.poll;
    const known = close.tally.map(([optionId]) => optionId);
    const within = least <= optionIds.length && optionIds.length <= most;
    const sound = within && optionIds.every((one) => known.includes(one));
    require(sound, "opening_choice", `the opening of ${tag} is no possible ballot`);
  }

  async #sum(close, opened) {
    const sealed = this.fold.sealed.size;
    let unopened = 0;
    for (const [optionId, votes] of close.tally) {
      const found = opened.filter((one) => one.optionIds.includes(optionId)).length;
      const rest = votes - found;
      const said = `option ${optionId} was given ${votes} votes, the openings say ${found}`;
      await this.#holds(rest >= 0 && rest <= sealed, "sum", said);
      unopened += rest;
    }
    const { least, most } = this.fold.poll;
    const possible = sealed * least <= unopened && unopened <= sealed * most;
    require(possible, "sum", "the openings do not make the tally");
  }

  // 6. A voter's receipt, and promises.

  async #receipt(content) {
    const receipt = await formed("receipt_form", "the receipt", () => parseReceipt(content));
    const entry = await formed("receipt_form", "the receipt", () => parseEntry(receipt.entry));
    const cast = entry.kind === "cast" || entry.kind === "change";
    require(cast, "receipt_form", `the receipt is of a ${entry.kind}, which is no ballot`);
    await this.#isTheirs("receipt", entry, receipt);
    const older = await this.#checkpoint(receipt.checkpoint, "the receipt's checkpoint");
    const root = await rootByPath(await leafHash(receipt.entry), receipt.index, older.size, receipt.path);
    require(root && same(root, older.root), "receipt_path", "the receipt does not prove what it says");
    const there = receipt.index < this.lines.length && same(this.lines[receipt.index], receipt.entry);
    await this.#holds(there, "receipt_entry", `entry ${receipt.index} is not the receipt's`);
    await this.#grown(older, "the receipt's checkpoint");
    const later = this.#about(entry.tag, receipt.index);
    require(!later, "receipt_outdated", `the ballot of the receipt has a later ${later?.kind}: not yours, if you made none`);
    this.report.notes.push(`The receipt is of the ballot of user ${receipt.userId}.`);
  }

  async #isTheirs(what, entry, { pepper, userId, salt, optionIds }) {
    if (userId === undefined) {
      this.report.notes.push(`The ${what} names no user: whose it is was not checked.`);
    } else {
      const own = (await tagOf(this.pollId, pepper, userId)) === entry.tag;
      require(own, `${what}_tag`, `the ${what} is not of user ${userId} in this poll`);
    }
    if (salt === undefined || optionIds === undefined) {
      if (entry.commit) this.report.notes.push(`The ${what} was checked without the choice in it.`);
      return;
    }
    const own = (await commitOf(this.pollId, entry.tag, salt, optionIds)) === entry.commit;
    require(own, `${what}_commit`, `the ${what} is not of this choice`);
  }

  async #promise(content) {
    const promise = await formed("promise_form", "the promise", () => parsePromise(content));
    const entry = await formed("promise_form", "the promise", () => parseEntry(promise.entry));
    require(entry.tag, "promise_form", `the promise is of a ${entry.kind}`);
    await this.#isTheirs("promise", entry, promise);
    const { root, due } = await formed("promise_signature", "the promise", () => openPromise(promise.note, this.keys));
    const depth = promise.path.length;
    const found = await rootByPath(await leafHash(promise.entry), promise.index, 2 ** depth, promise.path);
    const leads = depth >= leastDepth && found && same(found, root);
    require(leads, "promise_path", "the promise is of another entry");
    this.#isKept(promise.entry, entry, due);
  }

  #isKept(line, entry, due) {
    const at = this.lines.findIndex((one) => same(one, line));
    if (at >= 0) {
      const later = this.#about(entry.tag, at);
      if (later) {
        const said = `A later ${later.kind} is in the log: not yours, if you made none.`;
        this.report.notes.push(`The promise was kept. ${said}`);
      }
      return;
    }
    const overdue = this.fold.closed || (due !== null && due < this.now);
    require(!overdue, "promise_broken", "what was promised is not in the log");
    this.report.notes.push("The promise is not due yet, and its entry not in the log.");
  }

  // 7. What the page shows.

  async #shown(shown) {
    const { poll, closed } = this.fold;
    const [wanted, counted] = await formed("shown_form", "the poll that is shown", async () => [
      poll && (await pollShown(poll.nonce, shown)),
      shown.status === "closed" && !shown.resultsHidden && closeShown(shown),
    ]);
    const alike = (one, other) => JSON.stringify(one) === JSON.stringify(other);
    require(poll && alike(poll, wanted), "definition", "the poll that is shown is not the one in the log");
    if (shown.status !== "closed") return;
    require(closed, "not_closed", "shown as closed, open in the log");
    if (counted) require(alike(closed, counted), "counts_shown", "the counts that are shown are not the log's");
  }
}
