import assert from "node:assert/strict";
import { type Family, ip, type Mac } from "../lib/core/address.ts";
import { type Context, factsOf as factsIn, type Host } from "../lib/engine/facts.ts";
import { micros } from "../lib/core/time.ts";
import type { InstanceSpec } from "../lib/engine/messages.ts";
import type { HostAddress, Link } from "../lib/net/links.ts";
import { CONFIG } from "./tools/clockwork.ts";

const ETH0: Link = {
  index: 2,
  name: "eth0",
  up: true,
  running: true,
  loopback: false,
  multicast: true,
  arp: true,
  mtu: 1500,
  mac: "02:00:00:00:00:01" as Mac,
};

function on(text: string, more: Partial<HostAddress> = {}): HostAddress {
  const address = ip(text), family: Family = text.includes(":") ? "ipv6" : "ipv4";
  const prefixLength = family === "ipv4" ? 24 : 64;
  return {
    index: 2,
    family,
    address,
    prefixLength,
    peer: null,
    tentative: false,
    ours: false,
    ...more,
  };
}

function host(addresses: HostAddress[], links: Link[] = [ETH0]): Host {
  return {
    byName: (name) => links.find((link) => link.name === name),
    addressesOf: (index) => addresses.filter((entry) => entry.index === index),
    holders: (address) => addresses.filter((entry) => entry.address === address),
  };
}

function spec(vip: string, more: Partial<InstanceSpec> = {}, priority = 100): InstanceSpec {
  const family: Family = vip.includes(":") ? "ipv6" : "ipv4";
  return {
    router: { ...CONFIG, family, basePriority: priority, addresses: [ip(vip)] },
    interface: "eth0",
    virtualAddresses: [{
      address: ip(vip),
      prefixLength: family === "ipv4" ? 32 : 128,
      device: null,
      vmac: null,
      scope: 0,
      label: null,
      broadcast: null,
      peer: null,
      flags: 0,
      preferredLifetimeSeconds: null,
      track: true,
    }],
    sourceAddress: null,
    trackPrimary: true,
    promoteSecondaries: false,
    routes: [],
    rules: [],
    vmacs: [],
    extraGarp: { intervalUs: micros(0), all: false },
    accept: true,
    lacksPeer: false,
    tracks: [],
    ...more,
  };
}

/** The facts of a host where no other instance is, and nothing was sent before. */
function factsOf(spec: InstanceSpec, host: Host, more: Partial<Context> = {}) {
  const virtual = new Set(spec.virtualAddresses.map(({ address }) => address));
  return factsIn(spec, host, { virtual, source: null, ...more });
}

const reasons = (spec: InstanceSpec, on: Host) =>
  factsOf(spec, on).faults.map(({ reason }) => reason);

Deno.test("factsOf() takes the first IPv4 address that is not virtual as the source", () => {
  const facts = factsOf(spec("192.0.2.100"), host([on("192.0.2.100"), on("192.0.2.1")]));
  assert.deepEqual(facts, { faults: [], source: ip("192.0.2.1"), ifindex: 2, carrier: true });
});

Deno.test("factsOf() lets only an owner send from its virtual address, and never from one vigie put there", () => {
  const owned = host([on("192.0.2.100")]);
  assert.equal(factsOf(spec("192.0.2.100", {}, 255), owned).source, ip("192.0.2.100"));
  assert.deepEqual(reasons(spec("192.0.2.100"), owned), ["no_source_address"]);
  const left = host([on("192.0.2.100", { ours: true })]);
  assert.deepEqual(reasons(spec("192.0.2.100", {}, 255), left), ["no_source_address"]);
});

Deno.test("factsOf() wants a link-local IPv6 source of the router's own that is not tentative (L3-05 L3-06 TX-06)", () => {
  const global = on("2001:db8::1"), mine = on("fe80::1"), virtual = on("fe80::51");
  const wanted = spec("fe80::51");
  assert.equal(factsOf(wanted, host([global, virtual, mine])).source, ip("fe80::1"));
  const waiting = factsOf(wanted, host([global, on("fe80::1", { tentative: true })]));
  assert.equal(waiting.source, null);
  assert.match(waiting.faults[0]!.detail, /fe80::1 of interface eth0 is still tentative/);
});

