import { deepEqual, equal, match, ok } from "node:assert/strict";
import { parseConfig } from "../config/mod.ts";
import type { VirtualAddress } from "../lib/core/virtual_address.ts";
import { vmacNames } from "../lib/core/vmac.ts";

/** An instance with VRID 51 on eth0, of one address. */
function text(lines: string, { globals = "", vip = "192.0.2.100/24", vrid = 51, name = "V" } = {}) {
  return `global_defs {\n${globals}\n}\nvrrp_instance ${name} {\n interface eth0\n` +
    ` virtual_router_id ${vrid}\n${lines}\n virtual_ipaddress {\n${vip}\n}\n}\n`;
}

function parse(lines: string, more: Parameters<typeof text>[1] = {}) {
  const { config, problems } = parseConfig(text(lines, more), "f");
  return { instance: config.instances[0]!, messages: problems.map(({ message }) => message) };
}

/** What is known of the only link. */
function link(lines: string, more: Parameters<typeof text>[1] = {}) {
  const { instance: { vmacs }, messages } = parse(lines, more);
  equal(vmacs.length, 1);
  return { ...vmacs[0]!, messages };
}

Deno.test("use_vmac makes a macvlan that is called after the VRID and has the MAC of the RFC", () => {
  const { messages, ...spec } = link("use_vmac");
  deepEqual(messages, []);
  deepEqual(spec, {
    parent: "eth0",
    name: "vrrp.51",
    isNamed: false,
    group: null,
    family: "ipv4",
    needsIpv6: false,
    adverts: "sent",
    link: { kind: "macvlan", mac: "00:00:5e:00:01:33" },
  });
});

Deno.test("use_vmac over IPv6 has the other block of the RFC", () => {
  const { link: made, needsIpv6 } = link("use_vmac", { vip: "fe80::100/64" });
  deepEqual(made, { kind: "macvlan", mac: "00:00:5e:00:02:33" });
  equal(needsIpv6, true);
});

for (
  const [words, expected] of [
    ["vmac0", { name: "vmac0", isNamed: true }],
    ["name vmac0", { name: "vmac0", isNamed: true }],
    ["group 7", { group: 7 }],
    ["group default", { group: 0 }],
    ["netlink_notify_msg", { name: "vrrp.51", isNamed: false }],
    ["02:00:00:00:01", { link: { kind: "macvlan", mac: "02:00:00:00:01:33" } }],
    ["vmac0 2:0:0:0:1:AB group 7", {
      name: "vmac0",
      group: 7,
      link: { kind: "macvlan", mac: "02:00:00:00:01:ab" },
    }],
  ] as const
) {
  Deno.test(`use_vmac reads "${words}"`, () => {
    const found = link(`use_vmac ${words}`);
    deepEqual(found.messages, []);
    for (const [key, value] of Object.entries(expected)) {
      deepEqual(found[key as keyof typeof expected], value);
    }
  });
}

for (
  const [words, message] of [
    ["abcdefghijklmnop", /abcdefghijklmnop.*at most 15 characters/],
    ["01:00:00:00:00:01", /01:00:00:00:00:01.*not a multicast one/],
    ["00:00:5e:00:01:07", /not one of 00:00:5e:00:01/],
    ["00:00:5e:00:02", /not one of 00:00:5e:00:01/],
    ["00:00:00:00:00:00", /must be a MAC/],
    ["02:00:00:00", /must be a MAC/],
    ["02:00:00:00:00:zz", /must be a MAC/],
    ["group red", /"red".*must be a number/],
    ["group", /number of an interface group is missing/],
    ["eth0", /"eth0" is the interface itself/],
  ] as const
) {
  Deno.test(`use_vmac refuses "${words}" and is used all the same`, () => {
    const { messages, name, link: made } = link(`use_vmac ${words}`);
    equal(name, "vrrp.51");
    deepEqual(made, { kind: "macvlan", mac: "00:00:5e:00:01:33" });
    ok(messages.some((one) => message.test(one)), messages.join("\n"));
  });
}

Deno.test("vmac_prefix begins the names of links, vmac_addr_prefix those of single addresses", () => {
  const globals = "vmac_prefix up\nvmac_addr_prefix one";
  const { instance: { vmacs } } = parse("use_vmac", {
    globals,
    vip: "192.0.2.100/24\n198.51.100.1 dev eth1 use_vmac",
  });
  deepEqual(vmacs.map(({ name }) => name), ["up.51", "one.51"]);
});

