/** Sync groups: what one member's fate means for the others. Pure (keepalived-behaviour 6). */

import type { Event, Fault, State } from "./types.ts";

/** A member as its group sees it. */
export interface Member {
  readonly name: string;
  readonly state: State;
  /** What is wrong with the member itself. */
  readonly faults: readonly Fault[];
}

/**
 * The faults of every member, in their order: its own, and one for each other member that has some,
 * for a group whose members are not all fit must not be split.
 */
export function groupFaults(group: string, members: readonly Member[]): readonly Fault[][] {
  return members.map((member) => [
    ...member.faults,
    ...members.filter((other) => other !== member && other.faults.length > 0).map(
      (other): Fault => ({
        reason: "sync_group",
        detail: `${other.name} of sync group ${group} is in fault (${
          other.faults.map(({ detail }) => detail).join(", ")
        })`,
      }),
    ),
  ]);
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
