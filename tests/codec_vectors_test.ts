/** Every packet of tests/vectors, sent by keepalived, FRR and Linux: decoded and encoded again. */

import assert from "node:assert/strict";
import { formatIp, formatMac, ip, parseMac } from "../lib/core/address.ts";
import { type Bytes, concatBytes, fromHex, toHex } from "../lib/core/bytes.ts";
import { centiseconds, seconds } from "../lib/core/time.ts";
import { ADMISSION_RULES, admit } from "../lib/vrrp/admission.ts";
import type { RuleOutcome } from "../lib/vrrp/admission_rules.ts";
import { encodeAh } from "../lib/vrrp/ah.ts";
import { gratuitousArp, unsolicitedNa } from "../lib/vrrp/announce_frames.ts";
import { encodeIpv4, encodeIpv6, VRRP_GROUP } from "../lib/vrrp/ip.ts";
import {
  decodeAdvert,
  type DecodedAdvert,
  type DecodeError,
  decodeHead,
  encodeAdvert,
  type WireAuthentication,
} from "../lib/vrrp/packet.ts";
import type { Envelope } from "../lib/vrrp/packet_checksum.ts";
import type { RouterConfig } from "../lib/vrrp/types.ts";
import { describe, OLD_UNICAST } from "./codec_describe.ts";
import {
  type IpFields,
  JUDGED,
  type Judged,
  type Message,
  open4,
  open6,
  received,
  receivedFrom,
  SEQUENCES,
  textOf,
  type Vector,
  VECTORS,
} from "./codec_vectors.ts";

/** Frames in the files that vigie neither sends nor reads: the kernel's, or shown as a trap. */
const NOT_OURS: Readonly<Record<string, string>> = {
  "frr84-ra": "Router Advertisement",
  "linux-igmp-join": "IGMPv3 report",
  "linux-igmp-leave": "IGMPv3 report",
  "linux-mld-join": "MLDv2 report behind a hop-by-hop header",
  "ka227-vmac-arp-reply-good": "ARP reply: the kernel answers",
  "ka227-vmac-arp-reply-wrong": "ARP reply from another virtual router's MAC",
  "ka227-vmac-arp-request-leak": "ARP request of the kernel, for another host",
  "ka227-vmac-solicited-na": "solicited Neighbor Advertisement: the kernel answers",
};

/** Messages that are refused whole, with the error that says why. */
const MALFORMED: Readonly<Record<string, DecodeError>> = {
  "inj-v2-no-auth-data-trailer": { why: "short", have: 12, need: 20 },
  "inj-v2-4-extra-bytes-after-auth-data-cksum-over-all": { why: "long", have: 24, need: 20 },
  "inj-v3ip4-8-zero-bytes-trailing": { why: "long", have: 20, need: 12 },
  "inj-v3ip4-count-3-but-one-address-present": { why: "short", have: 12, need: 20 },
  "inj-v3ip4-truncated-to-6-bytes": { why: "short", have: 6, need: 8 },
  "inj-v3ip4-unknown-version-4": { why: "version", found: 4 },
  "inj-v3ip6-version-2-in-ipv6": { why: "version", found: 2 },
};

/** Fields that encodeAdvert() cannot be told to write, because vigie never sends them. */
const NEVER_SENT: Readonly<
  Record<string, "type" | "reserved" | "auth" | "checksum" | "ip options">
> = {
  "inj-v2-type-2": "type",
  "inj-v3ip4-type-3": "type",
  "inj-v3ip4-reserved-nibble-0xf": "reserved",
  "inj-v3ip6-reserved-nibble-0xf": "reserved",
  "inj-v2-auth-type-3": "auth",
  "inj-v2-auth0-garbage-auth-data": "auth",
  "inj-v2-auth0-garbage-auth-data-cksum-excl-auth": "auth",
  "inj-v2-checksum-field-0": "checksum",
  "inj-v3ip4-corrupted-checksum": "checksum",
  "inj-v3ip4-checksum-field-0": "checksum",
  "inj-v3ip6-message-only-cksum": "checksum",
  "inj-v3ip6-pseudo-nh-58": "checksum",
  "inj-v2-ip-option-router-alert": "ip options",
};

/** Where vigie decides otherwise than the strict reading that `expected` has. */
const DECIDED_OTHERWISE: Readonly<Record<string, { ok: boolean; because: string }>> = {
  "inj-v3ip6-first-addr-not-ll": {
    ok: true,
    because: "keepalived and FRR send such lists: accepted on receipt, with a notice",
  },
};

