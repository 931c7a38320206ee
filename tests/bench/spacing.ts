/** How even adverts are, from the kernel's time stamps on another host. */

import type { Frame } from "./capture.ts";
import { percentile } from "./statistics.ts";

/** Deviations of the gaps between a router's adverts from the interval, in milliseconds. */
export interface Spacing {
  readonly gaps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** Gaps are taken router by router; the deviations of all routers are looked at together. */
export function spacingOf(adverts: readonly Frame[], intervalMs: number): Spacing {
  const last = new Map<number, number>(), deviations: number[] = [];
  for (const { vrid, atUs } of adverts) {
    const before = last.get(vrid);
    if (before !== undefined) deviations.push(Math.abs((atUs - before) / 1000 - intervalMs));
    last.set(vrid, atUs);
  }
  return {
    gaps: deviations.length,
    p50Ms: percentile(deviations, 50),
    p99Ms: percentile(deviations, 99),
    maxMs: percentile(deviations, 100),
  };
}
