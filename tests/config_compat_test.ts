/** Small things in which a configuration must come to what keepalived makes of it. */

import assert from "node:assert/strict";
import { type Facts, parseConfig, type VrrpInstance } from "../config/mod.ts";
import { engineParts } from "../lib/daemon/spec.ts";
import { block, router } from "./lab/config.ts";

const TWICE = router({ addresses: ["192.0.2.7/24", "192.0.2.8/24", "192.0.2.7/24 label eth0:1"] });

Deno.test("parseConfig() keeps an address that is given twice, and warns", () => {
  const { config, problems } = parseConfig(TWICE, "k.conf");
  const addresses = config.instances[0]!.virtualAddresses.map(({ address }) => address);
  assert.deepEqual(addresses, ["192.0.2.7", "192.0.2.8", "192.0.2.7"]);
  const [problem] = problems;
  assert.equal(problem!.severity, "warning");
  assert.match(
    problem!.message,
    /^\(VI_1\) 192\.0\.2\.7 is given twice: its adverts carry it twice/,
  );
});

Deno.test("engineParts() advertises an address that is given twice as often, and holds it once", () => {
  const { config } = parseConfig(TWICE, "k.conf");
  const { router, virtualAddresses } = engineParts(config, false).instances[0]!;
  assert.deepEqual(router.addresses, ["192.0.2.7", "192.0.2.8", "192.0.2.7"]);
  assert.deepEqual(virtualAddresses.map(({ address, label }) => [address, label]), [
    ["192.0.2.7", null],
    ["192.0.2.8", null],
  ]);
});

Deno.test("engineParts() holds an address once that is advertised and excluded", () => {
  const text = router({
    addresses: ["192.0.2.7/24"],
    lines: [block("virtual_ipaddress_excluded", ["192.0.2.7/24", "192.0.2.9/24"])],
  });
  const { virtualAddresses } = engineParts(parseConfig(text, "k.conf").config, false).instances[0]!;
  assert.deepEqual(virtualAddresses.map(({ address }) => address), ["192.0.2.7", "192.0.2.9"]);
});

/** How many addresses are advertised, of 300, on an interface with an MTU. */
function advertised(mtu: number, version: 2 | 3, family: "ipv4" | "ipv6"): number {
  const facts: Facts = { interfaces: [{ name: "eth0", loopback: false, mtu }] };
  const addresses = Array.from(
    { length: 300 },
    (_, at) => family === "ipv4" ? `10.0.${at >> 8}.${at & 255}/32` : `fe80::${at + 1}/64`,
  );
  const { config } = parseConfig(router({ version, addresses }), "k.conf", { facts });
  const [instance] = config.instances;
  const { virtualAddresses: own, excludedAddresses: excluded } = instance!;
  assert.equal(own.length + excluded.length, 300);
  return own.length;
}

Deno.test("parseConfig() advertises as many addresses as keepalived finds room for", () => {
  // 139 is what keepalived 2.2.7 says at this MTU; it counts the Ethernet header too.
  assert.equal(advertised(600, 3, "ipv4"), 139);
  assert.equal(advertised(600, 2, "ipv4"), 137);
  assert.equal(advertised(1500, 3, "ipv6"), 89);
  assert.equal(advertised(1500, 3, "ipv4"), 255);
});

for (const [given, used] of [[300, 253], [-300, -253], [253, 253], [-254, -253]] as const) {
  Deno.test(`parseConfig() takes the weight ${given} of a vrrp_script for ${used}`, () => {
    const script = block("vrrp_script s", ["script /usr/bin/true", `weight ${given}`]);
    const text = `${script}\n${router({ lines: [block("track_script", ["s"])] })}`;
    const { config, problems } = parseConfig(text, "k.conf");
    assert.equal(config.instances[0]!.tracks[0]!.weight, used);
    const said = problems.filter(({ message }) => message.startsWith("Cannot use"));
    assert.equal(said.length, given === used ? 0 : 1);
    for (const { severity } of said) assert.equal(severity, "error");
  });
}

/** An instance, and the severities and messages about it. */
function read(lines: readonly string[], globals: readonly string[] = [], more: string[] = []) {
  const text = [block("global_defs", globals), router({ lines }), ...more].join("\n");
  const { config, problems } = parseConfig(text, "k.conf");
  const said = problems.map(({ severity, message }) => `${severity}: ${message}`);
  return { instance: config.instances[0]!, said };
}

/** What strict mode takes back: the line, what it leaves, and by which words it says so. */
const TAKEN_BACK: readonly (readonly [
  line: string,
  left: (instance: VrrpInstance) => unknown,
  value: unknown,
  words: RegExp,
])[] = [
  ["preempt_delay 5", (one) => one.preemptDelayUs, 0, /preempt_delay is ignored in strict mode/],
  ["garp_lower_prio_repeat 3", (one) => one.lowerPriority.repeat, 0, /repeat is ignored/],
  ["garp_lower_prio_delay 3", (one) => one.lowerPriority.delayUs, 0, /delay is ignored/],
  [
    "lower_prio_no_advert no",
    (one) => one.lowerPriority.advert,
    false,
    /no_advert false is ignored/,
  ],
  ["higher_prio_send_advert", (one) => one.higherPriorityAdvert, false, /send_advert is ignored/],
  ["down_timer_adverts 5", (one) => one.protocol.downTimerAdverts, 3, /count of adverts than 3/],
  ["state MASTER\npriority 9", (one) => one.state, "BACKUP", /begins with state MASTER/],
  ["state BACKUP\npriority 255", (one) => one.state, "MASTER", /begins with state MASTER/],
];

