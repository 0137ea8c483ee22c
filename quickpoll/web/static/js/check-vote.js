// @ts-check
// "Check my vote": the log of a verifiable poll, checked in this browser with nothing but its public
// files, the voter's receipt, and what the browser remembers. The checker is in verify/, loaded when
// it is wanted.

import { download, known } from "./api.js";
import { byId, el, say, show } from "./dom.js";
import { LogMemory } from "./log-memory.js";
import { whileBusy } from "./page.js";
import { save } from "./save.js";
import { holder } from "./session.js";
import { catalogue, t } from "./texts.js";

/** @typedef {import("./poll-state.js").PollState} PollState */

const mayBeLate = ["openings_withheld", "not_closed", "counts_shown"]; // by ten seconds after a close
const patience = 6; // looks
const pause = 2000; // milliseconds between them

// What is wrong, for a reader: which of five things cannot be believed.
/** @type {[RegExp, string][]} */
const meanings = [
  [/^(cut_short|forked)$/, "proof_wrong_kept"],
  [/^(receipt|promise)_/, "proof_wrong_ballot"],
  [/^(openings?_|close_|commitment|sum|counts_shown|not_closed)/, "proof_wrong_result"],
  [/^(definition|shown_form|no_definition|foreign_poll|bad_choices)/, "proof_wrong_poll"],
  [/./, "proof_wrong_log"],
];

export class Proof {
  /** @param {PollState} poll */
  constructor(poll) {
    this.poll = poll;
    this.memory = new LogMemory(poll.id);
    this.words = byId("proof-words");
    byId("proof-check").addEventListener("click", () => this.#check());
    byId("proof-receipt").addEventListener("click", () => this.#save());
    poll.onAnswered = () => this.#keep();
    this.#keep();
    this.show();
  }

  /** Show what can be done now, and remember what the last update said of the log. */
  show() {
    show(byId("proof"), this.poll.view.verifiable);
    show(byId("proof-receipt"), this.poll.hasVoted);
    const head = this.poll.checkpoint;
    if (head && !this.memory.see(head)) this.#alarm([{ code: "forked" }]);
  }

  /** Keep what the last vote was promised, also one that was cast before this was loaded. */
  #keep() {
    const { answered } = this.poll;
    if (answered?.promise) this.memory.promised(holder().id, answered);
  }

  #check() {
    return whileBusy(byId("proof-check"), byId("proof-notice"), async () => {
      say(this.words, t("proof_checking"));
      byId("proof-findings").replaceChildren();
      byId("proof-findings").classList.remove("notice");
      const receipt = await this.#receipt();
      const report = await this.#look(receipt.bytes);
      if (!report) return say(this.words, t("proof_cannot"));
      if (report.findings.length) return this.#alarm(report.findings);
      say(this.words, [t(receipt.words), ...this.#sum(report.fold)].join(" "));
    });
  }

  // Where what is missing may only be late, it is looked at again.
  /** @param {Uint8Array | null} receipt */
  async #look(receipt) {
    for (let left = patience; ; left -= 1) {
      const report = await this.#once(receipt);
      const late = report?.findings.length && report.findings.every(({ code }) => mayBeLate.includes(code));
      if (!late || !left) return report;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /** @param {Uint8Array | null} receipt */
  async #once(receipt) {
    const [{ check }, { CannotCheck, NotServed }] = await Promise.all([
      import("./verify/check.js"),
      import("./verify/findings.js"),
    ]);
    const fetch = reader(NotServed, CannotCheck);
    const { head } = this.memory;
    /** @type {any} */
    const keys = this.memory.keys;
    const promise = this.poll.hasVoted ? this.memory.promise(holder().id) : null;
    /** @type {any} */
    const kept = {
      checkpoints: head ? [utf8(JSON.stringify(head))] : [],
      receipts: receipt ? [receipt] : [],
      promises: promise ? [utf8(JSON.stringify(promise))] : [],
      shown: this.poll.view,
    };
    try {
      const report = await check({ fetch, pollId: this.poll.id, keys, kept });
      /** @type {any} */
      const signed = report.signed;
      if (!report.findings.length) await this.#remember(signed, fetch);
      return report;
    } catch (error) {
      if (error instanceof CannotCheck) return null;
      throw error;
    }
  }

  /** @param {Uint8Array} signed @param {(path: string) => Promise<Uint8Array>} fetch */
  async #remember(signed, fetch) {
    const [, size, root] = new TextDecoder().decode(signed).split("\n");
    this.memory.see({ size: Number(size), root });
    this.memory.trust(new TextDecoder().decode(await fetch("log/key")).split("\n").filter(Boolean));
  }

  // The receipt as bytes, and what is said where nothing is wrong.
  async #receipt() {
    if (!this.poll.hasVoted) return { bytes: null, words: "proof_fine_log" };
    try {
      const { blob } = await download(`/receipt/${this.poll.id}`);
      return { bytes: new Uint8Array(await blob.arrayBuffer()), words: "proof_fine_vote" };
    } catch (error) {
      if (known(error).code !== "receipt_pending") throw error;
      const sealed = this.poll.isOpen && this.poll.view.results !== "always";
      return { bytes: null, words: sealed ? "proof_with_close" : "proof_later" };
    }
  }

