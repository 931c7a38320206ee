/** Says what repeats once, then how often it repeated: never a line per packet. */

import { type Micros, seconds } from "../core/time.ts";

/** Repeats are summed up this often, at the next one that comes. */
const SUMMARY_US = seconds(300);

/** Forged senders must not fill memory: beyond so many kinds, new ones are only counted. */
const MAX_KINDS = 512;

interface Kind {
  saidAt: Micros;
  repeats: number;
}

/** Remembers what was said, by a key that names the sender and the fault. */
export class LogLimiter {
  readonly #kinds = new Map<string, Kind>();

  /** The text to log now for one more occurrence, or null while it is only counted. */
  say(key: string, text: string, now: Micros): string | null {
    const kind = this.#kinds.get(key);
    if (kind === undefined) return this.#first(key, text, now);
    kind.repeats++;
    if (now - kind.saidAt < SUMMARY_US) return null;
    const summed = `${text} (${kind.repeats} times since it was last said)`;
    kind.saidAt = now;
    kind.repeats = 0;
    return summed;
  }

  /** Starts afresh, so that a fault that comes back after a change is news again. */
  forget(): void {
    this.#kinds.clear();
  }

  #first(key: string, text: string, now: Micros): string | null {
    if (this.#kinds.size >= MAX_KINDS) return null;
    this.#kinds.set(key, { saidAt: now, repeats: 0 });
    if (this.#kinds.size < MAX_KINDS) return text;
    return `${text} (from now on, new senders of bad packets are counted without being named)`;
  }
}
