import assert from "node:assert/strict";
import fc from "fast-check";
import { parseConfig } from "../config/mod.ts";
import type { Facts } from "../config/mod.ts";
import { ROUTE_OPTIONS } from "../config/route_entry.ts";
import { RULE_OPTIONS } from "../config/rule_entry.ts";
import type { RouteEntry, RuleEntry } from "../lib/core/route_entry.ts";
import { RARE_ROUTE_LINES, ROUTE_LINES, RULE_LINES } from "./tools/route_lines.ts";

type Block = "virtual_routes" | "virtual_rules";

function parse(block: Block, lines: readonly string[], facts?: Facts, globals = "") {
  const text = `global_defs {\n${globals}\n}\nvrrp_instance V {\ninterface eth0\n` +
    `virtual_router_id 1\nvirtual_ipaddress {\n192.0.2.1\n}\n${block} {\n${lines.join("\n")}\n}\n}`;
  const { config, problems } = parseConfig(text, "x", facts === undefined ? {} : { facts });
  return { instance: config.instances[0]!, problems };
}

/** The one route of a line, and what is said about it. */
function route(line: string, facts?: Facts): { entry: RouteEntry | undefined; said: string[] } {
  const { instance, problems } = parse("virtual_routes", [line], facts);
  return { entry: instance.routes[0], said: problems.map(({ message }) => message) };
}

function rule(line: string, facts?: Facts): { entry: RuleEntry | undefined; said: string[] } {
  const { instance, problems } = parse("virtual_rules", [line], facts);
  return { entry: instance.rules[0], said: problems.map(({ message }) => message) };
}

Deno.test("every line that keepalived makes a route or a rule of is one", () => {
  const routes = [...ROUTE_LINES, ...RARE_ROUTE_LINES];
  assert.equal(parse("virtual_routes", routes).instance.routes.length, routes.length);
  assert.equal(parse("virtual_rules", RULE_LINES).instance.rules.length, RULE_LINES.length);
});

Deno.test("a route is complete, with keepalived's defaults", () => {
  assert.deepEqual(route("198.18.0.0/24 via 192.0.2.2 dev eth1"), {
    entry: {
      text: "198.18.0.0/24 via 192.0.2.2 dev eth1",
      family: "ipv4",
      mode: "add",
      type: 1,
      destination: { address: "198.18.0.0", length: 24 },
      from: null,
      tos: 0,
      table: 254,
      protocol: 18,
      scope: 0,
      metric: null,
      source: null,
      expiresSeconds: null,
      preference: null,
      ttlPropagate: null,
      metrics: [],
      lock: 0,
      congestion: null,
      nextHops: [{
        gateway: "192.0.2.2",
        device: "eth1",
        weight: 1,
        onLink: false,
        realms: null,
        encap: null,
      }],
      track: true,
    },
    said: [],
  });
});

/** What one word changes in the record. */
const ROUTES: readonly [line: string, expected: Partial<RouteEntry>][] = [
  ["default dev eth0", { family: "ipv4", destination: { address: "0.0.0.0" as never, length: 0 } }],
  ["inet6 default dev eth0", {
    family: "ipv6",
    destination: { address: "::" as never, length: 0 },
  }],
  ["default via fe80::1 dev eth0", { family: "ipv6" }],
  ["to blackhole 198.18.0.0/24", { type: 6, nextHops: [] }],
  ["local 198.18.0.0/24 dev lo", { type: 2, scope: 254 }],
  ["broadcast 198.18.0.255 dev eth0", { type: 3, scope: 253 }],
  ["198.18.0.0/24 dev eth0 table local scope link", { table: 255, scope: 253 }],
  ["198.18.0.0/24 dev eth0 protocol bgp no_track", { protocol: 186, track: false }],
  ["198.18.0.0/24 dev eth0 rtt 300ms rto_min lock 1s", {
    metrics: [{ kind: 4, value: 2400 }, { kind: 13, value: 1000 }],
    lock: 1 << 13,
  }],
  ["198.18.0.0/24 dev eth0 mtu 1400 mtu lock 1300", {
    metrics: [{ kind: 2, value: 1300 }],
    lock: 4,
  }],
  ["2001:db8::/64 dev eth0 expires 9 pref low", { expiresSeconds: 9, preference: 3 }],
  ["append 198.18.0.0/24 dev eth0", { mode: "append" }],
];

