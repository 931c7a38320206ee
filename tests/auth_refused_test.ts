/** Admission with AH and `auth_hmac`: each reason for which they refuse, and what passes. */

import assert from "node:assert/strict";
import { type Ip, ip } from "../lib/core/address.ts";
import { concatBytes } from "../lib/core/bytes.ts";
import { admit } from "../lib/vrrp/admission.ts";
import type { ReceivedPacket } from "../lib/vrrp/admission_rules.ts";
import { Authenticator, type AuthenticatorSpec } from "../lib/vrrp/authenticator.ts";
import { AUTHENTICATION_COUNTERS } from "../lib/vrrp/authentication_reasons.ts";
import type { HmacSpec } from "../lib/vrrp/hmac_exchange.ts";
import { TRAILER_BYTES } from "../lib/vrrp/hmac_trailer.ts";
import { encodeIpv4, ipv4Payload, rewrapIpv4 } from "../lib/vrrp/ip.ts";
import { encodeAdvert } from "../lib/vrrp/packet.ts";
import { readIpv4 } from "../lib/vrrp/received.ts";
import type { RouterConfig } from "../lib/vrrp/types.ts";
import { OURS, PEER, UNICAST, V2, V3 } from "./admission_cases.ts";
import { MACS } from "./tools/macs.ts";

const HMAC: HmacSpec = {
  keys: [{ id: 1, hex: "5a".repeat(32) }],
  activeKey: 1,
  windowS: 5,
  antiReplay: "time",
  mode: "enforce",
  fault: null,
};

const AH: RouterConfig = { ...V2, authentication: { type: "ah", password: "secret" } };

/** Two routers of one configuration, with one clock that the test sets. */
class Pair {
  nowMs = 1_750_000_000_000;
  readonly config: RouterConfig;
  readonly sender: Authenticator;
  readonly receiver: Authenticator;

  constructor(config: RouterConfig, hmac: HmacSpec | null, sent: HmacSpec | null = hmac) {
    this.config = config;
    const clock = () => this.nowMs;
    this.receiver = new Authenticator(specOf(config, hmac), MACS, clock);
    this.sender = new Authenticator(specOf(config, sent), MACS, clock);
  }

  /** One IPv4 packet of the peer, before it is sealed. */
  plain(source: Ip = PEER) {
    const { config } = this;
    const destination = config.unicastPeers.length > 0 ? OURS : config.group;
    const message = encodeAdvert({ ...config, priority: 150, source, destination });
    return { packet: encodeIpv4({ source, destination, id: 0 }, message) };
  }

  sealed(source: Ip = PEER) {
    return this.sender.seal([this.plain(source)], source)[0]!.packet;
  }

  /** "ok", or why not. */
  admits(packet: Uint8Array | ReceivedPacket): string {
    const { config } = this;
    const arrived = packet instanceof Uint8Array ? read(packet) : packet;
    const router = { config, priority: 100, master: null };
    const receiver = { router, ownAddresses: new Set([OURS]), authenticator: this.receiver };
    const verdict = admit(arrived, () => receiver);
    return verdict.ok ? "ok" : verdict.reason;
  }
}

function specOf(config: RouterConfig, hmac: HmacSpec | null): AuthenticatorSpec {
  const { family, version, vrid, unicastPeers, authentication } = config;
  const ahPassword = authentication.type === "ah" ? authentication.password : null;
  return { family, version, vrid, unicastPeers, ahPassword, hmac };
}

function read(packet: Uint8Array): ReceivedPacket {
  const found = readIpv4(packet);
  assert.ok(found.ok);
  return found.value;
}

const OTHER_KEY: HmacSpec = { ...HMAC, keys: [{ id: 1, hex: "a5".repeat(32) }] };
const OTHER_ID: HmacSpec = { ...HMAC, keys: [{ id: 2, hex: "5a".repeat(32) }], activeKey: 2 };

