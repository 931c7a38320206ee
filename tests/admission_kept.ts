/** Adverts that are kept, with a remark or without. */

import { ip } from "../lib/core/address.ts";
import { centiseconds, millis } from "../lib/core/time.ts";
import type { NoticeKind } from "../lib/vrrp/admission_rules.ts";
import {
  type Case,
  mend,
  OTHER,
  PASS,
  PEER,
  PEER6,
  UNICAST,
  V2,
  V3,
  V6,
} from "./admission_cases.ts";

/** A case that is kept with a remark. */
export type Noticed = Case & { readonly text: string; readonly difference?: object };

/** By notice. */
export const NOTICED: Readonly<Record<Exclude<NoticeKind, "clockSkew">, readonly Noticed[]>> = {
  interval: [
    {
      when: "version 3 has another interval than ours",
      rules: ["V3-RX-11"],
      config: V3,
      send: { advertIntervalUs: centiseconds(50) },
      text: "192.0.2.2 advertises every 500 ms, we are configured for 1 s",
    },
  ],
  addressList: [
    {
      when: "version 2 lacks an address of ours and has another",
      rules: ["V2-RX-11"],
      config: V2,
      send: { addresses: [ip("192.0.2.101"), OTHER] },
      text: "192.0.2.2 advertises another address list: " +
        "without our 192.0.2.100; with 192.0.2.3, which we have not",
      difference: { missing: ["192.0.2.100"], extra: ["192.0.2.3"] },
    },
    {
      when: "version 3 lacks an address of ours",
      rules: ["V3-RX-12"],
      config: V3,
      send: { addresses: [ip("192.0.2.101")] },
      text: "192.0.2.2 advertises another address list: without our 192.0.2.100",
      difference: { missing: ["192.0.2.100"], extra: [] },
    },
  ],
  noLinkLocalFirst: [
    {
      when: "an IPv6 list begins with a global address",
      rules: ["V3-RX-09"],
      config: { ...V6, addresses: [ip("2001:db8::100"), ip("fe80::100")] },
      text: "fe80::1:2 advertises 2001:db8::100 first, which is not a link-local address",
    },
  ],
  sourceNotLinkLocal: [
    {
      when: "an IPv6 source is global",
      rules: ["V3-RX-16"],
      config: V6,
      send: { source: ip("2001:db8::2") },
      text: "advert from 2001:db8::2, which is not a link-local address",
    },
  ],
  ownerConflict: [
    {
      when: "we are the owner in version 2",
      rules: ["V2-RX-07"],
      config: { ...V2, basePriority: 255 },
      send: { priority: 255 },
      text: "192.0.2.2 advertises priority 255 too: two routers are configured as owner",
    },
    {
      when: "we are the owner in version 3",
      rules: ["V3-RX-10"],
      config: { ...V3, basePriority: 255 },
      send: { priority: 255 },
      text: "192.0.2.2 advertises priority 255 too: two routers are configured as owner",
    },
  ],
  duplicateOwner: [
    {
      when: "the master that we know is an owner too",
      rules: ["V3-RX-14"],
      config: V3,
      router: { master: { address: OTHER, priority: 255 } },
      send: { priority: 255 },
      text: "192.0.2.2 and 192.0.2.3 both advertise priority 255",
    },
  ],
  equalPriority: [
    {
      when: "the sender has our effective priority",
      rules: ["V3-RX-15"],
      config: V3,
      router: { priority: 150 },
      text: "192.0.2.2 advertises our own priority 150",
    },
  ],
  checksumForm: [
    {
      when: "the sender sums the message alone and we do not",
      rules: [],
      config: V3,
      send: { checksum: "message-only" },
      text: "192.0.2.2 sends message-only checksums, we send pseudo-header: it may drop ours",
    },
  ],
};

/** Adverts that are kept without a remark. */
export const KEPT: readonly Case[] = [
  { when: "it is as ours in version 2", rules: [], config: V2 },
  { when: "it is as ours in version 3", rules: [], config: V3 },
  { when: "it is as ours over IPv6", rules: [], config: V6 },
  { when: "unicast arrives with any TTL", rules: ["UC-03"], config: UNICAST, hopLimit: 3 },
  {
    when: "IPv6 unicast comes from a global address",
    rules: ["V3-RX-16"],
    config: { ...V6, unicastPeers: [PEER6] },
    send: { source: ip("2001:db8::2") },
  },
  {
    when: "the same addresses come in another order",
    rules: ["V3-RX-12"],
    config: V3,
    send: { addresses: [...V3.addresses].reverse() },
  },
  {
    when: "passwords agree in their first 8 bytes",
    rules: ["V2-RX-09"],
    config: PASS,
    send: { authentication: { type: "pass", password: "s3cr3t88y" } },
  },
  {
    when: "authentication data of type 0 are not zero",
    rules: ["V2-RX-12"],
    config: V2,
    send: { authentication: { type: "pass", password: "\0\x01" } },
    spoil: mend(4, 0),
  },
  {
    when: "the reserved nibble is set",
    rules: ["V3-RX-13"],
    config: V3,
    spoil: mend(4, 0xf0),
  },
  {
    when: "a version 2 interval was configured finer than the wire can say",
    rules: ["V2-RX-10"],
    config: { ...V2, advertIntervalUs: millis(1400) },
  },
  {
    when: "somebody resigns and our own effective priority is 0",
    rules: ["V3-RX-15"],
    config: V3,
    router: { priority: 0 },
    send: { priority: 0 },
  },
  {
    when: "a known owner advertises again",
    rules: ["V3-RX-14"],
    config: V3,
    router: { master: { address: PEER, priority: 255 } },
    send: { priority: 255 },
  },
];
