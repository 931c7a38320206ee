/** Wrong packets: dropped, counted, and named once however many there are. */

import assert from "node:assert/strict";
import { type Ip, ip } from "../lib/core/address.ts";
import { seconds } from "../lib/core/time.ts";
import { holds } from "./lab/addresses.ts";
import { block, file, router, type RouterText, VIP, VIP6, VIPS6 } from "./lab/config.ts";
import { forge, FORGER, type Forgery } from "./lab/forge.ts";
import { type Lab, labTest } from "./lab/lab.ts";
import { TIMEOUT_MS, until } from "./lab/until.ts";
import type { Vigie } from "./lab/vigie.ts";
import type { Wire } from "./lab/wire.ts";

/** How often each wrong packet is sent. */
const COPIES = 20;

interface Case {
  /** Completes "an advert ... is dropped, counted and named once". */
  readonly of: string;
  readonly forgery: Forgery;
  readonly counter: string;
  /** What the log says of it. */
  readonly says: RegExp;
  /** Refused before a router was found: counted by interface. */
  readonly stray?: boolean;
}

const V3: readonly Case[] = [
  {
    of: "with TTL 254",
    forgery: { ttl: 254 },
    counter: "ipTtlErrors",
    says: /invalid TTL\/HL\. Received 254 and expect 255/,
  },
  {
    of: "with a wrong checksum",
    forgery: { spoil: (message) => void (message[6]! ^= 0x55) },
    counter: "routerChecksumErrors",
    says: /Invalid VRRPv3 checksum/,
  },
  {
    of: "with a checksum of zero",
    forgery: { spoil: (message) => void message.fill(0, 6, 8) },
    counter: "routerChecksumErrors",
    says: /Invalid VRRPv3 checksum/,
  },
  {
    of: "of an unknown VRID",
    forgery: { advert: { vrid: 99 } },
    counter: "routerVrIdErrors",
    says: /Unknown VRID\(99\) received/,
    stray: true,
  },
  {
    of: "of version 2",
    forgery: { advert: { version: 2 } },
    counter: "routerVersionErrors",
    says: /wrong version\. Received 2 and expect 3/,
  },
  {
    of: "of version 7",
    forgery: { spoil: (message) => void (message[0] = 0x71) },
    counter: "routerVersionErrors",
    says: /wrong version\. Received 7 and expect 3/,
  },
  {
    of: "of type 2",
    forgery: { spoil: (message) => void (message[0] = 0x32) },
    counter: "rcvdInvalidTypePackets",
    says: /Invalid packet type\. 2 and expect 1/,
  },
  {
    of: "without addresses",
    forgery: { advert: { addresses: [] } },
    counter: "addressListErrors",
    says: /received an advert without addresses/,
  },
  {
    of: "that counts more addresses than it has",
    forgery: { spoil: (message) => void (message[3] = 3) },
    counter: "packetLengthErrors",
    says: /vrrp packet too short, length 12 and expect 20/,
  },
  {
    of: "with bytes behind its end",
    forgery: { spoil: (message) => Uint8Array.of(...message, 0, 0, 0, 0) },
    counter: "packetLengthErrors",
    says: /vrrp packet too long, length 16 and expect 12/,
  },
  {
    of: "that is cut short",
    forgery: { spoil: (message) => message.slice(0, 5) },
    counter: "packetLengthErrors",
    says: /vrrp packet too short, length 5 and expect 8/,
    stray: true,
  },
  {
    of: "with interval 0",
    forgery: { advert: { advertIntervalUs: seconds(0) } },
    counter: "advIntervalErrors",
    says: /received advertisement interval 0/,
  },
];

const V6: readonly Case[] = [
  {
    of: "over IPv6 with hop limit 64",
    forgery: { advert: { family: "ipv6" }, ttl: 64 },
    counter: "ipTtlErrors",
    says: /invalid TTL\/HL\. Received 64 and expect 255/,
  },
  {
    of: "over IPv6 with a wrong checksum",
    forgery: { advert: { family: "ipv6" }, spoil: (message) => void (message[7]! ^= 0x55) },
    counter: "routerChecksumErrors",
    says: /Invalid VRRPv3 checksum/,
  },
];

