/** What brings a master its address back, and a node that must not have it rid of it. */

import assert from "node:assert/strict";
import { IFF } from "../ffi/constants.ts";
import { HOST_ORDER, IFINFOMSG } from "../ffi/layout.ts";
import { IFLA, NetlinkMessage, RTM } from "../ffi/netlink.ts";
import { deleteLink, dumpLinks } from "../ffi/rtnetlink.ts";
import { ip } from "../lib/core/address.ts";
import { type Host, indexOf, within } from "../lib/net/topology.ts";
import {
  addressesOn,
  addressOn,
  giveAddress,
  heldBy,
  holds,
  type Place,
  setUp,
  takeAddress,
} from "./lab/addresses.ts";
import { file, router, type RouterText, VIP, VIP6, VIPS6 } from "./lab/config.ts";
import { type Lab, labTest } from "./lab/lab.ts";
import { whileStalled } from "./lab/stall.ts";
import { promotion, setPromotion } from "./lab/sysctl.ts";
import { never, TIMEOUT_MS, until } from "./lab/until.ts";
import type { Vigie } from "./lab/vigie.ts";

/** What the lab's router sends when it becomes master, now and a second later (garp_master_delay). */
const ALL_GARPS = 10;

async function elected(lab: Lab, text: RouterText = {}, vip: string = VIP) {
  const [a, b] = lab.pair(), wire = lab.listen(b);
  const master = await lab.vigie(a, file([], router({ ...text, priority: 200 })));
  await master.saw(/Entering MASTER STATE/);
  const backup = await lab.vigie(b, file([], router({ ...text, priority: 100 })));
  await backup.saw(/Master set to/);
  await heldBy(a, [a, b], vip);
  return { a, b, wire, master };
}

function assertNeverLeft(master: Vigie): void {
  assert.equal(master.said(/Entering MASTER STATE/).length, 1);
  assert.deepEqual(master.said(/Entering FAULT|BACKUP STATE:/), []);
}

labTest("a virtual address that is deleted by hand is put back and announced", async (lab) => {
  const { a, b, wire, master } = await elected(lab);
  await until(() => wire.garps(VIP).length >= ALL_GARPS, "what is announced in any case");
  for (const time of ["first", "second"]) {
    wire.forget();
    takeAddress(a, `${VIP}/24`);
    await until(() => holds(a, VIP), `the address to be back for the ${time} time`);
    await until(() => wire.garps(VIP).length > 0, `the GARP for the ${time} time`);
  }
  await heldBy(a, [a, b], VIP);
  assert.equal(master.said(/192\.0\.2\.100 was taken off eth0, not by vigie: put back/).length, 1);
  assertNeverLeft(master);
  assert.equal(await master.stop(), 0);
  assert.equal(holds(a, VIP), false, "what was put back is removed at the end");
});

labTest("a virtual address survives the primary address of its subnet", async (lab) => {
  const [a, b] = lab.pair();
  setPromotion(a, "0");
  giveAddress(a, "198.51.100.1/24");
  const master = await lab.vigie(a, file([], router({ priority: 200 })));
  await master.saw(/Entering MASTER STATE/);
  await lab.vigie(b, file([], router({ priority: 100 })));
  await heldBy(a, [a, b], VIP);
  const wire = lab.listen(b);
  takeAddress(a, "192.0.2.1/24");
  await wire.sawAdvert(({ source }) => source === ip("198.51.100.1"), "an advert from the other");
  await heldBy(a, [a, b], VIP);
  await master.saw(/192\.0\.2\.100 was taken off eth0, not by vigie: put back/);
  await never(() => !holds(a, VIP), "the address to go again", 500);
  assertNeverLeft(master);
});

labTest("IPv6 addresses are back after a link that went down and up unseen", async (lab) => {
  const { a, b, master } = await elected(lab, { addresses: VIPS6 }, VIP6.global);
  await whileStalled(master, () => {
    setUp(a, false);
    setUp(a, true);
    giveAddress(a, "fe80::1/64");
    assert.equal(holds(a, VIP6.global), false, "the kernel took it");
  });
  await heldBy(a, [a, b], VIP6.global);
  await heldBy(a, [a, b], VIP6.linkLocal);
});

