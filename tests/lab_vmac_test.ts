/** Virtual routers with a MAC of their own, in namespaces: who answers for which address, and what stays. */

import assert from "node:assert/strict";
import { IFF } from "../ffi/constants.ts";
import { addLink, deleteLink, MACVLAN_MODE, setLink } from "../ffi/rtnetlink.ts";
import { macBytes } from "../lib/core/address.ts";
import { indexOf, within } from "../lib/net/topology.ts";
import { addressOn, giveAddress, heldBy, holds } from "./lab/addresses.ts";
import { block, file, router, VIP, VIP6, VIPS6 } from "./lab/config.ts";
import { KEEPALIVED } from "./lab/keepalived.ts";
import { labTest, peerTest } from "./lab/lab.ts";
import { answered, Pings } from "./lab/pings.ts";
import { startReloading } from "./lab/reloads.ts";
import { rivalry } from "./lab/rivalry.ts";
import { never, until } from "./lab/until.ts";
import { ipCommand, routesOf } from "./lab/routing.ts";
import { runVigie } from "./lab/vigie.ts";
import {
  answerers,
  learned,
  macvlanNames,
  macvlans,
  set,
  settingsOf,
  VMAC4,
  VMAC6,
} from "./lab/vmacs.ts";

const LINES = ["use_vmac"];

labTest("every address is answered by its own MAC, on master and backup alike", async (lab) => {
  const [a, b] = lab.pair(), client = lab.host("c"), wire = lab.listen(client);
  const plain = settingsOf(a, "eth0");
  const master = await lab.vigie(a, router({ priority: 150, lines: LINES }));
  const backup = await lab.vigie(b, router({ priority: 100, lines: LINES }));
  await heldBy(a, [a, b], VIP);
  assert.equal(addressOn(a, VIP)!.device, "vrrp.51");
  for (const host of [a, b]) {
    const [link] = macvlans(host);
    assert.equal(link!.name, "vrrp.51");
    assert.equal(link!.macvlanMode, MACVLAN_MODE.PRIVATE);
    assert.deepEqual(link!.mac, macBytes(VMAC4));
    const isUp = (link!.flags & IFF.UP) !== 0;
    assert.equal(isUp, host === a, "a backup's is down: it neither answers nor is learned");
    assert.match(settingsOf(host, "eth0"), /arp_ignore=1 arp_filter=1/);
    assert.match(settingsOf(host, "vrrp.51"), /arp_ignore=1 .* rp_filter=0 accept_local=1/);
  }
  using pings = new Pings(client);
  for (const address of [VIP, "192.0.2.1", "192.0.2.2"]) answered(pings, address);
  assert.deepEqual(answerers(wire, VIP), [VMAC4]);
  for (const host of [a, b]) {
    const own = host === a ? "192.0.2.1" : "192.0.2.2";
    // Who was asked by it knows already, and need not ask.
    assert.equal(learned(client, own), host.mac);
    assert.ok(answerers(wire, own).every((mac) => mac === host.mac));
  }
  const asked = wire.frames.filter((frame) => frame.kind === "arp" && frame.senderIp === VIP)
    .filter(({ from }) => from !== VMAC4);
  assert.deepEqual(asked, [], "nobody speaks ARP in the name of the address with another MAC");
  assert.ok(wire.adverts().every(({ from }) => from === VMAC4));
  assert.ok(wire.adverts().some(({ source }) => source === "192.0.2.1"));
  assert.ok(wire.garps(VIP).length > 0 && wire.garps(VIP).every(({ from }) => from === VMAC4));
  using own = new Pings(a), other = new Pings(b);
  answered(own, VIP);
  answered(other, VIP);
  assert.equal(await master.stop(), 0);
  await heldBy(b, [a, b], VIP);
  assert.deepEqual(macvlanNames(a), []);
  assert.equal(settingsOf(a, "eth0"), plain, "the parent is as it was");
  answered(pings, VIP);
  assert.deepEqual(answerers(wire, VIP), [VMAC4]);
  assert.equal(await backup.stop(), 0);
  assert.equal(settingsOf(b, "eth0"), plain);
});

