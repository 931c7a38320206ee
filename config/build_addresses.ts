/** Which addresses an instance holds, and which of them its advert has room for. */

import type { Family } from "../lib/core/address.ts";
import type { AddressEntry } from "./address_entry.ts";
import { type InstanceContext, ofFamily, tell } from "./instance_context.ts";

/** The count field of an advert is one byte (RFC 9568 5.2.5). */
const ADDRESSES_MAX = 255;

/**
 * IP header, VRRP header and, in version 2, authentication data: bytes of an advert but addresses. With
 * keepalived, the Ethernet header (14) is part of the MTU, and both must come to the same list.
 */
const OVERHEAD_BYTES = {
  ipv4: { 2: 14 + 20 + 8 + 8, 3: 14 + 20 + 8 },
  ipv6: { 2: 14 + 40 + 8, 3: 14 + 40 + 8 },
};

/** Bytes of one address. */
const ADDRESS_BYTES: Readonly<Record<Family, number>> = { ipv4: 4, ipv6: 16 };

/**
 * The lists of the instance. Virtual addresses beyond what an advert may carry, or an interface's
 * packet holds, go to the excluded list, as keepalived does. An address that is given twice is there
 * twice: keepalived advertises it twice, and refuses adverts with another number of addresses.
 */
export function buildAddresses(
  context: InstanceContext,
  family: Family,
  version: 2 | 3,
): {
  readonly virtualAddresses: readonly AddressEntry[];
  readonly excludedAddresses: readonly AddressEntry[];
} {
  const { settings } = context;
  const given = settings.virtual_ipaddress ?? [];
  const own = ofFamily(context, given, family, (entry) => entry.address);
  const excluded = (settings.virtual_ipaddress_excluded ?? []).map((found) => found.value);
  reportTwice(context, own, "its adverts carry it twice, and its interface has it once");
  reportTwice(context, excluded, "its interface has it once");
  if (own.length === 0 && settings.no_virtual_ipaddress === undefined) {
    reportNone(context, version, excluded.length);
  }
  const room = roomFor(context, family, version);
  if (own.length > room.count) {
    tell(
      context,
      "error",
      given.find(({ value }) => value === own[room.count]),
      `An advert carries at most ${room.count} addresses (${room.why}): ` +
        `the other ${own.length - room.count} are held but not advertised`,
      "Move them to virtual_ipaddress_excluded, or to another instance",
    );
  }
  return {
    virtualAddresses: own.slice(0, room.count),
    excludedAddresses: [...own.slice(room.count), ...excluded],
  };
}

function roomFor(
  context: InstanceContext,
  family: Family,
  version: 2 | 3,
): { readonly count: number; readonly why: string } {
  const name = context.settings.interface?.value;
  const link = context.facts?.interfaces.find((link) => link.name === name);
  const count = link === undefined
    ? ADDRESSES_MAX
    : Math.max(0, Math.floor((link.mtu - OVERHEAD_BYTES[family][version]) / ADDRESS_BYTES[family]));
  return count < ADDRESSES_MAX
    ? { count, why: `the MTU of ${name} is ${link?.mtu}` }
    : { count: ADDRESSES_MAX, why: "its count is one byte" };
}

/** keepalived refuses a version 3 instance without addresses, and starts one of version 2. */
function reportNone(context: InstanceContext, version: 2 | 3, excluded: number): void {
  const remedy = "Write a virtual_ipaddress block with one address a line";
  if (version === 3) {
    const message = "No virtual address: version 3 requires at least one";
    tell(context, "fatal", undefined, message, remedy);
  } else if (excluded === 0) {
    const message = "No virtual address: a master has nothing to hold";
    const otherwise = 'or "no_virtual_ipaddress" if only its state matters';
    tell(context, "error", undefined, message, `${remedy}, ${otherwise}`);
  } else {
    const message = "No virtual address but excluded ones: the advert carries no addresses";
    const meant = 'Move one to virtual_ipaddress, or write "no_virtual_ipaddress" if that is meant';
    tell(context, "warning", undefined, message, meant);
  }
}

/** What is there twice is no error: the kernel holds it once all the same, as its first line says. */
function reportTwice(
  context: InstanceContext,
  entries: readonly AddressEntry[],
  effect: string,
): void {
  const seen = new Set<string>();
  for (const entry of entries) {
    const key = `${entry.address} ${entry.device}`;
    if (!seen.has(key)) {
      seen.add(key);
      continue;
    }
    const lists = [
      ...context.settings.virtual_ipaddress ?? [],
      ...context.settings.virtual_ipaddress_excluded ?? [],
    ];
    const found = lists.find((found) => found.value === entry);
    const message = `${entry.address} is given twice: ${effect}, as the first line says`;
    tell(context, "warning", found, message, "Delete one of the two lines, on every router");
  }
}
