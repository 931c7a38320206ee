/** Static addresses, routes and rules: those that are there from the start of the daemon to its end. */

import type { RouteEntry, RuleEntry } from "./route_entry.ts";
import type { VirtualAddress } from "./virtual_address.ts";

/** One static entry. */
export interface StaticEntry<T> {
  readonly entry: T;
  /** `track_group`: whose instances are in fault while the entry is missing; null for none. */
  readonly trackGroup: string | null;
}

/** One `track_group` that a static entry names. */
export interface TrackGroup {
  readonly name: string;
  /** Names of instances that exist. */
  readonly members: readonly string[];
}

/** `static_ipaddress`, `static_routes`, `static_rules` and what depends on them. */
export interface StaticEntries {
  /** Every one has a device. */
  readonly addresses: readonly StaticEntry<VirtualAddress>[];
  readonly routes: readonly StaticEntry<RouteEntry>[];
  readonly rules: readonly StaticEntry<RuleEntry>[];
  readonly groups: readonly TrackGroup[];
}
