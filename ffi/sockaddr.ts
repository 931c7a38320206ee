/** Socket addresses: builders and readers. Ports are numbers; addresses are bytes in network order. */

import { AF } from "./constants.ts";
import {
  type Bytes,
  HOST_ORDER,
  NETWORK_ORDER,
  SOCKADDR_IN,
  SOCKADDR_IN6,
  SOCKADDR_LL,
  SOCKADDR_NL,
  viewOf,
} from "./layout.ts";

/**
 * An IPv4 socket address.
 * @param address4 Four bytes in network order.
 * @throws {RangeError} If it has another length.
 */
export function sockaddrIn(address4: Uint8Array, port = 0): Bytes {
  requireLength(address4, 4, "IPv4 address");
  const bytes = new Uint8Array(SOCKADDR_IN.size), view = viewOf(bytes);
  view.setUint16(SOCKADDR_IN.at.sin_family, AF.INET, HOST_ORDER);
  view.setUint16(SOCKADDR_IN.at.sin_port, port, NETWORK_ORDER);
  bytes.set(address4, SOCKADDR_IN.at.sin_addr);
  return bytes;
}

/**
 * An IPv6 socket address.
 * @param address16 Sixteen bytes in network order.
 * @param scopeId Interface index; needed for link-local addresses and groups, else 0.
 * @throws {RangeError} If the address has another length.
 */
export function sockaddrIn6(address16: Uint8Array, scopeId: number, port = 0): Bytes {
  requireLength(address16, 16, "IPv6 address");
  const bytes = new Uint8Array(SOCKADDR_IN6.size), view = viewOf(bytes);
  view.setUint16(SOCKADDR_IN6.at.sin6_family, AF.INET6, HOST_ORDER);
  view.setUint16(SOCKADDR_IN6.at.sin6_port, port, NETWORK_ORDER);
  bytes.set(address16, SOCKADDR_IN6.at.sin6_addr);
  view.setUint32(SOCKADDR_IN6.at.sin6_scope_id, scopeId, HOST_ORDER);
  return bytes;
}

/**
 * An address of an AF_PACKET socket.
 * @param ifindex 0 means every interface.
 * @param protocol EtherType, ETH_P.*.
 * @param mac Destination for a DGRAM socket; at most 8 bytes.
 * @throws {RangeError} If `mac` is longer.
 */
export function sockaddrLinkLayer(ifindex: number, protocol: number, mac?: Uint8Array): Bytes {
  const bytes = new Uint8Array(SOCKADDR_LL.size), view = viewOf(bytes);
  view.setUint16(SOCKADDR_LL.at.sll_family, AF.PACKET, HOST_ORDER);
  view.setUint16(SOCKADDR_LL.at.sll_protocol, protocol, NETWORK_ORDER);
  view.setInt32(SOCKADDR_LL.at.sll_ifindex, ifindex, HOST_ORDER);
  if (mac !== undefined) {
    if (mac.length > 8) {
      throw new RangeError(`Cannot use ${mac.length} bytes as a link-layer address: at most 8 fit`);
    }
    view.setUint8(SOCKADDR_LL.at.sll_halen, mac.length);
    bytes.set(mac, SOCKADDR_LL.at.sll_addr);
  }
  return bytes;
}

/** A netlink address: port (0 lets the kernel choose, or is the kernel) and a mask of groups 1-32. */
export function sockaddrNetlink(port: number, groups: number): Bytes {
  const bytes = new Uint8Array(SOCKADDR_NL.size), view = viewOf(bytes);
  view.setUint16(SOCKADDR_NL.at.nl_family, AF.NETLINK, HOST_ORDER);
  view.setUint32(SOCKADDR_NL.at.nl_pid, port, HOST_ORDER);
  view.setUint32(SOCKADDR_NL.at.nl_groups, groups, HOST_ORDER);
  return bytes;
}

/** AF.* of a socket address; AF.UNSPEC if it is too short to say. */
export function readFamily(sockaddr: Uint8Array): number {
  return sockaddr.length < 2 ? AF.UNSPEC : viewOf(sockaddr).getUint16(0, HOST_ORDER);
}

/** Address (a copy) and port of an IPv4 socket address; null if it is none. */
export function readSockaddrIn(sockaddr: Uint8Array): { address: Bytes; port: number } | null {
  if (readFamily(sockaddr) !== AF.INET || sockaddr.length < SOCKADDR_IN.size) return null;
  const from = SOCKADDR_IN.at.sin_addr;
  return {
    address: new Uint8Array(sockaddr.subarray(from, from + 4)),
    port: viewOf(sockaddr).getUint16(SOCKADDR_IN.at.sin_port, NETWORK_ORDER),
  };
}

/** Address (a copy), port and interface index of an IPv6 socket address; null if it is none. */
export function readSockaddrIn6(
  sockaddr: Uint8Array,
): { address: Bytes; port: number; scopeId: number } | null {
  if (readFamily(sockaddr) !== AF.INET6 || sockaddr.length < SOCKADDR_IN6.size) return null;
  const view = viewOf(sockaddr), from = SOCKADDR_IN6.at.sin6_addr;
  return {
    address: new Uint8Array(sockaddr.subarray(from, from + 16)),
    port: view.getUint16(SOCKADDR_IN6.at.sin6_port, NETWORK_ORDER),
    scopeId: view.getUint32(SOCKADDR_IN6.at.sin6_scope_id, HOST_ORDER),
  };
}

/** What an AF_PACKET socket says about a frame. */
export interface LinkLayerAddress {
  readonly ifindex: number;
  /** EtherType, ETH_P.*. */
  readonly protocol: number;
  /** ARPHRD.* of the interface. */
  readonly hardwareType: number;
  /** PACKET.HOST, BROADCAST, MULTICAST, OTHERHOST or OUTGOING. */
  readonly packetType: number;
  /** The sender, a copy. */
  readonly address: Bytes;
}

/** Reads an AF_PACKET socket address; null if it is none. */
export function readSockaddrLinkLayer(sockaddr: Uint8Array): LinkLayerAddress | null {
  const { at } = SOCKADDR_LL;
  if (readFamily(sockaddr) !== AF.PACKET || sockaddr.length < at.sll_addr) return null;
  const view = viewOf(sockaddr);
  const length = Math.min(view.getUint8(at.sll_halen), 8);
  return {
    ifindex: view.getInt32(at.sll_ifindex, HOST_ORDER),
    protocol: view.getUint16(at.sll_protocol, NETWORK_ORDER),
    hardwareType: view.getUint16(at.sll_hatype, HOST_ORDER),
    packetType: view.getUint8(at.sll_pkttype),
    address: new Uint8Array(sockaddr.subarray(at.sll_addr, at.sll_addr + length)),
  };
}

/** Port and group mask of a netlink address; null if it is none. Mask 0 means sent to us alone. */
export function readSockaddrNetlink(
  sockaddr: Uint8Array,
): { port: number; groups: number } | null {
  if (readFamily(sockaddr) !== AF.NETLINK || sockaddr.length < SOCKADDR_NL.size) return null;
  const view = viewOf(sockaddr);
  return {
    port: view.getUint32(SOCKADDR_NL.at.nl_pid, HOST_ORDER),
    groups: view.getUint32(SOCKADDR_NL.at.nl_groups, HOST_ORDER),
  };
}

function requireLength(address: Uint8Array, length: number, what: string): void {
  if (address.length !== length) {
    throw new RangeError(`Cannot use ${address.length} bytes as an ${what}: must be ${length}`);
  }
}
