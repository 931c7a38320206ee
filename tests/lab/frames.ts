/** Ethernet frames as the lab's assertions want to read them. */

import { type Family, formatIp, formatMac, type Ip, type Mac } from "../../lib/core/address.ts";
import { decodeIpv4, decodeIpv6, IP_PROTOCOL } from "../../lib/vrrp/ip.ts";
import { decodeAh } from "../../lib/vrrp/ah.ts";
import { decodeTrailer, type Trailer } from "../../lib/vrrp/hmac_trailer.ts";
import {
  advertLength,
  decodeAdvert,
  type DecodedAdvert,
  decodeHead,
} from "../../lib/vrrp/packet.ts";

/** What every frame has. */
interface Common {
  /** When the kernel saw it, microseconds of the wall clock: only differences mean anything. */
  readonly at: number;
  /** Leaving the host that was listened on, rather than arriving. */
  readonly outgoing: boolean;
  readonly from: Mac;
  readonly to: Mac;
  /** From the Ethernet header on. */
  readonly bytes: Uint8Array;
}

/** An advert that could be decoded. */
export interface AdvertFrame extends Common {
  readonly kind: "advert";
  readonly source: Ip;
  readonly destination: Ip;
  /** TTL or hop limit. */
  readonly hopLimit: number;
  /** TOS or traffic class. */
  readonly tos: number;
  readonly advert: DecodedAdvert;
  /** Of the Authentication Header; null without one. */
  readonly sequence: number | null;
  /** The trailer of `auth_hmac`; null without one. */
  readonly signed: Trailer | null;
}

/** An ARP packet. */
export interface ArpFrame extends Common {
  readonly kind: "arp";
  readonly operation: number;
  readonly senderMac: Mac;
  readonly senderIp: Ip;
  readonly targetMac: Mac;
  readonly targetIp: Ip;
}

/** A neighbour advertisement. */
export interface NaFrame extends Common {
  readonly kind: "na";
  readonly source: Ip;
  readonly destination: Ip;
  readonly target: Ip;
  readonly router: boolean;
  readonly solicited: boolean;
  readonly override: boolean;
  /** The target link-layer address option. */
  readonly linkLayer: Mac | null;
}

/** An IGMPv3 or MLDv2 report, with the groups whose reception it changes. */
export interface ReportFrame extends Common {
  readonly kind: "igmp" | "mld";
  /** Groups that the host wants from now on. */
  readonly joined: readonly Ip[];
}

/** Anything else. */
export interface OtherFrame extends Common {
  readonly kind: "other";
}

/** A frame by its kind. */
export type Frame = AdvertFrame | ArpFrame | NaFrame | ReportFrame | OtherFrame;

const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;
const IGMP = 2;
const ICMPV6 = { na: 136, mldV2Report: 143 } as const;

/** Record types by which a report says "all of this group": mode is, or changes to, exclude none. */
const JOINS: ReadonlySet<number> = new Set([2, 4]);

/** Reads a frame; what is not understood is `other`. */
export function decodeFrame(bytes: Uint8Array, at: number, outgoing: boolean): Frame {
  const to = formatMac(bytes.subarray(0, 6)), from = formatMac(bytes.subarray(6, 12));
  const common: Common = { at, outgoing, from, to, bytes };
  const type = uint16(bytes, 12), body = bytes.subarray(14);
  const read = type === ETHERTYPE.arp
    ? readArp(common, body)
    : type === ETHERTYPE.ipv4
    ? readIpv4(common, body)
    : type === ETHERTYPE.ipv6
    ? readIpv6(common, body)
    : null;
  return read ?? { ...common, kind: "other" };
}

function readArp(common: Common, body: Uint8Array): ArpFrame | null {
  if (body.length < 28) return null;
  return {
    ...common,
    kind: "arp",
    operation: uint16(body, 6),
    senderMac: formatMac(body.subarray(8, 14)),
    senderIp: formatIp(body.subarray(14, 18)),
    targetMac: formatMac(body.subarray(18, 24)),
    targetIp: formatIp(body.subarray(24, 28)),
  };
}