const V2: readonly Case[] = [
  {
    of: "of version 2 with a password that nobody asked for",
    forgery: { advert: { version: 2, authentication: { type: "pass", password: "secret" } } },
    counter: "authTypeMismatch",
    says: /received a 1 auth, expecting 0!/,
  },
  {
    of: "of version 2 with another interval",
    forgery: { advert: { version: 2, advertIntervalUs: seconds(3) } },
    counter: "advIntervalErrors",
    says: /advertisement interval mismatch mine=1 sec rcv'd=3 sec/,
  },
  {
    of: "of version 3 at a version 2 router",
    forgery: {},
    counter: "routerVersionErrors",
    says: /wrong version\. Received 3 and expect 2/,
  },
];

const PASS: readonly Case[] = [
  {
    of: "with the wrong password",
    forgery: { advert: { version: 2, authentication: { type: "pass", password: "wrong" } } },
    counter: "authFailures",
    says: /received an invalid passwd!/,
  },
  {
    of: "without the password that is asked for",
    forgery: { advert: { version: 2 } },
    counter: "authTypeMismatch",
    says: /received a 0 auth, expecting 1!/,
  },
  {
    of: "with an authentication type that does not exist",
    forgery: { advert: { version: 2 }, spoil: setAuthType7 },
    counter: "invalidAuthType",
    says: /Invalid auth type: 7/,
  },
];

const PASSWORD = block("authentication", ["auth_type PASS", "auth_pass secret"]);

rejects(V3, {}, {}, VIP);
rejects(V6, { addresses: VIPS6 }, { advert: { family: "ipv6" } }, VIP6.global);
rejects(V2, { version: 2 }, { advert: { version: 2 } }, VIP);
rejects(
  PASS,
  { version: 2, lines: [PASSWORD] },
  { advert: { version: 2, authentication: { type: "pass", password: "secret" } } },
  VIP,
);

/** Each case at a master of priority 100, which the same packet, unspoilt, makes a backup. */
function rejects(cases: readonly Case[], text: RouterText, right: Forgery, vip: string): void {
  for (const { of, forgery, counter, says, stray = false } of cases) {
    labTest(`an advert ${of} is dropped, counted and named once`, async (lab) => {
      const { node, wire, host } = await besieged(lab, text);
      await until(() => holds(host, vip), "the address");
      const frame = forge(forgery);
      for (let count = 0; count < COPIES; count++) wire.inject(frame);
      const value = () => stray ? strays(node, counter) : node.counter(counter);
      assert.equal(await grown(value, COPIES), COPIES);
      const family = forgery.advert?.family ?? "ipv4";
      const named = node.said(says);
      assert.equal(named.length, 1, named.join("\n"));
      assert.ok(named[0]!.includes(FORGER[family]) || stray, named[0]);
      assert.deepEqual(node.said(/Entering BACKUP STATE:? Master/), []);
      assert.equal(holds(host, vip), true);
      wire.inject(forge(right));
      await node.saw(/Entering BACKUP STATE: Master received advert from/);
    });
  }
}

labTest("an advert from our own address is dropped, counted and named once", async (lab) => {
  const { node, wire, host } = await besieged(lab, {});
  // Without this the kernel takes such a packet for a forgery before anybody sees it.
  host.namespace.run(() => {
    Deno.writeTextFileSync("/proc/sys/net/ipv4/conf/all/accept_local", "1");
  });
  const frame = forge({ source: ip("192.0.2.1") });
  for (let count = 0; count < COPIES; count++) wire.inject(frame);
  assert.equal(await grown(() => node.counter("ownAdverts"), COPIES), COPIES);
  assert.equal(node.said(/advert from our own address 192\.0\.2\.1/).length, 1);
  assert.deepEqual(node.said(/Entering BACKUP STATE: Master/), []);
});