labTest(
  "over a failover the client's ARP entry holds, and the old master is reachable",
  async (lab) => {
    const [a, b] = lab.pair(), client = lab.host("c");
    await lab.vigie(b, router({ priority: 100, lines: LINES }));
    const master = await lab.vigie(a, router({ priority: 150, lines: LINES }));
    await heldBy(a, [a, b], VIP);
    using pings = new Pings(client);
    answered(pings, VIP);
    const entry = () =>
      client.namespace.run(() => Deno.readTextFileSync("/proc/thread-self/net/arp")).split("\n")
        .find((line) => line.startsWith(`${VIP} `));
    const before = entry();
    assert.match(before!, new RegExp(VMAC4));
    await master.crash();
    await until(() => addressOn(b, VIP)?.device === "vrrp.51", "the backup to take over");
    assert.equal(learned(client, VIP), VMAC4);
    using other = new Pings(b);
    answered(other, VIP);
    answered(pings, "192.0.2.2");
  },
);

labTest(
  "over IPv6 link-local addresses keep their MAC though adverts leave with another",
  async (lab) => {
    const [a, b] = lab.pair(), client = lab.host("c"), wire = lab.listen(client);
    const master = await lab.vigie(a, router({ priority: 150, lines: LINES, addresses: VIPS6 }));
    await lab.vigie(b, router({ priority: 100, lines: LINES, addresses: VIPS6 }));
    await heldBy(a, [a, b], VIP6.global);
    assert.equal(addressOn(a, VIP6.linkLocal)!.device, "vrrp.51");
    await wire.sawAdvert(({ from, source }) => from === VMAC6 && source === "fe80::1", "an advert");
    using pings = new Pings(client);
    for (const address of [VIP6.global, "2001:db8::1", "2001:db8::2"]) answered(pings, address);
    for (const address of [VIP6.linkLocal, "fe80::1", "fe80::2"]) {
      answered(pings, address, { device: "eth0" });
    }
    const expected = {
      [VIP6.global]: VMAC6,
      [VIP6.linkLocal]: VMAC6,
      "2001:db8::1": a.mac,
      "fe80::1": a.mac,
      "2001:db8::2": b.mac,
      "fe80::2": b.mac,
    };
    for (const [address, mac] of Object.entries(expected)) {
      // Who was asked by a router's own address knows it already, and need not ask.
      assert.deepEqual(new Set([...answerers(wire, address), mac]), new Set([mac]), address);
    }
    assert.deepEqual(answerers(wire, VIP6.global), [VMAC6]);
    assert.ok(wire.announcements6().every(({ linkLayer }) => linkLayer === VMAC6));
    assert.equal(await master.stop(), 0);
    await heldBy(b, [a, b], VIP6.global);
    assert.deepEqual(macvlanNames(a), []);
  },
);

labTest(
  "vmac_xmit_base: adverts have the interface's MAC, announcements the router's",
  async (lab) => {
    const [a, b] = lab.pair(), wire = lab.listen(b);
    await lab.vigie(a, router({ lines: [...LINES, "vmac_xmit_base"] }));
    await heldBy(a, [a, b], VIP);
    await until(() => wire.garps(VIP).length > 0, "announcements");
    assert.ok(
      wire.garps(VIP).every(({ from, senderMac }) => from === VMAC4 && senderMac === VMAC4),
    );
    assert.ok(wire.adverts().every(({ from }) => from === a.mac));
  },
);

labTest("unicast adverts leave from the interface, which is said", async (lab) => {
  const [a, b] = lab.pair(), wire = lab.listen(b);
  const peers = block("unicast_peer", ["192.0.2.2"]);
  const node = await lab.vigie(a, router({ lines: [...LINES, peers] }));
  await heldBy(a, [a, b], VIP);
  assert.equal(node.said(/vmac_xmit_base is turned on/).length, 1);
  const advert = await wire.sawAdvert(() => true, "an advert");
  assert.equal(advert.from, a.mac);
  assert.equal(addressOn(a, VIP)!.device, "vrrp.51");
});

