/** Adverts that no honest router would send, ready to be injected. */

import { type Ip, ip, macBytes, parseMac } from "../../lib/core/address.ts";
import { type Bytes, concatBytes } from "../../lib/core/bytes.ts";
import { millis, seconds } from "../../lib/core/time.ts";
import { encodeIpv4, encodeIpv6, VRRP_GROUP } from "../../lib/vrrp/ip.ts";
import { type AdvertToSend, encodeAdvert } from "../../lib/vrrp/packet.ts";
import { VIP, VIP6 } from "./config.ts";

/** Who sends them; no host of the lab has the address. */
export const FORGER = { ipv4: ip("192.0.2.66"), ipv6: ip("fe80::66") } as const;

const FORGER_MAC = parseMac("02:00:00:00:00:66")!;
const GROUP_MAC = {
  ipv4: parseMac("01:00:5e:00:00:12")!,
  ipv6: parseMac("33:33:00:00:00:12")!,
} as const;
const ETHERTYPE = { ipv4: Uint8Array.of(0x08, 0x00), ipv6: Uint8Array.of(0x86, 0xdd) } as const;

/** What is to be forged. Without anything, an advert that a router of the lab believes. */
export interface Forgery {
  readonly advert?: Partial<AdvertToSend>;
  readonly ttl?: number;
  readonly source?: Ip;
  /** Changes the VRRP message after its checksum was made; may return another. */
  readonly spoil?: (message: Bytes) => Bytes | void;
}

/** An Ethernet frame with an advert of priority 200 for VRID 51. */
export function forge({ advert = {}, ttl = 255, source, spoil }: Forgery = {}): Bytes {
  const { family = "ipv4", version = 3 } = advert;
  const from = source ?? FORGER[family], destination = VRRP_GROUP[family];
  const made = encodeAdvert({
    version,
    family,
    vrid: 51,
    priority: 200,
    advertIntervalUs: version === 2 ? seconds(1) : millis(100),
    addresses: family === "ipv4" ? [ip(VIP)] : [ip(VIP6.linkLocal), ip(VIP6.global)],
    authentication: { type: "none" },
    checksum: "pseudo-header",
    ...advert,
    source: from,
    destination,
  });
  const message = spoil?.(made) ?? made;
  const packet = family === "ipv4"
    ? encodeIpv4({ source: from, destination, id: 1, ttl }, message)
    : encodeIpv6({ source: from, destination, hopLimit: ttl }, message);
  const ethernet = [macBytes(GROUP_MAC[family]), macBytes(FORGER_MAC), ETHERTYPE[family]];
  return concatBytes(...ethernet, packet);
}
