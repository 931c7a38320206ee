/** Which instance of the new configuration is which of the old one: pure. */

import { isSame } from "../core/same.ts";
import type { InstanceSpec } from "./messages.ts";

/** One that goes on. */
export interface KeptInstance {
  readonly before: InstanceSpec;
  readonly after: InstanceSpec;
  readonly isChanged: boolean;
}

/** What becomes of the instances. */
export interface InstanceMatch {
  /** In the new order. */
  readonly kept: readonly KeptInstance[];
  readonly added: readonly InstanceSpec[];
  readonly removed: readonly InstanceSpec[];
}

/**
 * Matches as keepalived does: a virtual router is what its VRID, family, interface and way of
 * sending say, whatever it is called. Of several such (unicast ones may share all of that) the name
 * decides, then the order.
 */
export function matchInstances(
  before: readonly InstanceSpec[],
  after: readonly InstanceSpec[],
): InstanceMatch {
  const free = Map.groupBy(before, identityOf);
  const partners = new Map<InstanceSpec, InstanceSpec>();
  const pair = (fits: (old: InstanceSpec, spec: InstanceSpec) => boolean) => {
    for (const spec of after) {
      const old = partners.has(spec) ? [] : free.get(identityOf(spec)) ?? [];
      const at = old.findIndex((one) => fits(one, spec));
      if (at >= 0) partners.set(spec, old.splice(at, 1)[0]!);
    }
  };
  pair((old, spec) => old.router.name === spec.router.name);
  pair(() => true);
  const isKept = new Set(partners.values());
  return {
    kept: after.flatMap((spec) => {
      const old = partners.get(spec);
      if (old === undefined) return [];
      return [{ before: old, after: spec, isChanged: !isSame(old, spec) }];
    }),
    added: after.filter((spec) => !partners.has(spec)),
    removed: before.filter((spec) => !isKept.has(spec)),
  };
}

/** What makes a virtual router another one. */
function identityOf({ router, interface: device, vmacs }: InstanceSpec): string {
  const { vrid, family, unicastPeers } = router;
  // A link for single addresses is none that it sends by: only unicast has none of those anyway.
  const own = vmacs.find((vmac) =>
    vmac.parent === device && vmac.family === family &&
    (vmac.adverts !== "none" || unicastPeers.length > 0)
  );
  return JSON.stringify([vrid, family, device, unicastPeers.length > 0, own]);
}
