/** What an instance tracks: its own uses and its group's, with every weight resolved (4.1). */

import type { Found, Settings } from "./keyword.ts";
import type { Facts, Position, Track, TrackKind, TrackUse } from "./model.ts";
import type { Nearest } from "./nearest.ts";
import { OBJECT_KEYWORD, type ObjectKind, type Objects } from "./objects.ts";
import { otherInterface } from "./other_interface.ts";
import type { Finding } from "./problem.ts";
import type { TRACK_LISTS } from "./track_entry.ts";

/** Reports about an instance or a group. */
export type Tell = (
  severity: Finding["severity"],
  position: Position,
  message: string,
  remedy: string,
) => void;

/** What references are looked up in. */
export interface TrackInput {
  readonly objects: Objects;
  readonly facts: Facts | null;
  readonly dynamicInterfaces: boolean;
  /** Objects that anybody names, as "script chk". */
  readonly named: Set<string>;
  readonly nearest: Nearest;
  readonly tell: Tell;
  /** Who names them: "instance" or "group". */
  readonly owner: "instance" | "group";
}

const KINDS: readonly TrackKind[] = ["interface", "script", "process", "file", "check"];

type Lists = Settings<typeof TRACK_LISTS>;

interface Use {
  readonly kind: TrackKind;
  readonly found: Found<TrackUse>;
}

/** The uses of trackers that exist, in the order of the file; the others are reported. */
export function resolveUses(lists: Lists, input: TrackInput): readonly Track[] {
  const uses = KINDS.flatMap((kind): readonly Use[] =>
    (lists[`track_${kind}`] ?? []).map((found) => ({ kind, found }))
  ).sort((a, b) => a.found.order - b.found.order);
  const seen = new Set<string>();
  return uses.flatMap((use) => {
    const { name, position } = use.found.value;
    const key = `${use.kind} ${name}`;
    if (seen.has(key)) {
      const message = `track_${use.kind} "${name}" is given twice: the first one counts`;
      input.tell("error", position, message, "Delete one of the two lines");
      return [];
    }
    const track = use.kind === "interface"
      ? resolveInterface(use.found.value, input)
      : resolveObject(use.kind, use.found, input);
    // A line that is ignored does not hide a later one that is not.
    if (track !== null) seen.add(key);
    return track ?? [];
  });
}

/** keepalived does not start with an interface that does not exist, unless some may come later. */
function resolveInterface(use: TrackUse, { facts, tell, ...input }: TrackInput): Track | null {
  const { name, position, weight, reverse } = use;
  const track = {
    kind: "interface" as const,
    name,
    weight: weight ?? 0,
    reverse: reverse ?? false,
    position,
  };
  if (facts === null || facts.interfaces.some((link) => link.name === name)) return track;
  const other = otherInterface(name, facts);
  if (input.dynamicInterfaces) {
    const message = `Interface "${name}" does not exist now: until it comes it counts as down`;
    tell("warning", position, message, `${other}, or create it later`);
    return track;
  }
  const message = `Interface "${name}" does not exist`;
  const remedy = `${other}; for one that comes later write "dynamic_interfaces" into global_defs`;
  tell("fatal", position, message, remedy);
  return null;
}

function resolveObject(
  kind: ObjectKind,
  { value: use, order }: Found<TrackUse>,
  { objects, named, nearest, tell, owner }: TrackInput,
): Track | null {
  const { name, position } = use;
  const object = objects[kind].get(name);
  const keyword = OBJECT_KEYWORD[kind];
  if (object === undefined) {
    const near = nearest(name, objects[kind].keys());
    const define = `efine it above the ${owner}: ${keyword} ${name} { ... }`;
    const remedy = near === null ? `D${define}` : `Write "${near}", or d${define}`;
    tell("error", position, `track_${kind} "${name}" not found: it is ignored`, remedy);
    return null;
  }
  named.add(`${kind} ${name}`);
  if (object.order > order) {
    const message = `track_${kind} "${name}" stands before its definition: it is ignored`;
    const remedy = `Move the ${object.keyword} of line ${object.position.line} above the ${owner}`;
    tell("error", position, message, remedy);
    return null;
  }
  const { record } = object;
  return record && {
    kind,
    name,
    weight: use.weight ?? record.weight,
    reverse: use.reverse ?? record.reverse,
    position,
  };
}

/** Trackers whose weights keepalived leaves as they are in a sync group (2.2.7, as it runs). */
const WEIGHT_KEPT: ReadonlySet<TrackKind> = new Set(["process"]);

/**
 * What a member of a sync group tracks by itself only counts as a fault: weights would move the
 * members apart (4.1). What the group tracks moves them together, and keeps its weights.
 */
export function withoutWeights(
  tracks: readonly Track[],
  group: string,
  tell: Tell,
): readonly Track[] {
  const remedy = `Track it in sync group ${group}, write "sync_group_tracking_weight" there, or ` +
    "give it weight 0 here";
  return tracks.flatMap((track) => {
    const { kind, name, weight, position } = track;
    if (weight === 0 || WEIGHT_KEPT.has(kind)) return track;
    const what = `track_${kind} "${name}"`;
    if (kind === "interface" || isDefaultFile(track)) {
      const bad = kind === "file" ? "any number but 0 in it" : "its loss";
      const message =
        `The weight of ${what} counts as 0 in sync group ${group}: ${bad} is a fault of all members`;
      tell("warning", position, message, remedy);
      return { ...track, weight: 0 };
    }
    const message = `${what} is not tracked: it has weight ${weight}, and a member of sync group ` +
      `${group} tracks with weight 0 only`;
    tell("warning", position, message, remedy);
    return [];
  });
}

/** A file of weight 1, which is what it has if nobody says so, is kept with weight 0. */
function isDefaultFile({ kind, weight }: Track): boolean {
  return kind === "file" && weight === 1;
}

/** The group's uses behind the instance's own; of what both track, the group's weight counts. */
export function mergeTracks(
  own: readonly Track[],
  group: readonly Track[],
  groupName: string,
  tell: Tell,
): readonly Track[] {
  const keyOf = ({ kind, name }: Track) => `${kind} ${name}`;
  const shared = new Map(group.map((track) => [keyOf(track), track]));
  const merged = own.map((track) => {
    const other = shared.get(keyOf(track));
    if (other === undefined) return track;
    shared.delete(keyOf(track));
    const used = track.weight === 0 ? track : { ...other, position: track.position };
    const which = track.weight === 0 ? "the instance's weight of 0" : `the group's weight`;
    const message = `track_${track.kind} "${track.name}" is tracked by sync group ${groupName} ` +
      `too: ${which}${track.weight === 0 ? "" : ` of ${other.weight}`} counts`;
    tell("warning", track.position, message, "Delete one of the two lines");
    return used;
  });
  return [...merged, ...shared.values()];
}

/** The priority of an owner never changes, so that only faults count. */
export function faultsOnly(tracks: readonly Track[], tell: Tell): readonly Track[] {
  return tracks.flatMap((track) => {
    const { kind, name, weight, position } = track;
    if (weight === 0) return track;
    const kept = isDefaultFile(track);
    const message = kept
      ? `The weight of track_file "${name}" counts as 0: any number but 0 in it is a fault, since ` +
        "priority 255 never changes"
      : `track_${kind} "${name}" is not tracked: it has weight ${weight}, and priority 255 never ` +
        "changes";
    const remedy =
      "Give the router a priority below 255, or what it tracks weight 0, which is FAULT";
    tell("warning", position, message, remedy);
    return kept ? { ...track, weight: 0 } : [];
  });
}