for (const [line, expected] of ROUTES) {
  Deno.test(`the route "${line}" is read`, () => {
    const { entry, said } = route(line);
    assert.deepEqual(said, []);
    const { ...all } = entry!;
    for (const [key, value] of Object.entries(expected)) {
      assert.deepEqual(all[key as keyof RouteEntry], value, key);
    }
  });
}

Deno.test("realms and next hops are read with what belongs to each", () => {
  const line = "198.18.0.0/24 nexthop via 192.0.2.2 weight 256 realms 1/2 nexthop dev eth1 onlink";
  const hops = route(line).entry!.nextHops;
  assert.deepEqual(
    hops.map((
      { gateway, device, weight, realms, onLink },
    ) => [gateway, device, weight, realms, onLink]),
    [["192.0.2.2", null, 256, 0x1_0002, false], [null, "eth1", 1, null, true]],
  );
});

Deno.test("an IPv4 route may lead over an IPv6 gateway, not the reverse", () => {
  assert.equal(
    route("198.18.0.0/24 via inet6 fe80::1 dev eth0").entry!.nextHops[0]!.gateway,
    "fe80::1",
  );
  assert.match(route("2001:db8::/64 via 192.0.2.1").said.join(), /Cannot mix IPv4 and IPv6: 192/);
  assert.match(route("198.18.0.0/24 via inet6 192.0.2.1").said.join(), /must be an IPv6 address/);
});

/** Lines that make no route, or another than they say. */
const BAD_ROUTES: readonly [line: string, said: RegExp, isUsed?: true][] = [
  ["via 192.0.2.1", /has no destination/],
  ["198.18.0.0/24", /leads nowhere/],
  ["198.18.0.1/24 dev eth0", /has bits beyond its 24/],
  ["198.18.0.0/24 dev eth0 nonsense", /Unknown word "nonsense"/],
  ["198.18.0.0/24 via", /an IP address is missing behind "via"/],
  ["198.18.0.0/24 via 192.0.2.1/24", /must be an IP address without a prefix/],
  ["198.18.0.0/24 dev eth0 weight 0", /from 1 to 256/],
  ["198.18.0.0/24 dev eth0 mtu x", /from 0 to 4294967295/],
  ["198.18.0.0/24 dev eth0 table nowhere", /a name of rt_tables/],
  ["198.18.0.0/24 dev eth0 protocol 256 no_track", /a name of rt_protos/],
  ["198.18.0.0/24 dev eth0 rtt 2.5", /must be a time/],
  ["198.18.0.0/24 dev eth0 features dsack", /one of ecn/],
  ["198.18.0.0/24 dev eth0 encap ila 1:2:3:4", /known, not active yet/],
  ["198.18.0.0/24 dev eth0 encap mpls 1048576", /labels from 0 to 1048575/],
  ["198.18.0.0/24 dev eth0 vrf red", /"vrf" is known, not active yet/],
  ["198.18.0.0/24 from 198.18.1.0/24 dev eth0", /"from" is for IPv6 routes only/],
  ["nat 198.18.0.0/24 via 192.0.2.1", /no nat routes/],
  ["198.18.0.0/33 dev eth0", /must be a whole number from 0 to 32/, true],
  ["198.18.0.0/24 dev eth0 rtt 10ms", /less than 200 ms/, true],
  ["198.18.0.0/24 dev eth0 as to 192.0.2.9", /MPLS routes only/, true],
  ["198.18.0.0/24 dev eth0 track_group G", /for static entries only/, true],
  ["198.18.0.0/24 gw 192.0.2.1", /old spelling of "via"/, true],
  ["198.18.0.0/24 dev eth0 protocol static", /protocol is keepalived \(18\)/, true],
  ["default6 dev eth0", /old spelling/, true],
];

