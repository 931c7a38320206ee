/**
 * Calls that may hang: file systems and name servers that do not answer. Deno makes them on 32 threads
 * (2.9.6) and takes none of them back, so that whoever asked again and again would in the end hold
 * all of them, and no check at all could look any more. Here one thing is asked once at a time, and
 * of each kind few things at once.
 */

import type { Clock } from "./clock.ts";

/** An answer that is to come, for any number of people who wait as long as they like. */
export class Pending<T> {
  readonly beganMs: number;
  readonly #waiting = new Set<() => void>();
  #outcome: PromiseSettledResult<T> | null = null;

  constructor(beganMs: number) {
    this.beganMs = beganMs;
  }

  /** How it ended; null if the signal is aborted before. Nothing is kept of who waits no more. */
  wait(signal: AbortSignal): Promise<PromiseSettledResult<T> | null> {
    return new Promise((resolve) => {
      const end = () => {
        this.#waiting.delete(end);
        signal.removeEventListener("abort", end);
        resolve(this.#outcome);
      };
      if (this.#outcome !== null || signal.aborted) return resolve(this.#outcome);
      this.#waiting.add(end);
      signal.addEventListener("abort", end);
    });
  }

  /** It has ended. */
  settle(outcome: PromiseSettledResult<T>): void {
    this.#outcome = outcome;
    for (const end of [...this.#waiting]) end();
  }
}

/** Things that are asked for by a key. */
export class Shared<T> {
  readonly #most: number;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #pending = new Map<string, Pending<T>>();
  readonly #queue: (() => void)[] = [];
  #running = 0;

  /** @param most So many calls at once; others wait for their turn. */
  constructor(most: number, clock: Pick<Clock, "monotonicMs">) {
    this.#most = most;
    this.#clock = clock;
  }

  /** How many things are asked for and not answered. */
  get size(): number {
    return this.#pending.size;
  }

  /** The answer that is on its way; undefined if nobody has asked. */
  peek(key: string): Pending<T> | undefined {
    return this.#pending.get(key);
  }

  /** The answer that is on its way, or else what this call will answer. */
  ask(key: string, call: () => Promise<T>): Pending<T> {
    const known = this.#pending.get(key);
    if (known !== undefined) return known;
    const pending = new Pending<T>(this.#clock.monotonicMs());
    this.#pending.set(key, pending);
    this.#queue.push(() =>
      void this.#outcomeOf(call).then((outcome) => {
        this.#running--;
        this.#pending.delete(key);
        pending.settle(outcome);
        this.#next();
      })
    );
    this.#next();
    return pending;
  }

  async #outcomeOf(call: () => Promise<T>): Promise<PromiseSettledResult<T>> {
    try {
      return { status: "fulfilled", value: await call() };
    } catch (reason) {
      return { status: "rejected", reason };
    }
  }

  #next(): void {
    while (this.#running < this.#most) {
      const begin = this.#queue.shift();
      if (begin === undefined) return;
      this.#running++;
      begin();
    }
  }
}

/** A signal that is aborted with another one, or after a time; `end` lets go of both. */
export function patience(
  ms: number,
  clock: Pick<Clock, "after">,
  outer?: AbortSignal,
): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const cancel = clock.after(ms, abort);
  outer?.addEventListener("abort", abort);
  if (outer?.aborted) abort();
  return {
    signal: controller.signal,
    end() {
      cancel();
      outer?.removeEventListener("abort", abort);
    },
  };
}
