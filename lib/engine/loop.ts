/** One blocking ppoll loop: descriptors with handlers, and one earliest deadline. */

import { monotonicUs } from "../../ffi/clock.ts";
import { POLL, PollSet } from "../../ffi/poll.ts";
import { Timer } from "../../ffi/timer.ts";
import { type Micros, micros } from "../core/time.ts";

/** What the loop asks of the one who owns the timers. */
export interface Timers {
  /** The earliest deadline; null if nothing is armed. */
  next(): Micros | null;
  /** Fires everything that is due. */
  fire(now: Micros): void;
  /** All that was pressing is done: time for what can wait, before the loop sleeps. */
  rest(): void;
  /** The loop has had no rest for long (true), or has some again (false). */
  strained(isStrained: boolean): void;
}

/** Without a rest for so long, the loop is flooded rather than busy. */
const STRAIN_US = 50_000;

/** A poll that took so long has slept: looking alone takes a few microseconds. */
const SLEPT_US = 50;

/** Now, on the clock of every deadline. */
export function now(): Micros {
  return micros(monotonicUs());
}

/** The engine thread's loop. `run` returns after `stop`. */
export class Loop {
  readonly #poll = new PollSet();
  readonly #handlers = new Map<number, () => void>();
  readonly #timers: Timers;
  readonly #timer = new Timer();
  /** What the timer is set to, so that it is not told twice; undefined once that has passed. */
  #armed: Micros | null | undefined = null;
  #running = false;
  #readAt: Micros = now();
  /** When the poll of this turn returned. */
  #wokeAt: Micros = now();
  #restedAt: Micros = now();
  #isStrained = false;

  constructor(timers: Timers) {
    this.#timers = timers;
    this.#poll.add(this.#timer.fd, POLL.IN);
  }

  /**
   * When the descriptor that is being handled was found readable: the instant of what it brings,
   * which must not move with the time that it takes to handle it.
   */
  get readAt(): Micros {
    return this.#readAt;
  }

  /** Calls `handler` whenever `fd` can be read. */
  watch(fd: number, handler: () => void): void {
    this.#handlers.set(fd, handler);
    this.#poll.add(fd, POLL.IN);
  }

  /** Stops watching; before the descriptor is closed. */
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
      this.#timers.rest();
      this.#arm(this.#timers.next());
      const before = now();
      this.#dispatch(null);
      this.#noteRest(before);
      if (!this.#isDue()) continue;
      this.#dispatch(0);
      this.#armed = undefined;
      this.#timers.fire(now());
    }
  }

  /** Lets `run` return when the handlers of this turn are done. */
  stop(): void {
    this.#running = false;
  }

  /** Closes the timer; after `run` has returned. */
  close(): void {
    this.#timer.close();
  }

  #noteRest(before: Micros): void {
    if (this.#wokeAt - before >= SLEPT_US) this.#restedAt = this.#wokeAt;
    const isStrained = this.#wokeAt - this.#restedAt > STRAIN_US;
    if (isStrained === this.#isStrained) return;
    this.#isStrained = isStrained;
    this.#timers.strained(isStrained);
  }

  #isDue(): boolean {
    const due = this.#timers.next();
    return this.#running && due !== null && due <= now();
  }

  #arm(at: Micros | null): void {
    if (at === this.#armed) return;
    this.#armed = at;
    this.#timer.set(at);
  }

  #dispatch(timeoutUs: number | null): void {
    const ready = this.#poll.wait(timeoutUs);
    this.#wokeAt = now();
    if (ready === "interrupted" || ready === 0) return;
    for (const { fd } of this.#poll.ready()) {
      this.#readAt = now();
      this.#handlers.get(fd)?.();
    }
  }
}
