/**
 * What waits for one target: in order, one at a time. A target that cannot follow is told the
 * newest state of each subject instead of everything that is past.
 */

import type { Logger } from "../logger.ts";

/** How many may wait before what is past is left out. */
export const MAX_BEHIND = 10;

/** What a job may ask while it runs. */
export interface JobContext {
  /** Aborted when the job must end at once. */
  readonly signal: AbortSignal;
  /** Whether something newer about the same subject waits: a job that keeps failing may give up. */
  isOutdated(): boolean;
}

/** What a queue is made of. */
export interface QueueParts<Item> {
  /** Whatever has the same key replaces what waits, when the target is behind. */
  readonly keyOf: (item: Item) => string;
  /** Delivers one; what goes wrong is its own business, a rejection is told to `failed`. */
  readonly run: (item: Item, context: JobContext) => Promise<void>;
  /** Told of what `run` threw: a bug. */
  readonly failed: (error: unknown) => void;
  /** Told once when the target falls behind. */
  readonly behind: () => void;
  /** Told when it has caught up: how many were left out meanwhile. */
  readonly caughtUp: (leftOut: number) => void;
}

/** A queue for one target. */
export class TargetQueue<Item> {
  readonly #parts: QueueParts<Item>;
  #waiting: Item[] = [];
  #running: { readonly item: Item; readonly abort: AbortController } | null = null;
  #idle = Promise.withResolvers<void>();
  /** Left out since the target fell behind; null while it follows. */
  #episode: number | null = null;
  #leftOut = 0;

  constructor(parts: QueueParts<Item>) {
    this.#parts = parts;
    this.#idle.resolve();
  }

  /** How many wait, the one that is being delivered not counted. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Whether one is being delivered. */
  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** How many were left out since the start. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** Puts one at the end; it is delivered at once if nothing is before it. */
  add(item: Item): void {
    this.#waiting.push(item);
    if (this.#waiting.length > MAX_BEHIND) this.#keepNewest();
    if (this.#running === null) void this.#work();
  }

  /** Counts one that `run` has left out itself, because it was outdated. */
  countLeftOut(): void {
    this.#leaveOut(1);
  }

  /** Resolves when nothing waits and nothing runs. */
  idle(): Promise<void> {
    return this.#idle.promise;
  }

  /** There is little time left: ends what runs and keeps of the rest the newest of each subject. */
  hurry(): void {
    if (this.#waiting.length === 0) return;
    this.#keepNewest();
    this.#running?.abort.abort();
  }

  /** Ends what runs and forgets the rest. */
  cancel(): void {
    this.#leaveOut(this.#waiting.length);
    this.#waiting = [];
    this.#running?.abort.abort();
  }

  async #work(): Promise<void> {
    this.#idle = Promise.withResolvers();
    for (let item; (item = this.#waiting.shift()) !== undefined;) await this.#deliver(item);
    if (this.#episode !== null && this.#episode > 0) this.#parts.caughtUp(this.#episode);
    this.#episode = null;
    this.#idle.resolve();
  }

  async #deliver(item: Item): Promise<void> {
    const abort = new AbortController(), key = this.#parts.keyOf(item);
    this.#running = { item, abort };
    const isOutdated = () => this.#waiting.some((other) => this.#parts.keyOf(other) === key);
    try {
      await this.#parts.run(item, { signal: abort.signal, isOutdated });
    } catch (error) {
      this.#parts.failed(error);
    }
    this.#running = null;
  }

  #keepNewest(): void {
    const newest = new Map(this.#waiting.map((item) => [this.#parts.keyOf(item), item]));
    const kept = this.#waiting.filter((item) => newest.get(this.#parts.keyOf(item)) === item);
    this.#leaveOut(this.#waiting.length - kept.length);
    this.#waiting = kept;
  }

  #leaveOut(count: number): void {
    if (count === 0) return;
    if (this.#episode === null) this.#parts.behind();
    this.#episode = (this.#episode ?? 0) + count;
    this.#leftOut += count;
  }
}

/** The log lines of a queue. @param title The target, for people. */
export function behindMessages(
  title: string,
  log: Logger,
): Pick<QueueParts<unknown>, "failed" | "behind" | "caughtUp"> {
  return {
    failed: (error) => {
      const why = error instanceof Error ? error.stack ?? error.message : String(error);
      log({ level: "error", text: `Cannot notify the ${title}: ${why}` });
    },
    behind: () => {
      const text = `The ${title} cannot follow: only the newest state is kept for it`;
      log({ level: "warning", text });
    },
    caughtUp: (leftOut) => {
      const text = `The ${title} has caught up, ${leftOut} notifications were left out`;
      log({ level: "notice", text });
    },
  };
}