labTest(
  "addresses get links of their own by use_vmac, and keep off the instance's",
  async (lab) => {
    const [a, b] = lab.pair(),
      [own] = lab.cable(a, b, "eth1", ["198.51.100.1/24", "198.51.100.2/24"]);
    const lines = [
      "use_vmac_addr",
      ...LINES,
      block("virtual_ipaddress_excluded", [
        "198.51.100.100/24 dev eth1",
        "192.0.2.101/24 dev eth0",
        "2001:db8::100/64",
      ]),
    ];
    const node = await lab.vigie(a, router({ lines }));
    await until(() => holds(a, "2001:db8::100"), "all addresses");
    assert.deepEqual(macvlanNames(a), ["vrrp.51", "vrrp1.51", "vrrp6.51"]);
    assert.equal(addressOn(a, "192.0.2.101")!.device, "vrrp.51");
    assert.equal(addressOn(a, "198.51.100.100")!.device, "vrrp1.51");
    assert.equal(addressOn(a, "2001:db8::100")!.device, "vrrp6.51");
    assert.match(settingsOf(a, own.device), /arp_ignore=1/);
    assert.equal(await node.stop(), 0);
    assert.deepEqual(macvlanNames(a), []);
    assert.match(settingsOf(a, own.device), /arp_ignore=0/);
  },
);

labTest("a killed vigie's link is found again, with what its parent was", async (lab) => {
  const [a, b] = lab.pair();
  set(a, "conf/eth0/arp_announce", "1");
  const plain = settingsOf(a, "eth0");
  const two = file(
    [],
    router({ lines: LINES }),
    router({ name: "VI_2", vrid: 52, addresses: ["192.0.2.102/24"], lines: LINES }),
  );
  const first = await lab.vigie(a, two);
  await heldBy(a, [a, b], VIP);
  await heldBy(a, [a, b], "192.0.2.102");
  const index = macvlans(a).find(({ name }) => name === "vrrp.51")!.index;
  await first.crash();
  assert.deepEqual(macvlanNames(a), ["vrrp.51", "vrrp.52"]);
  const second = await lab.vigie(a, router({ lines: LINES }));
  await second.saw(/Entering MASTER STATE/);
  assert.deepEqual(macvlans(a).map(({ index }) => index), [index], "the other is removed");
  assert.equal(second.said(/Found VMAC interface vrrp\.51 on eth0/).length, 1);
  assert.equal(second.said(/Removed VMAC interface vrrp\.52, left by a predecessor/).length, 1);
  await heldBy(a, [a, b], VIP);
  await second.crash();
  const third = await lab.vigie(a, router({ lines: [] }));
  assert.deepEqual(macvlanNames(a), [], "one that is not wanted any more is removed");
  assert.equal(settingsOf(a, "eth0"), plain);
  assert.equal(await third.stop(), 0);
});

labTest("a restart in place: the link stays, no transition, no advert missed", async (lab) => {
  const [a, b] = lab.pair();
  const plain = settingsOf(a, "eth0");
  const vigie = await lab.vigie(a, router({ priority: 150, advertInt: 0.5, lines: LINES }));
  const peer = await lab.vigie(b, router({ priority: 100, advertInt: 0.5, lines: LINES }));
  await heldBy(a, [a, b], VIP);
  await peer.saw(/Entering BACKUP STATE/);
  const [link] = macvlans(a), wire = lab.listen(b), entered = peer.said(/Entering/).length;
  for (let round = 0; round < 2; round++) {
    const { code, text } = await runVigie(a, ["restart"]);
    assert.equal(code, 0, text);
  }
  wire.forget();
  await wire.sawAdvert(({ from }) => from === VMAC4, "an advert of the next image");
  assert.equal(macvlans(a)[0]!.index, link!.index);
  assert.equal(vigie.said(/Entering MASTER STATE/).length, 1);
  assert.equal(peer.said(/Entering/).length, entered, "the peer is what it was");
  assert.deepEqual(vigie.said(/put back|removing VIPs/), []);
  assert.equal(await vigie.stop(), 0);
  assert.deepEqual(macvlanNames(a), []);
  assert.equal(settingsOf(a, "eth0"), plain, "the last image knew what it had been");
});

labTest("a link that somebody removes is made again, without a transition", async (lab) => {
  const [a, b] = lab.pair();
  const node = await lab.vigie(a, router({ lines: LINES }));
  await heldBy(a, [a, b], VIP);
  const index = macvlans(a)[0]!.index;
  within(a.namespace, (socket) => deleteLink(socket, index));
  await until(() => holds(a, VIP) && macvlans(a)[0]?.index !== index, "the address on a new link");
  const wire = lab.listen(b);
  await wire.sawAdvert(({ from }) => from === VMAC4, "an advert from the new link");
  assert.equal(node.said(/VMAC interface vrrp\.51 is gone/).length, 1);
  assert.equal(node.said(/Entering/).length, 2, "init to backup to master, and no more");
  assert.equal(await node.stop(), 0);
  assert.deepEqual(macvlanNames(a), []);
});

