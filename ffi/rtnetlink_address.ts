/** Addresses of interfaces (RTM_*ADDR). */

import { AF } from "./constants.ts";
import { type Bytes, HOST_ORDER, IFA_CACHEINFO, IFADDRMSG, viewOf } from "./layout.ts";
import { Attributes, IFA, NetlinkMessage, type NetlinkReceived, NLM_F, RTM } from "./netlink.ts";
import type { NetlinkSocket } from "./netlink_socket.ts";

/** A lifetime that never ends (net/addrconf.h: INFINITY_LIFE_TIME). */
export const INFINITE_LIFETIME = 0xffff_ffff;

/** Lifetimes of an address. */
export interface AddressCacheInfo {
  /** Seconds left, INFINITE_LIFETIME for ever. */
  readonly preferredSeconds: number;
  /** Seconds left, INFINITE_LIFETIME for ever. */
  readonly validSeconds: number;
  /** When it was made and last changed, hundredths of a second since boot. */
  readonly createdCs: number;
  readonly updatedCs: number;
}

/** What the kernel says about an address. */
export interface AddressInfo {
  /** AF.INET or AF.INET6. */
  readonly family: number;
  /** The interface. */
  readonly index: number;
  readonly prefixLength: number;
  /** RT_SCOPE.*. */
  readonly scope: number;
  /** IFA_F.* bits. */
  readonly flags: number;
  /** The other end of a point-to-point address, else the same as `local`; network order. */
  readonly address: Bytes;
  /** The own address, network order. */
  readonly local: Bytes;
  readonly label: string | null;
  readonly broadcast: Bytes | null;
  readonly cacheInfo: AddressCacheInfo | null;
  /** IFA_PROTO: who made it (0 nobody said; 1-3 the kernel). Linux 5.18 keeps it; null before. */
  readonly protocol: number | null;
}

/** An address to add or delete. Lengths of `local` decide on the family. */
export interface AddressSpec {
  readonly index: number;
  /** Four or sixteen bytes in network order. */
  readonly local: Uint8Array;
  readonly prefixLength: number;
  /** The other end, for a point-to-point address. */
  readonly peer?: Uint8Array;
  /** RT_SCOPE.*; 0, universe, if not given. */
  readonly scope?: number;
  /** IPv4 only, at most 15 characters. */
  readonly label?: string;
  /** IPv4 only. */
  readonly broadcast?: Uint8Array;
  /** IFA_F.* bits. */
  readonly flags?: number;
  /** The address goes by itself after so long; INFINITE_LIFETIME or absent: never. */
  readonly validSeconds?: number;
  /** From then on it is no source of new connections; as `validSeconds` if absent. */
  readonly preferredSeconds?: number;
  /** Metric of the route to its prefix. */
  readonly routePriority?: number;
  /** IFA_PROTO; older kernels ignore it. */
  readonly protocol?: number;
}

/** All addresses of the socket's namespace. Same as `ip address show`. @param family AF.INET or AF.INET6 alone. @throws {SysError} */
export function dumpAddresses(socket: NetlinkSocket, family: number = AF.UNSPEC): AddressInfo[] {
  const message = new NetlinkMessage(RTM.GETADDR, 0, "list the addresses");
  message.head(IFADDRMSG.size, (view) => view.setUint8(IFADDRMSG.at.ifa_family, family));
  return socket.dump(message).map(parseAddress).filter((address) => address !== null);
}

/** Reads RTM_NEWADDR or RTM_DELADDR; null if the message is another or cut short. */
export function parseAddress(message: NetlinkReceived): AddressInfo | null {
  const { type, payload } = message, { at, size } = IFADDRMSG;
  if (type !== RTM.NEWADDR && type !== RTM.DELADDR || payload.length < size) return null;
  const view = viewOf(payload), attributes = new Attributes(payload.subarray(size));
  // IPv6 says IFA_LOCAL only where there is a peer; IPv4 leaves IFA_ADDRESS out of some messages.
  const local = attributes.bytes(IFA.LOCAL) ?? attributes.bytes(IFA.ADDRESS);
  if (local === null) return null;
  return {
    family: view.getUint8(at.ifa_family),
    index: view.getUint32(at.ifa_index, HOST_ORDER),
    prefixLength: view.getUint8(at.ifa_prefixlen),
    scope: view.getUint8(at.ifa_scope),
    flags: attributes.u32(IFA.FLAGS) ?? view.getUint8(at.ifa_flags),
    address: attributes.bytes(IFA.ADDRESS) ?? local,
    local,
    label: attributes.text(IFA.LABEL),
    broadcast: attributes.bytes(IFA.BROADCAST),
    cacheInfo: readCacheInfo(attributes.get(IFA.CACHEINFO)),
    protocol: attributes.u8(IFA.PROTO),
  };
}

