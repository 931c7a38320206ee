/** The packets of tests/vectors, and how to take one apart. */

import assert from "node:assert/strict";
import type { Ip, Mac } from "../lib/core/address.ts";
import { type Bytes, fromHex } from "../lib/core/bytes.ts";
import type { ReceivedPacket } from "../lib/vrrp/admission.ts";
import { AH_BYTES } from "../lib/vrrp/ah.ts";
import {
  decodeIpv4,
  decodeIpv6,
  IP_PROTOCOL,
  type Ipv4Packet,
  type Ipv6Packet,
} from "../lib/vrrp/ip.ts";
import type { Version } from "../lib/vrrp/types.ts";

/** What a vector says about its VRRP message; the names are those of tests/vectors/README.md. */
export interface Message {
  readonly version: Version;
  readonly type: number;
  readonly vrid: number;
  readonly priority: number;
  readonly count: number;
  readonly reserved?: number;
  readonly auth_type?: number;
  readonly auth_data?: string;
  readonly advert_int_s?: number;
  readonly advert_int_cs?: number;
  readonly checksum: string;
  readonly checksum_scheme: string | null;
  readonly addresses: readonly Ip[];
}

/** Fields of either IP header; a vector has those of its own. */
export interface IpFields {
  readonly src: Ip;
  readonly dst: Ip;
  readonly id: number;
  readonly df: boolean;
  readonly ttl: number;
  readonly tos: string;
  readonly protocol: number;
  readonly flow_label: string;
  readonly traffic_class: string;
  readonly hop_limit: number;
}

/** One entry of a file of packets. */
export interface Vector {
  readonly name: string;
  readonly layer: "ipv4" | "ipv6" | "ethernet";
  readonly hex: string;
  readonly decoded: Partial<Message> & {
    readonly ip?: IpFields;
    readonly eth?: { readonly dst: string; readonly src: string };
    readonly ah?: {
      readonly spi: string;
      readonly seq: number;
      readonly icv: string;
      readonly key_ascii: string;
    };
    readonly arp?: { readonly op: number; readonly sha: Mac; readonly spa: Ip; readonly tpa: Ip };
    readonly icmpv6?: { readonly type: number; readonly router: boolean; readonly target: Ip };
    readonly undecodable?: string;
  };
}

/** One entry of receive-behaviour.json: a packet, its receiver and what shall become of it. */
export interface Judged extends Vector {
  readonly receiver: {
    readonly version: Version;
    readonly family: "ipv4" | "ipv6";
    readonly vrid: number;
    readonly priority: number;
    readonly addresses: readonly Ip[];
    readonly own_address: Ip;
  };
  readonly expected: "accept" | "discard";
  readonly requirements: readonly string[];
}

/** One entry of sequences.json. */
export interface Sequence {
  readonly name: string;
  readonly events: readonly {
    readonly t: number;
    readonly summary?: string;
    readonly hex?: string;
  }[];
}

const FILES = [
  "v2-multicast",
  "v2-auth",
  "v3-ipv4",
  "v3-ipv6",
  "unicast",
  "vmac",
  "frr",
  "garp-na-joins",
  "receive-behaviour",
] as const;

/** Every packet of every file but the sequences. */
export const VECTORS = FILES.flatMap((file) => load<{ vectors: Vector[] }>(file).vectors);

/** The timed exchanges. */
export const SEQUENCES = load<{ sequences: Sequence[] }>("sequences").sequences;

/** The packets whose verdict is known. */
export const JUDGED = load<{ vectors: Judged[] }>("receive-behaviour").vectors;

function load<T>(file: string): T {
  return JSON.parse(Deno.readTextFileSync(new URL(`vectors/${file}.json`, import.meta.url)));
}

/** The IP packet of a vector or frame, whichever layer it starts at; link padding stays on. */
export function ipPacketOf(bytes: Bytes, layer: Vector["layer"]): Bytes {
  return layer === "ethernet" ? bytes.slice(14) : bytes;
}

/** Reads an IPv4 packet that must be right. */
export function open4(packet: Uint8Array): Ipv4Packet {
  const result = decodeIpv4(packet);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

/** Reads an IPv6 packet that must be right. */
export function open6(packet: Uint8Array): Ipv6Packet {
  const result = decodeIpv6(packet);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

/** The VRRP message of an IP packet, with what surrounds it. */
export function received(vector: Vector): ReceivedPacket {
  return receivedFrom(ipPacketOf(fromHex(vector.hex), vector.layer));
}

/** The same of a bare IP packet. */
export function receivedFrom(packet: Bytes): ReceivedPacket {
  if (packet[0]! >> 4 === 6) {
    const { payload: message, ...header } = open6(packet);
    return { family: "ipv6", message, ...header };
  }
  const { payload, protocol, source, destination, ttl } = open4(packet);
  const message = protocol === IP_PROTOCOL.ah ? payload.subarray(AH_BYTES) : payload;
  return { family: "ipv4", message, source, destination, hopLimit: ttl };
}

/** A password without its padding. */
export function textOf(data: Uint8Array): string {
  return new TextDecoder().decode(data).replace(/\0+$/, "");
}