Deno.test("vmac_prefix that leaves no room for the VRID is reported and not used", () => {
  const { name, messages } = link("use_vmac", { globals: "vmac_prefix abcdefghijklm" });
  equal(name, "vrrp.51");
  match(messages[0]!, /"abcdefghijklm\.51" is no name for an interface/);
});

Deno.test("a name that is taken has others, for IPv6 one with a 6 first", () => {
  const four = link("use_vmac"), six = link("use_vmac", { vip: "fe80::1/64" });
  deepEqual(vmacNames(four).slice(0, 3), ["vrrp.51", "vrrp1.51", "vrrp2.51"]);
  deepEqual(vmacNames(six).slice(0, 3), ["vrrp.51", "vrrp6.51", "vrrp1.51"]);
  equal(new Set(vmacNames(six)).size, vmacNames(six).length);
  deepEqual(vmacNames(link("use_vmac mine")), ["mine"]);
  const tight = link("use_vmac", { globals: "vmac_prefix abcdefghijkl" });
  deepEqual(vmacNames(tight), ["abcdefghijkl.51"], "at most 15 characters");
});

Deno.test("addresses go on the link but for those of other interfaces and of the other family", () => {
  const { instance, messages } = parse(
    "use_vmac\nvirtual_ipaddress_excluded {\n2001:db8::1/64\n192.0.2.101 dev eth0\n}",
    { vip: "192.0.2.100/24\n198.51.100.1 dev eth1" },
  );
  deepEqual(messages, []);
  equal(instance.vmacs.length, 1);
  deepEqual(instance.virtualAddresses.map(({ vmac }) => vmac), [0, null]);
  deepEqual(instance.excludedAddresses.map(({ vmac }) => vmac), [null, 0]);
});

Deno.test("use_vmac_addr gives links to the rest, one for each interface and family", () => {
  const { instance } = parse(
    "use_vmac\nuse_vmac_addr\nvirtual_ipaddress_excluded {\n2001:db8::1/64\n2001:db8::2/64\n}",
    { vip: "192.0.2.100/24\n198.51.100.1 dev eth1\n198.51.100.2 dev eth1" },
  );
  deepEqual(
    instance.vmacs.map(({ parent, family, adverts }) => [parent, family, adverts]),
    [["eth0", "ipv4", "sent"], ["eth1", "ipv4", "none"], ["eth0", "ipv6", "none"]],
  );
  deepEqual(instance.virtualAddresses.map(({ vmac }) => vmac), [0, 1, 1]);
  deepEqual(instance.excludedAddresses.map(({ vmac }) => vmac), [2, 2]);
});

Deno.test("use_vmac_addr without use_vmac leaves the instance's own interface alone", () => {
  const { instance } = parse("use_vmac_addr", { vip: "192.0.2.100/24\n198.51.100.1 dev eth1" });
  deepEqual(instance.virtualAddresses.map(({ vmac }) => vmac), [null, 0]);
});

Deno.test("use_vmac behind an address gives that one a link", () => {
  const { instance, messages } = parse("", { vip: "192.0.2.100/24 use_vmac\n192.0.2.101/24" });
  deepEqual(messages, []);
  deepEqual(instance.virtualAddresses.map(({ vmac }) => vmac), [0, null]);
  equal(instance.vmacs[0]!.adverts, "none");
  equal("useVmac" in instance.virtualAddresses[0]!, false);
});

Deno.test("vmac_xmit_base: adverts leave from the interface, and are heard on both", () => {
  equal(link("use_vmac\nvmac_xmit_base").adverts, "heard");
});

Deno.test("unicast turns vmac_xmit_base on, and says so unless it is written", () => {
  const peers = "unicast_peer {\n192.0.2.2\n}";
  const { adverts, messages } = link(`use_vmac\n${peers}`);
  equal(adverts, "none");
  match(messages[0]!, /vmac_xmit_base is turned on/);
  deepEqual(link(`use_vmac\nvmac_xmit_base\n${peers}`).messages, []);
});

Deno.test("use_ipvlan reads its address and mode", () => {
  const { link: made, name, messages } = link("use_ipvlan ipv0 192.0.2.9/24 vepa group 3");
  deepEqual(messages, []);
  equal(name, "ipv0");
  deepEqual(made, {
    kind: "ipvlan",
    flag: "vepa",
    address: { address: "192.0.2.9", prefixLength: 24 },
  });
  equal(parse("use_ipvlan 192.0.2.9/24").instance.sourceAddress, "192.0.2.9");
  equal(
    parse("use_ipvlan 192.0.2.9/24\nmcast_src_ip 192.0.2.7").instance.sourceAddress,
    "192.0.2.7",
  );
  equal(parse("use_ipvlan 192.0.2.9/24\nvmac_xmit_base").instance.sourceAddress, null);
  match(link("use_ipvlan 192.0.2.9/33").messages[0]!, /192\.0\.2\.9\/33.*must be an IP address/);
  match(link("use_ipvlan").messages[0]!, /only its own address tells them apart/);
});

