/** Control messages of sendmsg and recvmsg: TTL, interface and addresses of a packet (cmsg(3)). */

import { IP, IPPROTO, IPV6, SO, SOL } from "./constants.ts";
import {
  type Bytes,
  CMSGHDR,
  HOST_ORDER,
  IN6_PKTINFO,
  IN_PKTINFO,
  TIMESPEC,
  viewOf,
} from "./layout.ts";

/** One control message; `data` is a view into the buffer that was read. */
export interface ControlMessage {
  /** SOL.* or IPPROTO.*. */
  readonly level: number;
  readonly type: number;
  readonly data: Bytes;
}

/** What IP_PKTINFO says about a received packet; addresses are copies of four bytes. */
export interface PacketInfo4 {
  readonly ifindex: number;
  /** The own address that an answer should come from (ipi_spec_dst). */
  readonly localAddress: Bytes;
  /** Destination in the packet's header: the group, for multicast (ipi_addr). */
  readonly destination: Bytes;
}

/** What IPV6_PKTINFO says about a received packet. */
export interface PacketInfo6 {
  readonly ifindex: number;
  /** Destination in the packet's header, a copy of sixteen bytes. */
  readonly destination: Bytes;
}

/** Joins control messages made by the builders below into what `sendMessage` takes. */
export function controlMessages(...messages: readonly ControlMessage[]): Bytes {
  const total = messages.reduce((sum, { data }) => sum + CMSGHDR.size + align8(data.length), 0);
  const out = new Uint8Array(total), view = viewOf(out);
  let at = 0;
  for (const { level, type, data } of messages) {
    view.setUint32(at + CMSGHDR.at.cmsg_len, CMSGHDR.size + data.length, HOST_ORDER);
    view.setInt32(at + CMSGHDR.at.cmsg_level, level, HOST_ORDER);
    view.setInt32(at + CMSGHDR.at.cmsg_type, type, HOST_ORDER);
    out.set(data, at + CMSGHDR.size);
    at += CMSGHDR.size + align8(data.length);
  }
  return out;
}

/** Sends an IPv4 packet by one interface, from `source` (four bytes) if given. */
export function packetInfo4(ifindex: number, source?: Uint8Array): ControlMessage {
  const data = new Uint8Array(IN_PKTINFO.size);
  viewOf(data).setInt32(IN_PKTINFO.at.ipi_ifindex, ifindex, HOST_ORDER);
  if (source !== undefined) data.set(source.subarray(0, 4), IN_PKTINFO.at.ipi_spec_dst);
  return { level: IPPROTO.IP, type: IP.PKTINFO, data };
}

/** Sends an IPv6 packet by one interface, from `source` (sixteen bytes) if given. */
export function packetInfo6(ifindex: number, source?: Uint8Array): ControlMessage {
  const data = new Uint8Array(IN6_PKTINFO.size);
  if (source !== undefined) data.set(source.subarray(0, 16), IN6_PKTINFO.at.ipi6_addr);
  viewOf(data).setInt32(IN6_PKTINFO.at.ipi6_ifindex, ifindex, HOST_ORDER);
  return { level: IPPROTO.IPV6, type: IPV6.PKTINFO, data };
}

/** Sends an IPv4 packet with this time to live. */
export function timeToLive(ttl: number): ControlMessage {
  return { level: IPPROTO.IP, type: IP.TTL, data: int(ttl) };
}

/** Sends an IPv6 packet with this hop limit. */
export function hopLimit(limit: number): ControlMessage {
  return { level: IPPROTO.IPV6, type: IPV6.HOPLIMIT, data: int(limit) };
}

/** All control messages in `bytes`; stops at one that claims more than there is. */
export function readControl(bytes: Bytes): ControlMessage[] {
  const view = viewOf(bytes), messages: ControlMessage[] = [];
  for (let at = 0; at + CMSGHDR.size <= bytes.length;) {
    const length = view.getUint32(at + CMSGHDR.at.cmsg_len, HOST_ORDER);
    if (length < CMSGHDR.size || at + length > bytes.length) break;
    messages.push({
      level: view.getInt32(at + CMSGHDR.at.cmsg_level, HOST_ORDER),
      type: view.getInt32(at + CMSGHDR.at.cmsg_type, HOST_ORDER),
      data: bytes.subarray(at + CMSGHDR.size, at + length),
    });
    at += align8(length);
  }
  return messages;
}

/** Time to live (IP_RECVTTL) or hop limit (IPV6_RECVHOPLIMIT) of a packet; null if not there. */
export function readTtl(control: readonly ControlMessage[]): number | null {
  const data = find(control, IPPROTO.IP, IP.TTL, 4) ??
    find(control, IPPROTO.IPV6, IPV6.HOPLIMIT, 4);
  return data && viewOf(data).getInt32(0, HOST_ORDER);
}

/** IP_PKTINFO of a packet; null if not there. */
export function readPacketInfo4(control: readonly ControlMessage[]): PacketInfo4 | null {
  const { at, size } = IN_PKTINFO, data = find(control, IPPROTO.IP, IP.PKTINFO, size);
  return data && {
    ifindex: viewOf(data).getInt32(at.ipi_ifindex, HOST_ORDER),
    localAddress: data.slice(at.ipi_spec_dst, at.ipi_spec_dst + 4),
    destination: data.slice(at.ipi_addr, at.ipi_addr + 4),
  };
}

/** IPV6_PKTINFO of a packet; null if not there. */
export function readPacketInfo6(control: readonly ControlMessage[]): PacketInfo6 | null {
  const { at, size } = IN6_PKTINFO, data = find(control, IPPROTO.IPV6, IPV6.PKTINFO, size);
  return data && {
    ifindex: viewOf(data).getInt32(at.ipi6_ifindex, HOST_ORDER),
    destination: data.slice(at.ipi6_addr, at.ipi6_addr + 16),
  };
}

/** When the kernel received the packet (SO_TIMESTAMPNS), in ns of the wall clock; null if not there. */
export function readTimestampNs(control: readonly ControlMessage[]): bigint | null {
  const { at, size } = TIMESPEC, data = find(control, SOL.SOCKET, SO.TIMESTAMPNS, size);
  if (data === null) return null;
  const view = viewOf(data);
  const seconds = view.getBigInt64(at.tv_sec, HOST_ORDER);
  return seconds * 1_000_000_000n + view.getBigInt64(at.tv_nsec, HOST_ORDER);
}

function find(
  control: readonly ControlMessage[],
  level: number,
  type: number,
  size: number,
): Bytes | null {
  for (const message of control) {
    if (message.level === level && message.type === type && message.data.length >= size) {
      return message.data;
    }
  }
  return null;
}

function int(value: number): Bytes {
  const data = new Uint8Array(4);
  viewOf(data).setInt32(0, value, HOST_ORDER);
  return data;
}

function align8(length: number): number {
  return (length + 7) & ~7;
}
