/** How an instance speaks VRRP: strict mode, unicast, the down timer. */

import { deepEqual, equal } from "node:assert/strict";
import { parseConfig } from "../config/mod.ts";

const FACTS = { interfaces: [{ name: "eth0", loopback: false, mtu: 1500 }] };

/** An instance with these lines, and what is said about it. */
function parsed(lines: readonly string[], globals: readonly string[] = []) {
  const text = [
    "global_defs {",
    ...globals,
    "}",
    "vrrp_instance VI_1 {",
    " interface eth0",
    " virtual_router_id 51",
    ...lines.includes("no address") ? [] : [" virtual_ipaddress {", "  10.0.0.9/24", " }"],
    ...lines.filter((line) => line !== "no address"),
    "}",
  ].join("\n");
  const { config, problems } = parseConfig(text, "test.conf", { facts: FACTS });
  return {
    instance: config.instances[0]!,
    global: config.global,
    said: problems.map(({ severity, message }) => `${severity}: ${message}`),
  };
}

Deno.test("parseConfig() takes what an instance says, else global_defs, else the RFC", () => {
  const plain = parsed([]).instance.protocol;
  deepEqual(plain, {
    strict: false,
    accept: true,
    unicastTtl: 255,
    checkUnicastSource: false,
    peerTtls: [],
    lacksPeer: false,
    downTimerAdverts: 3,
    ownerIgnoresAdverts: false,
    timerExpiredPriority: null,
  });
  const globals = [
    "vrrp_down_timer_adverts 7",
    "vrrp_check_unicast_src",
    "vrrp_owner_ignore_adverts",
    "vrrp_delay_after_boot 90.5",
  ];
  const { instance: { protocol }, global } = parsed(["priority 255"], globals);
  deepEqual(
    [protocol.downTimerAdverts, protocol.checkUnicastSource, protocol.ownerIgnoresAdverts],
    [7, true, true],
  );
  equal(global.delayAfterBootUs, 90_500_000);
  const own = parsed(["down_timer_adverts 2", "owner_ignore_adverts no", "priority 255"], globals);
  deepEqual(
    [own.instance.protocol.downTimerAdverts, own.instance.protocol.ownerIgnoresAdverts],
    [2, false],
  );
});

Deno.test("parseConfig() turns the check of senders on for peers with a TTL", () => {
  const { instance: { protocol, unicastPeers }, said } = parsed([
    "unicast_peer {",
    "10.0.0.2 min_ttl 254",
    "10.0.0.3 max_ttl 10 min_ttl 2",
    "10.0.0.4",
    "}",
  ]);
  deepEqual(said, []);
  deepEqual(unicastPeers, ["10.0.0.2", "10.0.0.3", "10.0.0.4"]);
  deepEqual(protocol.peerTtls, [
    { peer: "10.0.0.2", min: 254, max: 255 },
    { peer: "10.0.0.3", min: 2, max: 10 },
  ]);
  equal(protocol.checkUnicastSource, true);
});

for (
  const [what, line, expected] of [
    ["beyond 255", "10.0.0.2 min_ttl 256", /Cannot read "256".*must be a TTL from 0 to 255/],
    ["that is missing", "10.0.0.2 max_ttl", /a TTL from 0 to 255 is missing/],
    ["that nothing can have", "10.0.0.2 min_ttl 9 max_ttl 3", /No advert of 10\.0\.0\.2 can have/],
    ["of a word that is none", "10.0.0.2 ttl 3", /"ttl" is ignored/],
  ] as const
) {
  Deno.test(`parseConfig() keeps a peer with a TTL ${what}, and says so`, () => {
    const { instance, said } = parsed(["unicast_peer {", line, "}"]);
    deepEqual(instance.unicastPeers, ["10.0.0.2"]);
    equal(said.some((text) => expected.test(text)), true, said.join("\n"));
  });
}

