/** Instants of this process on the clock of the kernel's packet time stamps, and waiting. */

import { monotonicUs } from "../../ffi/clock.ts";

/**
 * What to add to `monotonicUs` for microseconds of the wall clock, in which SO_TIMESTAMPNS speaks.
 * JavaScript reads that clock in milliseconds only, so this waits for one to begin. Good to a few
 * microseconds, for as long as nobody steps the clock: take it anew for every measurement.
 */
export function wallOffsetUs(): number {
  const before = Date.now();
  for (;;) {
    const at = monotonicUs(), wallMs = Date.now();
    if (wallMs !== before) return wallMs * 1000 - at;
  }
}

/** Waits while signals, pipes and timers of this process are served. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
