// Something that is followed: its newest state, for a listener, for a loop, or to be looked at.

import type { Topic, Wire } from "./wire.js";

export interface StateTopic<State> extends Topic {
  state: State | undefined;
  readonly over: boolean;
  changed: () => void;
}

/**
 * `for await (const state of following)` gets the newest state whenever there is a newer one; states
 * that nobody was waiting for are skipped. The loop ends with what it follows, and when it is left.
 */
export class Following<State> implements AsyncIterable<State> {
  #stopped = false;
  #wake: (() => void)[] = [];

  constructor(
    private readonly wire: Wire,
    private readonly topic: StateTopic<State>,
    show?: (state: State) => void,
  ) {
    topic.changed = () => {
      this.#wake.splice(0).forEach((wake) => wake());
      if (topic.state !== undefined) show?.(topic.state);
    };
    wire.follow(topic);
  }

  /** The newest state; undefined before the first. */
  get state(): State | undefined {
    return this.topic.state;
  }

  /** Follow it no longer. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.wire.leave(this.topic);
    this.#wake.splice(0).forEach((wake) => wake());
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<State, void, void> {
    let seen: State | undefined;
    try {
      while (!this.#stopped) {
        const { state } = this.topic;
        if (state === undefined || state === seen) {
          await new Promise<void>((wake) => this.#wake.push(wake));
          continue;
        }
        seen = state;
        yield state;
        if (this.topic.over && this.topic.state === seen) return;
      }
    } finally {
      this.stop();
    }
  }
}