function readIpv4(common: Common, body: Uint8Array): Frame | null {
  const packet = decodeIpv4(body);
  if (!packet.ok) return null;
  const { source, destination, protocol, ttl, tos, payload } = packet.value;
  if (protocol === IGMP) return readReport(common, "igmp", payload, 8, 4);
  const bare = protocol === IP_PROTOCOL.vrrp;
  if (!bare && protocol !== IP_PROTOCOL.ah) return null;
  const ah = bare ? null : decodeAh(payload);
  if (ah?.ok === false) return null;
  const { message, signed } = split(ah?.value.message ?? payload, "ipv4");
  const advert = decodeAdvert(message, { family: "ipv4", source, destination });
  if (!advert.ok) return null;
  const ends = { source, destination, hopLimit: ttl, tos };
  const sequence = ah?.value.sequence ?? null;
  return { ...common, kind: "advert", ...ends, advert: advert.value, sequence, signed };
}

function readIpv6(common: Common, body: Uint8Array): Frame | null {
  const packet = decodeIpv6(body);
  if (!packet.ok) return null;
  const { source, destination, nextHeader, hopLimit, trafficClass, payload } = packet.value;
  if (nextHeader === 0) return readMld(common, payload);
  if (nextHeader === IP_PROTOCOL.icmpv6) return readNa(common, source, destination, payload);
  if (nextHeader !== IP_PROTOCOL.vrrp) return null;
  const { message, signed } = split(payload, "ipv6");
  const advert = decodeAdvert(message, { family: "ipv6", source, destination });
  if (!advert.ok) return null;
  const ends = { source, destination, hopLimit, tos: trafficClass };
  return { ...common, kind: "advert", ...ends, advert: advert.value, sequence: null, signed };
}

/** A message, and the trailer of `auth_hmac` that may be behind it. */
function split(payload: Uint8Array, family: Family) {
  const head = decodeHead(payload);
  const bytes = head === null
    ? payload.length
    : advertLength(head.version === 2 ? 2 : 3, family, head.count);
  const trailer = decodeTrailer(payload.subarray(bytes));
  return trailer === null
    ? { message: payload, signed: null }
    : { message: payload.subarray(0, bytes), signed: trailer };
}

function readNa(common: Common, source: Ip, destination: Ip, icmp: Uint8Array): NaFrame | null {
  if (icmp[0] !== ICMPV6.na || icmp.length < 24) return null;
  const flags = icmp[4]!, hasOption = icmp.length >= 32 && icmp[24] === 2;
  return {
    ...common,
    kind: "na",
    source,
    destination,
    target: formatIp(icmp.subarray(8, 24)),
    router: (flags & 0x80) !== 0,
    solicited: (flags & 0x40) !== 0,
    override: (flags & 0x20) !== 0,
    linkLayer: hasOption ? formatMac(icmp.subarray(26, 32)) : null,
  };
}

/** MLD travels behind a hop-by-hop header of 8 bytes (RFC 3810 5). */
function readMld(common: Common, payload: Uint8Array): ReportFrame | null {
  const icmp = payload.subarray(8);
  if (payload[0] !== IP_PROTOCOL.icmpv6 || icmp[0] !== ICMPV6.mldV2Report) return null;
  return readReport(common, "mld", icmp, 8, 16);
}

/** IGMPv3 (RFC 3376 4.2) and MLDv2 (RFC 3810 5.2) reports have one shape but for the addresses. */
function readReport(
  common: Common,
  kind: ReportFrame["kind"],
  message: Uint8Array,
  headBytes: number,
  size: number,
): ReportFrame {
  const joined: Ip[] = [];
  for (let at = headBytes; at + 4 + size <= message.length;) {
    if (JOINS.has(message[at]!)) joined.push(formatIp(message.subarray(at + 4, at + 4 + size)));
    at += 4 + size + uint16(message, at + 2) * size + message[at + 1]! * 4;
  }
  return { ...common, kind, joined };
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) << 8 | (bytes[at + 1] ?? 0);
}