Deno.test("parseConfig() makes of strict mode what keepalived makes of it", () => {
  const strict = parsed(["strict_mode"]);
  const { protocol, lowerPriority } = strict.instance;
  deepEqual([protocol.strict, protocol.accept], [true, false]);
  deepEqual(lowerPriority, { repeat: 0, delayUs: 0, advert: false });
  deepEqual(strict.said, [
    "warning: (VI_1) The virtual addresses will not answer, not even to ping: strict mode implies " +
    "no_accept",
  ]);
  const owner = parsed(["strict_mode", "priority 255"]);
  deepEqual(
    [owner.instance.protocol.accept, owner.instance.protocol.ownerIgnoresAdverts, owner.said],
    [true, true, []],
  );
  const refusing = parsed(["priority 255", "no_accept"]);
  equal(refusing.instance.protocol.accept, true, "the host would lose its own address");
  equal(parsed(["strict_mode off"], ["vrrp_strict"]).instance.protocol.strict, false);
  equal(parsed([], ["vrrp_strict"]).instance.protocol.strict, true);
});

for (
  const [what, lines, expected] of [
    ["accept in version 2", ["accept"], /^error: .*accept is ignored/],
    [
      "state MASTER for no owner",
      ["state MASTER", "priority 100"],
      /^error: .*and nobody else begins with state MASTER/,
    ],
    ["unicast", ["unicast_peer {", "10.0.0.2", "}"], /^warning: .*Unicast is no part of the RFCs/],
  ] as const
) {
  Deno.test(`parseConfig() remarks ${what} in strict mode`, () => {
    const { said } = parsed(["strict_mode", ...lines]);
    equal(said.some((text) => expected.test(text)), true, said.join("\n"));
  });
}

Deno.test("parseConfig() lets a strict router of version 3 accept packets if it says so", () => {
  const { instance, said } = parsed(["strict_mode", "version 3", "accept"]);
  deepEqual([instance.protocol.accept, said], [true, []]);
});

for (
  const [what, lines, expected] of [
    ["unicast_ttl without peers", ["unicast_ttl 9"], /unicast_ttl has no effect/],
    [
      "a TTL of 0",
      ["unicast_ttl 0", "unicast_peer {", "10.0.0.2", "}"],
      /No advert could leave with TTL 0: 255 is used/,
    ],
    ["timer_expired_backup without nopreempt", ["timer_expired_backup"], /without nopreempt/],
    ["accept beside no_accept", ["accept", "no_accept"], /Both accept and no_accept/],
    ["no_accept of an owner", ["priority 255", "no_accept"], /no_accept has no effect: an owner/],
  ] as const
) {
  Deno.test(`parseConfig() says what becomes of ${what}`, () => {
    const { said } = parsed(lines);
    equal(said.some((text) => expected.test(text)), true, said.join("\n"));
  });
}

Deno.test("parseConfig() reads timer_expired_backup with and without a priority", () => {
  const read = (line: string) => parsed(["nopreempt", line]).instance.protocol.timerExpiredPriority;
  deepEqual(
    [
      read("timer_expired_backup"),
      read("timer_expired_backup 150"),
      read("thread_timer_expired 9"),
    ],
    [254, 150, 9],
  );
});

Deno.test("parseConfig() announces once with vrrp_min_garp, unless somebody says more", () => {
  const { announce, lowerPriority } = parsed([], ["vrrp_min_garp"]).instance;
  deepEqual([announce.repeat, announce.delayUs, lowerPriority.repeat], [1, 0, 1]);
  const own = parsed(["garp_master_repeat 4"], ["vrrp_min_garp", "vrrp_garp_master_delay 2"]);
  deepEqual([own.instance.announce.repeat, own.instance.announce.delayUs], [4, 2_000_000]);
});

Deno.test("parseConfig() sums as old keepalived for unicast only", () => {
  const form = (...lines: string[]) => parsed(lines).instance.checksumForm;
  const peers = ["unicast_peer {", "10.0.0.2", "}"];
  equal(form("old_unicast_checksum", ...peers), "old-unicast");
  equal(form("old_unicast_checksum never", ...peers), "pseudo-header");
  equal(form("old_unicast_checksum"), "pseudo-header");
});
