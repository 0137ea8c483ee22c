// @ts-check
// <quick-poll server="https://polls.example" poll="…">: one poll within another page. What it tells
// are events whose `detail` is what a frame would say: {quickpoll: 1, type, …}.

import { Paper } from "./paper.js";
import { Service } from "./service.js";
import { Visit } from "./visit.js";

/** @typedef {import("./service.js").GetToken} GetToken */

const here = new URL(import.meta.url).origin;

export class QuickPoll extends HTMLElement {
  static observedAttributes = ["server", "poll", "guests"];

  /** @type {GetToken | null} */ #getToken = null;
  /** @type {Visit | undefined} */ #visit;
  #begun = false;

  constructor() {
    super();
    this.attachShadow({ mode: "open" });
  }

  /** Answers a token, or nothing where there is none; called anew once one is refused, with the code of the refusal. */
  get getToken() {
    return this.#getToken;
  }

  set getToken(value) {
    this.#getToken = typeof value === "function" ? value : null;
    this.#visit?.begin();
  }

  async connectedCallback() {
    this.#takeOwn("getToken");
    this.#begun = false;
    await settled(); // what the page's own scripts set first is there
    if (this.isConnected && !this.#begun) this.#begin();
  }

  disconnectedCallback() {
    this.#visit?.end();
    this.#visit = undefined;
  }

  attributeChangedCallback() {
    if (this.#begun && this.isConnected) this.#begin();
  }

  // A property that was set before this class was known is put where it belongs.
  /** @param {"getToken"} name */
  #takeOwn(name) {
    if (!Object.hasOwn(this, name)) return;
    const value = this[name];
    delete (/** @type {any} */ (this)[name]);
    this[name] = value;
  }

  #begin() {
    this.#begun = true;
    this.#visit?.end();
    const root = /** @type {ShadowRoot} */ (this.shadowRoot);
    const service = new Service(originOf(this.getAttribute("server")), () => this.#getToken, {
      guests: this.getAttribute("guests") !== "off",
    });
    const paper = new Paper(root, this.getAttribute("heading") ?? "");
    const id = (this.getAttribute("poll") ?? "").toLowerCase();
    this.#visit = new Visit(id, service, paper, (type, more) => this.#tell(type, more));
    this.#visit.begin();
  }

  /** @param {string} type @param {Record<string, unknown>} more */
  #tell(type, more) {
    const name = type === "need-token" ? "error" : type;
    this.dispatchEvent(new CustomEvent(name, { detail: { quickpoll: 1, type, ...more } }));
  }
}

// Scripts of a page have all run once it is parsed.
/** @returns {Promise<unknown>} */
function settled() {
  if (document.readyState === "complete") return new Promise((resolve) => setTimeout(resolve));
  return new Promise((resolve) => {
    for (const event of ["DOMContentLoaded", "load"]) window.addEventListener(event, resolve, { once: true });
  });
}

/** @param {string | null} server */
function originOf(server) {
  try {
    return new URL(server || here, location.href).origin;
  } catch {
    return here;
  }
}

if (!customElements.get("quick-poll")) customElements.define("quick-poll", QuickPoll);