Deno.test("vectors are all there, and every list of exceptions names vectors that exist", () => {
  assert.equal(VECTORS.length, 175);
  assert.equal(SEQUENCES.flatMap((sequence) => sequence.events.filter((e) => e.hex)).length, 171);
  const names = new Set(VECTORS.map((vector) => vector.name));
  for (const list of [NOT_OURS, MALFORMED, NEVER_SENT, DECIDED_OTHERWISE]) {
    for (const name of Object.keys(list)) assert.ok(names.has(name), name);
  }
});

for (const vector of VECTORS) {
  const { name, decoded } = vector;
  if (name in NOT_OURS) {
    Deno.test(`decodeAdvert() is not asked about ${name}, which is ${NOT_OURS[name]}`, () => {
      assert.equal("vrid" in decoded, false);
    });
  } else if (decoded.arp !== undefined) {
    Deno.test(`gratuitousArp() gives the bytes of ${name}`, () => {
      assert.equal(toHex(gratuitousArp(decoded.arp!.spa, decoded.arp!.sha)), vector.hex);
    });
  } else if (decoded.icmpv6 !== undefined) {
    Deno.test(`unsolicitedNa() gives the bytes of ${name}`, () => {
      const { target, router } = decoded.icmpv6!, mac = parseMac(decoded.eth!.src)!;
      assert.equal(toHex(unsolicitedNa(target, mac, router)), vector.hex);
    });
  } else if (name in MALFORMED) {
    Deno.test(`decodeAdvert() refuses ${name} as too ${MALFORMED[name]!.why}`, () => {
      refuses(vector, MALFORMED[name]!);
    });
  } else {
    Deno.test(`decodeAdvert() reads every field of ${name}`, () => {
      assert.deepEqual(describe(vector), decoded);
    });
    Deno.test(`encodeAdvert() gives the bytes of ${name}`, () => encodesAgain(vector));
  }
}

for (const { name, events } of SEQUENCES) {
  Deno.test(`decodeAdvert() and encodeAdvert() agree on each frame of the sequence ${name}`, () => {
    for (const { hex, summary } of events) {
      if (hex !== undefined) assert.equal(toHex(rebuild(fromHex(hex), summary!)), hex, summary);
    }
  });
}

for (const vector of JUDGED) {
  const exception = DECIDED_OTHERWISE[vector.name];
  const expected = exception?.ok ?? vector.expected === "accept";
  const verb = expected ? "keeps" : "refuses";
  const rules = vector.requirements.join(", ");
  Deno.test(`admit() ${verb} ${vector.name} as ${rules} asks${exception ? ", decided" : ""}`, () => {
    const verdict = admit(received(vector), (vrid) => {
      return vrid === vector.receiver.vrid ? receiverOf(vector) : null;
    });
    assert.equal(verdict.ok, expected, JSON.stringify(verdict));
    for (const rule of vector.requirements) {
      const outcome = (ADMISSION_RULES as Record<string, RuleOutcome>)[rule];
      if (outcome === undefined) continue;
      if (!verdict.ok && "rejects" in outcome) assert.ok(outcome.rejects.includes(verdict.reason));
      if (verdict.ok && "notice" in outcome) {
        assert.ok(verdict.notices.some((notice) => notice.kind === outcome.notice), rule);
      }
    }
  });
}

function refuses(vector: Vector, error: DecodeError): void {
  const arrived = received(vector);
  assert.deepEqual(decodeAdvert(arrived.message, arrived), { ok: false, error });
  if (vector.decoded.undecodable !== undefined) return;
  const { version, type, vrid, priority, count } = vector.decoded;
  assert.deepEqual(decodeHead(arrived.message), { version, type, vrid, priority, count });
}

/** Encodes what a vector's `decoded` says, without a look at its bytes. */
function encodesAgain(vector: Vector): void {
  const { decoded, name, layer } = vector, { ip, eth } = decoded as Required<typeof decoded>;
  const odd = NEVER_SENT[name];
  const message = encodeMessage(decoded as Message, ip);
  if (odd === "type") message[0] = decoded.version! << 4 | decoded.type!;
  if (odd === "reserved") message[4]! |= decoded.reserved! << 4;
  if (odd === "auth") {
    message[4] = decoded.auth_type!;
    message.set(fromHex(decoded.auth_data!), message.length - 8);
  }
  if (odd !== undefined) message.set(fromHex(decoded.checksum!.slice(2)), 6);
  if (odd === "ip options") return assert.equal(toHex(received(vector).message), toHex(message));
  const packet = encodePacket(ip, message, decoded.ah);
  const frame = layer === "ethernet" ? concatBytes(ethernetOf(eth, packet), packet) : packet;
  const padding = fromHex(vector.hex).subarray(frame.length);
  assert.equal(toHex(frame) + toHex(padding), vector.hex);
  assert.ok(padding.every((byte) => byte === 0) && (padding.length === 0 || /padded/.test(name)));
}

