/** Sync groups: what one member's fate means for the others. Pure (keepalived-behaviour 6). */

import type { Event, Fault, Router, State } from "./types.ts";

/** A member as its group sees it. */
export interface Member {
  readonly name: string;
  readonly state: State;
  /** What is wrong with the member itself. */
  readonly faults: readonly Fault[];
}

/**
 * The faults of every member, in their order: its own; or, of a member that is fit, that another one
 * is not, for such a group must not be split.
 */
export function groupFaults(
  group: string,
  members: readonly Pick<Member, "name" | "faults">[],
): readonly (readonly Fault[])[] {
  const [first, ...others] = members.filter(({ faults }) => faults.length > 0);
  if (first === undefined) return members.map(() => []);
  const more = others.length === 0 ? "" : `, and ${others.length} more`;
  const why = `${first.name} (${first.faults[0]!.detail})${more}`;
  const borrowed: readonly Fault[] = [
    { reason: "sync_group", detail: `sync group ${group} is held in fault by ${why}` },
  ];
  return members.map(({ faults }) => faults.length > 0 ? faults : borrowed);
}

/** Whether all members could be master now. */
export function canRise(members: readonly Pick<Router, "isReady" | "state">[]): boolean {
  return members.every(({ isReady, state }) => isReady || state === "master");
}

/** What the other members are told when one has changed state; null if they go their own way. */
export function followed(group: string, moved: Member, from: State): Event | null {
  const { name, state } = moved;
  const cause = `sync group ${group} follows ${name}`;
  if (state === "master") return { kind: "follow", to: "master", cause };
  // A shutdown reaches every member by itself, and a fault is a fault of all of them.
  if (state === "backup" && from === "master") return { kind: "follow", to: "backup", cause };
  return null;
}

/** The state that all members are in; null while they differ. */
export function commonState(members: readonly Pick<Member, "state">[]): State | null {
  const state = members[0]?.state ?? null;
  return members.every((member) => member.state === state) ? state : null;
}
