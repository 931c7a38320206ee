/** Time that passes when a test says so. */

import type { Clock } from "../lib/track/clock.ts";

/** A clock whose timers run as it is advanced; both its clocks begin at 1,000,000 ms. */
export class VirtualClock implements Clock {
  #nowMs = 1_000_000;
  readonly #timers = new Set<{ readonly dueMs: number; readonly run: () => void }>();
  /** Timers fire so much later than asked. */
  lateMs = 0;

  get timers(): number {
    return this.#timers.size;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#nowMs;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { dueMs: this.#nowMs + ms + this.lateMs, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets time pass; what promises do next is done at each instant. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settle();
    for (;;) {
      let next = null;
      for (const timer of this.#timers) if (!next || timer.dueMs < next.dueMs) next = timer;
      if (next === null || next.dueMs > untilMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.run();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  /** Time that passes while the process is held up: what is due runs afterwards, all late. */
  async suspend(ms: number): Promise<void> {
    this.#nowMs += ms;
    await this.advance(0);
  }
}

/** As many turns of the microtask queue as any chain of awaits here has links. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await null;
}
