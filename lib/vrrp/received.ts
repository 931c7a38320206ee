/** An IPv4 packet as a raw socket reads it, taken apart: a VRRP message, bare or behind an AH. */

import { ok, type Result } from "../core/result.ts";
import type { ReceivedPacket } from "./admission_rules.ts";
import { type AhError, decodeAh } from "./ah.ts";
import { decodeIpv4, IP_PROTOCOL, type IpError } from "./ip.ts";

/** Reads a packet of protocol 112, or of protocol 51 with VRRP inside. */
export function readIpv4(packet: Uint8Array): Result<ReceivedPacket, IpError | AhError> {
  const read = decodeIpv4(packet);
  if (!read.ok) return read;
  const { source, destination, ttl, protocol, payload, totalLength } = read.value;
  const envelope = { family: "ipv4", source, destination, hopLimit: ttl } as const;
  if (protocol !== IP_PROTOCOL.ah) return ok({ ...envelope, message: payload });
  const header = decodeAh(payload);
  if (!header.ok) return header;
  const ah = { header: header.value, packet: packet.subarray(0, totalLength) };
  return ok({ ...envelope, message: header.value.message, ah });
}
