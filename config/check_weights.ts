/** Weights that move nothing: whatever the priority of the peer, it would not take over for them. */

import { OWNER_PRIORITY } from "./build_election.ts";
import type { Track, VrrpInstance } from "./model.ts";
import type { Report } from "./problem.ts";

/** What a priority is limited to, but an owner's (keepalived-behaviour 4.1). */
const LOWEST = 1, HIGHEST = 254;

/**
 * Warns of each tracker whose failure alone does not move the priority, because it is at its limit
 * with and without it. A step of 1 is enough for a peer of the same priority and a lower address. A
 * file's number is not known here.
 */
export function checkWeights(instance: VrrpInstance, report: Report): void {
  const { name, priority, tracks } = instance;
  if (priority === OWNER_PRIORITY) return;
  const weighted = tracks.filter(({ kind, weight }) => weight !== 0 && kind !== "file");
  const sum = weighted.reduce((total, track) => total + added(track, "good"), 0);
  const whenGood = limited(priority + sum);
  for (const track of weighted) {
    const whenBad = limited(priority + sum - added(track, "good") + added(track, "bad"));
    if (whenGood !== whenBad) continue;
    const { kind, weight, position } = track;
    const what = `${kind} "${track.name}"`;
    report({
      severity: "warning",
      position,
      message: `(${name}) The failure of ${what} makes no peer take over: the priority is ` +
        `${whenGood} while all is well and ${whenBad} then (weight ${weight})`,
      remedy: `Write a priority that leaves room for the weight: it stays from ${LOWEST} to ` +
        `${HIGHEST}`,
    });
  }
}

/** A positive weight is added while good, a negative one while bad; `reverse` changes the sign. */
function added({ weight, reverse }: Track, state: "good" | "bad"): number {
  const counts = (state === "good") === (weight > 0);
  return counts ? (reverse ? -weight : weight) : 0;
}

function limited(priority: number): number {
  return Math.min(HIGHEST, Math.max(LOWEST, priority));
}
