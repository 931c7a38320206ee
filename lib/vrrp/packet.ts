/**
 * The VRRP message: RFC 3768 5.1 (version 2) and RFC 9568 5.1 (version 3), without the IP header.
 *
 * ```
 *     0               1               2               3
 *    +-------+-------+---------------+---------------+---------------+
 *    |Version| Type  | Virtual Rtr ID|   Priority    |  Addr Count   |
 *    +-------+-------+---------------+---------------+---------------+
 * v2 |   Auth Type   |   Adver Int (s)               |               |
 *    +-------+-------+---------------+   Checksum    |
 * v3 |Reserve| Max Advertise Int (cs)|               |               |
 *    +-------+-------+---------------+---------------+---------------+
 *    |   Addr Count addresses, 4 bytes each, or 16 over IPv6 (v3)    |
 *    +---------------------------------------------------------------+
 * v2 |   Authentication Data, 8 bytes                                |
 *    +---------------------------------------------------------------+
 * ```
 */

import { ADDRESS_BYTES, type Family, formatIp, type Ip, ipBytes } from "../core/address.ts";
import type { Bytes } from "../core/bytes.ts";
import { err, ok, type Result } from "../core/result.ts";
import { type Micros, micros } from "../core/time.ts";
import { checksumForms, checksumToSend, type Envelope } from "./packet_checksum.ts";
import type { Authentication, ChecksumForm, Version } from "./types.ts";

/** Bytes of the fixed part, which both versions have. */
export const HEAD_BYTES = 8;

/** The only message type there is (RFC 9568 5.2.2). */
export const ADVERTISEMENT = 1;

/** Most addresses of one message: the count has 8 bits. */
export const MAX_ADDRESSES = 255;

/** VRRPv2's Auth Type (RFC 2338 5.3.6). */
export const AUTH_TYPE = { none: 0, pass: 1, ah: 2 } as const;

/** Bytes of VRRPv2's Authentication Data, which is there even when unused (RFC 3768 5.3.10). */
export const AUTH_DATA_BYTES = 8;

const AT = {
  versionType: 0,
  vrid: 1,
  priority: 2,
  count: 3,
  authType: 4, // v2
  adverInt: 5, // v2
  maxAdvertiseInt: 4, // v3: two bytes, the upper nibble reserved
  checksum: 6,
  addresses: HEAD_BYTES,
} as const;

/** Where the versions differ in kind rather than in place. */
const FORM: Readonly<Record<Version, { unitUs: number; maxUnits: number; trailer: number }>> = {
  2: { unitUs: 1_000_000, maxUnits: 255, trailer: AUTH_DATA_BYTES },
  3: { unitUs: 10_000, maxUnits: 4095, trailer: 0 },
};

/** What a message says about authentication; with `ah` the proof is in a header of its own (ah.ts). */
export type WireAuthentication = Authentication | { readonly type: "ah" };

/** An advert to be encoded. */
export interface AdvertToSend extends Envelope {
  readonly version: Version;
  readonly vrid: number;
  readonly priority: number;
  /** Rounded to whole seconds (version 2) or centiseconds (version 3). */
  readonly advertIntervalUs: Micros;
  readonly addresses: readonly Ip[];
  /** Only in version 2. */
  readonly authentication: WireAuthentication;
  /** Only version 3 over IPv4 has the choice. */
  readonly checksum: ChecksumForm;
}

/** Everything that a message says, right or wrong: what is wrong is for admission.ts to judge. */
export interface DecodedAdvert {
  readonly version: Version;
  readonly type: number;
  readonly vrid: number;
  readonly priority: number;
  readonly count: number;
  /** Version 3's reserved nibble: zero when sent, ignored when read (RFC 9568 5.2.6). */
  readonly reserved: number;
  readonly advertIntervalUs: Micros;
  readonly addresses: readonly Ip[];
  /** Version 2 only. `data` is always 8 bytes. */
  readonly auth: { readonly type: number; readonly data: Bytes } | null;
  readonly checksum: number;
  /** The forms in which the checksum is right; empty if it is wrong. */
  readonly checksumForms: readonly ChecksumForm[];
}

/** Why bytes are no VRRP message. */
export type DecodeError =
  /** The fixed part, or what its count promises, is not all there. */
  | { readonly why: "short"; readonly have: number; readonly need: number }
  /** Bytes are left over; Ethernet padding was cut by the IP length before. */
  | { readonly why: "long"; readonly have: number; readonly need: number }
  /** Neither 2 nor 3, or 2 over IPv6, which has no version 2. */
  | { readonly why: "version"; readonly found: number };

/** The fields that are at the same place in every version; for a look before the whole is decoded. */
export interface AdvertHead {
  /** 0 to 15. */
  readonly version: number;
  readonly type: number;
  readonly vrid: number;
  readonly priority: number;
  readonly count: number;
}

/** Reads the fixed fields. @returns Null if fewer than 8 bytes are there. */
export function decodeHead(message: Uint8Array): AdvertHead | null {
  if (message.length < HEAD_BYTES) return null;
  return {
    version: message[AT.versionType]! >> 4,
    type: message[AT.versionType]! & 0x0f,
    vrid: message[AT.vrid]!,
    priority: message[AT.priority]!,
    count: message[AT.count]!,
  };
}

/** Bytes of a message with `count` addresses: exactly so many, neither less nor more (RFC 9568 7.1). */
export function advertLength(version: Version, family: Family, count: number): number {
  return HEAD_BYTES + count * ADDRESS_BYTES[family] + FORM[version].trailer;
}

