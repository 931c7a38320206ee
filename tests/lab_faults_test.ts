/** What happens to a router when its interface, its cable or its source address goes and comes back. */

import assert from "node:assert/strict";
import { addLink, deleteLink, IFA_F, setLink } from "../ffi/rtnetlink.ts";
import { ip } from "../lib/core/address.ts";
import { type Host, indexOf, within } from "../lib/net/topology.ts";
import { addressesOn, giveAddress, heldBy, holds, setUp, takeAddress } from "./lab/addresses.ts";
import { file, router, VIP, VIP6, VIPS6 } from "./lab/config.ts";
import { type Lab, labTest } from "./lab/lab.ts";
import { never, until } from "./lab/until.ts";
import type { Vigie } from "./lab/vigie.ts";

interface Pair {
  readonly a: Host;
  readonly b: Host;
  readonly master: Vigie;
  readonly backup: Vigie;
}

async function elected(lab: Lab): Promise<Pair> {
  const [a, b] = lab.pair();
  const master = await lab.vigie(a, file([], router({ priority: 200 })));
  const backup = await lab.vigie(b, file([], router({ priority: 100 })));
  await heldBy(a, [a, b], VIP);
  await backup.saw(/Master set to|Entering BACKUP STATE: Master received/);
  await master.saw(/Entering MASTER STATE/);
  return { a, b, master, backup };
}

labTest("a master without carrier is in FAULT, and preempts when it has recovered", async (lab) => {
  const { a, b, master, backup } = await elected(lab);
  lab.segment.plug(a, false);
  await master.saw(/Entering FAULT STATE: interface eth0 has no carrier/);
  await backup.saw(/Entering MASTER STATE/);
  await heldBy(b, [a, b], VIP);
  lab.segment.plug(a, true);
  await master.saw(/Entering BACKUP STATE: recovered from: interface eth0 has no carrier/);
  await master.saw(/Entering MASTER STATE: preempting/);
  await backup.saw(/Entering BACKUP STATE/);
  await heldBy(a, [a, b], VIP);
});

labTest("a backup without carrier is in FAULT and does not become master", async (lab) => {
  const { a, b, backup } = await elected(lab);
  lab.segment.plug(b, false);
  await backup.saw(/Entering FAULT STATE: interface eth0 has no carrier/);
  await never(() => holds(b, VIP), "a router without carrier to take the address", 1000);
  lab.segment.plug(b, true);
  await backup.saw(/Entering BACKUP STATE/);
  await heldBy(a, [a, b], VIP);
});

labTest("an interface that is set down is FAULT until it is up again", async (lab) => {
  const { a, b, master } = await elected(lab);
  setUp(a, false);
  await master.saw(/Entering FAULT STATE: interface eth0 is down/);
  await heldBy(b, [a, b], VIP);
  setUp(a, true);
  await master.saw(/Entering BACKUP STATE: recovered from/);
  await master.saw(/Entering MASTER STATE/);
  await heldBy(a, [a, b], VIP);
});

labTest("a router starts in FAULT on an interface that is down", async (lab) => {
  const a = lab.host("a");
  setUp(a, false);
  const node = await lab.vigie(a, file([], router()));
  await node.saw(/Entering FAULT STATE \(init\): interface eth0 is down/);
  setUp(a, true);
  await node.saw(/Entering BACKUP STATE/);
  await node.saw(/Entering MASTER STATE/);
  assert.equal(await node.stop(), 0);
  assert.equal(holds(a, VIP), false);
});

labTest("dont_track_primary keeps a router out of FAULT when the cable is pulled", async (lab) => {
  const a = lab.host("a");
  const node = await lab.vigie(a, file([], router({ lines: ["dont_track_primary"] })));
  await node.saw(/Entering MASTER STATE/);
  lab.segment.plug(a, false);
  await never(() => node.said(/FAULT/).length > 0, "a fault of an untracked interface", 700);
  assert.equal(holds(a, VIP), true);
});

