/**
 * The links of virtual routers (`use_vmac`, `use_ipvlan`) on this host: found, made, set up and
 * down, removed. vigie's own carry an alias that says so; what the operator has made is used, and
 * left where it is.
 */

import { SysError } from "../../ffi/errno.ts";
import { IFF } from "../../ffi/constants.ts";
import type { NetlinkSocket } from "../../ffi/netlink_socket.ts";
import {
  addAddress,
  addLink,
  deleteLink,
  dumpLinks,
  IN6_ADDR_GEN_MODE,
  IPVLAN_F,
  IPVLAN_MODE,
  type LinkInfo,
  type LinkSpec,
  MACVLAN_MODE,
  setLink,
} from "../../ffi/rtnetlink.ts";
import { formatMac, ipBytes, macBytes } from "../core/address.ts";
import { vmacNames, type VmacSpec } from "../core/vmac.ts";
import { ADDRESS_PROTOCOL, type HostTable, type Link } from "./links.ts";
import { acquireVmacSettings, aliasOf, isMarked, recallFrom } from "./vmac_settings.ts";

/** A link of a virtual router that is there. */
export interface VmacLink {
  readonly index: number;
  readonly name: string;
  readonly parentIndex: number;
  /** By vigie's alias: it is removed in the end. */
  readonly isOurs: boolean;
  /** It was found, not made. */
  readonly isFound: boolean;
  /** Administratively up, as far as was last known. */
  readonly up: boolean;
  /** As it was found; somebody else's is left so. */
  readonly wasUp: boolean;
}

/** What came of making a link. */
export interface VmacOutcome {
  readonly link: VmacLink;
  /** What could not be set, in words. */
  readonly failures: readonly string[];
}

/** Why a link cannot be had, for the user. */
export class VmacError extends Error {
  override readonly name = "VmacError";
}

const IPVLAN_FLAGS = { bridge: 0, private: IPVLAN_F.PRIVATE, vepa: IPVLAN_F.VEPA } as const;

/**
 * The link that a spec describes: one that is there, else a new one, which is down.
 *
 * @param taken Indexes of links that are another's.
 * @throws {SysError} What the kernel refuses.
 * @throws {VmacError} If there is no name for it.
 */
export function obtainVmac(
  socket: NetlinkSocket,
  spec: VmacSpec,
  parent: Link,
  { taken, user }: { readonly taken: ReadonlySet<number>; readonly user: string },
): VmacOutcome {
  const links = dumpLinks(socket);
  const found = links.find((link) => !taken.has(link.index) && fits(link, spec, parent));
  // What a predecessor left is removed, if it is not found again.
  const stays = (link: LinkInfo) => !isMarked(link.alias) || taken.has(link.index);
  refuseBusyMac(spec, parent, links.filter((link) => link !== found && stays(link)));
  const info = found ?? make(socket, spec, parent, { links, taken });
  const isOurs = found === undefined || isMarked(found.alias);
  const ipv6 = spec.needsIpv6 || spec.link.kind === "ipvlan";
  const failures = acquireVmacSettings(info, parent, { ipv6, user });
  if (isOurs) {
    attempt(failures, () => setLink(socket, info.index, { alias: aliasOf(parent.name) }));
    const addressGenMode = IN6_ADDR_GEN_MODE.NONE;
    // Where there is no IPv6, there is nothing to turn off.
    attempt(ipv6 ? failures : [], () => setLink(socket, info.index, { addressGenMode }));
    attempt(failures, () => giveAddress(socket, spec, info.index));
  }
  const { index, name } = info, up = (info.flags & IFF.UP) !== 0, isFound = found !== undefined;
  const link = { index, name, parentIndex: parent.index, isOurs, isFound, up, wasUp: up };
  return { link, failures };
}

/** Same as `ip link set dev NAME up|down`. @throws {SysError} EADDRINUSE if its MAC is up on the parent. */
export function setVmacUp(socket: NetlinkSocket, link: VmacLink, up: boolean): VmacLink {
  setLink(socket, link.index, { up });
  return { ...link, up };
}