Deno.test("factsOf() says that an interface is missing, down or without carrier", () => {
  const addresses = [on("192.0.2.1")];
  assert.deepEqual(reasons(spec("192.0.2.100"), host([], [])), ["interface_missing"]);
  const down = host(addresses, [{ ...ETH0, up: false, running: false }]);
  assert.equal(factsOf(spec("192.0.2.100"), down).faults[0]!.detail, "interface eth0 is down");
  const unplugged = host(addresses, [{ ...ETH0, running: false }]);
  assert.match(factsOf(spec("192.0.2.100"), unplugged).faults[0]!.detail, /no carrier/);
});

Deno.test("factsOf() ignores the state of the interface after dont_track_primary, but not its absence", () => {
  const loose = spec("192.0.2.100", { trackPrimary: false });
  const down = host([on("192.0.2.1")], [{ ...ETH0, up: false, running: false }]);
  assert.deepEqual(reasons(loose, down), []);
  assert.deepEqual(reasons(loose, host([], [])), ["interface_missing"]);
});

Deno.test("factsOf() tracks the interface of an address elsewhere, unless no_track", () => {
  const elsewhere = (track: boolean) => {
    const base = spec("192.0.2.100");
    const entry = { ...base.virtualAddresses[0]!, device: "eth1", track };
    return { ...base, virtualAddresses: [entry] };
  };
  const one = host([on("192.0.2.1")]);
  assert.deepEqual(reasons(elsewhere(true), one), ["interface_missing"]);
  assert.deepEqual(reasons(elsewhere(false), one), []);
});

Deno.test("factsOf() needs a configured source address to be on the host, on any interface", () => {
  const wanted = spec("192.0.2.100", { sourceAddress: ip("10.0.0.1") });
  assert.deepEqual(reasons(wanted, host([on("192.0.2.1")])), ["no_source_address"]);
  const there = host([on("192.0.2.1"), on("10.0.0.1", { index: 9 })]);
  assert.equal(factsOf(wanted, there).source, ip("10.0.0.1"));
});

Deno.test("factsOf() never takes another instance's virtual address, nor one of vigie's, as the source", () => {
  const wanted = spec("fe80::51"), virtual = new Set([ip("fe80::51"), ip("fe80::52")]);
  const both = host([on("fe80::53", { ours: true }), on("fe80::52"), on("fe80::1")]);
  assert.equal(factsOf(wanted, both, { virtual }).source, ip("fe80::1"));
  const none = host([on("fe80::52"), on("fe80::53", { ours: true })]);
  assert.equal(factsOf(wanted, none, { virtual }).source, null);
});

Deno.test("factsOf() keeps the source it has while it can, whatever comes first in the list", () => {
  const two = host([on("192.0.2.2"), on("192.0.2.1")]), source = ip("192.0.2.1");
  assert.equal(factsOf(spec("192.0.2.100"), two).source, ip("192.0.2.2"));
  assert.equal(factsOf(spec("192.0.2.100"), two, { source }).source, source);
});

Deno.test("factsOf() wants a link-local source address on the instance's own interface", () => {
  const wanted = spec("fe80::51", { sourceAddress: ip("fe80::1") });
  assert.deepEqual(reasons(wanted, host([on("fe80::1", { index: 9 })])), ["no_source_address"]);
  assert.deepEqual(reasons(wanted, host([on("fe80::1", { index: 9 }), on("fe80::1")])), []);
});

Deno.test("factsOf() finds an advert too large for the interface (FMT-12)", () => {
  const many = spec("192.0.2.100");
  const addresses = Array.from({ length: 250 }, (_, at) => ip(`192.0.2.${at + 1}`));
  const wanted = { ...many, router: { ...many.router, addresses } };
  const at = (mtu: number) => host([on("192.0.2.1")], [{ ...ETH0, mtu }]);
  assert.deepEqual(reasons(wanted, at(1500)), []);
  assert.deepEqual(reasons(wanted, at(1028)), []);
  assert.deepEqual(reasons(wanted, at(1027)), ["advert_too_large"]);
});
