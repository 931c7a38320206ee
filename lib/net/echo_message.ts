/**
 * ICMP and ICMPv6 echo messages, and the errors that quote them (RFC 792; RFC 4443 3, 4).
 * ```
 *     0               1               2               3
 *    +---------------+---------------+---------------+---------------+
 *  0 |     Type      |     Code      |           Checksum            |
 *  4 |          Identifier           |        Sequence Number        |
 *  8 |  Data; in an error, from here on, the packet that it is about |
 *    +---------------+---------------+---------------+---------------+
 * ```
 */

import type { FilterInstruction } from "../../ffi/socket_options.ts";
import { type Family, formatIp, type Ip } from "../core/address.ts";
import { type Bytes, internetChecksum } from "../core/bytes.ts";
import { decodeIpv4, IP_PROTOCOL } from "../vrrp/ip.ts";

const AT = { type: 0, code: 1, checksum: 2, identifier: 4, sequence: 6, data: 8 } as const;

/** Types of messages (IANA, ICMP and ICMPv6 parameters). */
interface Types {
  readonly request: number;
  readonly reply: number;
  /** Errors that end an echo request. */
  readonly errors: readonly number[];
}

/** Types of each family: destination unreachable, (packet too big,) time exceeded. */
export const ECHO_TYPES: Readonly<Record<Family, Types>> = {
  ipv4: { request: 8, reply: 0, errors: [3, 11] },
  ipv6: { request: 128, reply: 129, errors: [1, 2, 3] },
};

/** Protocol numbers (IANA). */
const PROTOCOL: Readonly<Record<Family, number>> = { ipv4: 1, ipv6: IP_PROTOCOL.icmpv6 };

/** Errors in words: by type and code; a type alone stands for all its other codes. */
const ERRORS: Readonly<Record<Family, Readonly<Record<string, string>>>> = {
  ipv4: {
    "3/0": "network unreachable",
    "3/1": "host unreachable",
    "3/2": "protocol unreachable",
    "3/4": "packet too big",
    "3/6": "network unreachable",
    "3/7": "host unreachable",
    "3/9": "forbidden by a router",
    "3/10": "forbidden by a router",
    "3/13": "forbidden by a router",
    "3/": "destination unreachable",
    "11/": "too many hops",
  },
  ipv6: {
    "1/0": "network unreachable",
    "1/1": "forbidden by a router",
    "1/3": "host unreachable",
    "1/5": "forbidden by a router",
    "1/6": "network unreachable",
    "1/": "destination unreachable",
    "2/": "packet too big",
    "3/": "too many hops",
  },
};

/** Which echo request a message is about. */
export interface EchoReference {
  readonly identifier: number;
  readonly sequence: number;
}

/** An echo reply. `payload` is a view of what was received. */
export interface EchoReply extends EchoReference {
  readonly kind: "reply";
  readonly payload: Uint8Array;
}

/** An error about an echo request. */
export interface EchoError extends EchoReference {
  readonly kind: "error";
  /** Where the request went. */
  readonly destination: Ip;
  /** In words: "host unreachable". */
  readonly why: string;
}

/** An echo request. The checksum of ICMPv6 is the kernel's to make: it knows the source address. */
export function encodeEcho(
  family: Family,
  { identifier, sequence }: EchoReference,
  payload: Uint8Array,
): Bytes {
  const message = new Uint8Array(AT.data + payload.length), view = new DataView(message.buffer);
  view.setUint8(AT.type, ECHO_TYPES[family].request);
  view.setUint16(AT.identifier, identifier);
  view.setUint16(AT.sequence, sequence);
  message.set(payload, AT.data);
  if (family === "ipv4") view.setUint16(AT.checksum, internetChecksum(message));
  return message;
}

/**
 * What an IPv4 packet, as a raw socket gives it, says about an echo request, and who says it. Null for
 * anything else, a wrong checksum included: raw sockets hear before the kernel looks.
 */
export function decodeEcho4(packet: Uint8Array): (EchoReply | EchoError) & { from: Ip } | null {
  const ip = decodeIpv4(packet);
  if (!ip.ok || ip.value.protocol !== PROTOCOL.ipv4) return null;
  if (internetChecksum(ip.value.payload) !== 0) return null;
  const echo = decodeEcho("ipv4", ip.value.payload);
  return echo && { ...echo, from: ip.value.source };
}

/** What an ICMP message says about an echo request; null if it is about anything else. */
export function decodeEcho(family: Family, message: Uint8Array): EchoReply | EchoError | null {
  if (message.length < AT.data) return null;
  const type = message[AT.type]!, { reply, errors } = ECHO_TYPES[family];
  if (type === reply) {
    return { kind: "reply", ...reference(message), payload: message.subarray(AT.data) };
  }
  if (!errors.includes(type)) return null;
  const quoted = family === "ipv4" ? quoted4(message) : quoted6(message);
  if (quoted === null || quoted.echo.length < AT.data) return null;
  if (quoted.echo[AT.type] !== ECHO_TYPES[family].request) return null;
  const words = ERRORS[family];
  const why = words[`${type}/${message[AT.code]}`] ?? words[`${type}/`]!;
  return { kind: "error", ...reference(quoted.echo), destination: quoted.destination, why };
}

function reference(echo: Uint8Array): EchoReference {
  const view = new DataView(echo.buffer, echo.byteOffset, echo.length);
  return { identifier: view.getUint16(AT.identifier), sequence: view.getUint16(AT.sequence) };
}

