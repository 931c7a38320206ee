/**
 * The checksum of a VRRP message in each form that is deployed.
 *
 * | message  | covers                                                                       |
 * |----------|------------------------------------------------------------------------------|
 * | v2       | the message, authentication data included (RFC 3768 5.3.8)                   |
 * | v3, IPv4 | the message alone (RFC 9568 5.2.8), or with a pseudo-header (RFC 5798 5.2.8)  |
 * | v3, IPv6 | the message with the pseudo-header of RFC 8200 8.1                           |
 */

import { ADDRESS_BYTES, type Family, type Ip, ipBytes } from "../core/address.ts";
import { type Bytes, internetChecksum } from "../core/bytes.ts";
import { IP_PROTOCOL, VRRP_GROUP } from "./ip.ts";
import type { ChecksumForm, Version } from "./types.ts";

/** Between whom a message travels: what a pseudo-header is made of. */
export interface Envelope {
  readonly family: Family;
  readonly source: Ip;
  readonly destination: Ip;
}

/** The checksum to write into a message whose checksum field is zero. */
export function checksumToSend(
  message: Uint8Array,
  form: ChecksumForm,
  envelope: Envelope,
): number {
  if (form === "message-only") return internetChecksum(message);
  const destination = form === "old-unicast" ? VRRP_GROUP.ipv4 : envelope.destination;
  return internetChecksum(pseudoHeader(envelope, destination, message.length), message);
}

/** The forms in which the checksum of a complete message is right; none if it is corrupt. */
export function checksumForms(
  message: Uint8Array,
  version: Version,
  envelope: Envelope,
): ChecksumForm[] {
  const body = internetChecksum(message);
  if (version === 2) return body === 0 ? ["message-only"] : [];
  const forms: ChecksumForm[] = [];
  if (verifies(body, envelope, envelope.destination, message.length)) forms.push("pseudo-header");
  if (envelope.family === "ipv6") return forms;
  if (body === 0) forms.push("message-only");
  if (
    envelope.destination !== VRRP_GROUP.ipv4 &&
    verifies(body, envelope, VRRP_GROUP.ipv4, message.length)
  ) forms.push("old-unicast");
  return forms;
}

/** Adds a pseudo-header to the sum of a message: one's complement sums are associative (RFC 1071 2). */
function verifies(body: number, envelope: Envelope, destination: Ip, length: number): boolean {
  const head = internetChecksum(pseudoHeader(envelope, destination, length));
  const sum = (~body & 0xffff) + (~head & 0xffff);
  return (sum & 0xffff) + (sum >> 16) === 0xffff;
}

/**
 * Source, destination, then for IPv4: zero(1) protocol(1) length(2) (RFC 9293 3.1);
 * for IPv6: length(4) zero(3) next header(1) (RFC 8200 8.1).
 */
function pseudoHeader(envelope: Envelope, destination: Ip, length: number): Bytes {
  const size = ADDRESS_BYTES[envelope.family];
  const header = new Uint8Array(size === 4 ? 12 : 40);
  header.set(ipBytes(envelope.source), 0);
  header.set(ipBytes(destination), size);
  const [lengthAt, protocolAt] = size === 4 ? [10, 9] : [34, 39];
  header[protocolAt] = IP_PROTOCOL.vrrp;
  header[lengthAt] = length >> 8;
  header[lengthAt + 1] = length & 0xff;
  return header;
}
