/** Several virtual routers in one daemon; unicast; chosen source addresses. */

import assert from "node:assert/strict";
import { ip } from "../lib/core/address.ts";
import { giveAddress, heldBy, holds, takeAddress } from "./lab/addresses.ts";
import { block, file, router, VIP, VIP6, VIPS6 } from "./lab/config.ts";
import { labTest } from "./lab/lab.ts";
import { until } from "./lab/until.ts";

const A = ip("192.0.2.1"), B = ip("192.0.2.2");

labTest("IPv4 and IPv6 instances with one VRID are independent", async (lab) => {
  const [a, b] = lab.pair();
  const both = (four: number, six: number) =>
    file(
      [],
      router({ name: "FOUR", vrid: 9, priority: four }),
      router({ name: "SIX", vrid: 9, priority: six, addresses: VIPS6 }),
    );
  await lab.vigie(a, both(200, 100));
  await lab.vigie(b, both(100, 200));
  await heldBy(a, [a, b], VIP);
  await heldBy(b, [a, b], VIP6.global);
  await heldBy(b, [a, b], VIP6.linkLocal);
});

labTest("instances of one interface are elected one by one", async (lab) => {
  const [a, b] = lab.pair();
  const names = ["ONE", "TWO", "THREE"];
  const text = (priorities: readonly number[]) =>
    file(
      [],
      ...names.map((name, at) =>
        router({
          name,
          vrid: at + 1,
          priority: priorities[at]!,
          addresses: [`192.0.2.${at + 101}/24`],
        })
      ),
    );
  const first = await lab.vigie(a, text([200, 100, 200]));
  const second = await lab.vigie(b, text([100, 200, 100]));
  await heldBy(a, [a, b], "192.0.2.101");
  await heldBy(b, [a, b], "192.0.2.102");
  await heldBy(a, [a, b], "192.0.2.103");
  assert.equal(await first.stop(), 0);
  for (const last of [101, 102, 103]) await heldBy(b, [a, b], `192.0.2.${last}`);
  assert.equal(second.said(/Unknown VRID/).length, 0);
});

labTest("instances on two interfaces with one VRID do not hear each other", async (lab) => {
  const [a, b] = lab.pair();
  const [farA] = lab.cable(a, b, "eth1", ["198.51.100.1/24", "198.51.100.2/24"]);
  const text = (left: number, right: number) =>
    file(
      [],
      router({ name: "LEFT", priority: left }),
      router({
        name: "RIGHT",
        interface: "eth1",
        priority: right,
        addresses: ["198.51.100.100/24"],
      }),
    );
  const first = await lab.vigie(a, text(200, 100));
  await lab.vigie(b, text(100, 200));
  await heldBy(a, [a, b], VIP);
  await heldBy(b, [a, b], "198.51.100.100");
  assert.equal(farA.device, "eth1");
  lab.segment.plug(a, false);
  await first.saw(/\(LEFT\) Entering FAULT STATE/);
  await heldBy(b, [a, b], VIP);
  assert.equal(first.said(/\(RIGHT\) Entering FAULT/).length, 0);
});

labTest("unicast IPv4 routers elect and fail over without multicast", async (lab) => {
  const [a, b] = lab.pair();
  const wire = lab.listen(b);
  const text = (priority: number, own: string, peer: string) =>
    file(
      [],
      router({
        priority,
        lines: [`unicast_src_ip ${own}`, block("unicast_peer", [peer])],
      }),
    );
  const master = await lab.vigie(a, text(200, A, B));
  const backup = await lab.vigie(b, text(100, B, A));
  await heldBy(a, [a, b], VIP);
  await backup.saw(/Master set to 192\.0\.2\.1|Master received advert from 192\.0\.2\.1/);
  const adverts = wire.adverts();
  assert.ok(adverts.length > 0);
  for (const { source, destination, hopLimit } of adverts) {
    assert.deepEqual([destination, hopLimit], [source === A ? B : A, 255]);
  }
  assert.equal(await master.stop(), 0);
  await backup.saw(/Entering MASTER STATE: master 192\.0\.2\.1 resigned/);
  await heldBy(b, [a, b], VIP);
});

