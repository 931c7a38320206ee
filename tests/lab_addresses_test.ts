/** Virtual addresses as the kernel reports them, and whose they are. */

import assert from "node:assert/strict";
import { IFA_F, RT_SCOPE } from "../ffi/rtnetlink.ts";
import { formatIp } from "../lib/core/address.ts";
import { ADDRESS_PROTOCOL } from "../lib/net/links.ts";
import type { Host } from "../lib/net/topology.ts";
import {
  addressesOn,
  addressOn,
  giveAddress,
  heldBy,
  holds,
  takeAddress,
} from "./lab/addresses.ts";
import { block, file, router, VIP, VIP6, VIPS6 } from "./lab/config.ts";
import { labTest } from "./lab/lab.ts";
import { until } from "./lab/until.ts";

labTest("an owner neither adds nor removes the address that is its own", async (lab) => {
  const a = lab.host("a");
  const before = addressesOn(a).filter(({ text }) => text === "192.0.2.1");
  const owner = router({ priority: 255, addresses: ["192.0.2.1/24", `${VIP}/24`] });
  const node = await lab.vigie(a, file([], owner));
  await until(() => holds(a, VIP), "the other virtual address");
  assert.equal(addressesOn(a).filter(({ text }) => text === "192.0.2.1").length, before.length);
  assert.equal(await node.stop(), 0);
  assert.notEqual(addressOn(a, "192.0.2.1")?.protocol, ADDRESS_PROTOCOL);
  assert.equal(holds(a, VIP), false);
});

labTest("an owner's address stays when the owner falls into FAULT and recovers", async (lab) => {
  const a = lab.host("a");
  const owner = router({ priority: 255, addresses: ["192.0.2.1/24"] });
  const node = await lab.vigie(a, file([], owner));
  await node.saw(/Entering MASTER STATE/);
  lab.segment.plug(a, false);
  await node.saw(/Entering FAULT STATE/);
  assert.equal(holds(a, "192.0.2.1"), true);
  lab.segment.plug(a, true);
  await node.saw(/Entering (BACKUP|MASTER) STATE/);
});

labTest("an owner takes its address back from the backup that stood in for it", async (lab) => {
  const [a, b] = lab.pair();
  giveAddress(a, `${VIP}/24`);
  const backup = await lab.vigie(b, file([], router({ priority: 100 })));
  await backup.saw(/Entering MASTER STATE/);
  const owner = await lab.vigie(a, file([], router({ priority: 255 })));
  await backup.saw(/Entering BACKUP STATE: .*higher priority 255, ours 100/);
  await heldBy(a, [a, b], VIP);
  assert.equal(await owner.stop(), 0);
  await backup.saw(/Entering MASTER STATE: master 192\.0\.2\.1 resigned/);
  assert.equal(holds(a, VIP), true, "the owner's own address stays");
});

labTest("an address that the operator put there is used and never removed", async (lab) => {
  const [a, b] = lab.pair();
  giveAddress(a, `${VIP}/24`);
  const node = await lab.vigie(a, file([], router({ priority: 200 })));
  await node.saw(
    /192\.0\.2\.100\/24 is on eth0 already and not by vigie, which will not remove it/,
  );
  await node.saw(/Entering MASTER STATE/);
  assert.equal(await node.stop(), 0);
  assert.equal(addressOn(a, VIP)?.protocol === ADDRESS_PROTOCOL, false);
  assert.deepEqual([holds(a, VIP), holds(b, VIP)], [true, false]);
});

labTest("an entry without a prefix length is a single host", async (lab) => {
  const a = lab.host("a");
  await lab.vigie(a, file([], router({ addresses: [VIP] })));
  await until(() => holds(a, VIP), "the address");
  assert.equal(addressOn(a, VIP)?.prefixLength, 32);
});

labTest("an IPv6 entry without a prefix length is a deprecated single host", async (lab) => {
  const a = lab.host("a");
  await lab.vigie(a, file([], router({ addresses: [`${VIP6.linkLocal}/64`, VIP6.global] })));
  await until(() => holds(a, VIP6.global), "the address");
  const { prefixLength, flags, cacheInfo } = addressOn(a, VIP6.global)!;
  assert.equal(prefixLength, 128);
  assert.equal(flags & IFA_F.TENTATIVE, 0, "no duplicate address detection");
  assert.equal(cacheInfo?.preferredSeconds, 0);
});

