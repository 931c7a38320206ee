/** From what is tracked to the priority that adverts carry: pure (keepalived-behaviour 4.1). */

import { type Fault, OWNER_PRIORITY } from "./types.ts";

/** How one tracked object counts for one virtual router. */
export interface Track {
  /** Unique, and how people know it: "check web", "script chk_app", "interface eth1". */
  readonly tracker: string;
  /** Added while good if positive, while bad if negative; 0: bad is a fault. A file multiplies by it. */
  readonly weight: number;
  /** What would be added is taken away, and the reverse; of weight 0, good and bad change places. */
  readonly reverse: boolean;
}

/** What is known about a tracked object. */
export type TrackerState =
  /** No result yet. */
  | { readonly kind: "pending" }
  | { readonly kind: "good" }
  /** `why` completes "check web: HTTP 503". */
  | { readonly kind: "bad"; readonly why: string }
  /** The number in a `vrrp_track_file`; 0 while there is no file. */
  | { readonly kind: "value"; readonly value: number };

/** What the trackers of one router make of it. */
export interface Standing {
  /** What adverts carry: 1 to 254, or 255 for an owner. */
  readonly priority: number;
  readonly faults: readonly Fault[];
  /** Trackers without a result yet whose failure would be a fault: nothing can be said before. */
  readonly pending: readonly string[];
}

/** A number in a file times its weight: from here down it is a fault, above the other it is cut. */
const FILE_FAULT = -254;
const FILE_MOST = 253;

/** What one tracker adds, or why it is a fault. */
type Contribution = { readonly adds: number } | { readonly fault: string } | {
  readonly wait: true;
};

/**
 * The effective priority: the base and what the trackers add, within 1 to 254. That of an owner
 * never changes: its weighted trackers do not count, those of weight 0 can still be a fault.
 *
 * @param stateOf What is known about a tracker; it is asked for every track.
 */
export function standingOf(
  basePriority: number,
  tracks: readonly Track[],
  stateOf: (tracker: string) => TrackerState,
): Standing {
  const isOwner = basePriority === OWNER_PRIORITY;
  const faults: Fault[] = [], pending: string[] = [];
  let total = basePriority;
  for (const track of tracks) {
    if (isOwner && track.weight !== 0) continue;
    const found = contribution(track, stateOf(track.tracker));
    if ("adds" in found) total += found.adds;
    else if ("wait" in found) pending.push(track.tracker);
    else faults.push({ reason: "tracker", detail: `${track.tracker}: ${found.fault}` });
  }
  const priority = isOwner ? OWNER_PRIORITY : Math.min(254, Math.max(1, total));
  return { priority, faults, pending };
}

function contribution(track: Track, state: TrackerState): Contribution {
  const { weight, reverse } = track;
  if (state.kind === "pending") return weight === 0 ? { wait: true } : { adds: 0 };
  if (state.kind === "value") return ofValue(track, state.value);
  const isGood = state.kind === "good";
  if (weight !== 0) {
    const adds = isGood === weight > 0 ? weight : 0;
    return { adds: reverse ? -adds : adds };
  }
  if (isGood !== reverse) return { adds: 0 };
  return { fault: state.kind === "bad" ? state.why : "good, which counts as bad (reverse)" };
}

function ofValue({ weight, reverse }: Track, value: number): Contribution {
  if (weight === 0) {
    const isBad = (value !== 0) !== reverse;
    return isBad ? { fault: `its value is ${value}` } : { adds: 0 };
  }
  const product = value * weight * (reverse ? -1 : 1);
  if (product <= FILE_FAULT) {
    return { fault: `its value ${value} times the weight ${weight} is below -253` };
  }
  return { adds: Math.min(FILE_MOST, product) };
}