labTest("the parent's fate is the instance's, and the link comes back with it", async (lab) => {
  const [a, b] = lab.pair();
  const [, end] = lab.cable(a, b, "eth1", ["198.51.100.1/24", "198.51.100.2/24"]);
  const text = router({
    interface: "eth1",
    addresses: ["198.51.100.100/24"],
    lines: LINES,
  });
  const node = await lab.vigie(a, file(["dynamic_interfaces"], text));
  await node.saw(/Entering MASTER STATE/);
  within(end.namespace, (socket) => setLink(socket, indexOf(socket, "eth1"), { up: false }));
  await node.saw(/Entering FAULT STATE: interface eth1 has no carrier/);
  assert.equal(holds(a, "198.51.100.100"), false);
  within(end.namespace, (socket) => setLink(socket, indexOf(socket, "eth1"), { up: true }));
  await node.saw(/Entering MASTER STATE/);
  within(a.namespace, (socket) => deleteLink(socket, indexOf(socket, "eth1")));
  await node.saw(/Entering FAULT STATE: interface eth1 (is down|does not exist)/);
  assert.deepEqual(macvlanNames(a), []);
  lab.cable(a, b, "eth1", ["198.51.100.1/24", "198.51.100.2/24"]);
  await node.saw(/Entering MASTER STATE/);
  await until(() => addressOn(a, "198.51.100.100")?.device === "vrrp.51", "the address");
  assert.match(settingsOf(a, "eth1"), /arp_ignore=1/);
  assert.equal(await node.stop(), 0);
  assert.match(settingsOf(a, "eth1"), /arp_ignore=0 arp_filter=0 arp_announce=0/);
});

labTest(
  "somebody else's interfaces stay: a taken name is left, a matching link used",
  async (lab) => {
    const [a, b] = lab.pair(), mode = MACVLAN_MODE.PRIVATE;
    const mac = macBytes(VMAC4);
    within(a.namespace, (socket) => {
      addLink(socket, { kind: "veth", name: "vrrp.51", peerName: "vrrp.52" });
      addLink(socket, {
        kind: "macvlan",
        name: "mine",
        linkIndex: indexOf(socket, "eth0"),
        mode,
        mac,
      });
    });
    const node = await lab.vigie(
      a,
      file(
        [],
        router({ lines: LINES }),
        router({
          name: "VI_2",
          vrid: 52,
          addresses: ["192.0.2.102/24"],
          lines: ["use_vmac vrrp.52"],
        }),
      ),
    );
    await node.saw(/\(VI_2\) Entering FAULT STATE.*vrrp\.52 exists already/);
    await heldBy(a, [a, b], VIP);
    assert.equal(addressOn(a, VIP)!.device, "mine");
    assert.equal(await node.stop(), 0);
    assert.deepEqual(macvlanNames(a), ["mine"]);
    assert.match(settingsOf(a, "mine"), /arp_ignore=0/);
  },
);

labTest(
  "strict reverse path filtering of all interfaces is left alone, and clients get in",
  async (lab) => {
    const [a, b] = lab.pair(), client = lab.host("c");
    for (const name of ["all", "eth0"]) set(a, `conf/${name}/rp_filter`, "1");
    await lab.vigie(a, router({ lines: LINES }));
    await heldBy(a, [a, b], VIP);
    using pings = new Pings(client);
    for (const address of [VIP, "192.0.2.1"]) answered(pings, address);
    assert.match(settingsOf(a, "all"), / rp_filter=1/);
  },
);

