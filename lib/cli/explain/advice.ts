/** What priorities of a peer make the failures of this router count. */

import type { Member } from "./routers.ts";
import { standingWith, trackersOf } from "./standing.ts";

/** What one tracker does to the priority, and which peers would take over for it. */
export interface Reach {
  readonly tracker: string;
  readonly whenGood: number;
  /** Null: a fault, so that any peer takes over. */
  readonly whenBad: number | null;
  /**
   * The lowest and the highest priority of a peer that is backup while all is well, and takes over;
   * null for none below ours, which leaves one of our own priority and a lower address, if `whenBad`
   * is lower at all.
   */
  readonly peers: readonly [number, number] | null;
}

/** For each tracker of a router, which peer would take over when that alone fails. */
export function reachOf(member: Member): readonly Reach[] {
  const whenGood = standingWith(member, new Set()).priority;
  return trackersOf(member).map((tracker) => {
    const { priority, faults } = standingWith(member, new Set([tracker]));
    if (faults.length > 0) {
      return { tracker, whenGood, whenBad: null, peers: [1, Math.max(1, whenGood - 1)] };
    }
    const low = priority + 1, high = whenGood - 1;
    return { tracker, whenGood, whenBad: priority, peers: low <= high ? [low, high] : null };
  });
}
