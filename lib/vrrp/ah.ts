/**
 * The Authentication Header of VRRPv2 (RFC 2402 2, RFC 2338 5.3.6): between the IPv4 header
 * (protocol 51) and the VRRP message. Only its layout; ah_exchange.ts has the key and the counter.
 *
 * ```
 *     0               1               2               3
 *    +---------------+---------------+---------------+---------------+
 *  0 |  Next Header  |  Payload Len  |           Reserved            |
 *  4 |                Security Parameters Index                      |
 *  8 |                     Sequence Number                           |
 * 12 |     Integrity Check Value: 12 bytes of HMAC-MD5 (RFC 2403)    |
 *    +---------------------------------------------------------------+
 * ```
 */

import type { Bytes } from "../core/bytes.ts";
import { err, ok, type Result } from "../core/result.ts";
import { IP_PROTOCOL } from "./ip.ts";

/** Bytes of the header. */
export const AH_BYTES = 24;

/** Bytes of the Integrity Check Value: HMAC-MD5 cut to 96 bits (RFC 2403 2). */
export const ICV_BYTES = 12;

const AT = { nextHeader: 0, payloadLength: 1, reserved: 2, spi: 4, sequence: 8, icv: 12 } as const;

/** Where the Integrity Check Value begins in the header. */
export const ICV_AT = AT.icv;

/** RFC 2402 2.2: the header in 32-bit words, minus 2. */
const PAYLOAD_LENGTH = AH_BYTES / 4 - 2;

/** Places in the IPv4 header that routers may change (RFC 2402 3.3.3.1.1.1): TOS, flags, checksum. */
const IPV4_MUTABLE: readonly (readonly [from: number, to: number])[] = [[1, 2], [6, 8], [10, 12]];
const IPV4_TTL = 8;

/** The header's fields. */
export interface AuthenticationHeader {
  /** The IPv4 source address as a number, says keepalived, and rejects any other. */
  readonly spi: number;
  /** Rises with every advert; a receiver takes none twice (RFC 2402 3.4.3). */
  readonly sequence: number;
  /** 12 bytes; zeros until it is known. */
  readonly icv: Uint8Array;
}

/** A header that was received, and the message behind it. */
export interface AuthenticatedMessage extends AuthenticationHeader {
  /** Zero when sent, not looked at (RFC 2402 2.3), but covered by the ICV. */
  readonly reserved: number;
  /** A view of the received bytes. */
  readonly message: Uint8Array;
}

/** Why bytes are no Authentication Header of VRRP. */
export type AhError =
  | { readonly why: "short"; readonly have: number; readonly need: number }
  /** Another protocol's: no error, to be dropped in silence, for a raw socket sees all AH traffic. */
  | { readonly why: "nextHeader"; readonly found: number }
  /** An ICV of another size than HMAC-MD5-96. */
  | { readonly why: "payloadLength"; readonly found: number };

/** Writes the header. */
export function encodeAh(header: AuthenticationHeader): Bytes {
  if (header.icv.length !== ICV_BYTES) {
    throw new RangeError(`Cannot send an ICV of ${header.icv.length} bytes: must be ${ICV_BYTES}`);
  }
  const bytes = new Uint8Array(AH_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(AT.nextHeader, IP_PROTOCOL.vrrp);
  view.setUint8(AT.payloadLength, PAYLOAD_LENGTH);
  view.setUint32(AT.spi, header.spi);
  view.setUint32(AT.sequence, header.sequence);
  bytes.set(header.icv, AT.icv);
  return bytes;
}

/** Reads the payload of an IPv4 packet of protocol 51. */
export function decodeAh(payload: Uint8Array): Result<AuthenticatedMessage, AhError> {
  if (payload.length < AH_BYTES) return err({ why: "short", have: payload.length, need: AH_BYTES });
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const nextHeader = view.getUint8(AT.nextHeader), length = view.getUint8(AT.payloadLength);
  if (nextHeader !== IP_PROTOCOL.vrrp) return err({ why: "nextHeader", found: nextHeader });
  if (length !== PAYLOAD_LENGTH) return err({ why: "payloadLength", found: length });
  return ok({
    reserved: view.getUint16(AT.reserved),
    spi: view.getUint32(AT.spi),
    sequence: view.getUint32(AT.sequence),
    icv: payload.slice(AT.icv, AT.icv + ICV_BYTES),
    message: payload.subarray(AH_BYTES),
  });
}

/**
 * What the ICV is computed over: a copy of the whole IPv4 packet with its mutable fields and the
 * ICV itself as zeros. The packet must be complete: total length and identification are covered.
 *
 * @param ttl RFC 2402 zeroes it, as keepalived does for unicast; for multicast keepalived keeps the
 *   255 in. A receiver tries the first, then the second.
 */
export function authenticatedBytes(packet: Uint8Array, ttl: "zeroed" | "kept"): Bytes {
  const bytes = new Uint8Array(packet);
  for (const [from, to] of IPV4_MUTABLE) bytes.fill(0, from, to);
  if (ttl === "zeroed") bytes[IPV4_TTL] = 0;
  const icvAt = (packet[0]! & 0x0f) * 4 + AT.icv;
  return bytes.fill(0, icvAt, icvAt + ICV_BYTES);
}
