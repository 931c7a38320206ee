/** Virtual addresses that a reload adds to, takes from and moves between masters. */

import { isSame } from "../core/same.ts";
import type { Micros } from "../core/time.ts";
import type { VirtualAddress } from "../core/virtual_address.ts";
import type { PlacedAddress } from "../net/addresses.ts";
import { acquirePromoteSecondaries, releasePromoteSecondaries } from "../net/sysctl.ts";
import { refusePackets } from "./accept.ts";
import type { Tools } from "./effects.ts";
import type { Instance } from "./instance.ts";
import type { InstanceSpec } from "./messages.ts";
import { say } from "./say.ts";

/** An instance that goes on, and what it was. */
export interface Reconfigured {
  readonly instance: Instance;
  readonly before: InstanceSpec;
}

/**
 * Makes the addresses of masters what their new configuration says. All are added before any is
 * taken away, so that one that moves from one master to another never leaves its interface.
 */
export function exchangeAddresses(
  tools: Tools,
  changed: readonly Reconfigured[],
  now: Micros,
): void {
  const moves = changed
    .filter(({ instance, before }) =>
      instance.router.state === "master" && hasOtherAddresses(instance, before)
    )
    .map((one) => planOf(tools, one));
  for (const { instance } of changed) {
    if (instance.router.state === "master") refusePackets(tools, instance);
  }
  // The kernel changes neither label nor scope of an address that is there.
  for (const { instance, reshaped } of moves) take(tools, instance, reshaped);
  for (const move of moves) give(tools, move, now);
  for (const { instance, gone } of moves) {
    if (gone.length === 0) continue;
    say(tools, instance, "info", `removing VIPs: ${names(gone)}`);
    take(tools, instance, gone);
  }
  for (const one of changed) promote(tools, one);
}

interface Move {
  readonly instance: Instance;
  readonly fresh: readonly PlacedAddress[];
  readonly reshaped: readonly PlacedAddress[];
  readonly gone: readonly PlacedAddress[];
}

function hasOtherAddresses({ spec }: Instance, before: InstanceSpec): boolean {
  return !isSame(spec.virtualAddresses, before.virtualAddresses);
}

/** Whether somebody looks after an address does not change it, nor whether its interface is named. */
const NO_PART_OF_IT: ReadonlySet<string> = new Set<keyof VirtualAddress>(["track", "device"]);

function planOf({ table, addresses }: Tools, { instance, before }: Reconfigured): Move {
  const wanted = instance.placed(table), owned = addresses.owned(instance.name);
  const { interface: own } = instance.spec;
  const known = new Map(before.virtualAddresses.map((entry) => [keyOf(entry, own), entry]));
  const isAsBefore = ({ entry }: PlacedAddress) => {
    const old = known.get(keyOf(entry, own));
    return old !== undefined && isSame(old, entry, NO_PART_OF_IT);
  };
  const missing = new Set(addresses.missing(wanted));
  const fresh = wanted.filter((placed) => !isAsBefore(placed) || missing.has(placed));
  return {
    instance,
    fresh,
    reshaped: owned.filter((one) => fresh.some((placed) => isSamePlace(one, placed))),
    gone: owned.filter((one) => !wanted.some((placed) => isSamePlace(one, placed))),
  };
}

/** @param own The interface of the instance, which is where an address is that names none. */
function keyOf({ device, address, vmac }: VirtualAddress, own: string | null): string {
  return `${vmac ?? device ?? own ?? ""} ${address}`;
}

function isSamePlace(a: PlacedAddress, b: PlacedAddress): boolean {
  return a.ifindex === b.ifindex && a.entry.address === b.entry.address;
}

function give(tools: Tools, { instance, fresh }: Move, now: Micros): void {
  if (fresh.length === 0) return;
  say(tools, instance, "info", `setting VIPs: ${names(fresh)}`);
  for (const { error } of tools.addresses.add(instance.name, fresh).failures) {
    say(tools, instance, "error", error.message);
  }
  const news = new Set(fresh.map(({ entry }) => entry.address));
  const list = instance.announcements(tools.table).filter(({ address }) => news.has(address));
  tools.announcer.announce(list, instance.spec.router.announce.repeat, now);
}

function take(tools: Tools, { name }: Instance, list: readonly PlacedAddress[]): void {
  if (list.length === 0) return;
  const failures = tools.addresses.remove(name, (placed) => list.includes(placed));
  for (const { error } of failures) {
    tools.emit({ kind: "log", log: { level: "error", text: error.message, instance: name } });
  }
  tools.announcer.cancel(name, new Set(list.map(({ entry }) => entry.address)));
}

/** `promote_secondaries` that has come or gone while the instance holds its addresses. */
function promote(tools: Tools, { instance, before }: Reconfigured): void {
  const { spec: { promoteSecondaries, interface: device }, router, name } = instance;
  const isAsBefore = promoteSecondaries === before.promoteSecondaries;
  if (isAsBefore || device === null || router.state !== "master") return;
  const set = promoteSecondaries ? acquirePromoteSecondaries : releasePromoteSecondaries;
  const failure = set(device, name);
  if (failure !== null) say(tools, instance, "warning", failure);
}

function names(list: readonly PlacedAddress[]): string {
  return list.map(({ entry }) => `${entry.address}/${entry.prefixLength}`).join(", ");
}
