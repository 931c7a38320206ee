/** IP and Ethernet addresses as canonical text: plain values that compare, hash and serialise. */

import { type Bytes, toHex } from "./bytes.ts";

declare const canonical: unique symbol;

/** Address family. */
export type Family = "ipv4" | "ipv6";

/** An IPv4 or IPv6 address in canonical text (RFC 5952 for IPv6): equal addresses are equal strings. */
export type Ip = string & { readonly [canonical]: "ip" };

/** An Ethernet address as six lower-case pairs: "00:00:5e:00:01:33". */
export type Mac = string & { readonly [canonical]: "mac" };

/** Bytes of an address of each family. */
export const ADDRESS_BYTES: Readonly<Record<Family, 4 | 16>> = { ipv4: 4, ipv6: 16 };

/** Prefix length of a single host. */
export const HOST_PREFIX: Readonly<Record<Family, 32 | 128>> = { ipv4: 32, ipv6: 128 };

/** Reads an IPv4 or IPv6 address; null if the text is none. No zone (`%eth0`), no prefix length. */
export function parseIp(text: string): Ip | null {
  const bytes = text.includes(":") ? ipv6Bytes(text) : ipv4Bytes(text);
  return bytes && formatIp(bytes);
}

/** An address that is known to be one, for constants and tests. @throws {SyntaxError} If it is none. */
export function ip(text: string): Ip {
  const address = parseIp(text);
  if (address === null) throw new SyntaxError(`Cannot read "${text}" as an IP address`);
  return address;
}

/** The canonical text of 4 or 16 bytes in network order. @throws {RangeError} For any other length. */
export function formatIp(bytes: Uint8Array): Ip {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}` as Ip;
  if (bytes.length === 16) return formatIpv6(bytes) as Ip;
  throw new RangeError(`Cannot format ${bytes.length} bytes as an IP address: must be 4 or 16`);
}

/** The bytes of an address in network order: 4 or 16 of them. */
export function ipBytes(address: Ip): Bytes {
  const bytes = address.includes(":") ? ipv6Bytes(address) : ipv4Bytes(address);
  if (bytes === null) throw new TypeError(`Cannot use "${address}": it is not a canonical address`);
  return bytes;
}

/** The family of an address. */
export function familyOf(address: Ip): Family {
  return address.includes(":") ? "ipv6" : "ipv4";
}

/** Unsigned comparison in network order, as the tie-break of RFC 9568 6.4.3 wants: <0, 0 or >0. */
export function compareIp(a: Ip, b: Ip): number {
  const left = ipBytes(a), right = ipBytes(b);
  if (left.length !== right.length) return left.length - right.length;
  for (let at = 0; at < left.length; at++) {
    if (left[at] !== right[at]) return left[at]! - right[at]!;
  }
  return 0;
}

/** Whether an IPv6 address is in fe80::/10 (RFC 4291 2.5.6). */
export function isLinkLocal(address: Ip): boolean {
  return /^fe[89ab][0-9a-f]:/.test(address);
}

/** Whether an address is a multicast group: 224.0.0.0/4 or ff00::/8. */
export function isMulticast(address: Ip): boolean {
  const first = ipBytes(address)[0]!;
  return familyOf(address) === "ipv4" ? first >= 224 && first <= 239 : first === 0xff;
}

/** Reads an Ethernet address; null if the text is none. */
export function parseMac(text: string): Mac | null {
  return /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text) ? text.toLowerCase() as Mac : null;
}

/** Text of a link-layer address of six bytes. */
export function formatMac(bytes: Uint8Array): Mac {
  return (toHex(bytes).match(/../g) ?? []).join(":") as Mac;
}

/** The six bytes of an Ethernet address. */
export function macBytes(mac: Mac): Bytes {
  return Uint8Array.from(mac.split(":"), (pair) => parseInt(pair, 16));
}

function ipv4Bytes(text: string): Bytes | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part))) return null;
  const bytes = parts.map(Number);
  return bytes.every((byte) => byte <= 255) ? Uint8Array.from(bytes) : null;
}

function ipv6Bytes(text: string): Bytes | null {
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const whole = halves.length === 1;
  const head = groups(halves[0]!, whole), tail = whole ? [] : groups(halves[1]!, true);
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (whole ? missing !== 0 : missing < 2) return null;
  return Uint8Array.from([...head, ...new Array<number>(missing).fill(0), ...tail]);
}

/** Bytes of colon-separated groups; the very last may be a dotted IPv4 address (RFC 4291 2.2). */
function groups(text: string, endsAddress: boolean): number[] | null {
  if (text === "") return [];
  const bytes: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (endsAddress && index === parts.length - 1 && part.includes(".")) {
      const dotted = ipv4Bytes(part);
      if (dotted === null) return null;
      bytes.push(...dotted);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      const value = parseInt(part, 16);
      bytes.push(value >> 8, value & 0xff);
    } else return null;
  }
  return bytes;
}

/** RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups as "::". */
function formatIpv6(bytes: Uint8Array): string {
  const words = Array.from({ length: 8 }, (_, at) => (bytes[at * 2]! << 8) | bytes[at * 2 + 1]!);
  let best = { from: -1, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (from + length < 8 && words[from + length] === 0) length++;
    if (length > best.length) best = { from, length };
  }
  const text = (part: readonly number[]) => part.map((word) => word.toString(16)).join(":");
  if (best.from < 0) return text(words);
  return `${text(words.slice(0, best.from))}::${text(words.slice(best.from + best.length))}`;
}
