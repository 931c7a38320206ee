/** What a case of admission is: the router that we are, and the advert that comes to it. */

import { ip } from "../lib/core/address.ts";
import type { Bytes } from "../lib/core/bytes.ts";
import { seconds } from "../lib/core/time.ts";
import { admit, type Verdict } from "../lib/vrrp/admission.ts";
import type { ADMISSION_RULES, ReceivedPacket, Receiver } from "../lib/vrrp/admission_rules.ts";
import { VRRP_GROUP } from "../lib/vrrp/ip.ts";
import { type AdvertToSend, encodeAdvert } from "../lib/vrrp/packet.ts";
import type { Router, RouterConfig } from "../lib/vrrp/types.ts";

/** A rule by its name. */
export type Rule = keyof typeof ADMISSION_RULES;

/** Ourselves, the peer that sends, and somebody else. */
export const OURS = ip("192.0.2.1"), PEER = ip("192.0.2.2"), OTHER = ip("192.0.2.3");

/** The same over IPv6. */
export const OURS6 = ip("fe80::1:1"), PEER6 = ip("fe80::1:2");

/** The routers that we are. */
export const V3: RouterConfig = {
  name: "VI_1",
  family: "ipv4",
  version: 3,
  vrid: 51,
  basePriority: 100,
  advertIntervalUs: seconds(1),
  addresses: [ip("192.0.2.100"), ip("192.0.2.101")],
  authentication: { type: "none" },
  checksum: "pseudo-header",
  group: VRRP_GROUP.ipv4,
  unicastPeers: [],
  unicastTtl: 255,
  checkUnicastSource: false,
  peerTtls: [],
  downTimerAdverts: 3,
  ownerIgnoresAdverts: false,
  timerExpiredPriority: null,
  preempt: true,
  preemptDelayUs: seconds(0),
  startupDelayUs: seconds(0),
  delayAfterBootUs: seconds(0),
  announce: { repeat: 5, delayUs: seconds(5), refreshUs: seconds(0), refreshRepeat: 1 },
  lowerHeard: { repeat: 5, delayUs: seconds(5), advert: true },
  higherHeardAdvert: false,
  ownerWaits: false,
  isGrouped: false,
};

export const V2: RouterConfig = { ...V3, version: 2 };
export const PASS: RouterConfig = {
  ...V2,
  authentication: { type: "pass", password: "s3cr3t88x" },
};
export const UNICAST: RouterConfig = { ...V3, unicastPeers: [PEER] };
export const V6: RouterConfig = {
  ...V3,
  family: "ipv6",
  addresses: [ip("fe80::100"), ip("2001:db8::100")],
  group: VRRP_GROUP.ipv6,
};

/** What happens in a case: the router that we are, and how the packet departs from its own adverts. */
export interface Case {
  readonly when: string;
  readonly rules: readonly Rule[];
  readonly config: RouterConfig;
  readonly router?: Partial<Pick<Router, "priority" | "master">>;
  readonly send?: Partial<AdvertToSend>;
  readonly hopLimit?: number;
  /** Changes the encoded message, last of all. */
  readonly spoil?: (message: Bytes) => Bytes;
}

/** The receiver of a case. */
export function receiverOf({ config, router }: Case): Receiver {
  const { basePriority: priority } = config;
  return {
    router: { config, priority, master: null, ...router },
    ownAddresses: new Set([OURS, OURS6]),
  };
}

/** The advert that a peer of the same configuration and priority 150 sends, with the case's changes. */
export function packetOf({ config, send, hopLimit = 255, spoil }: Case): ReceivedPacket {
  const self = config.family === "ipv4" ? OURS : OURS6;
  const advert: AdvertToSend = {
    ...config,
    priority: 150,
    source: config.family === "ipv4" ? PEER : PEER6,
    destination: config.unicastPeers.length > 0 ? self : config.group,
    ...send,
  };
  const message = encodeAdvert(advert), { family, source, destination } = advert;
  return { family, source, destination, hopLimit, message: spoil ? spoil(message) : message };
}

/** What admission says to a case. */
export function judge(found: Case): Verdict {
  const receiver = receiverOf(found), { vrid } = found.config;
  return admit(packetOf(found), (wanted) => wanted === vrid ? receiver : null);
}

/** Takes bytes off the end. */
export const shorten = (bytes: number) => (message: Bytes) =>
  message.slice(0, message.length - bytes);

/** Four bytes more than the message says. */
export const lengthen = (message: Bytes) => Uint8Array.from([...message, 0, 0, 0, 0]);

/** Changes one byte and mends the checksum for it: HC' = ~(~HC + ~m + m') (RFC 1624 3). */
export const mend = (at: number, value: number) => (message: Bytes) => {
  const word = at & ~1, view = new DataView(message.buffer);
  const before = view.getUint16(word);
  message[at] = value;
  const sum = (~view.getUint16(6) & 0xffff) + (~before & 0xffff) + view.getUint16(word);
  view.setUint16(6, ~((sum & 0xffff) + (sum >> 16)));
  return message;
};

/** Changes one byte. */
export const set = (at: number, value: number) => (message: Bytes) => {
  message[at] = value;
  return message;
};