labTest("a reload keeps the link of who stays, and removes that of who goes", async (lab) => {
  const [a, b] = lab.pair();
  lab.cable(a, b, "eth1", ["198.51.100.1/24", "198.51.100.2/24"]);
  const plain = settingsOf(a, "eth1");
  const two = (more: string[], ...lines: string[]) =>
    file(
      [],
      router({ lines: [...LINES, "use_vmac_addr"], addresses: [`${VIP}/24`, ...more] }),
      ...lines,
    );
  const other = router({ name: "VI_2", vrid: 52, addresses: ["192.0.2.102/24"], lines: LINES });
  const node = await startReloading(lab, a, two([], other));
  await heldBy(a, [a, b], VIP);
  await heldBy(a, [a, b], "192.0.2.102");
  const index = macvlans(a).find(({ name }) => name === "vrrp.51")!.index;
  await node.reload(two(["198.51.100.100/24 dev eth1"]));
  await until(() => addressOn(a, "198.51.100.100")?.device === "vrrp1.51", "the new address");
  assert.deepEqual(macvlanNames(a), ["vrrp.51", "vrrp1.51"]);
  assert.equal(macvlans(a).find(({ name }) => name === "vrrp.51")!.index, index);
  assert.equal(node.said(/\(VI_1\) Entering/).length, 2, "init to backup to master, and no more");
  await node.reload(two([]));
  await until(() => macvlanNames(a).length === 1, "the other link to go");
  assert.equal(settingsOf(a, "eth1"), plain);
  await node.reload(file([], router({ lines: ["use_vmac named"] })));
  await until(() => addressOn(a, VIP)?.device === "named", "the address on the other link");
  assert.deepEqual(macvlanNames(a), ["named"]);
  assert.equal(await node.stop(), 0);
  assert.deepEqual(macvlanNames(a), []);
});

labTest("the host speaks for itself by its own address, whatever its route costs", async (lab) => {
  const a = lab.host("a", { addresses: [] }), client = lab.host("c");
  // As NetworkManager gives it: a route of metric 0 to the same subnet would be preferred.
  giveAddress(a, "192.0.2.1/24", { routePriority: 100 });
  const wire = lab.listen(client);
  await lab.vigie(a, router({ lines: LINES }));
  await heldBy(a, [a], VIP);
  using pings = new Pings(a);
  answered(pings, "192.0.2.2");
  const requests = wire.frames.filter(({ bytes, to }) =>
    to === client.mac && bytes[12] === 0x08 && bytes[13] === 0x00 && bytes[23] === 1
  );
  assert.ok(requests.length > 0);
  for (const { from, bytes } of requests) {
    assert.equal(from, a.mac);
    assert.equal(bytes.subarray(26, 30).join("."), "192.0.2.1");
  }
});

labTest("gaps between announcements are the parent's, of all links on it together", async (lab) => {
  const [a, b] = lab.pair(), wire = lab.listen(b);
  const group = block("garp_group", ["garp_interval 0.2", "interface eth0"]);
  const excluded = block(
    "virtual_ipaddress_excluded",
    ["192.0.2.102/24", "192.0.2.103/24", "192.0.2.104/24"],
  );
  const lines = [...LINES, "garp_master_repeat 1", "garp_master_delay 0", excluded];
  await lab.vigie(a, file([], group, router({ lines })));
  const all = () => wire.garps().filter(({ from }) => from === VMAC4);
  await until(() => all().length === 4, "an announcement of each address");
  const at = all().map(({ at }) => at);
  assert.ok(at[3]! - at[0]! >= 500_000, `${at}`);
});

labTest("garp_extra_if announces what adverts do not keep in switches", async (lab) => {
  const [a, b] = lab.pair(), wire = lab.listen(b);
  const garps = () => wire.garps(VIP).length;
  const lines = [...LINES, "vmac_xmit_base", "garp_extra_if 1", "garp_master_repeat 1"];
  await lab.vigie(a, router({ lines: [...lines, "garp_master_delay 0"] }));
  await heldBy(a, [a, b], VIP);
  await until(() => garps() >= 3, "periodic announcements");
  assert.ok(wire.garps(VIP).every(({ from }) => from === VMAC4));
});

labTest("garp_extra_if leaves alone what adverts leave from", async (lab) => {
  const [a, b] = lab.pair(), wire = lab.listen(b);
  const lines = [...LINES, "garp_extra_if 1", "garp_master_repeat 1", "garp_master_delay 0"];
  await lab.vigie(a, router({ lines }));
  await heldBy(a, [a, b], VIP);
  await until(() => wire.garps(VIP).length > 0, "the first announcement");
  await never(() => wire.garps(VIP).length > 1, "another", 2500);
});

for (
  const [form, text, vip] of [
    ["over IPv4", { lines: LINES, advertInt: 1 }, VIP],
    ["over IPv6", { lines: LINES, advertInt: 1, addresses: VIPS6 }, VIP6.global],
    ["with vmac_xmit_base", { lines: [...LINES, "vmac_xmit_base"], advertInt: 1 }, VIP],
  ] as const
) {
  peerTest(KEEPALIVED, `with use_vmac vigie hands over to keepalived ${form}`, async (lab) => {
    await rivalry(lab, { master: "vigie", backup: "keepalived", text, vip });
  });
  peerTest(KEEPALIVED, `with use_vmac keepalived hands over to vigie ${form}`, async (lab) => {
    await rivalry(lab, { master: "keepalived", backup: "vigie", text, vip });
  });
}

