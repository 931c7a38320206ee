/** What the builders of an instance share: its settings, and the way to speak about them. */

import { type Family, familyOf, type Ip } from "../lib/core/address.ts";
import type { GroupDraft } from "./build_groups.ts";
import type { BuiltRouting } from "./build_routes.ts";
import type { TrackInput } from "./build_tracks.ts";
import type { Found, Named, Settings } from "./keyword.ts";
import type { Facts, Position } from "./model.ts";
import type { Finding, Report } from "./problem.ts";
import type { Scripts } from "./scripts.ts";
import type { GLOBAL_DEFS } from "./table_global.ts";
import type { VRRP_INSTANCE } from "./table_vrrp.ts";

/** An instance as its block says it, and what it may refer to. */
export interface InstanceInput {
  readonly named: Named<typeof VRRP_INSTANCE>;
  readonly globals: Settings<typeof GLOBAL_DEFS>;
  readonly scripts: Scripts;
  /** What `track_*` blocks are looked up in. */
  readonly tracking: Omit<TrackInput, "tell" | "owner">;
  /** Its `virtual_routes` and `virtual_rules`. */
  readonly routing: BuiltRouting;
  /** The sync group that it is in. */
  readonly group: GroupDraft | null;
  readonly facts: Facts | null;
  readonly report: Report;
}

/** The settings of one instance, and how to speak about them. */
export interface InstanceContext extends InstanceInput {
  readonly settings: Settings<typeof VRRP_INSTANCE>;
  readonly name: string;
}

/** Reports about an instance; `at` is the setting's place, else the instance's name. */
export function tell(
  context: InstanceContext,
  severity: Finding["severity"],
  at: { readonly position: Position } | undefined,
  message: string,
  remedy: string,
): void {
  const position = at?.position ?? context.named.position;
  context.report({ severity, position, message: `(${context.name}) ${message}`, remedy });
}

/** The values of the instance's family; each other one is reported. */
export function ofFamily<T>(
  context: InstanceContext,
  found: readonly Found<T>[],
  family: Family,
  addressOf: (value: T) => Ip,
): readonly T[] {
  return found.filter((entry) => {
    const address = addressOf(entry.value);
    if (familyOf(address) === family) return true;
    tell(
      context,
      "error",
      entry,
      `Cannot use ${address}: the address family of this instance is ${FAMILY_NAME[family]}`,
      "Make another instance for it, or put a virtual address into virtual_ipaddress_excluded",
    );
    return false;
  }).map((entry) => entry.value);
}

const FAMILY_NAME: Readonly<Record<Family, string>> = { ipv4: "IPv4", ipv6: "IPv6" };
