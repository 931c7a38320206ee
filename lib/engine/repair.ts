/** A master without its address would leave it on no node: what somebody took away is put back. */

import type { Micros } from "../core/time.ts";
import type { PlacedAddress } from "../net/addresses.ts";
import { OWNER_PRIORITY } from "../vrrp/types.ts";
import { refusePackets } from "./accept.ts";
import type { Tools } from "./effects.ts";
import type { Instance } from "./instance.ts";
import { sayOnce } from "./say.ts";

/**
 * What a master lacks, as far as is known. Entries with `no_track` are nobody's business, and what
 * the owner of an address has configured himself is his to take away and to bring back.
 */
export function lackingOf({ table, addresses }: Tools, instance: Instance): PlacedAddress[] {
  const isOwner = instance.spec.router.basePriority === OWNER_PRIORITY;
  return addresses.missing(instance.placed(table)).filter((placed) =>
    placed.entry.track && table.byIndex(placed.ifindex)?.up === true &&
    (!isOwner || addresses.owns(instance.name, placed))
  );
}

/**
 * Adds what a master lacks, and announces it. An address goes because somebody deletes it, because
 * the kernel deletes it with the primary address of its subnet, because its link went down (IPv6) or
 * is another one of the same name now. The kernel's answer tells whether it really was gone: tables
 * may be behind what was just added.
 *
 * @returns Whether anything had to be added.
 */
export function repair(
  tools: Tools,
  instance: Instance,
  lacking: readonly PlacedAddress[],
  now: Micros,
): boolean {
  const { table, addresses, announcer } = tools;
  const had = lacking.filter((placed) => addresses.owns(instance.name, placed));
  // A link that was made again has another number, by which link-local addresses are refused.
  refusePackets(tools, instance);
  const { added, failures } = addresses.add(instance.name, lacking);
  for (const { error } of failures) {
    const { message: text } = error;
    sayOnce(tools, instance, { of: "host", key: text, level: "error", text }, now);
  }
  for (const placed of added) {
    const { address } = placed.entry, device = table.byIndex(placed.ifindex)?.name;
    const text = had.includes(placed)
      ? `${address} was taken off ${device}, not by vigie: put back`
      : `${address} is on ${device} now`;
    sayOnce(tools, instance, { of: "host", key: text, level: "warning", text }, now);
  }
  const back = new Set(added.map(({ entry }) => entry.address));
  const news = instance.announcements(table).filter(({ address }) => back.has(address));
  announcer.announce(news, instance.spec.router.announce.repeat, now);
  return added.length > 0;
}