labTest("an interface that is made anew unseen gets the address", async (lab) => {
  const [a, b] = lab.pair();
  const lay = () => lab.cable(a, b, "eth1", ["198.51.100.1/24", "198.51.100.2/24"]);
  const [near, far] = lay();
  const text = (priority: number) => file([], router({ interface: "eth1", priority }));
  const master = await lab.vigie(a, text(200));
  await master.saw(/Entering MASTER STATE/);
  await lab.vigie(b, text(100));
  await heldBy(near, [near, far], VIP);
  const index = addressOn(near, VIP)?.index;
  await whileStalled(master, () => {
    within(a.namespace, (socket) => deleteLink(socket, indexOf(socket, "eth1")));
    lay();
  });
  await heldBy(near, [near, far], VIP);
  assert.notEqual(addressOn(near, VIP)?.index, index, "it is another interface");
  await never(() => !holds(near, VIP) && !holds(far, VIP), "no node to have the address", 500);
});

labTest("an address of two instances stays while one of them is master", async (lab) => {
  const [a, b] = lab.pair();
  const both = ["A", "B"].map((name, at) => router({ name, vrid: at + 1, priority: 150 }));
  const first = await lab.vigie(a, file([], ...both));
  await first.saw(/\(B\) Entering MASTER STATE/);
  await until(() => holds(a, VIP), "the address");
  const above = router({ name: "A", vrid: 1, priority: 200, addresses: ["192.0.2.55/24"] });
  const second = await lab.vigie(b, file([], above));
  await second.saw(/Entering MASTER STATE/);
  await first.saw(/\(A\) Entering BACKUP STATE: Master received/);
  await never(() => !holds(a, VIP), "the address to go with one of its two masters", 500);
  assert.deepEqual(first.said(/not by vigie: put back/), []);
  assert.equal(await first.stop(), 0);
  assert.equal(holds(a, VIP), false);
});

labTest("what was lost in a netlink overrun is read anew", async (lab) => {
  const { a, b, master } = await elected(lab);
  // Without it, the kernel would end IPv4 on the interface with its last address.
  giveAddress(a, "198.51.100.1/32");
  await whileStalled(master, () => {
    // Old news by the time that it is read: the addresses come, and go when nobody can be told.
    takeAddress(a, "192.0.2.1/24");
    giveAddress(a, "192.0.2.1/24");
    overrun(a);
    takeAddress(a, "192.0.2.1/24");
    takeAddress(a, "198.51.100.1/32");
  });
  await master.saw(/Entering FAULT STATE: no IPv4 address for interface eth0/);
  await heldBy(b, [a, b], VIP);
  await never(() => master.said(/recovered/).length > 0, "recovery without an address", 500);
});

const LEFT: readonly { of: string; before: readonly string[]; now?: readonly string[] }[] = [
  { of: "another IPv4 prefix length", before: [`${VIP}/32`] },
  { of: "another IPv6 prefix length", before: [VIPS6[0]!, `${VIP6.global}/128`], now: VIPS6 },
  { of: "another interface", before: [`${VIP}/24 dev eth1`] },
];

for (const { of, before, now = [`${VIP}/24`] } of LEFT) {
  labTest(`what a crash left with ${of} is removed at the next start`, async (lab) => {
    const [a, b] = lab.pair();
    lab.cable(a, b, "eth1", ["198.51.100.1/24", "198.51.100.2/24"]);
    const vip = before.length === 1 ? VIP : VIP6.global;
    const crashed = await lab.vigie(a, file([], router({ addresses: before })));
    await until(() => holds(a, vip), "the address");
    await crashed.crash();
    const master = await lab.vigie(b, file([], router({ priority: 200, addresses: now })));
    await master.saw(/Entering MASTER STATE/);
    await until(() => holds(b, vip), "the address on b");
    assert.equal(holds(a, vip), true, "the crash left it");
    const next = await lab.vigie(a, file([], router({ priority: 100, addresses: now })));
    await heldBy(b, [a, b], vip);
    await next.saw(/removing VIPs left by a predecessor/);
    await next.saw(/Master set to/);
  });
}