/** The packet that an error is about: cut short, and changed on its way (RFC 791 3.1). */
interface Quoted {
  readonly destination: Ip;
  readonly echo: Uint8Array;
}

const V4 = { protocol: 9, destination: 16, size: 20 } as const;
const V6 = { nextHeader: 6, destination: 24, size: 40 } as const;

function quoted4(message: Uint8Array): Quoted | null {
  const packet = message.subarray(AT.data);
  if (packet.length < V4.size || packet[V4.protocol] !== PROTOCOL.ipv4) return null;
  const headerBytes = (packet[0]! & 0x0f) * 4;
  if (headerBytes < V4.size) return null;
  const destination = formatIp(packet.subarray(V4.destination, V4.destination + 4));
  return { destination, echo: packet.subarray(headerBytes) };
}

/** No extension headers: none are sent. */
function quoted6(message: Uint8Array): Quoted | null {
  const packet = message.subarray(AT.data);
  if (packet.length < V6.size || packet[V6.nextHeader] !== PROTOCOL.ipv6) return null;
  const destination = formatIp(packet.subarray(V6.destination, V6.destination + 16));
  return { destination, echo: packet.subarray(V6.size) };
}

/** Operations of classic BPF (linux/bpf_common.h): A is the accumulator, X the index. */
const BPF = {
  /** A = the byte, the 16 bits at k. */
  loadByte: 0x30,
  loadHalf: 0x28,
  /** The same at X + k. */
  loadByteAtX: 0x50,
  loadHalfAtX: 0x48,
  /** X = 4 times the low four bits of the byte at k: an IPv4 header's length. */
  headerLengthToX: 0xb1,
  and: 0x54,
  shiftLeft: 0x64,
  addX: 0x0c,
  /** X = A. */
  toX: 0x07,
  ifEqual: 0x15,
  answer: 0x06,
} as const;

/**
 * A filter for a raw socket: of the echo replies only ours, and only errors about our requests. Every
 * raw ICMP socket of a host hears what all others ask for; the engine must not wake for those.
 * IPv4 packets begin with their header (raw(7)), IPv6 messages with ICMPv6 (RFC 3542 3).
 */
export function echoFilter(family: Family, identifier: number): readonly FilterInstruction[] {
  const { reply, request } = ECHO_TYPES[family];
  const load = family === "ipv4"
    ? { type: BPF.loadByteAtX, half: BPF.loadHalfAtX }
    : { type: BPF.loadByte, half: BPF.loadHalf };
  const program: Step[] = [
    ...(family === "ipv4" ? [step(BPF.headerLengthToX, 0)] : []),
    step(load.type, AT.type),
    step(BPF.ifEqual, reply, "next", "quoted"),
    step(load.half, AT.identifier),
    step(BPF.ifEqual, identifier, "accept", "drop"),
    ...(family === "ipv4" ? quotedSteps4(request) : quotedSteps6(request)),
    step(BPF.ifEqual, identifier, "accept", "drop"),
    step(BPF.answer, 0xffff_ffff),
    step(BPF.answer, 0),
  ];
  return assemble(program);
}

/** Leaves the quoted request's identifier in A, or drops. */
function quotedSteps4(request: number): Step[] {
  return [
    step(BPF.loadByteAtX, AT.data + V4.protocol),
    step(BPF.ifEqual, PROTOCOL.ipv4, "next", "drop"),
    step(BPF.loadByteAtX, AT.data),
    step(BPF.and, 0x0f),
    step(BPF.shiftLeft, 2),
    step(BPF.addX, 0),
    step(BPF.toX, 0),
    step(BPF.loadByteAtX, AT.data + AT.type),
    step(BPF.ifEqual, request, "next", "drop"),
    step(BPF.loadHalfAtX, AT.data + AT.identifier),
  ];
}

function quotedSteps6(request: number): Step[] {
  return [
    step(BPF.loadByte, AT.data + V6.nextHeader),
    step(BPF.ifEqual, PROTOCOL.ipv6, "next", "drop"),
    step(BPF.loadByte, AT.data + V6.size + AT.type),
    step(BPF.ifEqual, request, "next", "drop"),
    step(BPF.loadHalf, AT.data + V6.size + AT.identifier),
  ];
}

/** Where a comparison leads: on, to the quoted packet's steps, or to one of the two ends. */
type Target = "next" | "quoted" | "accept" | "drop";

interface Step {
  readonly code: number;
  readonly k: number;
  readonly ifTrue: Target;
  readonly ifFalse: Target;
}

function step(code: number, k: number, ifTrue: Target = "next", ifFalse: Target = "next"): Step {
  return { code, k, ifTrue, ifFalse };
}

/** Jumps are counted in instructions from the next one; the last two are "accept" and "drop". */
function assemble(program: readonly Step[]): FilterInstruction[] {
  const reply = program.findIndex(({ ifTrue }) => ifTrue === "accept");
  const offset = (from: number, target: Target): number => {
    if (target === "next") return 0;
    const to = { quoted: reply + 1, accept: program.length - 2, drop: program.length - 1 }[target];
    return to - from - 1;
  };
  return program.map(({ code, k, ifTrue, ifFalse }, at) => {
    return { code, jt: offset(at, ifTrue), jf: offset(at, ifFalse), k };
  });
}