labTest("the options of an entry reach the kernel", async (lab) => {
  const [a, b] = lab.pair();
  lab.cable(a, b, "eth1", ["198.51.100.1/24", "198.51.100.2/24"]);
  const addresses = [
    "203.0.113.1/24 brd + scope link label eth0:web",
    "203.0.113.130/25 brd 203.0.113.255",
    "198.51.100.77/24 dev eth1 brd -",
    "203.0.113.9 peer 203.0.113.10",
    "192.0.2.111/24 noprefixroute",
  ];
  const node = await lab.vigie(a, file([], router({ addresses })));
  await until(() => holds(a, "192.0.2.111"), "the last address");
  const [web, half, other, peer, bare] = [
    "203.0.113.1",
    "203.0.113.130",
    "198.51.100.77",
    "203.0.113.9",
    "192.0.2.111",
  ].map((address) => addressOn(a, address)!);
  assert.deepEqual(
    [web!.label, web!.scope, web!.broadcast && formatIp(web!.broadcast), web!.prefixLength],
    ["eth0:web", RT_SCOPE.LINK, "203.0.113.255", 24],
  );
  assert.deepEqual([half!.prefixLength, half!.broadcast && formatIp(half!.broadcast)], [
    25,
    "203.0.113.255",
  ]);
  assert.equal(other!.device, "eth1");
  assert.equal(other!.broadcast && formatIp(other!.broadcast), "198.51.100.0");
  assert.deepEqual([formatIp(peer!.local), formatIp(peer!.address)], [
    "203.0.113.9",
    "203.0.113.10",
  ]);
  assert.notEqual(bare!.flags & IFA_F.NOPREFIXROUTE, 0);
  assert.ok([web, half, other, peer, bare].every((one) => one!.protocol === ADDRESS_PROTOCOL));
  assert.equal(await node.stop(), 0);
  assert.deepEqual(addressesOn(a).filter(({ protocol }) => protocol === ADDRESS_PROTOCOL), []);
});

labTest("excluded addresses are held and announced but not advertised", async (lab) => {
  const a = lab.host("a");
  const wire = lab.listen(a);
  const excluded = block("virtual_ipaddress_excluded", ["203.0.113.5/24", "2001:db8::5/64"]);
  const node = await lab.vigie(a, file([], router({ lines: [excluded] })));
  await until(() => holds(a, "203.0.113.5") && holds(a, "2001:db8::5"), "the excluded addresses");
  await until(() => wire.garps("203.0.113.5").length > 0, "its gratuitous ARP");
  await until(() => wire.announcements6("2001:db8::5").length > 0, "its neighbour advertisement");
  for (const { advert } of wire.adverts()) assert.deepEqual(advert.addresses, [VIP]);
  assert.equal(await node.stop(), 0);
  assert.equal(holds(a, "203.0.113.5") || holds(a, "2001:db8::5"), false);
});

labTest("an address that others removed is not an error at the end", async (lab) => {
  const a = lab.host("a");
  const node = await lab.vigie(a, file([], router()));
  await until(() => holds(a, VIP), "the address");
  takeAddress(a, `${VIP}/24`);
  assert.equal(await node.stop(), 0);
  assert.deepEqual(node.said(/Cannot (?!take real-time)/), []);
});

labTest("promote_secondaries is set while needed and put back", async (lab) => {
  const a = lab.host("a");
  setPromotion(a, "0");
  const node = await lab.vigie(a, file([], router({ lines: ["promote_secondaries"] })));
  await node.saw(/setting VIPs/);
  await until(() => promotion(a) === "1", "promote_secondaries to be set");
  assert.equal(await node.stop(), 0);
  assert.equal(promotion(a), "0");
});

for (const count of [20, 150]) {
  labTest(`${count} addresses come in order, move and go`, async (lab) => {
    const [a, b] = lab.pair();
    const wire = lab.listen(b);
    const list = Array.from({ length: count }, (_, at) => `198.51.100.${at + 1}`);
    const addresses = list.map((address) => `${address}/24`);
    const held = (host: Host) => addressesOn(host).filter(({ text }) => /^198\.51/.test(text));
    const master = await lab.vigie(a, file([], router({ priority: 200, addresses })));
    const backup = await lab.vigie(b, file([], router({ priority: 100, addresses })));
    await until(() => held(a).length === count && held(b).length === 0, "all addresses on a");
    const [first] = wire.adverts();
    assert.deepEqual(first!.advert.addresses, list);
    const announced = () => new Set(wire.garps().map(({ senderIp }) => senderIp));
    await until(() => list.every((address) => announced().has(address as never)), "every GARP");
    await backup.saw(/Master set to|Entering BACKUP STATE: Master received/);
    assert.equal(await master.stop(), 0);
    await until(() => held(b).length === count && held(a).length === 0, "all addresses on b");
    assert.equal(await backup.stop(), 0);
    assert.equal(held(b).length, 0);
  });
}

labTest("IPv6 addresses move from a stopped master to its backup", async (lab) => {
  const [a, b] = lab.pair();
  const master = await lab.vigie(a, file([], router({ priority: 200, addresses: VIPS6 })));
  await lab.vigie(b, file([], router({ priority: 100, addresses: VIPS6 })));
  await heldBy(a, [a, b], VIP6.linkLocal);
  await heldBy(a, [a, b], VIP6.global);
  assert.equal(await master.stop(), 0);
  await heldBy(b, [a, b], VIP6.global);
  await heldBy(b, [a, b], VIP6.linkLocal);
});

const PROMOTION = "/proc/sys/net/ipv4/conf/eth0/promote_secondaries";

function promotion({ namespace }: Host): string {
  return namespace.run(() => Deno.readTextFileSync(PROMOTION)).trim();
}

function setPromotion({ namespace }: Host, value: string): void {
  namespace.run(() => Deno.writeTextFileSync(PROMOTION, value));
}
