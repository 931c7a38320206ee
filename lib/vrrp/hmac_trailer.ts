/**
 * The trailer that keepalived 2.4's `auth_hmac` puts behind a VRRP message, of either version, and
 * what its signature covers. The IP length includes it; the VRRP checksum does not.
 *
 * ```
 *     0               1               2               3
 *    +---------------+---------------+---------------+---------------+
 *  0 |     Type      |    Key ID     |             Zero              |
 *  4 |                            Seconds                            |
 *  8 |      Fraction (1/65536 s)     |            Counter            |
 * 12 |              First 16 bytes of the HMAC-SHA256                |
 *    +---------------------------------------------------------------+
 * ```
 */

import type { Family, Ip } from "../core/address.ts";
import { ipBytes } from "../core/address.ts";
import type { Bytes } from "../core/bytes.ts";
import type { Stamp } from "./hmac_stamp.ts";
import type { Version } from "./types.ts";

/** Bytes of the trailer. */
export const TRAILER_BYTES = 28;

/** Bytes of the signature. */
export const SIGNATURE_BYTES = 16;

const AT = { type: 0, keyId: 1, zero: 2, stamp: 4, signature: 12 } as const;

/** The only type there is. */
const HMAC_SHA256 = 1;

/** Where the checksum is in a VRRP message of either version (RFC 9568 5.1). */
const CHECKSUM_AT = 6;

/** Family, version, VRID, zero, and 16 bytes of room for the source address. */
const PSEUDO_HEADER_BYTES = 20;

/** What a trailer says. */
export interface Trailer {
  /** 1 to 255. */
  readonly keyId: number;
  readonly stamp: Stamp;
  /** 16 bytes. */
  readonly signature: Uint8Array;
}

/** What a signature covers besides the bytes that are sent. The destination is not of it. */
export interface SignedFor {
  readonly family: Family;
  readonly version: Version;
  readonly vrid: number;
  readonly source: Ip;
}

/** Writes a trailer whose signature is still zeros. */
export function encodeTrailer(keyId: number, stamp: Stamp): Bytes {
  const bytes = new Uint8Array(TRAILER_BYTES);
  bytes[AT.type] = HMAC_SHA256;
  bytes[AT.keyId] = keyId;
  new DataView(bytes.buffer).setBigUint64(AT.stamp, stamp);
  return bytes;
}

/** Puts the signature, of which the first 16 bytes count, into a trailer. */
export function signTrailer(trailer: Bytes, signature: Uint8Array): Bytes {
  trailer.set(signature.subarray(0, SIGNATURE_BYTES), AT.signature);
  return trailer;
}

/** Reads what is behind a message; null if it is no such trailer. */
export function decodeTrailer(bytes: Uint8Array): Trailer | null {
  if (bytes.length !== TRAILER_BYTES || bytes[AT.type] !== HMAC_SHA256) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint16(AT.zero) !== 0 || bytes[AT.keyId] === 0) return null;
  return {
    keyId: bytes[AT.keyId]!,
    stamp: view.getBigUint64(AT.stamp),
    signature: bytes.subarray(AT.signature),
  };
}

/** The bytes that are signed: pseudo-header, message without checksum, trailer without signature. */
export function signedBytes(of: SignedFor, message: Uint8Array, trailer: Uint8Array): Bytes {
  const bytes = new Uint8Array(PSEUDO_HEADER_BYTES + message.length + TRAILER_BYTES);
  bytes[0] = of.family === "ipv4" ? 4 : 6;
  bytes[1] = of.version;
  bytes[2] = of.vrid;
  bytes.set(ipBytes(of.source), 4);
  bytes.set(message, PSEUDO_HEADER_BYTES);
  bytes.fill(0, PSEUDO_HEADER_BYTES + CHECKSUM_AT, PSEUDO_HEADER_BYTES + CHECKSUM_AT + 2);
  bytes.set(trailer.subarray(0, AT.signature), PSEUDO_HEADER_BYTES + message.length);
  return bytes;
}
