/** Trying again: what mail and webhooks have in common. */

import type { Clock } from "../../track/clock.ts";

/** Waits, or until the signal is aborted. Never rejects. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener("abort", end);
  });
}

/** One attempt has failed, in words. `isFinal`: another would fail in the same way. */
export class DeliveryError extends Error {
  override readonly name = "DeliveryError";
  readonly isFinal: boolean;

  constructor(message: string, isFinal: boolean) {
    super(message);
    this.isFinal = isFinal;
  }
}

/** How it ended. */
export type Delivered =
  | { readonly kind: "delivered"; readonly answer: string }
  /** Something newer replaces it. */
  | { readonly kind: "outdated" }
  | { readonly kind: "failed"; readonly why: string; readonly tries: number };

/** How to try. */
export interface Trying {
  /** The waits between the tries: one try more than that. */
  readonly delaysMs: readonly number[];
  readonly clock: Clock;
  /** No further try is made once it is aborted. */
  readonly signal: AbortSignal;
  isOutdated(): boolean;
}

/**
 * Tries until it works, cannot work, or nobody wants it any more. Never rejects.
 * @param attempt Answers in a few words ("HTTP 204") or throws.
 */
export async function deliver(attempt: () => Promise<string>, trying: Trying): Promise<Delivered> {
  const { delaysMs, clock, signal } = trying;
  for (let tries = 1;; tries++) {
    try {
      return { kind: "delivered", answer: await attempt() };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const isFinal = error instanceof DeliveryError && error.isFinal;
      const delayMs = delaysMs[tries - 1];
      if (isFinal || delayMs === undefined || signal.aborted) return { kind: "failed", why, tries };
      if (trying.isOutdated()) return { kind: "outdated" };
      await sleep(clock, delayMs, signal);
      if (signal.aborted) return { kind: "failed", why, tries };
      if (trying.isOutdated()) return { kind: "outdated" };
    }
  }
}

/** What a target has done so far: plain JSON. */
export interface TargetStatus {
  /** "scripts of VRRP Instance VI_1", "FIFO /run/vrrp", "mail to smtp.example:25", ... */
  readonly target: string;
  readonly kind: "scripts" | "fifo" | "mail" | "webhook";
  /** How many wait or are being delivered. */
  readonly waiting: number;
  readonly delivered: number;
  readonly failed: number;
  /** Left out because the target could not follow: replaced by newer ones, or dropped by a FIFO. */
  readonly leftOut: number;
  /** How the last one ended, in words; null before the first. */
  readonly last: string | null;
}

/** Counts of one target, while they change. */
export interface Tally {
  delivered: number;
  failed: number;
  last: string | null;
}

/** Nothing happened yet. */
export function newTally(): Tally {
  return { delivered: 0, failed: 0, last: null };
}