/** Removes a link of vigie's, with all that is on it. @throws {SysError} */
export function removeVmac(socket: NetlinkSocket, index: number): void {
  try {
    deleteLink(socket, index);
  } catch (error) {
    if (!(error instanceof SysError) || error.code !== "ENODEV") throw error;
  }
}

/** The links that a predecessor has left; what their aliases record is recalled. @throws {SysError} */
export function predecessorsVmacs(socket: NetlinkSocket): readonly LinkInfo[] {
  const left = dumpLinks(socket).filter(({ alias }) => isMarked(alias));
  for (const { alias } of left) recallFrom(alias!);
  return left;
}

/** Whether a link is still the one that it was. */
export function isThere(link: VmacLink, parent: Link | undefined, table: HostTable): boolean {
  return parent?.index === link.parentIndex && table.byIndex(link.index)?.name === link.name;
}

function fits(link: LinkInfo, spec: VmacSpec, parent: Link): boolean {
  if (link.linkIndex !== parent.index || link.kind !== spec.link.kind) return false;
  if (spec.isNamed && link.name !== spec.name) return false;
  if (spec.link.kind === "ipvlan") return vmacNames(spec).includes(link.name);
  return link.macvlanMode === MACVLAN_MODE.PRIVATE && formatMac(link.mac) === spec.link.mac;
}

/** The kernel lets one macvlan of a MAC be up on an interface: a master could not send. */
function refuseBusyMac({ link }: VmacSpec, parent: Link, others: readonly LinkInfo[]): void {
  if (link.kind !== "macvlan") return;
  const holder = others.find(({ index, linkIndex, kind, flags, mac }) =>
    formatMac(mac) === link.mac &&
    (index === parent.index ||
      (linkIndex === parent.index && kind === "macvlan" && (flags & IFF.UP) !== 0))
  );
  if (holder === undefined) return;
  throw new VmacError(`interface ${holder.name} has the MAC of the virtual router, ${link.mac}`);
}

function make(
  socket: NetlinkSocket,
  spec: VmacSpec,
  parent: Link,
  { links, taken }: { readonly links: readonly LinkInfo[]; readonly taken: ReadonlySet<number> },
): LinkInfo {
  const byName = new Map(links.map((link) => [link.name, link]));
  const isFree = (name: string) => {
    const there = byName.get(name);
    return there === undefined || (isMarked(there.alias) && !taken.has(there.index));
  };
  const name = vmacNames(spec).find(isFree);
  if (name === undefined) {
    throw new VmacError(
      spec.isNamed
        ? `interface ${spec.name} exists already and is no VMAC of this router on ${spec.parent}`
        : `no free name like ${spec.name} for its VMAC`,
    );
  }
  // One that a predecessor made for something else.
  const old = byName.get(name);
  if (old !== undefined) removeVmac(socket, old.index);
  addLink(socket, linkSpec(spec, name, parent.index));
  const made = dumpLinks(socket).find((link) => link.name === name);
  if (made === undefined) {
    throw new VmacError(`interface ${name} was removed as soon as it was made`);
  }
  return made;
}

/** What the kernel is asked for. */
export function linkSpec(spec: VmacSpec, name: string, linkIndex: number): LinkSpec {
  const group = spec.group === null ? {} : { group: spec.group };
  if (spec.link.kind === "macvlan") {
    const mac = macBytes(spec.link.mac);
    return { kind: "macvlan", name, linkIndex, mode: MACVLAN_MODE.PRIVATE, mac, ...group };
  }
  const ipvlanFlags = IPVLAN_FLAGS[spec.link.flag];
  return { kind: "ipvlan", name, linkIndex, mode: IPVLAN_MODE.L2, ipvlanFlags, ...group };
}

/** An ipvlan has its parent's MAC: what tells it apart is its address. */
function giveAddress(socket: NetlinkSocket, { link }: VmacSpec, index: number): void {
  if (link.kind !== "ipvlan" || link.address === null) return;
  const { address, prefixLength } = link.address, local = ipBytes(address);
  addAddress(socket, { index, local, prefixLength, protocol: ADDRESS_PROTOCOL }, { replace: true });
}

function attempt(failures: string[], act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    failures.push(error.message);
  }
}
