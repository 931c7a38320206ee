/** Many deadlines on one timer: a binary heap, the earliest on top. */

import type { Clock } from "./clock.ts";

/** One deadline. */
export interface Entry {
  readonly dueMs: number;
  readonly run: () => void;
  /** Where it is in the heap; -1 when it is not in it. */
  place: number;
}

/** Deadlines of the monotonic clock, kept by one timer that is set for the earliest of them. */
export class Agenda {
  readonly #clock: Clock;
  readonly #heap: Entry[] = [];
  #cancelTimer: () => void = () => {};
  #timerMs = Infinity;
  #isFiring = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many deadlines there are. */
  get size(): number {
    return this.#heap.length;
  }

  /** Runs something at an instant of the monotonic clock, or as soon as it can if that is over. */
  at(dueMs: number, run: () => void): Entry {
    const entry: Entry = { dueMs, run, place: this.#heap.length };
    this.#heap.push(entry);
    this.#rise(entry);
    this.#arm();
    return entry;
  }

  /** Takes a deadline back; nothing happens if it is over. */
  cancel(entry: Entry): void {
    if (entry.place < 0) return;
    this.#take(entry);
    this.#arm();
  }

  /** Takes all deadlines back. */
  clear(): void {
    for (const entry of this.#heap.splice(0)) entry.place = -1;
    this.#arm();
  }

  /** Sets the timer for the earliest deadline, unless it is already. */
  #arm(): void {
    if (this.#isFiring) return;
    const dueMs = this.#heap[0]?.dueMs ?? Infinity;
    if (dueMs === this.#timerMs) return;
    this.#cancelTimer();
    this.#timerMs = dueMs;
    this.#cancelTimer = dueMs === Infinity ? () => {} : this.#clock.after(
      // Timers count whole milliseconds: one rounded down would fire before the deadline.
      Math.max(0, Math.ceil(dueMs - this.#clock.monotonicMs())),
      () => this.#fire(),
    );
  }

  /** Runs what is due; what that adds and is due already waits for the next turn of the event loop. */
  #fire(): void {
    this.#timerMs = Infinity;
    this.#cancelTimer = () => {};
    const now = this.#clock.monotonicMs();
    const due: Entry[] = [];
    while (this.#heap.length > 0 && this.#heap[0]!.dueMs <= now) {
      due.push(this.#take(this.#heap[0]!));
    }
    this.#isFiring = true;
    try {
      for (const { run } of due) attempt(run);
    } finally {
      this.#isFiring = false;
      this.#arm();
    }
  }

  /** Removes an entry: the last one takes its place and finds its own. */
  #take(entry: Entry): Entry {
    const last = this.#heap.pop()!;
    if (last !== entry) {
      last.place = entry.place;
      this.#heap[last.place] = last;
      this.#rise(last);
      this.#sink(last);
    }
    entry.place = -1;
    return entry;
  }

  #rise(entry: Entry): void {
    while (entry.place > 0) {
      const parent = this.#heap[(entry.place - 1) >> 1]!;
      if (parent.dueMs <= entry.dueMs) return;
      this.#swap(parent, entry);
    }
  }

  #sink(entry: Entry): void {
    for (;;) {
      const left = this.#heap[entry.place * 2 + 1], right = this.#heap[entry.place * 2 + 2];
      const child = right !== undefined && right.dueMs < left!.dueMs ? right : left;
      if (child === undefined || child.dueMs >= entry.dueMs) return;
      this.#swap(entry, child);
    }
  }

  #swap(upper: Entry, lower: Entry): void {
    [upper.place, lower.place] = [lower.place, upper.place];
    this.#heap[upper.place] = upper;
    this.#heap[lower.place] = lower;
  }
}

/** One that throws is no reason to leave the others out; whoever minds hears of it as an "error" event. */
function attempt(run: () => void): void {
  try {
    run();
  } catch (error) {
    reportError(error);
  }
}
