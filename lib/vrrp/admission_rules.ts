/**
 * The words of admission: what it is given, the reasons and notices that it answers with, what
 * counts them, and the rules that they come from.
 */

import type { Ip } from "../core/address.ts";
import type { Notice } from "./admission_notices.ts";
import type { AuthenticatedMessage } from "./ah.ts";
import { AUTHENTICATION_COUNTERS } from "./authentication_reasons.ts";
import type { Envelope } from "./packet_checksum.ts";
import type { Router } from "./types.ts";

/** A VRRP message as it arrived, its IP header already read. */
export interface ReceivedPacket extends Envelope {
  /** TTL or hop limit on arrival. */
  readonly hopLimit: number;
  /** From the VRRP version on, cut at the IP length. Not kept: the buffer may be used again. */
  readonly message: Uint8Array;
  /** Of an IPv4 packet of protocol 51: its header, and the whole packet. */
  readonly ah?: { readonly header: AuthenticatedMessage; readonly packet: Uint8Array };
}

/** Why a packet is refused; the text is for the log. */
export interface Refusal {
  readonly reason: RejectReason;
  readonly text: string;
}

/** A packet whose authentication is right, or need not be: the message without it. */
export type Opened =
  | { readonly ok: true; readonly message: Uint8Array; readonly notices: readonly Notice[] }
  | { readonly ok: false } & Refusal;

/** What judges authentication that is not in the message itself: AH, `auth_hmac`. */
export interface AdvertAuthenticator {
  /** Judges a packet that came for this router, in its version. It may pass only once. */
  open(packet: ReceivedPacket): Opened;
}

/** What admission must know of the virtual router that a packet is for. */
export interface Receiver {
  readonly router: Pick<Router, "config" | "priority" | "master">;
  /**
   * The addresses of this host that adverts may leave from and unicast adverts may come to. Virtual
   * addresses are not among them, unless we are their owner: a peer may wrongly send from one.
   */
  readonly ownAddresses: ReadonlySet<Ip>;
  /** Without one, adverts come as they are. */
  readonly authenticator?: AdvertAuthenticator | null;
}

/**
 * Why an advert is refused, each with the counter that goes up: an object of RFC 6527 (vrrpv3Router…,
 * vrrpv3Statistics…) or RFC 2787 (vrrpStats…) without its prefix; `fragments`, `ownAdverts`,
 * `dstErrors`, `srcErrors` and `ignoredAdverts` are ours.
 */
export const REJECT_COUNTERS = {
  /** The IP header is incomplete or contradicts what arrived. */
  ipHeader: "packetLengthErrors",
  /** A piece of a packet, seen because no socket reassembled it. */
  fragment: "fragments",
  /** Shorter or longer than the version, family and count say. */
  packetLength: "packetLengthErrors",
  /** No such virtual router on this interface in this family. */
  vrid: "routerVrIdErrors",
  /** Sent by ourselves and looped back. */
  ownAddress: "ownAdverts",
  /** Not our group; or multicast for a unicast router, or the reverse. */
  destination: "dstErrors",
  /** Somebody forwarded it, or a unicast peer's TTL is outside of its limits. */
  hopLimit: "ipTtlErrors",
  /** Unicast from somebody who is no peer (`check_unicast_src`). */
  unicastSource: "srcErrors",
  /** To an owner that takes no adverts (`owner_ignore_adverts`). */
  ownerIgnores: "ignoredAdverts",
  version: "routerVersionErrors",
  type: "rcvdInvalidTypePackets",
  checksum: "routerChecksumErrors",
  /** The address count is 0. */
  noAddresses: "addressListErrors",
  /** An Auth Type that no RFC knows. */
  authTypeUnknown: "invalidAuthType",
  /** Another Auth Type than ours. */
  authTypeMismatch: "authTypeMismatch",
  /** The wrong password. */
  authFailure: "authFailures",
  /** Zero, or in version 2 another than ours. */
  interval: "advIntervalErrors",
  ...AUTHENTICATION_COUNTERS,
} as const;

/** Why an advert is refused. */
export type RejectReason = keyof typeof REJECT_COUNTERS;

