/** What a router is worth while some of what it tracks has failed: the arithmetic of the engine. */

import type { TrackKind, VrrpInstance } from "../../../config/mod.ts";
import { type Standing, standingOf, type TrackerState } from "../../vrrp/priority.ts";
import type { Member } from "./routers.ts";

/** The state of a tracker that has failed: a file fails by a number that is not 0. */
const FAILED: Readonly<Record<TrackKind, TrackerState>> = {
  interface: { kind: "bad", why: "down" },
  script: { kind: "bad", why: "fails" },
  process: { kind: "bad", why: "not running" },
  check: { kind: "bad", why: "fails" },
  file: { kind: "value", value: 1 },
};

const GOOD: TrackerState = { kind: "good" };
const EMPTY_FILE: TrackerState = { kind: "value", value: 0 };

/** How a tracker is known: "script chk". */
export function trackerOf({ kind, name }: { readonly kind: TrackKind; readonly name: string }) {
  return `${kind} ${name}`;
}

/** The trackers that a member's instance, or another one of its sync group, depends on. */
export function trackersOf(member: Member): readonly string[] {
  return [...new Set(crew(member).flatMap(({ tracks }) => tracks.map(trackerOf)))];
}

/** A member's standing while these trackers fail and all others are good. */
export function standingWith(member: Member, failed: ReadonlySet<string>): Standing {
  const own = ownStanding(member.instance, failed);
  if (own.faults.length > 0) return own;
  // A group is never split: what faults one faults all.
  const other = crew(member).filter(({ name }) => name !== member.instance.name)
    .map((instance) => ({ instance, standing: ownStanding(instance, failed) }))
    .find(({ standing }) => standing.faults.length > 0);
  if (other === undefined) return own;
  const { detail } = other.standing.faults[0]!;
  const text = `sync group ${member.instance.group}: ${other.instance.name} (${detail})`;
  return { ...own, faults: [{ reason: "sync_group", detail: text }] };
}

/** What a member bids for each virtual router that moves together with it: its own, or its group's. */
export function bidsOf(member: Member, failed: ReadonlySet<string>): ReadonlyMap<string, number> {
  return new Map(
    crew(member).map((instance) => [
      `${instance.virtualRouterId} ${instance.family}`,
      ownStanding(instance, failed).priority,
    ]),
  );
}

function ownStanding({ priority, tracks }: VrrpInstance, failed: ReadonlySet<string>): Standing {
  const kinds = new Map(tracks.map((track) => [trackerOf(track), track.kind]));
  const uses = tracks.map((track) => ({ ...track, tracker: trackerOf(track) }));
  return standingOf(priority, uses, (tracker) => {
    const kind = kinds.get(tracker)!;
    if (failed.has(tracker)) return FAILED[kind];
    return kind === "file" ? EMPTY_FILE : GOOD;
  });
}

/** The instance and those that move together with it. */
function crew({ config, instance }: Member): readonly VrrpInstance[] {
  if (instance.group === null) return [instance];
  return config.instances.filter(({ group }) => group === instance.group);
}