  /** @param {any} fold @returns {string[]} */
  #sum(fold) {
    const { ballots } = fold?.closed ?? {};
    if (ballots === undefined) return [];
    return [ballots < 5 ? t("proof_few") : t("proof_sum", { n: ballots })];
  }

  /** @param {{ code: string }[]} findings */
  #alarm(findings) {
    say(this.words, t("proof_wrong"));
    const meant = findings.map(({ code }) => ({ code, name: meanings.find(([form]) => form.test(code))?.[1] ?? "" }));
    const names = [...new Set(meant.map(({ name }) => name))];
    const rows = names.map((name) => {
      const codes = [...new Set(meant.filter((one) => one.name === name).map(({ code }) => code))];
      return el("li", {}, `${t(name)} `, el("code", { dir: "ltr" }, codes.join(" ")));
    });
    byId("proof-findings").replaceChildren(...rows);
    byId("proof-findings").classList.add("notice");
    show(byId("proof"));
  }

  #save() {
    return whileBusy(byId("proof-receipt"), byId("proof-notice"), async () => {
      const { blob, name } = await download(`/receipt/${this.poll.id}`);
      save(blob, name);
    });
  }
}

/** @type {Promise<Proof> | undefined} */
let begun;

/** The proof of the page's poll; its texts are fetched, and its section is made, once. @param {PollState} poll */
export function begin(poll) {
  begun ??= make(poll);
  return begun;
}

/** @param {PollState} poll */
async function make(poll) {
  const more = byId("texts").href.replace(/\.js$/, "-later.js");
  Object.assign(catalogue, (await import(more)).default);
  byId("owner").before(el("section", { class: "changes", id: "proof", "aria-labelledby": "proof-title" }, ...section()));
  return new Proof(poll);
}

// Other polls' pages do not carry it.
function section() {
  const button = (/** @type {string} */ id, /** @type {string} */ words) =>
    el("button", { type: "button", class: "plain", id }, words);
  return [
    el("h2", { id: "proof-title" }, t("proof_title")),
    el("p", { class: "quiet" }, t("proof_what")),
    el("div", { class: "actions" }, button("proof-check", t("proof_check")), button("proof-receipt", t("proof_receipt"))),
    el("div", { class: "notice", id: "proof-notice", role: "alert", hidden: true }),
    el("p", { id: "proof-words", role: "status" }),
    el("ul", { id: "proof-findings", role: "alert" }),
  ];
}

/**
 * Reads public files as the checker asks for them.
 * @param {new (said: string) => Error} NotServed
 * @param {new (said: string) => Error} CannotCheck
 */
function reader(NotServed, CannotCheck) {
  return async (/** @type {string} */ path) => {
    let answer;
    try {
      answer = await fetch(`/${path}`);
    } catch {
      throw new CannotCheck(`${path} cannot be read`);
    }
    if ([403, 404, 410].includes(answer.status)) throw new NotServed(path);
    if (!answer.ok) throw new CannotCheck(`${path}: ${answer.status}`);
    return new Uint8Array(await answer.arrayBuffer());
  };
}

/** @param {string} text */
const utf8 = (text) => new TextEncoder().encode(text);