labTest("unicast IPv6 routers elect and fail over without multicast", async (lab) => {
  const [a, b] = lab.pair();
  const wire = lab.listen(b);
  const text = (priority: number, own: string, peer: string) =>
    file(
      [],
      router({
        priority,
        addresses: VIPS6,
        lines: [`unicast_src_ip ${own}`, block("unicast_peer", [peer])],
      }),
    );
  const master = await lab.vigie(a, text(200, "2001:db8::1", "2001:db8::2"));
  const backup = await lab.vigie(b, text(100, "2001:db8::2", "2001:db8::1"));
  await heldBy(a, [a, b], VIP6.global);
  await backup.saw(/Master set to 2001:db8::1|Master received advert from 2001:db8::1/);
  const adverts = wire.adverts({ source: ip("2001:db8::1") });
  assert.ok(adverts.length > 0);
  for (const { destination, hopLimit } of adverts) {
    assert.deepEqual([destination, hopLimit], ["2001:db8::2", 255]);
  }
  assert.equal(await master.stop(), 0);
  await heldBy(b, [a, b], VIP6.global);
});

labTest("unicast without an interface follows its source address", async (lab) => {
  const [a, b] = lab.pair();
  const text = (priority: number, own: string, peer: string) =>
    file(
      [],
      router({
        interface: null,
        priority,
        addresses: [`${VIP}/24 dev eth0`],
        lines: [`unicast_src_ip ${own}`, block("unicast_peer", [peer])],
      }),
    );
  const master = await lab.vigie(a, text(200, A, B));
  await lab.vigie(b, text(100, B, A));
  await heldBy(a, [a, b], VIP);
  takeAddress(a, "192.0.2.1/24");
  await master.saw(/Entering FAULT STATE: source address 192\.0\.2\.1 is on no interface/);
  await heldBy(b, [a, b], VIP);
});

labTest("unicast and multicast routers do not take part in each other's election", async (lab) => {
  const [a, b] = lab.pair();
  const multicast = await lab.vigie(a, file([], router({ priority: 100 })));
  const lines = [block("unicast_peer", [A])];
  const unicast = await lab.vigie(b, file([], router({ priority: 200, lines })));
  await multicast.saw(
    /Dropped advert from 192\.0\.2\.2: Expected multicast packet but received unicast packet/,
  );
  await until(() => holds(a, VIP) && holds(b, VIP), "both to be master, each of its own kind");
  assert.ok(await multicast.counter("dstErrors") > 0);
  assert.equal(unicast.said(/Master set to|BACKUP STATE: Master/).length, 0);
});

labTest("mcast_src_ip is the source of adverts, and FAULT while it is missing", async (lab) => {
  const a = lab.host("a"), observer = lab.host("observer");
  const wire = lab.listen(observer);
  const node = await lab.vigie(a, file([], router({ lines: ["mcast_src_ip 192.0.2.50"] })));
  await node.saw(/Entering FAULT STATE \(init\): source address 192\.0\.2\.50 is on no interface/);
  giveAddress(a, "192.0.2.50/24");
  await node.saw(/Entering BACKUP STATE: recovered/);
  await wire.sawAdvert(({ source }) => source === ip("192.0.2.50"), "an advert from it");
  assert.ok(wire.adverts().every(({ source }) => source === ip("192.0.2.50")));
});

labTest("two routers of one priority agree on the one that was there first", async (lab) => {
  const [a, b] = lab.pair();
  await lab.vigie(a, file([], router()));
  await heldBy(a, [a, b], VIP);
  const later = await lab.vigie(b, file([], router()));
  await later.saw(/192\.0\.2\.1 advertises our own priority 100/);
  await until(() => later.said(/Master set to 192\.0\.2\.1/).length > 0, "b to follow a");
  await heldBy(a, [a, b], VIP);
});

labTest("peers with different address lists keep one master and say what differs", async (lab) => {
  const [a, b] = lab.pair();
  await lab.vigie(a, file([], router({ priority: 200 })));
  await heldBy(a, [a, b], VIP);
  const other = await lab.vigie(
    b,
    file([], router({ priority: 100, addresses: [`${VIP}/24`, "192.0.2.101/24"] })),
  );
  await other.saw(/192\.0\.2\.1 advertises another address list: without our 192\.0\.2\.101/);
  await until(() => !holds(b, VIP), "one master");
  assert.ok(await other.counter("addressListErrors") > 0);
  assert.equal(other.said(/another address list/).length, 1);
});

labTest(
  "either form of the version 3 checksum is taken, and the difference is said",
  async (lab) => {
    const [a, b] = lab.pair();
    await lab.vigie(a, file(["v3_checksum_as_v2"], router({ priority: 200 })));
    await heldBy(a, [a, b], VIP);
    const other = await lab.vigie(b, file([], router({ priority: 100 })));
    await other.saw(/192\.0\.2\.1 sends message-only checksums, we send pseudo-header/);
    await until(() => other.said(/Master set to 192\.0\.2\.1/).length > 0, "b to follow a");
    await heldBy(a, [a, b], VIP);
  },
);
