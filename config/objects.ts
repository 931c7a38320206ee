/** What is tracked: how a builder leaves it, and how references find it. */

import type { Found, Named, Table } from "./keyword.ts";
import type { Position, TrackKind, VrrpCheck, VrrpTrackFile, VrrpTrackProcess } from "./model.ts";
import type { Report } from "./problem.ts";

/** Where `track_*` blocks find what they name. Interfaces are not defined in a file. */
export type ObjectKind = Exclude<TrackKind, "interface">;

/** What every kind of record has. */
type Trackable = VrrpCheck | VrrpTrackProcess | VrrpTrackFile;

/** A tracked object and its block. */
export interface Defined<T extends Trackable = Trackable> {
  readonly name: string;
  readonly position: Position;
  readonly order: number;
  /** Of its block, such as "vrrp_script". */
  readonly keyword: string;
  /** Null if it cannot be used, which is reported: those who track it carry on without it. */
  readonly record: T | null;
}

/** All tracked objects of a file, by name. */
export interface Objects {
  readonly script: ReadonlyMap<string, Defined<VrrpCheck>>;
  readonly check: ReadonlyMap<string, Defined<VrrpCheck>>;
  readonly process: ReadonlyMap<string, Defined<VrrpTrackProcess>>;
  readonly file: ReadonlyMap<string, Defined<VrrpTrackFile>>;
}

/** The blocks that define each kind. */
export const OBJECT_KEYWORD: Readonly<Record<ObjectKind, string>> = {
  script: "vrrp_script",
  check: "vrrp_check",
  process: "vrrp_track_process",
  file: "track_file",
};

/** What a report says of an object that cannot be used. */
export function droppedFromUsers(keyword: string, name: string): string {
  return `${keyword} "${name}" is dropped from the instances that track it`;
}

/** Reports a block without a keyword that it cannot do without. */
export function reportMissing(
  block: string,
  keyword: string,
  named: { readonly name: string; readonly position: Position },
  report: Report,
): void {
  report({
    severity: "error",
    position: named.position,
    message: `${block} "${named.name}" has no "${keyword}": it watches nothing`,
    remedy: `Write a "${keyword}" line into the block`,
  });
}

/** Reports a timeout that lets runs meet. */
export function checkTimeout(
  about: string,
  interval: number,
  timeout: Found<number> | undefined,
  report: Report,
): void {
  if (timeout === undefined || timeout.value <= interval) return;
  report({
    severity: "warning",
    position: timeout.position,
    message: `The timeout of ${about} is longer than its interval: while a run lasts, the runs ` +
      "that are due are skipped",
    remedy: "Write a timeout that is not longer than the interval",
  });
}

/** By name, which are unique. */
export function byName<T extends Trackable>(
  defined: readonly Defined<T>[],
): ReadonlyMap<string, Defined<T>> {
  return new Map(defined.map((object) => [object.name, object]));
}

/** The part of `Defined` that is the block's. */
export function headOf<T extends Table>(
  { name, position, order }: Named<T>,
  keyword: string,
): Omit<Defined, "record"> {
  return { name, position, order, keyword };
}
