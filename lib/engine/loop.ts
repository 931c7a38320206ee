/** One blocking ppoll loop: descriptors with handlers, and one earliest deadline. */

import { monotonicUs } from "../../ffi/clock.ts";
import { POLL, PollSet } from "../../ffi/poll.ts";
import { type Micros, micros } from "../core/time.ts";

/** What the loop asks of the one who owns the timers. */
export interface Timers {
  /** The earliest deadline; null if nothing is armed. */
  next(): Micros | null;
  /** Fires everything that is due. */
  fire(now: Micros): void;
}

/** Now, on the clock of every deadline. */
export function now(): Micros {
  return micros(monotonicUs());
}

/** The engine thread's loop. `run` returns after `stop`. */
export class Loop {
  readonly #poll = new PollSet();
  readonly #handlers = new Map<number, () => void>();
  readonly #timers: Timers;
  #running = false;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Calls `handler` whenever `fd` can be read. */
  watch(fd: number, handler: () => void): void {
    this.#handlers.set(fd, handler);
    this.#poll.add(fd, POLL.IN);
  }

  unwatch(fd: number): void {
    this.#handlers.delete(fd);
    this.#poll.remove(fd);
  }

  /**
   * Runs until `stop`. What can be read is always read before a timer fires: an advert that waits in
   * the socket while this thread was held up must not be taken for a silent master.
   */
  run(): void {
    this.#running = true;
    while (this.#running) {
      const next = this.#timers.next();
      this.#dispatch(next === null ? null : Math.max(0, next - now()));
      const due = this.#timers.next();
      if (due === null || due > now()) continue;
      this.#dispatch(0);
      this.#timers.fire(now());
    }
  }

  stop(): void {
    this.#running = false;
  }

  #dispatch(timeoutUs: number | null): void {
    const ready = this.#poll.wait(timeoutUs);
    if (ready === "interrupted" || ready === 0) return;
    for (const { fd } of this.#poll.ready()) this.#handlers.get(fd)?.();
  }
}