labTest("an interface that is deleted and made anew is used again", async (lab) => {
  const a = lab.host("a");
  const node = await lab.vigie(a, file([], router()));
  await node.saw(/Entering MASTER STATE/);
  await until(() => holds(a, VIP), "the address");
  within(a.namespace, (socket) => deleteLink(socket, indexOf(socket, "eth0")));
  await node.saw(/Entering FAULT STATE: interface eth0 (is down|does not exist)/);
  assert.deepEqual(
    node.said(/sent 0 priority/),
    [],
    "nothing can leave by an interface that is gone",
  );
  within(a.namespace, (socket) => {
    addLink(socket, { name: "eth0", kind: "veth", peerName: "other" });
    for (const name of ["eth0", "other"]) setLink(socket, indexOf(socket, name), { up: true });
  });
  await never(() => node.said(/recovered/).length > 0, "recovery without an address", 300);
  const wire = lab.listen(a);
  giveAddress(a, "192.0.2.7/24");
  await node.saw(/Entering BACKUP STATE: recovered from: .*no IPv4 address for interface eth0/);
  await node.saw(/Entering MASTER STATE/);
  await wire.sawAdvert(
    ({ source }) => source === ip("192.0.2.7"),
    "an advert on the new interface",
  );
  await until(() => holds(a, VIP), "the address on the new interface");
  assert.equal(await node.stop(), 0);
  assert.equal(holds(a, VIP), false);
});

labTest(
  "a router whose only source address is removed is in FAULT until it has one",
  async (lab) => {
    const { a, b, master } = await elected(lab);
    const wire = lab.listen(b);
    takeAddress(a, "192.0.2.1/24");
    await master.saw(/Entering FAULT STATE: no IPv4 address for interface eth0/);
    await heldBy(b, [a, b], VIP);
    giveAddress(a, "192.0.2.9/24");
    await master.saw(/Entering BACKUP STATE: recovered/);
    await master.saw(/Entering MASTER STATE/);
    await wire.sawAdvert(
      ({ source }) => source === ip("192.0.2.9"),
      "an advert from the new address",
    );
    await heldBy(a, [a, b], VIP);
  },
);

labTest("a master whose source address changes goes on from the new one", async (lab) => {
  const a = lab.host("a"), observer = lab.host("observer");
  // Another subnet, so that the first address may go without taking the second along.
  giveAddress(a, "198.51.100.1/24");
  const wire = lab.listen(observer);
  const node = await lab.vigie(a, file([], router()));
  await wire.sawAdvert(({ source }) => source === ip("192.0.2.1"), "an advert from the first");
  takeAddress(a, "192.0.2.1/24");
  await node.saw(/Source address is now 198\.51\.100\.1/);
  await wire.sawAdvert(({ source }) => source === ip("198.51.100.1"), "an advert from the second");
  assert.equal(node.said(/FAULT/).length, 0);
});

labTest("a router waits for a source address that is still tentative", async (lab) => {
  const a = lab.host("a", { addresses: ["192.0.2.1/24"] });
  // Made anew, so that the link-local address is under duplicate address detection at the start,
  // which takes a second for each of so many solicitations (ip-sysctl).
  a.namespace.run(() => {
    Deno.writeTextFileSync("/proc/sys/net/ipv6/conf/eth0/dad_transmits", "8");
  });
  setUp(a, false);
  setUp(a, true);
  const tentative = () =>
    addressesOn(a).some(({ flags, text }) =>
      text.startsWith("fe80:") && (flags & IFA_F.TENTATIVE) !== 0
    );
  await until(tentative, "a tentative link-local address");
  const node = await lab.vigie(a, file([], router({ addresses: VIPS6 })));
  await node.saw(
    /Entering FAULT STATE \(init\): (address \S+ of interface eth0 is still tentative|no IPv6 link-local)/,
  );
  await node.saw(/Entering BACKUP STATE: recovered/);
  await node.saw(/Entering MASTER STATE/);
  await until(() => holds(a, VIP6.global), "the virtual address");
});

labTest("an address of an interface that is gone faults its instance alone", async (lab) => {
  const [a, b] = lab.pair();
  const [second] = lab.cable(a, b, "eth1", ["198.51.100.1/24", "198.51.100.2/24"]);
  const both = router({
    name: "BOTH",
    vrid: 1,
    addresses: [`${VIP}/24`, "203.0.113.9/32 dev eth1"],
  });
  const one = router({ name: "ONE", vrid: 2, addresses: ["192.0.2.101/24"] });
  const node = await lab.vigie(a, file([], both, one));
  await until(() => holds(a, "203.0.113.9") && holds(a, "192.0.2.101"), "both addresses");
  setUp(second, false);
  await node.saw(/\(BOTH\) Entering FAULT STATE: interface eth1 is down/);
  await until(() => !holds(a, VIP), "the address of the same instance to go");
  assert.equal(node.said(/\(ONE\) Entering FAULT/).length, 0);
  setUp(second, true);
  await node.saw(/\(BOTH\) Entering MASTER STATE/);
  await until(() => holds(a, VIP) && holds(a, "203.0.113.9"), "both addresses again");
});
