/** Adverts that are refused, for each reason that admit() has. */

import { ip } from "../lib/core/address.ts";
import { centiseconds, seconds } from "../lib/core/time.ts";
import type { RejectReason } from "../lib/vrrp/admission_rules.ts";
import type { AUTHENTICATION_COUNTERS } from "../lib/vrrp/authentication_reasons.ts";
import { VRRP_GROUP } from "../lib/vrrp/ip.ts";
import {
  type Case,
  lengthen,
  mend,
  OTHER,
  OURS,
  PASS,
  PEER,
  set,
  shorten,
  UNICAST,
  V2,
  V3,
  V6,
} from "./admission_cases.ts";

/** A case that is refused, with the words for the log. */
export type Rejected = Case & { readonly text: string };

/** By reason; those of IP headers are refuseIp()'s. */
export const REJECTED: Readonly<
  Record<
    Exclude<RejectReason, "ipHeader" | "fragment" | keyof typeof AUTHENTICATION_COUNTERS>,
    readonly Rejected[]
  >
> = {
  packetLength: [
    {
      when: "the fixed part is not all there",
      rules: ["RX-02"],
      config: V3,
      spoil: (message) => message.slice(0, 7),
      text: "vrrp packet too short, length 7 and expect 8",
    },
    {
      when: "authentication data are missing",
      rules: ["V2-RX-04"],
      config: V2,
      spoil: shorten(8),
      text: "vrrp packet too short, length 16 and expect 24",
    },
    {
      when: "bytes follow the last address",
      rules: ["V3-RX-04"],
      config: V3,
      spoil: lengthen,
      text: "vrrp packet too long, length 20 and expect 16",
    },
  ],
  vrid: [
    {
      when: "nobody here has its VRID",
      rules: ["RX-05", "V2-RX-06", "V3-RX-06"],
      config: V3,
      send: { vrid: 52 },
      text: "Unknown VRID(52) received",
    },
  ],
  ownAddress: [
    {
      when: "its source is an address of ours",
      rules: ["L3-14"],
      config: V3,
      send: { source: OURS },
      text: "advert from our own address 192.0.2.1",
    },
  ],
  destination: [
    {
      when: "it went to another group",
      rules: ["RX-03"],
      config: V3,
      send: { destination: ip("224.0.0.1") },
      text: "advert to 224.0.0.1, expected 224.0.0.18",
    },
    {
      when: "it is unicast and we have no peers",
      rules: ["RX-03", "UC-04"],
      config: V3,
      send: { destination: OURS },
      text: "Expected multicast packet but received unicast packet",
    },
    {
      when: "it is multicast and we have peers",
      rules: ["RX-03", "UC-04"],
      config: UNICAST,
      send: { destination: VRRP_GROUP.ipv4 },
      text: "Expected unicast packet but received multicast packet",
    },
    {
      when: "it is unicast to an address that is not ours",
      rules: ["RX-03"],
      config: UNICAST,
      send: { destination: OTHER },
      text: "advert to 192.0.2.3, expected our own address",
    },
  ],
  hopLimit: [
    {
      when: "a router forwarded it in version 2",
      rules: ["V2-RX-01"],
      config: V2,
      hopLimit: 254,
      text: "invalid TTL/HL. Received 254 and expect 255",
    },
    {
      when: "a router forwarded it in version 3",
      rules: ["V3-RX-01"],
      config: V6,
      hopLimit: 64,
      text: "invalid TTL/HL. Received 64 and expect 255",
    },
    {
      when: "a unicast peer is farther away than it may be",
      rules: [],
      config: { ...UNICAST, peerTtls: [{ peer: PEER, min: 253, max: 254 }] },
      hopLimit: 252,
      text: "invalid TTL/HL. Received 252 and expect 253 to 254",
    },
    {
      when: "a unicast peer is nearer than it may be",
      rules: [],
      config: { ...UNICAST, peerTtls: [{ peer: PEER, min: 253, max: 254 }] },
      hopLimit: 255,
      text: "invalid TTL/HL. Received 255 and expect 253 to 254",
    },
  ],
  unicastSource: [
    {
      when: "only peers count and it comes from somebody else",
      rules: ["UC-05"],
      config: { ...UNICAST, checkUnicastSource: true },
      send: { source: OTHER },
      text: "unicast source address 192.0.2.3 not a unicast peer",
    },
  ],
  ownerIgnores: [
    {
      when: "we are an owner that takes none",
      rules: [],
      config: { ...V3, basePriority: 255, ownerIgnoresAdverts: true },
      text: "advert from 192.0.2.2, to an owner that takes none",
    },
  ],
  version: [
    {
      when: "version 3 comes to a router of version 2",
      rules: ["V2-RX-02"],
      config: V2,
      send: { version: 3 },
      text: "wrong version. Received 3 and expect 2",
    },
    {
      when: "version 2 comes to a router of version 3",
      rules: ["V3-RX-02"],
      config: V3,
      send: { version: 2 },
      text: "wrong version. Received 2 and expect 3",
    },
  ],
  type: [
    {
      when: "version 2 has another type than 1",
      rules: ["V2-RX-03"],
      config: V2,
      spoil: set(0, 0x22),
      text: "Invalid packet type. 2 and expect 1",
    },
    {
      when: "version 3 has another type than 1",
      rules: ["V3-RX-03"],
      config: V3,
      spoil: set(0, 0x30),
      text: "Invalid packet type. 0 and expect 1",
    },
  ],
  checksum: [
    {
      when: "version 2 was corrupted",
      rules: ["V2-RX-05"],
      config: V2,
      spoil: set(2, 151),
      text: "Invalid VRRPv2 checksum",
    },
    {
      when: "version 3 was corrupted",
      rules: ["V3-RX-05"],
      config: V3,
      spoil: set(2, 151),
      text: "Invalid VRRPv3 checksum",
    },
    {
      when: "multicast to a configured group carries the old unicast checksum",
      rules: ["V3-RX-05"],
      config: { ...V3, group: ip("224.0.0.99") },
      send: { checksum: "old-unicast" },
      text: "Invalid VRRPv3 checksum",
    },
  ],
  noAddresses: [
    {
      when: "the count is 0 in version 3",
      rules: ["V3-RX-07"],
      config: V3,
      send: { addresses: [] },
      text: "received an advert without addresses",
    },
    {
      when: "the count is 0 in version 2",
      rules: ["V3-RX-07"],
      config: V2,
      send: { addresses: [] },
      text: "received an advert without addresses",
    },
  ],
  authTypeUnknown: [
    {
      when: "the type is none of RFC 2338's",
      rules: ["V2-RX-08"],
      config: V2,
      spoil: mend(4, 3),
      text: "Invalid auth type: 3",
    },
  ],
  authTypeMismatch: [
    {
      when: "it has a password and we have none",
      rules: ["V2-RX-08"],
      config: V2,
      send: { authentication: { type: "pass", password: "secret" } },
      text: "received a 1 auth, expecting 0!",
    },
    {
      when: "it is marked as AH and we have a password",
      rules: ["V2-RX-08"],
      config: PASS,
      send: { authentication: { type: "ah" } },
      text: "received a 2 auth, expecting 1!",
    },
  ],
  authFailure: [
    {
      when: "the password differs in its last byte",
      rules: ["V2-RX-09"],
      config: PASS,
      send: { authentication: { type: "pass", password: "s3cr3t89" } },
      text: "received an invalid passwd!",
    },
    {
      when: "the password differs in its first byte",
      rules: ["V2-RX-09"],
      config: PASS,
      send: { authentication: { type: "pass", password: "S3cr3t88" } },
      text: "received an invalid passwd!",
    },
  ],
  interval: [
    {
      when: "version 2 has another interval than ours",
      rules: ["V2-RX-10"],
      config: V2,
      send: { advertIntervalUs: seconds(2) },
      text: "advertisement interval mismatch mine=1 sec rcv'd=2 sec",
    },
    {
      when: "version 3 has interval 0",
      rules: ["V3-RX-08"],
      config: V3,
      send: { advertIntervalUs: centiseconds(0) },
      text: "received advertisement interval 0",
    },
  ],
};
