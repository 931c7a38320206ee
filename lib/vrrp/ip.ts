/**
 * The IP headers around a VRRP message.
 *
 * IPv4 (RFC 791 3.1), as sent: no options, so 20 bytes.
 * ```
 *     0               1               2               3
 *    +-------+-------+---------------+---------------+---------------+
 *  0 |Version|  IHL  |      TOS      |         Total Length          |
 *  4 |        Identification         |0|D|M|    Fragment Offset      |
 *  8 |      TTL      |   Protocol    |        Header Checksum        |
 * 12 |                        Source Address                         |
 * 16 |                     Destination Address                       |
 *    +---------------------------------------------------------------+
 * ```
 * IPv6 (RFC 8200 3): 40 bytes; extension headers are not followed, VRRP has none.
 */

import { ADDRESS_BYTES, formatIp, type Ip, ip, ipBytes } from "../core/address.ts";
import { type Bytes, internetChecksum } from "../core/bytes.ts";
import { err, ok, type Result } from "../core/result.ts";

/** Protocol and next header numbers (IANA). */
export const IP_PROTOCOL = { ah: 51, icmpv6: 58, vrrp: 112 } as const;

/** Where adverts go, unless configured otherwise (RFC 9568 5.1.1.2, 5.1.2.2). */
export const VRRP_GROUP: { readonly ipv4: Ip; readonly ipv6: Ip } = {
  ipv4: ip("224.0.0.18"),
  ipv6: ip("ff02::12"),
};

/** TTL and hop limit of multicast adverts; proof that no router forwarded them (RFC 9568 5.1.1.3). */
export const VRRP_HOP_LIMIT = 255;

/** TOS and traffic class of adverts: CS6, internetwork control (RFC 2474 4.2.2). */
export const VRRP_TRAFFIC_CLASS = 0xc0;

const V4 = {
  versionIhl: 0,
  tos: 1,
  totalLength: 2,
  id: 4,
  fragment: 6,
  ttl: 8,
  protocol: 9,
  checksum: 10,
  source: 12,
  destination: 16,
  size: 20,
} as const;

const V6 = {
  versionClassFlow: 0,
  payloadLength: 4,
  nextHeader: 6,
  hopLimit: 7,
  source: 8,
  destination: 24,
  size: 40,
} as const;

const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET = 0x1fff;

/** An IPv4 header to be sent. What is left out is as keepalived sends it. */
export interface Ipv4ToSend {
  readonly source: Ip;
  readonly destination: Ip;
  /** 112 if left out. */
  readonly protocol?: number;
  /** 0 lets a raw socket's kernel choose (raw(7)). */
  readonly id: number;
  /** 255 if left out. */
  readonly ttl?: number;
  /** 0xc0 if left out. */
  readonly tos?: number;
  /** False if left out. */
  readonly dontFragment?: boolean;
}

/** An IPv4 packet that was received whole. */
export interface Ipv4Packet {
  readonly source: Ip;
  readonly destination: Ip;
  readonly protocol: number;
  readonly id: number;
  readonly ttl: number;
  readonly tos: number;
  readonly dontFragment: boolean;
  readonly headerBytes: number;
  readonly totalLength: number;
  readonly checksum: number;
  readonly checksumValid: boolean;
  /** A view of the received bytes, options excluded and link-layer padding cut. */
  readonly payload: Uint8Array;
}

/** An IPv6 packet that was received, up to its first header. */
export interface Ipv6Packet {
  readonly source: Ip;
  readonly destination: Ip;
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly trafficClass: number;
  readonly flowLabel: number;
  /** A view of the received bytes, link-layer padding cut. */
  readonly payload: Uint8Array;
}

/** Why bytes are no IP packet that can be used. */
export type IpError =
  | { readonly why: "short"; readonly have: number; readonly need: number }
  | { readonly why: "version"; readonly found: number }
  /** Counted in 32-bit words; at least 5. */
  | { readonly why: "headerLength"; readonly found: number }
  /** A length field smaller than the header it is in. */
  | { readonly why: "totalLength"; readonly found: number }
  /** Never parsed singly: sockets reassemble, packet sockets see each. */
  | { readonly why: "fragment"; readonly offset: number; readonly more: boolean };

/** Writes an IPv4 packet without options: header, checksum, payload. */
export function encodeIpv4(header: Ipv4ToSend, payload: Uint8Array): Bytes {
  const packet = new Uint8Array(V4.size + payload.length);
  const view = new DataView(packet.buffer);
  view.setUint8(V4.versionIhl, 4 << 4 | V4.size / 4);
  view.setUint8(V4.tos, header.tos ?? VRRP_TRAFFIC_CLASS);
  view.setUint16(V4.totalLength, packet.length);
  view.setUint16(V4.id, header.id);
  view.setUint16(V4.fragment, header.dontFragment ? DONT_FRAGMENT : 0);
  view.setUint8(V4.ttl, header.ttl ?? VRRP_HOP_LIMIT);
  view.setUint8(V4.protocol, header.protocol ?? IP_PROTOCOL.vrrp);
  packet.set(ipBytes(header.source), V4.source);
  packet.set(ipBytes(header.destination), V4.destination);
  view.setUint16(V4.checksum, internetChecksum(packet.subarray(0, V4.size)));
  packet.set(payload, V4.size);
  return packet;
}

