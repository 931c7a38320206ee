/** `vrrp_sync_group` and `track_group`: which instances belong together. */

import { buildNotify } from "./build_notify.ts";
import { OWNER_PRIORITY, priorityOf } from "./build_election.ts";
import { resolveUses, type Tell, type TrackInput } from "./build_tracks.ts";
import type { Found, Named, Settings } from "./keyword.ts";
import type { Word } from "./lexer.ts";
import type { NotifyDefs, Position, Track } from "./model.ts";
import type { Nearest } from "./nearest.ts";
import type { Tree } from "./parser.ts";
import type { Report } from "./problem.ts";
import type { Scripts } from "./scripts.ts";
import type { GLOBAL_DEFS } from "./table_global.ts";
import type { VRRP_SYNC_GROUP } from "./table_group.ts";
import type { VRRP_INSTANCE } from "./table_vrrp.ts";

/** A sync group, before its instances are built. */
export interface GroupDraft {
  readonly name: string;
  readonly position: Position;
  readonly members: readonly string[];
  /** What all members track. */
  readonly tracks: readonly Track[];
  /** `sync_group_tracking_weight`: weights of what a member tracks by itself count too. */
  readonly keepsWeights: boolean;
  readonly notify: NotifyDefs;
}

/** What groups are made from. */
export interface GroupInput {
  readonly globals: Settings<typeof GLOBAL_DEFS>;
  readonly scripts: Scripts;
  readonly tracking: Omit<TrackInput, "tell" | "owner">;
  readonly report: Report;
}

/** The sync groups that have members, each of them in one group only. */
export function buildGroups(tree: Tree, input: GroupInput): readonly GroupDraft[] {
  const instances: Instances = new Map(
    (tree.vrrp_instance ?? []).map((named) => [named.name, named]),
  );
  const owners = new Map<string, Named<typeof VRRP_SYNC_GROUP>>();
  const { nearest } = input.tracking;
  for (const { name, settings } of tree.track_group ?? []) {
    const tell = teller(name, input.report);
    for (const member of settings.group ?? []) isInstance(member, instances, nearest, tell);
  }
  return (tree.vrrp_sync_group ?? []).flatMap((named) =>
    buildGroup(named, instances, owners, input)
  );
}

type Instances = ReadonlyMap<string, Named<typeof VRRP_INSTANCE>>;

function teller(name: string, report: Report): Tell {
  return (severity, position, message, remedy) =>
    report({ severity, position, message: `(${name}) ${message}`, remedy });
}

function buildGroup(
  named: Named<typeof VRRP_SYNC_GROUP>,
  instances: Instances,
  owners: Map<string, Named<typeof VRRP_SYNC_GROUP>>,
  { globals, scripts, tracking, report }: GroupInput,
): readonly GroupDraft[] {
  const { name, position, settings } = named;
  const tell = teller(name, report);
  const keepsWeights = settings.sync_group_tracking_weight !== undefined;
  const resolved = resolveUses(settings, { ...tracking, tell, owner: "group" });
  const notify = buildNotify(settings, { globals, scripts, prefix: `(${name}) ` });
  const members = (settings.group ?? []).filter((member) =>
    isInstance(member, instances, tracking.nearest, tell) && isFree(member, named, owners, tell)
  ).map(({ value }) => value.text);
  if (members.length === 0) {
    const message = "This vrrp_sync_group has no members: it is ignored";
    tell("error", position, message, 'Write a "group" block with one instance name a line');
    return [];
  }
  if (members.length === 1) {
    const message = `This vrrp_sync_group has one member only, ${members[0]}: it moves alone`;
    tell("warning", position, message, "Add the instances that must move with it");
  }
  const owner = members.find((member) => priorityOf(instances.get(member)!) === OWNER_PRIORITY);
  const tracks = owner === undefined ? resolved : withOwner(resolved, owner, tell);
  return [{ name, position, members, tracks, keepsWeights, notify }];
}

/** A member whose priority never changes could not follow the weights of the others. */
function withOwner(tracks: readonly Track[], owner: string, tell: Tell): readonly Track[] {
  return tracks.map((track) => {
    const { kind, name, weight, position } = track;
    if (weight === 0) return track;
    const message = `The weight of track_${kind} "${name}" counts as 0, which is FAULT: the ` +
      `priority of ${owner} is 255, which never changes`;
    tell("warning", position, message, `Write "weight 0", or give ${owner} a lower priority`);
    return { ...track, weight: 0 };
  });
}

function isInstance(
  { value: { text }, position }: Found<Word>,
  instances: Instances,
  nearest: Nearest,
  tell: Tell,
): boolean {
  if (instances.has(text)) return true;
  const near = nearest(text, instances.keys());
  const message = `There is no vrrp_instance "${text}": this member is ignored`;
  tell("error", position, message, near === null ? "Delete the line" : `Write "${near}"`);
  return false;
}

/** Whether no group has the instance yet; then this one has it. */
function isFree(
  { value: { text }, position }: Found<Word>,
  group: Named<typeof VRRP_SYNC_GROUP>,
  owners: Map<string, Named<typeof VRRP_SYNC_GROUP>>,
  tell: Tell,
): boolean {
  const owner = owners.get(text);
  if (owner === undefined) {
    owners.set(text, group);
    return true;
  }
  if (owner === group) {
    const message = `${text} is named twice in this group: it is used once`;
    tell("warning", position, message, "Delete one of the two lines");
  } else {
    const message = `${text} is in sync group ${owner.name} already, which keeps it`;
    tell("error", position, message, "Delete it from one of the two groups");
  }
  return false;
}