for (const [line, left, value, words] of TAKEN_BACK) {
  const name = line.replace("\n", ", ");
  Deno.test(`parseConfig() takes "${name}" back in strict mode, and only there`, () => {
    const strict = read([line, "accept"], ["vrrp_strict"]), loose = read([line, "accept"]);
    assert.equal(left(strict.instance), value);
    assert.ok(
      strict.said.some((said) => /^error: /.test(said) && words.test(said)),
      `${strict.said}`,
    );
    assert.notEqual(left(loose.instance), value);
    assert.ok(!loose.said.some((said) => words.test(said)), `${loose.said}`);
  });
}

Deno.test("parseConfig() passes in silence over what global_defs say against strict mode", () => {
  const globals = [
    ...["vrrp_garp_lower_prio_repeat 4", "vrrp_garp_lower_prio_delay 4"],
    ...["vrrp_lower_prio_no_advert no", "vrrp_higher_prio_send_advert"],
  ];
  const { instance, said } = read(["accept"], ["vrrp_strict", ...globals]);
  assert.deepEqual(instance.lowerPriority, { repeat: 0, delayUs: 0, advert: false });
  assert.equal(instance.higherPriorityAdvert, false);
  assert.deepEqual(said, []);
  assert.equal(read(["accept"], globals).instance.lowerPriority.repeat, 4);
});

for (
  const [lines, preempt] of [
    [["nopreempt", "preempt"], true],
    [["preempt", "nopreempt"], false],
    [["nopreempt"], false],
    [["preempt"], true],
  ] as const
) {
  Deno.test(`parseConfig() reads ${lines.join(" and then ")} as keepalived`, () => {
    assert.equal(read(lines).instance.preempt, preempt);
  });
}

Deno.test("parseConfig() lets a member notify of priorities as its group does, or as it says", () => {
  const group = (...lines: string[]) => [
    block("vrrp_sync_group G", [block("group", ["VI_1", "VI_2"]), ...lines]),
    router({ name: "VI_2", vrid: 52, addresses: ["192.0.2.9/24"] }),
  ];
  const changes = (own: string[], more: string[], globals: string[] = []) =>
    read(own, globals, more).instance.notify.priorityChanges;
  assert.equal(changes([], group("notify_priority_changes")), true);
  assert.equal(changes(["notify_priority_changes no"], group("notify_priority_changes")), false);
  assert.equal(changes([], group()), false);
  assert.equal(changes([], group(), ["vrrp_notify_priority_changes"]), true);
  assert.equal(
    changes([], group("notify_priority_changes no"), ["vrrp_notify_priority_changes"]),
    false,
  );
});

Deno.test("parseConfig() leaves out an address that names two interfaces", () => {
  const text = router({ addresses: ["192.0.2.7/24 dev eth1 dev eth2", "192.0.2.8/24"] });
  const { config, problems } = parseConfig(text, "k.conf");
  assert.deepEqual(config.instances[0]!.virtualAddresses.map(({ address }) => address), [
    "192.0.2.8",
  ]);
  assert.match(problems[0]!.message, /"eth2".* must be the only interface of its address/);
});

for (
  const [line, broadcast] of [["/30 brd +", "192.0.2.7"], ["/31 brd +", null], ["/32 brd -", null]]
) {
  Deno.test(`parseConfig() reads 192.0.2.6${line} with the broadcast address ${broadcast}`, () => {
    const { config, problems } = parseConfig(router({ addresses: [`192.0.2.6${line}`] }), "k.conf");
    assert.equal(config.instances[0]!.virtualAddresses[0]!.broadcast, broadcast);
    assert.equal(problems.length, broadcast === null ? 1 : 0);
  });
}

Deno.test("parseConfig() runs a script every second that is to run every 0 seconds", () => {
  const script = block("vrrp_script s", ["script /usr/bin/true", "interval 0"]);
  const text = `${script}\n${router({ lines: [block("track_script", ["s"])] })}`;
  const { config, problems } = parseConfig(text, "k.conf");
  assert.equal(config.checks[0]!.spec.intervalUs, 1_000_000);
  assert.deepEqual(problems.map(({ message }) => message), [
    "Cannot run a script every 0 s: 1 s is used",
  ]);
});

Deno.test("parseConfig() reads no user behind the command of a vrrp_script, and warns", () => {
  const script = block("vrrp_script s", ["script /usr/bin/killall -0 haproxy"]);
  const text = `${script}\n${router({ lines: [block("track_script", ["s"])] })}`;
  const { config, problems } = parseConfig(text, "k.conf");
  const { probe } = config.checks[0]!.spec;
  assert.ok(probe.kind === "script");
  assert.deepEqual([probe.words, probe.user], [["/usr/bin/killall"], null]);
  const [problem] = problems;
  assert.equal(problem!.severity, "warning");
  assert.match(
    problem!.message,
    /^"-0" is ignored: keepalived runs \/usr\/bin\/killall without it/,
  );
  assert.match(problem!.remedy, /Quote the command .*: "\/usr\/bin\/killall \.\.\."/);
});