/** The payload of a packet that `encodeIpv4` made: a view. */
export function ipv4Payload(packet: Bytes): Bytes {
  return packet.subarray(V4.size);
}

/** A packet that `encodeIpv4` made with another payload: what is not given of its header stays. */
export function rewrapIpv4(
  packet: Bytes,
  header: { readonly id?: number; readonly protocol?: number },
  payload: Uint8Array,
): Bytes {
  const out = new Uint8Array(V4.size + payload.length);
  const view = new DataView(out.buffer);
  out.set(packet.subarray(0, V4.size));
  view.setUint16(V4.totalLength, out.length);
  if (header.id !== undefined) view.setUint16(V4.id, header.id);
  if (header.protocol !== undefined) view.setUint8(V4.protocol, header.protocol);
  view.setUint16(V4.checksum, 0);
  view.setUint16(V4.checksum, internetChecksum(out.subarray(0, V4.size)));
  out.set(payload, V4.size);
  return out;
}

/** Reads an IPv4 packet: honours IHL, cuts at the total length, refuses fragments. */
export function decodeIpv4(packet: Uint8Array): Result<Ipv4Packet, IpError> {
  if (packet.length < V4.size) return err({ why: "short", have: packet.length, need: V4.size });
  const version = packet[V4.versionIhl]! >> 4, ihl = packet[V4.versionIhl]! & 0x0f;
  if (version !== 4) return err({ why: "version", found: version });
  if (ihl * 4 < V4.size) return err({ why: "headerLength", found: ihl });
  const totalLength = uint16(packet, V4.totalLength), headerBytes = ihl * 4;
  if (totalLength < headerBytes) return err({ why: "totalLength", found: totalLength });
  if (packet.length < totalLength) {
    return err({ why: "short", have: packet.length, need: totalLength });
  }
  const fragment = uint16(packet, V4.fragment);
  const offset = (fragment & FRAGMENT_OFFSET) * 8, more = (fragment & MORE_FRAGMENTS) !== 0;
  if (more || offset !== 0) return err({ why: "fragment", offset, more });
  return ok({
    source: addressAt(packet, V4.source, ADDRESS_BYTES.ipv4),
    destination: addressAt(packet, V4.destination, ADDRESS_BYTES.ipv4),
    protocol: packet[V4.protocol]!,
    id: uint16(packet, V4.id),
    ttl: packet[V4.ttl]!,
    tos: packet[V4.tos]!,
    dontFragment: (fragment & DONT_FRAGMENT) !== 0,
    headerBytes,
    totalLength,
    checksum: uint16(packet, V4.checksum),
    checksumValid: internetChecksum(packet.subarray(0, headerBytes)) === 0,
    payload: packet.subarray(headerBytes, totalLength),
  });
}

/** Writes an IPv6 packet: header and payload. VRRP's values stand for what is left out. */
export function encodeIpv6(
  header: Partial<Ipv6Packet> & Pick<Ipv6Packet, "source" | "destination">,
  payload: Uint8Array,
): Bytes {
  const packet = new Uint8Array(V6.size + payload.length);
  const view = new DataView(packet.buffer);
  const trafficClass = header.trafficClass ?? VRRP_TRAFFIC_CLASS;
  view.setUint32(
    V6.versionClassFlow,
    6 * 2 ** 28 + trafficClass * 2 ** 20 + (header.flowLabel ?? 0),
  );
  view.setUint16(V6.payloadLength, payload.length);
  view.setUint8(V6.nextHeader, header.nextHeader ?? IP_PROTOCOL.vrrp);
  view.setUint8(V6.hopLimit, header.hopLimit ?? VRRP_HOP_LIMIT);
  packet.set(ipBytes(header.source), V6.source);
  packet.set(ipBytes(header.destination), V6.destination);
  packet.set(payload, V6.size);
  return packet;
}

/** Reads an IPv6 packet: cuts at the payload length. */
export function decodeIpv6(packet: Uint8Array): Result<Ipv6Packet, IpError> {
  if (packet.length < V6.size) return err({ why: "short", have: packet.length, need: V6.size });
  const version = packet[V6.versionClassFlow]! >> 4;
  if (version !== 6) return err({ why: "version", found: version });
  const end = V6.size + uint16(packet, V6.payloadLength);
  if (packet.length < end) return err({ why: "short", have: packet.length, need: end });
  return ok({
    source: addressAt(packet, V6.source, ADDRESS_BYTES.ipv6),
    destination: addressAt(packet, V6.destination, ADDRESS_BYTES.ipv6),
    nextHeader: packet[V6.nextHeader]!,
    hopLimit: packet[V6.hopLimit]!,
    trafficClass: uint16(packet, V6.versionClassFlow) >> 4 & 0xff,
    flowLabel: (packet[1]! & 0x0f) << 16 | uint16(packet, 2),
    payload: packet.subarray(V6.size, end),
  });
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at]! << 8 | bytes[at + 1]!;
}

function addressAt(packet: Uint8Array, at: number, size: number): Ip {
  return formatIp(packet.subarray(at, at + size));
}