labTest(
  "an untracked cable costs neither IPv6 addresses nor the operator's sysctl",
  async (lab) => {
    const a = lab.host("a"), wire = lab.listen(a);
    setPromotion(a, "0");
    const lines = ["dont_track_primary"];
    const node = await lab.vigie(
      a,
      file(
        [],
        router({ name: "FOUR", lines: [...lines, "promote_secondaries"] }),
        router({ name: "SIX", addresses: VIPS6, lines }),
      ),
    );
    await until(() => wire.garps(VIP).length >= ALL_GARPS, "both rounds of GARPs");
    await until(() => promotion(a) === "1" && holds(a, VIP6.global), "both instances to be master");
    lab.segment.plug(a, false);
    await until(() => !hasCarrier(a), "the cable to be out");
    await node.statistics();
    wire.forget();
    lab.segment.plug(a, true);
    await until(() => wire.garps(VIP).length > 0, "the GARP after the cable is in");
    assert.deepEqual([VIP, ...Object.values(VIP6)].filter((address) => !holds(a, address)), []);
    assert.equal(await node.stop(), 0);
    assert.equal(promotion(a), "0");
    assert.deepEqual([VIP, ...Object.values(VIP6)].filter((address) => holds(a, address)), []);
  },
);

labTest("a second vigie in a namespace leaves the first alone", async (lab) => {
  const { a, b, master } = await elected(lab);
  const before = addressesOn(a);
  const second = await lab.vigie(a, file([], router({ priority: 200 })));
  assert.equal(await second.ended(), 0);
  assert.equal(second.said(new RegExp(`already running here: process ${master.pid}`)).length, 1);
  assert.deepEqual(second.said(/STATE|VIPs/), []);
  await never(() => !holds(a, VIP) || holds(b, VIP), "the address to move", 500);
  assert.equal(addressOn(a, VIP)?.cacheInfo?.createdCs, createdAt(before, VIP), "never removed");
  assertNeverLeft(master);
});

function createdAt(list: ReturnType<typeof addressesOn>, address: string): number | undefined {
  return list.find(({ text }) => text === address)?.cacheInfo?.createdCs;
}

function hasCarrier({ namespace, device }: Place): boolean {
  const links = within(namespace, dumpLinks);
  return links.some(({ name, flags }) => name === device && (flags & IFF.RUNNING) !== 0);
}

/** Changes of a link between two looks at whether the kernel had to drop one. */
const FLOOD = 256;

/**
 * Makes more events than a stopped daemon's socket has room for. The kernel yields the processor at
 * every event once that socket is half full: slow where others want it.
 */
function overrun({ namespace, device }: Host): void {
  const deadline = performance.now() + TIMEOUT_MS;
  within(namespace, (socket) => {
    const index = indexOf(socket, device);
    const flood = Array.from({ length: FLOOD }, (_, at) => mtuMessage(index, 1400 + at % 2));
    while (!hasDropped()) {
      if (performance.now() > deadline) throw new Error("Cannot make the kernel drop events");
      socket.requestAll(flood);
    }
  });
}

/** As `setLink` sends it, for batches: what changes the link one by one floods too slowly. */
function mtuMessage(index: number, mtu: number): NetlinkMessage {
  const message = new NetlinkMessage(RTM.NEWLINK, 0, `change link ${index}`);
  const head = (view: DataView) => view.setInt32(IFINFOMSG.at.ifi_index, index, HOST_ORDER);
  return message.head(IFINFOMSG.size, head).u32(IFLA.MTU, mtu);
}

/** Whether a socket of this namespace that has joined a group has lost events (the Drops column). */
function hasDropped(): boolean {
  const lines = Deno.readTextFileSync("/proc/thread-self/net/netlink").trim().split("\n").slice(1);
  return lines.map((line) => line.trim().split(/\s+/)).some(([, , , groups, , , , , drops]) =>
    Number(`0x${groups}`) !== 0 && Number(drops) > 0
  );
}