const REFUSED: Readonly<Record<keyof typeof AUTHENTICATION_COUNTERS, () => string>> = {
  authSequence: () => {
    const pair = new Pair(AH, null), packet = pair.sealed();
    pair.admits(packet);
    return pair.admits(packet);
  },
  authMissing: () => {
    const pair = new Pair(V3, HMAC);
    return pair.admits(pair.plain().packet);
  },
  authMalformed: () => {
    const pair = new Pair(V3, HMAC), { packet } = pair.plain();
    const padded = concatBytes(ipv4Payload(packet), new Uint8Array(TRAILER_BYTES));
    return pair.admits(rewrapIpv4(packet, {}, padded));
  },
  authUnknownKey: () => {
    const pair = new Pair(V3, HMAC, OTHER_ID);
    return pair.admits(pair.sealed());
  },
  authInvalidHmac: () => {
    const pair = new Pair(V3, HMAC, OTHER_KEY);
    return pair.admits(pair.sealed());
  },
  authStale: () => {
    const pair = new Pair(V3, HMAC), packet = pair.sealed();
    pair.nowMs += 6000;
    return pair.admits(packet);
  },
  authReplay: () => {
    const pair = new Pair(V3, HMAC), packet = pair.sealed();
    pair.admits(packet);
    return pair.admits(packet);
  },
};

for (const [reason, provoke] of Object.entries(REFUSED)) {
  Deno.test(`admit() refuses with the reason ${reason}`, () => assert.equal(provoke(), reason));
}

const WHOLE: readonly (readonly [string, RouterConfig, HmacSpec | null])[] = [
  ["AH", AH, null],
  ["AH in unicast", { ...AH, unicastPeers: [PEER] }, null],
  ["auth_hmac in version 2", V2, HMAC],
  ["auth_hmac in version 3", V3, HMAC],
  ["auth_hmac with a password besides", {
    ...V2,
    authentication: { type: "pass", password: "secret" },
  }, HMAC],
  ["auth_hmac within AH", AH, HMAC],
  ["auth_hmac in unicast", UNICAST, HMAC],
];

for (const [name, config, hmac] of WHOLE) {
  Deno.test(`admit() takes what a router of the same configuration sends with ${name}, once`, () => {
    const pair = new Pair(config, hmac), first = pair.sealed(), second = pair.sealed();
    assert.deepEqual([first, second].map((packet) => pair.admits(packet)), ["ok", "ok"]);
    assert.notEqual(pair.admits(second), "ok");
  });
}

Deno.test("admit() takes unsigned adverts while auth_hmac is rolled out, and no wrong ones", () => {
  for (const mode of ["permissive", "receive-only"] as const) {
    const plain = new Pair(V3, { ...HMAC, mode });
    assert.equal(plain.admits(plain.plain().packet), "ok", mode);
    const wrong = new Pair(V3, { ...HMAC, mode }, OTHER_KEY);
    assert.equal(wrong.admits(wrong.sealed()), "authInvalidHmac", mode);
  }
  const silent = new Pair(V3, HMAC, { ...HMAC, mode: "receive-only" });
  assert.deepEqual(silent.sealed(), silent.plain().packet, "receive-only signs nothing");
  assert.equal(
    new Pair(V3, { ...HMAC, mode: "permissive" }).sealed().length,
    silent.plain().packet.length + TRAILER_BYTES,
  );
});

Deno.test("admit() wants AH where it is configured, and none where it is not", () => {
  const wrapped = new Pair(AH, null).sealed();
  assert.equal(new Pair(V2, HMAC).admits(wrapped), "authTypeMismatch");
  const pair = new Pair(AH, null);
  assert.equal(pair.admits(pair.plain().packet), "authTypeMismatch");
});

Deno.test("admit() says what 28 bytes too many may be", () => {
  const packet = new Pair(V3, HMAC).sealed();
  const router = { config: V3, priority: 100, master: null };
  const verdict = admit(read(packet), () => ({ router, ownAddresses: new Set<Ip>() }));
  assert.ok(!verdict.ok && verdict.reason === "packetLength");
  assert.match(verdict.text, /too long, length 44 and expect 16: signed by auth_hmac, perhaps/);
});

Deno.test("an Authenticator goes on from a state, never back, and ahead where it cannot know", () => {
  const pair = new Pair(AH, null), numbers = () => read(pair.sealed()).ah!.header.sequence;
  pair.sender.restore({ sequence: 500 });
  assert.equal(numbers(), 501);
  pair.sender.restore({ sequence: 20 });
  assert.equal(numbers(), 502);
  assert.deepEqual(pair.sender.state(), { sequence: 502, hmac: undefined });
  pair.sender.skipAhead();
  assert.ok(numbers() > 1000);
});

Deno.test("an Authenticator that cannot sign seals nothing, and uses up no AH number", () => {
  const pair = new Pair(AH, HMAC, { ...HMAC, activeKey: null });
  assert.deepEqual(pair.sender.seal([pair.plain()], ip("192.0.2.2")), []);
  assert.equal(pair.sender.state().sequence, 0);
});