labTest(
  "an address that the operator gives the parent while it is master is answered",
  async (lab) => {
    const [a, b] = lab.pair(), client = lab.host("c"), wire = lab.listen(client);
    await lab.vigie(a, router({ lines: LINES }));
    await heldBy(a, [a, b], VIP);
    giveAddress(a, "192.0.2.77/24");
    using pings = new Pings(client);
    answered(pings, "192.0.2.77");
    assert.equal(learned(client, "192.0.2.77"), a.mac);
    assert.ok(answerers(wire, "192.0.2.77").every((mac) => mac === a.mac));
  },
);

labTest("what is on the link does not keep its router from becoming master", async (lab) => {
  const host = lab.host("a");
  const lines = [
    ...LINES,
    block("virtual_routes", ["198.18.0.0/16 via 192.0.2.3 dev vrrp.51"]),
    block("track_interface", ["vrrp.51"]),
  ];
  const addresses = [`${VIP}/24`, "192.0.2.101/24 dev vrrp.51"];
  const vigie = await lab.vigie(host, file(["dynamic_interfaces"], router({ lines, addresses })));
  await vigie.saw(/Entering MASTER STATE/);
  await until(() => routesOf(host).join().includes("dev vrrp.51"), "the route");
  assert.equal(addressOn(host, "192.0.2.101")!.device, "vrrp.51");
  assert.deepEqual(vigie.said(/FAULT|does not exist/), []);
  ipCommand(host, "link", "set", "eth0", "down");
  await vigie.saw(/Entering FAULT STATE/);
  ipCommand(host, "link", "set", "eth0", "up");
  await until(() => holds(host, VIP), "the address again");
  assert.equal(await vigie.stop(), 0);
  assert.deepEqual([macvlanNames(host), routesOf(host)], [[], []]);
});

labTest("a parent that gets another name keeps neither link nor settings", async (lab) => {
  const host = lab.host("a"), plain = settingsOf(host, "eth0");
  const vigie = await lab.vigie(host, router({ lines: LINES }));
  await heldBy(host, [host], VIP);
  ipCommand(host, "link", "set", "eth0", "down");
  ipCommand(host, "link", "set", "eth0", "name", "eth9");
  ipCommand(host, "link", "set", "eth9", "up");
  await until(() => macvlanNames(host).length === 0, "the link to be removed");
  await until(() => settingsOf(host, "eth9") === plain, "the settings to be as before");
  ipCommand(host, "link", "set", "eth9", "down");
  ipCommand(host, "link", "set", "eth9", "name", "eth0");
  ipCommand(host, "link", "set", "eth0", "up");
  await until(() => addressOn(host, VIP)?.device === "vrrp.51", "the address on a new link");
  assert.equal(await vigie.stop(), 0);
  assert.deepEqual(macvlanNames(host), []);
  assert.equal(settingsOf(host, "eth0"), plain);
});

labTest("a MAC that is up on the parent already is a fault, as long as it is", async (lab) => {
  const [a, b] = lab.pair();
  const vigie = await lab.vigie(a, router({ priority: 150, lines: LINES }));
  await heldBy(a, [a, b], VIP);
  await lab.vigie(b, router({ priority: 200, lines: LINES }));
  await heldBy(b, [a, b], VIP);
  const mode = ["type", "macvlan", "mode", "bridge"];
  ipCommand(a, "link", "add", "mv0", "link", "eth0", "address", VMAC4, ...mode);
  ipCommand(a, "link", "set", "mv0", "up");
  ipCommand(b, "link", "set", "eth0", "down");
  await vigie.saw(/Entering FAULT STATE: interface mv0 has the MAC of the virtual router/);
  await until(() => !holds(a, VIP), "no address where no advert can be sent");
  ipCommand(a, "link", "del", "mv0");
  await until(() => addressOn(a, VIP)?.device === "vrrp.51", "the address once it is gone");
  assert.equal(await vigie.stop(), 0);
  assert.deepEqual(macvlanNames(a), []);
});