function encodeMessage(decoded: Message, { src, dst }: IpFields): Bytes {
  const scheme = decoded.checksum_scheme;
  return encodeAdvert({
    version: decoded.version,
    family: src.includes(":") ? "ipv6" : "ipv4",
    vrid: decoded.vrid,
    priority: decoded.priority,
    advertIntervalUs: decoded.version === 2
      ? seconds(decoded.advert_int_s!)
      : centiseconds(decoded.advert_int_cs!),
    addresses: decoded.addresses,
    authentication: authenticationOf(decoded.auth_type ?? 0, decoded.auth_data ?? ""),
    checksum: scheme === "message-only" || scheme === OLD_UNICAST
      ? scheme === OLD_UNICAST ? "old-unicast" : "message-only"
      : "pseudo-header",
    source: src,
    destination: dst,
  });
}

function authenticationOf(type: number, data: string): WireAuthentication {
  if (type === 1) return { type: "pass", password: textOf(fromHex(data)) };
  return type === 2 ? { type: "ah" } : { type: "none" };
}

function encodePacket(fields: IpFields, message: Bytes, ah: Vector["decoded"]["ah"]): Bytes {
  const { src: source, dst: destination } = fields;
  if (source.includes(":")) {
    const flowLabel = Number(fields.flow_label), trafficClass = Number(fields.traffic_class);
    const hopLimit = fields.hop_limit;
    return encodeIpv6({ source, destination, flowLabel, trafficClass, hopLimit }, message);
  }
  const { id, ttl, df: dontFragment, protocol } = fields, tos = Number(fields.tos);
  const payload = ah
    ? concatBytes(
      encodeAh({ spi: Number(ah.spi), sequence: ah.seq, icv: fromHex(ah.icv) }),
      message,
    )
    : message;
  return encodeIpv4({ source, destination, id, ttl, tos, protocol, dontFragment }, payload);
}

function ethernetOf(eth: { dst: string; src: string }, packet: Bytes): Bytes {
  const type = packet[0]! >> 4 === 6 ? "86dd" : "0800";
  return fromHex(`${eth.dst}${eth.src}`.replaceAll(":", "") + type);
}

/** A frame of a sequence made anew from what its summary says and its decoder read. */
function rebuild(frame: Bytes, summary: string): Bytes {
  const arp = /^gratuitous ARP (\S+) is-at (\S+)$/.exec(summary);
  if (arp) return gratuitousArp(ip(arp[1]!), parseMac(arp[2]!)!);
  if (summary.startsWith("unsolicited NA")) return rebuildNa(frame, summary);
  const packet = frame.slice(14), arrived = receivedFrom(packet);
  const result = decodeAdvert(arrived.message, arrived);
  assert.ok(result.ok, JSON.stringify(result));
  const { version, vrid, priority } = result.value;
  const read = `advert v${version} vrid ${vrid} prio ${priority} from ${arrived.source}`;
  assert.ok(summary.startsWith(read), `${summary}: ${read}`);
  const message = encodeAgain(result.value, arrived);
  const again = arrived.family === "ipv4"
    ? encodeIpv4(open4(packet), message)
    : encodeIpv6(open6(packet), message);
  return concatBytes(frame.subarray(0, 14), again);
}

function rebuildNa(frame: Bytes, summary: string): Bytes {
  const target = formatIp(frame.subarray(62, 78));
  assert.ok(summary.includes(target), `${summary}: ${target}`);
  return unsolicitedNa(target, formatMac(frame.subarray(6, 12)), (frame[58]! & 0x80) !== 0);
}

function encodeAgain(advert: DecodedAdvert, envelope: Envelope): Bytes {
  assert.ok(advert.checksumForms.length > 0);
  return encodeAdvert({
    ...advert,
    family: envelope.family,
    source: envelope.source,
    destination: envelope.destination,
    authentication: authenticationOf(
      advert.auth?.type ?? 0,
      toHex(advert.auth?.data ?? fromHex("")),
    ),
    checksum: advert.checksumForms[0] === "message-only" ? "message-only" : "pseudo-header",
  });
}

/** The router that the injector's packets were sent to. */
function receiverOf({ receiver }: Judged) {
  const config: RouterConfig = {
    name: "VI_1",
    family: receiver.family,
    version: receiver.version,
    vrid: receiver.vrid,
    basePriority: receiver.priority,
    advertIntervalUs: seconds(1),
    addresses: receiver.addresses,
    authentication: { type: "none" },
    checksum: "pseudo-header",
    group: VRRP_GROUP[receiver.family],
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
  const router = { config, priority: receiver.priority, master: null };
  return { router, ownAddresses: new Set([receiver.own_address]) };
}