labTest("a flood of unknown VRIDs is counted in full and logged in part", async (lab) => {
  const { node, wire, host } = await besieged(lab, {});
  const senders = Array.from({ length: 16 }, (_, at) => ip(`192.0.2.${at + 200}`));
  for (const source of senders) {
    for (let vrid = 52; vrid <= 251; vrid++) wire.inject(forge({ advert: { vrid }, source }));
  }
  await until(() => node.said(/Unknown VRID/).length > 100, "the flood to be noticed");
  assert.equal(await grown(() => strays(node, "routerVrIdErrors"), 16 * 200), 16 * 200);
  const lines = node.said(/Unknown VRID/).length;
  assert.ok(lines <= 512, `${lines} lines about ${16 * 200} packets`);
  assert.equal(node.said(/from now on, new senders of bad packets are counted/).length, 1);
  assert.deepEqual(node.said(/Entering (BACKUP|FAULT) STATE:/), []);
  assert.equal(holds(host, VIP), true);
  wire.forget();
  await wire.sawAdvert(({ source }) => source === ip("192.0.2.1"), "adverts after the flood");
});

labTest("a master yields to its own priority from a higher address alone", async (lab) => {
  const { node, wire } = await besieged(lab, {});
  wire.forget();
  wire.inject(equal(ip("192.0.2.0")));
  await node.saw(/same priority 100 but lower IP address than ours, forcing new election/);
  assert.deepEqual(node.said(/Entering BACKUP STATE: Master/), []);
  await until(() => wire.garps(VIP).length >= 5, "a new announcement");
  wire.inject(equal(FORGER.ipv4));
  await node.saw(/Entering BACKUP STATE: .* same priority 100 but higher IP address than ours/);
});

labTest("a master answers a resignation with an advert and stays master", async (lab) => {
  const { node, wire, host } = await besieged(lab, { advertInt: 5, priority: 255 });
  wire.forget();
  wire.inject(forge({ advert: { priority: 0 } }));
  await node.saw(/Master received priority 0 message from 192\.0\.2\.66/);
  await wire.sawAdvert(({ source }) => source === ip("192.0.2.1"), "an advert at once", 4000);
  assert.equal(holds(host, VIP), true);
});

/** A master with priority 100, and a forger on its segment. */
async function besieged(
  lab: Lab,
  text: RouterText,
): Promise<{ node: Vigie; wire: Wire; host: ReturnType<Lab["host"]> }> {
  const host = lab.host("a");
  const wire = lab.listen(lab.host("forger"));
  const node = await lab.vigie(host, file([], router(text)));
  await node.saw(/Entering MASTER STATE/);
  return { node, wire, host };
}

/** Asks for a counter until it has grown so far, or time is up. @returns Its last value. */
async function grown(value: () => Promise<number>, to: number): Promise<number> {
  const deadline = performance.now() + TIMEOUT_MS;
  for (;;) {
    const now = await value();
    if (now >= to || performance.now() > deadline) return now;
  }
}

/** The value of a counter of packets that belong to no router. */
async function strays(node: Vigie, counter: string): Promise<number> {
  const line = (await node.statistics()).find((line) => /no instance on eth0/.test(line)) ?? "";
  return Number(new RegExp(`${counter} (\\d+)`).exec(line)?.[1] ?? 0);
}

function equal(source: Ip): ReturnType<typeof forge> {
  return forge({ advert: { priority: 100 }, source });
}

/** Byte 4 is the authentication type; the sum is moved along so that nothing else is wrong. */
function setAuthType7(message: Uint8Array): void {
  message[4] = 7;
  const sum = (message[6]! << 8 | message[7]!) - 0x0700;
  const wrapped = sum < 0 ? sum + 0xffff : sum;
  message[6] = wrapped >> 8;
  message[7] = wrapped & 0xff;
}