/**
 * Adds an address; with `replace` renews the lifetimes and flags of one that is there.
 * Same as `ip address add|replace LOCAL/PREFIX dev NAME ...`.
 * @throws {SysError} EEXIST without `replace`; ENODEV; EADDRNOTAVAIL...
 */
export function addAddress(
  socket: NetlinkSocket,
  spec: AddressSpec,
  options: { readonly replace?: boolean } = {},
): void {
  socket.request(addAddressMessage(spec, options));
}

/** The request of `addAddress`, for batches. */
export function addAddressMessage(
  spec: AddressSpec,
  { replace = false }: { readonly replace?: boolean } = {},
): NetlinkMessage {
  const mode = NLM_F.CREATE | (replace ? NLM_F.REPLACE : NLM_F.EXCL);
  const message = addressMessage(RTM.NEWADDR, mode, "add", spec);
  if (spec.label !== undefined) message.text(IFA.LABEL, spec.label);
  if (spec.broadcast !== undefined) message.attribute(IFA.BROADCAST, spec.broadcast);
  if (spec.flags !== undefined) message.u32(IFA.FLAGS, spec.flags);
  if (spec.routePriority !== undefined) message.u32(IFA.RT_PRIORITY, spec.routePriority);
  if (spec.protocol !== undefined) message.u8(IFA.PROTO, spec.protocol);
  const { validSeconds = INFINITE_LIFETIME, preferredSeconds = validSeconds } = spec;
  const lifetimes = new Uint8Array(IFA_CACHEINFO.size), view = viewOf(lifetimes);
  view.setUint32(IFA_CACHEINFO.at.ifa_valid, validSeconds, HOST_ORDER);
  view.setUint32(IFA_CACHEINFO.at.ifa_prefered, preferredSeconds, HOST_ORDER);
  return message.attribute(IFA.CACHEINFO, lifetimes);
}

/** Deletes an address. Same as `ip address delete LOCAL/PREFIX dev NAME`. @throws {SysError} EADDRNOTAVAIL if it is not there. */
export function deleteAddress(socket: NetlinkSocket, spec: AddressSpec): void {
  socket.request(deleteAddressMessage(spec));
}

/**
 * The request of `deleteAddress`, for batches. Without the label, which the kernel would compare and
 * which changes with the name of the interface.
 */
export function deleteAddressMessage(spec: AddressSpec): NetlinkMessage {
  return addressMessage(RTM.DELADDR, 0, "delete", spec);
}

function addressMessage(
  type: number,
  flags: number,
  verb: "add" | "delete",
  spec: AddressSpec,
): NetlinkMessage {
  const { at, size } = IFADDRMSG, family = familyOf(spec.local);
  const text = `${addressText(spec.local)}/${spec.prefixLength}`;
  const message = new NetlinkMessage(type, flags, `${verb} ${text} on interface ${spec.index}`);
  message.head(size, (view) => {
    view.setUint8(at.ifa_family, family);
    view.setUint8(at.ifa_prefixlen, spec.prefixLength);
    view.setUint8(at.ifa_flags, (spec.flags ?? 0) & 0xff); // IFA_FLAGS has them all
    view.setUint8(at.ifa_scope, spec.scope ?? 0);
    view.setUint32(at.ifa_index, spec.index, HOST_ORDER);
  });
  message.attribute(IFA.LOCAL, spec.local);
  message.attribute(IFA.ADDRESS, spec.peer ?? spec.local);
  return message;
}

function readCacheInfo(data: Uint8Array | null): AddressCacheInfo | null {
  if (data === null || data.length < IFA_CACHEINFO.size) return null;
  const view = viewOf(data), { at } = IFA_CACHEINFO;
  return {
    preferredSeconds: view.getUint32(at.ifa_prefered, HOST_ORDER),
    validSeconds: view.getUint32(at.ifa_valid, HOST_ORDER),
    createdCs: view.getUint32(at.cstamp, HOST_ORDER),
    updatedCs: view.getUint32(at.tstamp, HOST_ORDER),
  };
}

function familyOf(address: Uint8Array): number {
  if (address.length === 4) return AF.INET;
  if (address.length === 16) return AF.INET6;
  throw new RangeError(`Cannot use ${address.length} bytes as an address: must be 4 or 16`);
}

/** For error messages only: dotted, or eight groups without "::". */
function addressText(address: Uint8Array): string {
  if (address.length === 4) return address.join(".");
  const view = viewOf(address);
  return Array.from({ length: 8 }, (_, at) => view.getUint16(at * 2).toString(16)).join(":");
}