for (const [line, said, isUsed] of BAD_ROUTES) {
  Deno.test(`the route "${line}" is ${isUsed ? "used" : "left out"}, and it is said why`, () => {
    const found = route(line);
    assert.match(found.said.join("\n"), said);
    assert.match(found.said.join("\n"), /^\(V\) /, "whose it is");
    assert.equal(found.entry !== undefined, isUsed === true);
  });
}

const RULES: readonly [line: string, expected: Partial<RuleEntry>][] = [
  ["from 198.18.0.0/24 table main preference 7", { table: 254, preference: 7, action: 1 }],
  ["inet6 table 7 order 7", { family: "ipv6", table: 7 }],
  ["not to 2001:db8::/32 blackhole priority 7", { family: "ipv6", invert: true, action: 6 }],
  ["fwmark 0xff/0x0f table 1 preference 7", { mark: 255, markMask: 15 }],
  ["type goto 9 preference 7", { action: 2, goto: 9 }],
  ["sport 80 dport 1-2 table 1 preference 7", {
    sourcePorts: { low: 80, high: 80 },
    destinationPorts: { low: 1, high: 2 },
  }],
  ["l3mdev preference 7", { l3mdev: true, action: 1, table: null }],
  ["tunnel-id 0xffffffffffffffff table 1 preference 7", { tunnelId: "18446744073709551615" }],
];

for (const [line, expected] of RULES) {
  Deno.test(`the rule "${line}" is read`, () => {
    const { entry, said } = rule(line);
    assert.deepEqual(said, []);
    const { ...all } = entry!;
    for (const [key, value] of Object.entries(expected)) {
      assert.deepEqual(all[key as keyof RuleEntry], value, key);
    }
  });
}

const BAD_RULES: readonly [line: string, said: RegExp][] = [
  ["from 198.18.0.0/24 preference 7", /says nothing to do/],
  ["goto 5 preference 7", /cannot go back to 5/],
  ["table", /a routing table.* is missing behind "table"/],
  ["ip_proto tcp table 1", /keyword is "ipproto"/],
  ["ipproto nonsense table 1", /or icmp, /],
  ["uidrange 9-3 table 1", /LOW-HIGH/],
  ["sport 65536 table 1", /LOW-HIGH, from 0 to 65535/],
  ["fwmark 4294967296 table 1", /a mark of 32 bits/],
  ["from 198.18.0.0/24 to 2001:db8::/32 table 1", /Cannot mix/],
  ["tunnel-id 18446744073709551616 table 1", /64 bits/],
];

for (const [line, said] of BAD_RULES) {
  Deno.test(`the rule "${line}" is left out, and it is said why`, () => {
    const found = rule(line);
    assert.match(found.said.join("\n"), said);
    assert.equal(found.entry, undefined);
  });
}

Deno.test("rules without a preference count down from 16384, each family for itself, over all blocks", () => {
  const instance = (name: string, vrid: number, lines: string) =>
    `vrrp_instance ${name} {\ninterface eth0\nvirtual_router_id ${vrid}\nvirtual_ipaddress {\n` +
    `192.0.2.${vrid}\n}\nvirtual_rules {\n${lines}\n}\n}\n`;
  const { config, problems } = parseConfig(
    instance("A", 1, "table 1\ninet6 table 1\nbad\ntable 2 preference 5") +
      "static_rules {\nfrom 198.18.0.0/24 table 9\n}\n" + instance("B", 2, "table 3"),
    "x",
  );
  const preferences = config.instances.map(({ rules }) =>
    rules.map(({ preference }) => preference)
  );
  assert.deepEqual(preferences, [[16384, 16384, 5], [16382]]);
  assert.equal(config.statics.rules[0]!.entry.preference, 16383);
  assert.equal(problems.filter(({ message }) => /has no preference/.test(message)).length, 4);
});

