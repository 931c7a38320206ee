/** Whether virtual addresses would move, and what else a reload asks of who does it. */

import type { Track, VrrpInstance } from "../../config/model.ts";
import type { HmacDefs } from "../../config/model_authentication.ts";
import { isSame } from "../core/same.ts";
import type { Pairing, States } from "./plan.ts";
import { NO_SETTING } from "./plan_diff.ts";

type Pair = Pairing["kept"][number];

/** Why addresses would or might move, one a line. */
export function movesOf(pairing: Pairing, states: States): string[] {
  const { kept, added, removed } = pairing;
  const isMaster = ({ name }: VrrpInstance) => states === null || states.get(name) === "master";
  const holders = new Map(
    kept.flatMap(({ before, after }) =>
      isMaster(before) ? addressesOf(after).map((address) => [address, after.name] as const) : []
    ),
  );
  return [
    ...removed.filter(isMaster).flatMap((one) => ofRemoved(one, added, holders)),
    ...kept.filter(({ before }) => isMaster(before)).flatMap((pair) => [
      ...ofMaster(pair, holders),
      ...ofGroup(pair, pairing),
    ]),
    ...kept.filter(({ before }) => states?.get(before.name) === "backup").flatMap(ofBackup),
    ...kept.filter(({ before }) => states?.get(before.name) === "fault").flatMap(ofFaulty),
  ];
}

function addressesOf({ virtualAddresses, excludedAddresses }: VrrpInstance): string[] {
  return [...virtualAddresses, ...excludedAddresses].map(({ address }) => address);
}

function ofRemoved(
  one: VrrpInstance,
  added: readonly VrrpInstance[],
  holders: ReadonlyMap<string, string>,
): string[] {
  const again = added.find(({ name }) => name === one.name);
  const why = again === undefined
    ? "it is removed: it resigns, and another router of its VRID takes over, if there is one"
    : "its VRID, interface or way of sending is another one: it resigns and begins anew as a backup";
  const lost = addressesOf(one).filter((address) => !holders.has(address));
  if (lost.length === 0) return [];
  return [`${one.name} gives up ${lost.join(", ")}: ${why}`];
}

function ofMaster({ before, after }: Pair, holders: ReadonlyMap<string, string>): string[] {
  const now = new Set(addressesOf(after)), lines = onOtherInterfaces(before, after);
  for (const address of addressesOf(before)) {
    if (now.has(address)) continue;
    const other = holders.get(address);
    lines.push(
      other === undefined
        ? `${address} goes: it is no longer an address of ${after.name}`
        : `${address} goes from ${before.name} to ${other}, without leaving this host`,
    );
  }
  if (after.priority < before.priority) {
    const range = `${before.priority} to ${after.priority}`;
    const text = `may go: its priority falls from ${range}, and a router that is higher now`;
    lines.push(`${after.name} ${text} takes over unless it has nopreempt`);
  }
  const gone = without(before.tracks, after.tracks), come = without(after.tracks, before.tracks);
  if (come.length > 0 || gone.some(({ weight }) => weight !== 0)) {
    const text = "may go: it tracks other objects, or with other weights: it resigns if one fails";
    lines.push(`${after.name} ${text} that is a fault, or if its priority falls too low`);
  }
  return lines;
}

function without(tracks: readonly Track[], others: readonly Track[]): readonly Track[] {
  return tracks.filter((one) => !others.some((other) => isSame(one, other, NO_SETTING)));
}

/** Addresses that stay the master's, but not where they are. */
function onOtherInterfaces(before: VrrpInstance, after: VrrpInstance): string[] {
  const then = placesOf(before), now = placesOf(after);
  return [...then].flatMap(([address, from]) => {
    const to = now.get(address);
    return to === undefined || to === from ? [] : [`${address} goes from ${from} to ${to}`];
  });
}

function placesOf(instance: VrrpInstance): ReadonlyMap<string, string> {
  const entries = [...instance.virtualAddresses, ...instance.excludedAddresses];
  return new Map(
    entries.map(({ address, device }) => [address, device ?? instance.interface ?? ""]),
  );
}

/** A fault of one member is a fault of all. */
function ofGroup({ before, after }: Pair, { kept, added }: Pairing): string[] {
  if (after.group === null) return [];
  const together = kept.filter((pair) =>
    before.group !== null && pair.before.group === before.group
  );
  const known = new Set(together.map((pair) => pair.after.name));
  const others = [...kept.map((pair) => pair.after), ...added]
    .filter(({ name, group }) => group === after.group && name !== after.name && !known.has(name));
  if (others.length === 0) return [];
  const names = others.map(({ name }) => name).join(", ");
  return [
    `${after.name} may go: it is in a sync group with ${names} now, whose faults are its own`,
  ];
}

function ofBackup({ before, after }: Pair): string[] {
  const isHigher = after.priority > before.priority;
  const preempts = after.preempt && !before.preempt;
  const tracksOthers = [
    ...without(before.tracks, after.tracks),
    ...without(after.tracks, before.tracks),
  ].some(({ weight }) => weight !== 0);
  if (!after.preempt || !isHigher && !preempts && !tracksOthers) return [];
  const why = isHigher
    ? `its priority rises from ${before.priority} to ${after.priority}`
    : preempts
    ? "it preempts now"
    : "it tracks other objects, or with other weights, and its priority may rise";
  return [`${after.name} may become master: ${why}`];
}

function ofFaulty({ before, after }: Pair): string[] {
  if (isSame(before, after, NO_SETTING)) return [];
  return [`${after.name} may become master: it is in fault, which this change may end`];
}

/** Settings that all routers of a VRID must agree on, by what happens if they do not. */
const AGREED: readonly {
  readonly name: string;
  readonly of: (instance: VrrpInstance) => unknown;
}[] = [
  { name: "version", of: ({ version }) => version },
  { name: "authentication", of: ({ authentication }) => authentication },
  {
    // Version 3 learns it from the master.
    name: "advert_int",
    of: ({ version, advertIntervalUs }) => version === 2 ? advertIntervalUs : null,
  },
  {
    name: "mcast_dst_ip",
    of: ({ unicastPeers, multicastGroup }) => unicastPeers.length > 0 ? null : multicastGroup,
  },
];

/** What else to think of. */
export function cautionsOf({ kept }: Pairing): string[] {
  return kept.flatMap(({ before, after }) => {
    const differing = AGREED.filter(({ of }) => !isSame(of(before), of(after), NO_SETTING))
      .map(({ name }) => name);
    const [old, now] = [before.hmac, after.hmac];
    if (!believes(old, now) || !believes(now, old)) differing.push("auth_hmac");
    if (differing.length === 0) return [];
    const what = differing.join(", ");
    return [
      `${after.name}: ${what} must be the same on all routers: those that are not changed ` +
      "within three advert intervals become masters, too",
    ];
  });
}

/** Whether a router takes what another sends: the steps of docs/authentication.md keep to it. */
function believes(receiver: HmacDefs | null, sender: HmacDefs | null): boolean {
  if (sender === null || sender.mode === "receive-only") return receiver?.mode !== "enforce";
  const key = sender.keys.find(({ id }) => id === sender.activeKey);
  return receiver?.keys.some(({ id, secret }) => id === key?.id && secret === key.secret) ?? false;
}
