/** What the kernel says about a host's addresses, and changes by an operator's hand. */

import { setLink } from "../../ffi/rtnetlink.ts";
import { type AddressInfo, type AddressSpec, deleteAddress } from "../../ffi/rtnetlink.ts";
import { addAddress, dumpAddresses, dumpLinks, IFA_F } from "../../ffi/rtnetlink.ts";
import { formatIp, type Ip, ipBytes } from "../../lib/core/address.ts";
import { indexOf, within } from "../../lib/net/topology.ts";
import type { Host } from "../../lib/net/topology.ts";
import { TIMEOUT_MS, until } from "./until.ts";

/** A host, or a second interface of one. */
export type Place = Pick<Host, "namespace" | "device" | "name">;

/** An address on an interface, with the interface's name. */
export interface AddressOn extends AddressInfo {
  readonly device: string;
  readonly text: Ip;
}

/** All addresses of a host but for its loopback's. */
export function addressesOn({ namespace }: Place): AddressOn[] {
  return within(namespace, (socket) => {
    const names = new Map(dumpLinks(socket).map(({ index, name }) => [index, name]));
    return dumpAddresses(socket)
      .map((info) => ({ ...info, device: names.get(info.index) ?? "", text: formatIp(info.local) }))
      .filter(({ device }) => device !== "lo");
  });
}

/** The address on a host, whichever interface it is on. */
export function addressOn(place: Place, address: string): AddressOn | undefined {
  return addressesOn(place).find(({ text }) => text === address);
}

/** Whether a host has an address. */
export function holds(place: Place, address: string): boolean {
  return addressOn(place, address) !== undefined;
}

/** The names of those hosts that have an address. */
export function holders(places: readonly Place[], address: string): string[] {
  return places.filter((place) => holds(place, address)).map(({ name }) => name);
}

/** Waits until exactly one host has an address, this one. */
export async function heldBy(
  holder: Place,
  places: readonly Place[],
  address: string,
  timeoutMs = TIMEOUT_MS,
): Promise<void> {
  const now = () => holders(places, address);
  await until(
    () => now().join() === holder.name,
    `${address} to be on ${holder.name} alone`,
    timeoutMs,
  ).catch((error: Error) => {
    throw new Error(`${error.message}; it is on ${now().join(" and ") || "no host"}`);
  });
}

/** Same as `ip address add ADDRESS/LENGTH dev DEVICE`. */
export function giveAddress(place: Place, text: string, more: Partial<AddressSpec> = {}): void {
  const [address, length] = text.split("/");
  const flags = address!.includes(":") ? IFA_F.NODAD : 0;
  within(place.namespace, (socket) => {
    const index = indexOf(socket, place.device), local = ipBytes(address as Ip);
    addAddress(socket, { index, local, prefixLength: Number(length), flags, ...more });
  });
}

/** Same as `ip address del ADDRESS/LENGTH dev DEVICE`. */
export function takeAddress(place: Place, text: string): void {
  const [address, length] = text.split("/");
  within(place.namespace, (socket) => {
    const index = indexOf(socket, place.device), local = ipBytes(address as Ip);
    deleteAddress(socket, { index, local, prefixLength: Number(length) });
  });
}

/** Same as `ip link set dev DEVICE up` or `down`. */
export function setUp(place: Place, up: boolean): void {
  within(place.namespace, (socket) => setLink(socket, indexOf(socket, place.device), { up }));
}
