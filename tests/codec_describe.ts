/** What vigie reads in a vector, put under the names that the vector's own `decoded` has. */

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { formatMac } from "../lib/core/address.ts";
import { type Bytes, fromHex, toHex } from "../lib/core/bytes.ts";
import type { ReceivedPacket } from "../lib/vrrp/admission.ts";
import { authenticatedBytes, decodeAh } from "../lib/vrrp/ah.ts";
import { type Ipv4Packet, type Ipv6Packet, VRRP_GROUP } from "../lib/vrrp/ip.ts";
import { decodeAdvert, type DecodedAdvert } from "../lib/vrrp/packet.ts";
import { checksumToSend } from "../lib/vrrp/packet_checksum.ts";
import type { ChecksumForm } from "../lib/vrrp/types.ts";
import type { Version } from "../lib/vrrp/types.ts";
import { ipPacketOf, open4, open6, receivedFrom, textOf, type Vector } from "./codec_vectors.ts";

/** What we read in a vector, under the names that its `decoded` has. */
export function describe(vector: Vector): object {
  const bytes = fromHex(vector.hex), packet = ipPacketOf(bytes, vector.layer);
  const arrived = receivedFrom(packet);
  const result = decodeAdvert(arrived.message, arrived);
  assert.ok(result.ok, JSON.stringify(result));
  return {
    ...(vector.layer === "ethernet" ? { eth: describeEthernet(bytes) } : {}),
    ip: arrived.family === "ipv4" ? describeIpv4(open4(packet)) : describeIpv6(open6(packet)),
    ...(vector.decoded.ah ? { ah: describeAh(packet, vector.decoded.ah.key_ascii) } : {}),
    ...describeAdvert(result.value, arrived),
  };
}

function describeEthernet(bytes: Bytes): object {
  const type = `0x${toHex(bytes.subarray(12, 14))}`;
  return { dst: formatMac(bytes.subarray(0, 6)), src: formatMac(bytes.subarray(6, 12)), type };
}

function describeIpv4(packet: Ipv4Packet): object {
  return {
    version: 4,
    ihl: packet.headerBytes / 4,
    tos: hex(packet.tos, 2),
    total_length: packet.totalLength,
    id: packet.id,
    df: packet.dontFragment,
    mf: false,
    frag_offset: 0,
    ttl: packet.ttl,
    protocol: packet.protocol,
    header_checksum: hex(packet.checksum, 4),
    header_checksum_valid: packet.checksumValid,
    src: packet.source,
    dst: packet.destination,
  };
}

function describeIpv6(packet: Ipv6Packet): object {
  return {
    version: 6,
    traffic_class: hex(packet.trafficClass, 2),
    flow_label: hex(packet.flowLabel, 5),
    payload_length: packet.payload.length,
    next_header: packet.nextHeader,
    hop_limit: packet.hopLimit,
    src: packet.source,
    dst: packet.destination,
  };
}

/** Recomputes the ICV, so that authenticatedBytes() is tried against real HMACs. */
function describeAh(packet: Bytes, key: string): object {
  const result = decodeAh(open4(packet).payload);
  assert.ok(result.ok, JSON.stringify(result));
  const { reserved, spi, sequence, icv } = result.value;
  const matches = (["zeroed", "kept"] as const).filter((ttl) => {
    const mac = createHmac("md5", key.padEnd(8, "\0")).update(authenticatedBytes(packet, ttl));
    return mac.digest("hex").startsWith(toHex(icv));
  });
  return {
    next_header: 112,
    payload_len: 4,
    reserved,
    spi: hex(spi, 8),
    seq: sequence,
    icv: toHex(icv),
    key_ascii: key,
    icv_matches: matches.map((ttl) => `ttl-${ttl}`),
  };
}

/** The name that the vectors have for `old-unicast`. */
export const OLD_UNICAST = "pseudo-header-dst-224.0.0.18";

function describeAdvert(advert: DecodedAdvert, arrived: ReceivedPacket): object {
  const { version, type, vrid, priority, count, auth, addresses, checksumForms } = advert;
  const matches = checksumForms.map((form) => form === "old-unicast" ? OLD_UNICAST : form);
  const toGroup = arrived.destination === VRRP_GROUP.ipv4;
  if (toGroup && checksumForms.includes("pseudo-header")) matches.push(OLD_UNICAST);
  const blank = Uint8Array.from(arrived.message);
  blank.fill(0, 6, 8);
  const as = (form: ChecksumForm) => hex(checksumToSend(blank, form, arrived), 4);
  const password = auth?.type === 1 ? { auth_text: textOf(auth.data) } : {};
  return {
    version,
    type,
    vrid,
    priority,
    count,
    ...(auth === null
      ? { reserved: advert.reserved, advert_int_cs: advert.advertIntervalUs / 10_000 }
      : { auth_type: auth.type, advert_int_s: advert.advertIntervalUs / 1_000_000 }),
    checksum: hex(advert.checksum, 4),
    addresses,
    ...(auth === null ? {} : { auth_data: toHex(auth.data), ...password }),
    message_length: arrived.message.length,
    trailing_bytes: 0,
    ...(version === 3 && arrived.family === "ipv4"
      ? {
        checksum_matches: matches,
        checksum_if: { "message-only": as("message-only"), "pseudo-header": as("pseudo-header") },
      }
      : {}),
    checksum_scheme: matches[0] ?? onlyForm(version, arrived),
    checksum_valid: matches.length > 0,
  };
}

/** The vectors name the form even of a wrong checksum where there is only one. */
function onlyForm(version: Version, { family }: ReceivedPacket): string | null {
  if (family === "ipv6") return "pseudo-header";
  return version === 2 ? "message-only" : null;
}

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}