/** The interval that the wire carries for a configured one: whole seconds, or centiseconds. */
export function wireInterval(version: Version, intervalUs: Micros): Micros {
  const { unitUs } = FORM[version];
  return micros(Math.round(intervalUs / unitUs) * unitUs);
}

/**
 * Writes an advert with its checksum.
 *
 * @param out Where to; every byte of it is written. Must be `advertLength` long.
 * @throws {RangeError} If a field does not fit its place on the wire: the config is checked earlier.
 */
export function encodeAdvert(
  advert: AdvertToSend,
  out: Bytes = new Uint8Array(advertLength(advert.version, advert.family, advert.addresses.length)),
): Bytes {
  const { version, family, addresses } = advert;
  const count = inRange("number of addresses", addresses.length, MAX_ADDRESSES);
  if (knownVersion(version, family) === null) {
    throw new RangeError(`Cannot send version ${version} over ${family}`);
  }
  const length = advertLength(version, family, count);
  if (out.length !== length) {
    throw new RangeError(`Cannot write ${length} bytes of advert into ${out.length}`);
  }
  out[AT.versionType] = version << 4 | ADVERTISEMENT;
  out[AT.vrid] = inRange("VRID", advert.vrid, 255);
  out[AT.priority] = inRange("priority", advert.priority, 255);
  out[AT.count] = count;
  writeInterval(out, advert);
  writeAddresses(out, family, addresses);
  if (version === 2) out.set(authData(advert.authentication), length - AUTH_DATA_BYTES);
  out[AT.checksum] = out[AT.checksum + 1] = 0;
  const checksum = checksumToSend(out, formToSend(advert), advert);
  out[AT.checksum] = checksum >> 8;
  out[AT.checksum + 1] = checksum & 0xff;
  return out;
}

/** Reads a message of exactly the right length. Never throws, whatever the bytes. */
export function decodeAdvert(
  message: Uint8Array,
  envelope: Envelope,
): Result<DecodedAdvert, DecodeError> {
  const head = decodeHead(message);
  if (head === null) return err({ why: "short", have: message.length, need: HEAD_BYTES });
  const version = knownVersion(head.version, envelope.family);
  if (version === null) return err({ why: "version", found: head.version });
  const need = advertLength(version, envelope.family, head.count);
  if (message.length !== need) {
    return err({ why: message.length < need ? "short" : "long", have: message.length, need });
  }
  return ok({
    version,
    type: head.type,
    vrid: head.vrid,
    priority: head.priority,
    count: head.count,
    reserved: version === 3 ? message[AT.maxAdvertiseInt]! >> 4 : 0,
    advertIntervalUs: readInterval(message, version),
    addresses: readAddresses(message, envelope.family, head.count),
    auth: version === 2
      ? { type: message[AT.authType]!, data: message.slice(need - AUTH_DATA_BYTES) }
      : null,
    checksum: message[AT.checksum]! << 8 | message[AT.checksum + 1]!,
    checksumForms: checksumForms(message, version, envelope),
  });
}

/** The 8 bytes of Authentication Data: a password left-aligned, zero-padded, cut (RFC 2338 5.3.10). */
export function authData(authentication: WireAuthentication): Bytes {
  const data = new Uint8Array(AUTH_DATA_BYTES);
  if (authentication.type === "pass") {
    data.set(new TextEncoder().encode(authentication.password).subarray(0, AUTH_DATA_BYTES));
  }
  return data;
}

function knownVersion(version: number, family: Family): Version | null {
  return version === 3 || (version === 2 && family === "ipv4") ? version : null;
}

function formToSend(advert: AdvertToSend): ChecksumForm {
  if (advert.version === 2) return "message-only";
  if (advert.family === "ipv6") return "pseudo-header";
  return advert.checksum;
}

function writeInterval(out: Bytes, advert: AdvertToSend): void {
  const { unitUs, maxUnits } = FORM[advert.version];
  const units = inRange("interval", Math.round(advert.advertIntervalUs / unitUs), maxUnits);
  if (advert.version === 2) {
    out[AT.authType] = AUTH_TYPE[advert.authentication.type];
    out[AT.adverInt] = units;
  } else {
    out[AT.maxAdvertiseInt] = units >> 8;
    out[AT.maxAdvertiseInt + 1] = units & 0xff;
  }
}

function readInterval(message: Uint8Array, version: Version): Micros {
  const units = version === 2
    ? message[AT.adverInt]!
    : (message[AT.maxAdvertiseInt]! & 0x0f) << 8 | message[AT.maxAdvertiseInt + 1]!;
  return micros(units * FORM[version].unitUs);
}

function writeAddresses(out: Bytes, family: Family, addresses: readonly Ip[]): void {
  const size = ADDRESS_BYTES[family];
  for (const [index, address] of addresses.entries()) {
    const bytes = ipBytes(address);
    if (bytes.length !== size) throw new RangeError(`Cannot advertise ${address} over ${family}`);
    out.set(bytes, AT.addresses + index * size);
  }
}

function readAddresses(message: Uint8Array, family: Family, count: number): Ip[] {
  const size = ADDRESS_BYTES[family];
  const addresses: Ip[] = [];
  for (let at = AT.addresses, left = count; left > 0; at += size, left--) {
    addresses.push(formatIp(message.subarray(at, at + size)));
  }
  return addresses;
}

function inRange(what: string, value: number, max: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= max) return value;
  throw new RangeError(`Cannot send ${what} ${value}: must be a whole number from 0 to ${max}`);
}