Deno.test("names are asked of the machine, with the folders of the file", () => {
  const asked: unknown[] = [];
  const inspect = {
    routingName: (...all: unknown[]) => (asked.push(all), all[1] === "red" ? 77 : null),
  };
  const facts = {
    interfaces: [{ name: "eth0", loopback: false, mtu: 1500 }],
    inspect,
  } as unknown as Facts;
  const globals = "iproute_etc_dir /etc/other";
  const { instance } = parse(
    "virtual_routes",
    ["198.18.0.0/24 dev eth0 table red"],
    facts,
    globals,
  );
  assert.equal(instance.routes[0]!.table, 77);
  assert.deepEqual(asked, [["table", "red", { usr: null, etc: "/etc/other" }]]);
});

Deno.test("an interface that is missing is fatal, but for dynamic_interfaces", () => {
  const facts: Facts = { interfaces: [{ name: "eth0", loopback: false, mtu: 1500 }] };
  const severities = (globals: string) =>
    (["virtual_routes", "virtual_rules"] as const).flatMap((block) => {
      const line = block === "virtual_routes"
        ? "198.18.0.0/24 dev eth7"
        : "iif eth7 table 1 preference 3";
      return parse(block, [line], facts, globals).problems
        .filter(({ message }) => message.includes('"eth7"')).map(({ severity }) => severity);
    });
  assert.deepEqual(severities(""), ["fatal", "fatal"]);
  assert.deepEqual(severities("dynamic_interfaces"), ["warning", "warning"]);
});

Deno.test("static entries know their interface and the instances that depend on them", () => {
  const text = `global_defs {\ndefault_interface eth5\n}
static_ipaddress {\n192.0.2.7/24 track_group G\n192.0.2.8 dev eth1\n}
static_routes {\n198.18.0.0/24 dev eth1 track_group NONE\n}
track_group G {\ngroup {\nV\nnobody\n}\n}
vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n192.0.2.1\n}\n}`;
  const { config: { statics }, problems } = parseConfig(text, "x");
  const addresses = statics.addresses.map(({ entry, trackGroup }) => [entry.device, trackGroup]);
  assert.deepEqual(addresses, [["eth5", "G"], ["eth1", null]]);
  assert.deepEqual(statics.groups, [{ name: "G", members: ["V"] }]);
  assert.equal(statics.routes[0]!.trackGroup, null);
  assert.ok(problems.some(({ message }) => /There is no track_group "NONE"/.test(message)));
});

/** Words of the language, values, and words that it does not have. */
function words(options: readonly string[]): fc.Arbitrary<string> {
  const values =
    "0 1 7 256 4294967296 0x10 3/4 1-2 2-1 10ms 1.5s lock eth0 main ecn mpls ip ip6 id dst " +
    "10.0.0.0/8 10.0.0.1 ::/0 2001:db8::/32 fe80::1 default default6 tcp __proto__ constructor 1e9 -1";
  return fc.array(
    fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...options) },
      { weight: 5, arbitrary: fc.constantFrom(...values.split(" ")) },
      { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 8 }) },
    ),
    { minLength: 1, maxLength: 14 },
  ).map((list) => list.join(" "));
}

Deno.test("any words make a sound route or rule, or are reported", () => {
  const isSound = (block: Block) => (line: string) => {
    // Without what means something to the language around it.
    const kept = line.replace(/[{}"'#!@~$&\\\n\r]/g, "");
    if (kept.trim() === "") return;
    const { instance, problems } = parse(block, [kept]);
    const made = [...instance.routes, ...instance.rules];
    assert.ok(made.length === 1 || problems.length > 0);
    // It crosses to the engine as JSON.
    assert.deepEqual(JSON.parse(JSON.stringify(made)), made);
    for (const entry of instance.routes) {
      assert.ok(entry.table > 0 && entry.table <= 0xffff_ffff);
      assert.ok(entry.lock >= 0 && entry.tos <= 255 && entry.protocol <= 255);
      assert.ok(entry.nextHops.every(({ weight }) => weight >= 1 && weight <= 256));
    }
    for (const { preference, action } of instance.rules) {
      assert.ok(preference >= 0 && action > 0);
    }
  };
  fc.assert(fc.property(words(ROUTE_OPTIONS), isSound("virtual_routes")), { numRuns: 1500 });
  fc.assert(fc.property(words(RULE_OPTIONS), isSound("virtual_rules")), { numRuns: 1500 });
});