for (
  const [lines, message] of [
    ["use_vmac\nuse_ipvlan 192.0.2.9", /use_ipvlan is ignored/],
    ["use_ipvlan 192.0.2.9\nuse_vmac_addr", /use_vmac_addr is ignored/],
    ["vmac_xmit_base", /vmac_xmit_base has no effect without use_vmac/],
  ] as const
) {
  Deno.test(`${lines.replaceAll("\n", " with ")} is reported`, () => {
    const { messages } = parse(lines);
    equal(messages.length, 1);
    match(messages[0]!, message);
  });
}

Deno.test("use_vmac without an interface is reported and ignored", () => {
  const unicast = "unicast_src_ip 192.0.2.1\nunicast_peer {\n192.0.2.2\n}\nuse_vmac";
  const { config, problems } = parseConfig(
    `vrrp_instance V {\nvirtual_router_id 1\n${unicast}\nvirtual_ipaddress {\n192.0.2.9\n}\n}`,
    "f",
  );
  deepEqual(config.instances[0]!.vmacs, []);
  ok(problems.some(({ message }) => /without an interface/.test(message)));
});

Deno.test("two instances may not have one name, nor one MAC on one interface", () => {
  const twice = text("use_vmac same") +
    text("use_vmac same", { vrid: 52, name: "W", vip: "192.0.2.8" });
  const named = parseConfig(twice, "f").problems.map(({ message }) => message);
  equal(named.length, 1);
  match(named[0]!, /\(W\) Cannot name a link "same": that is the link of V/);
  const shared = text("use_vmac\nuse_vmac_addr\nvirtual_ipaddress_excluded {\n2001:db8::1/64\n}") +
    text("use_vmac", { name: "W", vip: "fe80::1/64" });
  const macs = parseConfig(shared, "f").problems.map(({ message }) => message);
  equal(macs.length, 1);
  match(macs[0]!, /\(W\) The MAC 00:00:5e:00:02:33 is used on eth0 by V already/);
});

Deno.test("garp_extra_if: own value, global one, old spellings, 0 for none", () => {
  const read = (lines: string, globals = "") => parse(lines, { globals });
  deepEqual(read("").instance.extraGarp, { intervalUs: 0, all: false });
  deepEqual(read("garp_extra_if all 100").instance.extraGarp, { intervalUs: 1e8, all: true });
  deepEqual(read("", "vrrp_garp_extra_if 60").instance.extraGarp, { intervalUs: 6e7, all: false });
  const off = read("garp_extra_if 0", "vrrp_garp_extra_if 60");
  deepEqual(off.instance.extraGarp, { intervalUs: 0, all: false });
  const old = read("vmac_garp_intvl all 5");
  deepEqual(old.instance.extraGarp, { intervalUs: 5e6, all: true });
  match(old.messages[0]!, /"vmac_garp_intvl" is an old spelling of "garp_extra_if"/);
  equal(read("", "vrrp_vmac_garp_intvl 5").instance.extraGarp.intervalUs, 5e6);
  match(read("garp_extra_if 86401").messages[0]!, /86401.*0 to 86400/);
});

Deno.test("what is on a link that an instance makes need not wait for it", () => {
  const lines = `use_vmac
    virtual_routes {\n 198.18.0.0/16 dev vrrp.51\n }
    track_interface {\n vrrp.51\n }`;
  const facts = { interfaces: [{ name: "eth0", loopback: false, mtu: 1500 }] };
  const vip = "192.0.2.100/24 dev vrrp.51";
  const { config, problems } = parseConfig(
    text(lines, { globals: "dynamic_interfaces", vip }),
    "f",
    { facts },
  );
  deepEqual(problems, []);
  const [{ device, vmac }] = config.instances[0]!.virtualAddresses as [VirtualAddress];
  deepEqual({ device, vmac }, { device: null, vmac: 0 }, "on the link, whatever it is called");
  const alone = parseConfig(text(lines, { vip }), "f", { facts }).problems;
  deepEqual(alone.map(({ severity }) => severity), ["fatal", "fatal", "fatal"], "as keepalived");
});
