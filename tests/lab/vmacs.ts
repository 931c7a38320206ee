/** Links of virtual routers on a host of the lab, the settings around them, and who answers for what. */

import { dumpLinks, type LinkInfo } from "../../ffi/rtnetlink.ts";
import { type Mac, parseMac } from "../../lib/core/address.ts";
import { within } from "../../lib/net/topology.ts";
import type { Place } from "./addresses.ts";
import type { Wire } from "./wire.ts";

/** The MAC of virtual router 51 (RFC 9568 7.3). */
export const VMAC4: Mac = parseMac("00:00:5e:00:01:33")!;
/** The same over IPv6. */
export const VMAC6: Mac = parseMac("00:00:5e:00:02:33")!;

/** The macvlans of a host. */
export function macvlans({ namespace }: Pick<Place, "namespace">): LinkInfo[] {
  return within(namespace, (socket) => dumpLinks(socket)).filter(({ kind }) => kind === "macvlan");
}

/** Their names, in order. */
export function macvlanNames(place: Pick<Place, "namespace">): string[] {
  return macvlans(place).map(({ name }) => name).toSorted();
}

/** Settings of an interface that links of virtual routers touch, as text to compare. */
export function settingsOf({ namespace }: Pick<Place, "namespace">, device: string): string {
  const names = ["arp_ignore", "arp_filter", "arp_announce", "rp_filter", "accept_local"];
  return namespace.run(() =>
    names.map((name) => {
      const value = Deno.readTextFileSync(`/proc/sys/net/ipv4/conf/${device}/${name}`).trim();
      return `${name}=${value}`;
    })
  ).join(" ");
}

/** Sets one of them. */
export function set({ namespace }: Pick<Place, "namespace">, path: string, value: string): void {
  namespace.run(() => Deno.writeTextFileSync(`/proc/sys/net/ipv4/${path}`, value));
}

/** The MAC that a host has learned for an IPv4 address; null if none. */
export function learned({ namespace }: Pick<Place, "namespace">, address: string): string | null {
  const table = namespace.run(() => Deno.readTextFileSync("/proc/thread-self/net/arp"));
  const line = table.split("\n").find((line) => line.startsWith(`${address} `));
  return line?.split(/\s+/)[3] ?? null;
}

/** The MACs that have answered a host's ARP requests for an address, or its neighbour solicitations. */
export function answerers(wire: Wire, address: string): Mac[] {
  const macs = wire.frames.flatMap((frame) => {
    if (frame.kind === "arp" && frame.operation === 2 && frame.senderIp === address) {
      return [frame.senderMac];
    }
    if (frame.kind === "na" && frame.solicited && frame.target === address) {
      return frame.linkLayer === null ? [] : [frame.linkLayer];
    }
    return [];
  });
  return [...new Set(macs)];
}