/** What is remarked about an advert that is kept, with the counter that goes up, if any. */
export const NOTICE_COUNTERS = {
  /** Version 3: another interval than ours; it is learned. */
  interval: "advIntervalErrors",
  /** Another set of addresses than ours. */
  addressList: "addressListErrors",
  /** IPv6: the list does not begin with a link-local address. */
  noLinkLocalFirst: "addressListErrors",
  /** IPv6: the source is not link-local. */
  sourceNotLinkLocal: null,
  /** We are the owner and somebody else claims to be. */
  ownerConflict: null,
  /** Two others claim to be the owner. */
  duplicateOwner: null,
  /** Somebody advertises the priority that we have. */
  equalPriority: null,
  /** Version 3 over IPv4: the sender sums in another form than we do, and may refuse ours. */
  checksumForm: null,
  /** `auth_hmac`: the sender's clock and ours are about to differ too much. */
  clockSkew: null,
} as const;

/** What is remarked. */
export type NoticeKind = keyof typeof NOTICE_COUNTERS;

/** What becomes of a packet that breaks a rule, or who else keeps the rule. */
export type RuleOutcome =
  | { readonly rejects: readonly RejectReason[] }
  | { readonly notice: NoticeKind }
  | { readonly keptBy: string };

/**
 * The receive rules, in the order in which they are checked, under the names of the conformance
 * sheet: `V2-` is RFC 3768 7.1, `V3-` is RFC 9568 7.1 with its errata, the rest is practice.
 */
export const ADMISSION_RULES = {
  "RX-01": { rejects: ["ipHeader"] },
  "RX-04": { rejects: ["fragment"] },
  "RX-02": { rejects: ["packetLength"] },
  "RX-05": { rejects: ["vrid"] },
  "V2-RX-06": { rejects: ["vrid"] },
  "V3-RX-06": { rejects: ["vrid"] },
  "L3-14": { rejects: ["ownAddress"] },
  "RX-03": { rejects: ["destination"] },
  "UC-04": { rejects: ["destination"] },
  "UC-05": { rejects: ["unicastSource"] },
  "V2-RX-01": { rejects: ["hopLimit"] },
  "V3-RX-01": { rejects: ["hopLimit"] },
  "UC-03": { keptBy: "admit() leaves the TTL of unicast adverts alone" },
  "V2-RX-02": { rejects: ["version"] },
  "V3-RX-02": { rejects: ["version"] },
  "V2-RX-03": { rejects: ["type"] },
  "V3-RX-03": { rejects: ["type"] },
  "V2-RX-04": { rejects: ["packetLength"] },
  "V3-RX-04": { rejects: ["packetLength"] },
  "V2-RX-05": { rejects: ["checksum"] },
  "V3-RX-05": { rejects: ["checksum"] },
  "V3-RX-07": { rejects: ["noAddresses"] },
  "V2-RX-08": { rejects: ["authTypeUnknown", "authTypeMismatch"] },
  "V2-RX-09": { rejects: ["authFailure"] },
  "V2-RX-12": { keptBy: "admit() does not look at authentication data of type 0" },
  "V2-RX-10": { rejects: ["interval"] },
  "V3-RX-08": { rejects: ["interval"] },
  "V3-RX-11": { notice: "interval" },
  "V2-RX-11": { notice: "addressList" },
  "V3-RX-12": { notice: "addressList" },
  "V3-RX-09": { notice: "noLinkLocalFirst" },
  "V3-RX-16": { notice: "sourceNotLinkLocal" },
  "V2-RX-07": { notice: "ownerConflict" },
  "V3-RX-10": { notice: "ownerConflict" },
  "V3-RX-14": { notice: "duplicateOwner" },
  "V3-RX-15": { notice: "equalPriority" },
  "V3-RX-13": { keptBy: "decodeAdvert() takes the reserved nibble out of the interval" },
  "RX-06": { keptBy: "whoever logs: a verdict is data, and the same data every time" },
  "RX-07": { keptBy: "whoever reports: a verdict names its counter" },
  "RX-08": { keptBy: "the state machine: init ignores adverts" },
} as const satisfies Readonly<Record<string, RuleOutcome>>;
