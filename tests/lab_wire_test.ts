/** What vigie puts on the wire, and when. */

import assert from "node:assert/strict";
import { ip } from "../lib/core/address.ts";
import { holds } from "./lab/addresses.ts";
import { block, file, router, VIP, VIP6, VIPS6 } from "./lab/config.ts";
import type { Frame } from "./lab/frames.ts";
import { labTest } from "./lab/lab.ts";
import { never, until } from "./lab/until.ts";

/** Groups frames into batches: a batch ends where nothing comes for half a second. */
function batches(frames: readonly Frame[]): number[] {
  const sizes: number[] = [];
  for (const [at, frame] of frames.entries()) {
    const gapUs = at === 0 ? Infinity : frame.at - frames[at - 1]!.at;
    if (gapUs > 500_000) sizes.push(0);
    sizes[sizes.length - 1]!++;
  }
  return sizes;
}

/**
 * The usual time between a frame and the one before it: the median, for a thread that is held up
 * between its clock and the wire shortens the next gap.
 */
function gapUs(frames: readonly Frame[]): number {
  const gaps = frames.slice(1).map(({ at }, index) => at - frames[index]!.at);
  return gaps.toSorted((a, b) => a - b)[gaps.length >> 1]!;
}

labTest("an IPv4 advert leaves with TTL 255 and TOS 0xc0 to the group", async (lab) => {
  const a = lab.host("a"), observer = lab.host("observer");
  const wire = lab.listen(observer);
  await lab.vigie(a, file([], router({ vrid: 77, priority: 123 })));
  const frame = await wire.sawAdvert(() => true, "an advert");
  assert.deepEqual(
    [frame.source, frame.destination, frame.hopLimit, frame.tos, frame.to],
    ["192.0.2.1", "224.0.0.18", 255, 0xc0, "01:00:5e:00:00:12"],
  );
  const { version, vrid, priority, advertIntervalUs, addresses, checksumForms } = frame.advert;
  assert.deepEqual([version, vrid, priority, advertIntervalUs], [3, 77, 123, 100_000]);
  assert.deepEqual(addresses, [VIP]);
  assert.ok(checksumForms.includes("pseudo-header"));
});

labTest(
  "an IPv6 advert leaves with hop limit 255 from the router's own link-local",
  async (lab) => {
    const a = lab.host("a"), observer = lab.host("observer");
    const wire = lab.listen(observer);
    await lab.vigie(a, file([], router({ addresses: VIPS6 })));
    const frame = await wire.sawAdvert(() => true, "an advert");
    assert.match(frame.source, /^fe80:/);
    assert.notEqual(frame.source, VIP6.linkLocal);
    assert.deepEqual(
      [frame.destination, frame.hopLimit, frame.tos, frame.to],
      ["ff02::12", 255, 0xc0, "33:33:00:00:00:12"],
    );
    assert.deepEqual(frame.advert.addresses, [VIP6.linkLocal, VIP6.global]);
    assert.deepEqual(frame.advert.checksumForms, ["pseudo-header"]);
  },
);

labTest("v3_checksum_as_v2 sends the checksum of the message alone", async (lab) => {
  const a = lab.host("a");
  const wire = lab.listen(a);
  await lab.vigie(a, file(["v3_checksum_as_v2"], router()));
  const frame = await wire.sawAdvert(() => true, "an advert");
  assert.deepEqual(frame.advert.checksumForms, ["message-only"]);
});

labTest("the advert of a new master leaves before its first gratuitous ARP", async (lab) => {
  const a = lab.host("a");
  const wire = lab.listen(a);
  const addresses = Array.from({ length: 50 }, (_, at) => `198.51.100.${at + 1}/24`);
  await lab.vigie(a, file([], router({ addresses })));
  await until(() => wire.garps().length >= 250, "the first batch");
  const own = wire.frames.filter(({ outgoing }) => outgoing);
  const firstAdvert = own.findIndex(({ kind }) => kind === "advert");
  const firstArp = own.findIndex((frame) =>
    frame.kind === "arp" && frame.senderIp === frame.targetIp
  );
  assert.ok(firstAdvert >= 0 && firstAdvert < firstArp, `${firstAdvert} before ${firstArp}`);
});

labTest("gratuitous ARP comes at once, after the delay, and at every refresh", async (lab) => {
  const a = lab.host("a"), observer = lab.host("observer");
  const wire = lab.listen(observer);
  const lines = ["garp_master_refresh 1", "garp_master_refresh_repeat 2"];
  await lab.vigie(a, file([], router({ lines })));
  await until(() => wire.garps(VIP).length >= 5 + 5 + 2 + 2, "two batches and two refreshes");
  assert.deepEqual(batches(wire.garps(VIP).slice(0, 14)), [5, 5, 2, 2]);
  const [arp] = wire.garps(VIP);
  assert.deepEqual(
    [arp!.operation, arp!.to, arp!.targetMac, arp!.senderMac, arp!.targetIp],
    [1, "ff:ff:ff:ff:ff:ff", "ff:ff:ff:ff:ff:ff", arp!.from, VIP],
  );
});

labTest("garp_master_delay 0 means one batch, garp_master_repeat its rounds", async (lab) => {
  const a = lab.host("a");
  const wire = lab.listen(a);
  const text = router({ lines: ["garp_master_repeat 2"] })
    .replace("garp_master_delay 1", "garp_master_delay 0");
  await lab.vigie(a, file([], text));
  await until(() => wire.garps(VIP).length >= 2, "the batch");
  await never(() => wire.garps(VIP).length > 2, "another batch", 1500);
});

labTest("IPv6 addresses are announced by neighbour advertisements to all nodes", async (lab) => {
  const a = lab.host("a"), observer = lab.host("observer");
  const wire = lab.listen(observer);
  await lab.vigie(a, file([], router({ addresses: VIPS6 })));
  await until(() => wire.announcements6(VIP6.global).length >= 10, "two batches");
  const [na] = wire.announcements6(VIP6.global);
  assert.deepEqual(
    [na!.source, na!.to, na!.router, na!.solicited, na!.override, na!.linkLayer],
    [VIP6.global, "33:33:00:00:00:01", true, false, true, na!.from],
  );
  assert.ok(wire.announcements6(VIP6.linkLocal).length >= 10);
});

labTest("vrrp_garp_interval keeps a gap between gratuitous ARPs, in order", async (lab) => {
  const a = lab.host("a");
  const wire = lab.listen(a);
  const list = ["198.51.100.1", "198.51.100.2", "198.51.100.3"];
  const addresses = list.map((address) => `${address}/24`);
  const text = router({ addresses, lines: ["garp_master_repeat 3"] });
  await lab.vigie(a, file(["vrrp_garp_interval 0.06"], text));
  await until(() => wire.garps().length >= 9, "three rounds");
  const sent = wire.garps().slice(0, 9);
  assert.deepEqual(sent.map(({ senderIp }) => senderIp), [...list, ...list, ...list]);
  assert.ok(gapUs(sent) > 30_000, `gaps of ${gapUs(sent)} us`);
});

labTest("vrrp_gna_interval keeps a gap between neighbour advertisements", async (lab) => {
  const a = lab.host("a");
  const wire = lab.listen(a);
  const text = router({ addresses: VIPS6, lines: ["garp_master_repeat 3"] });
  await lab.vigie(a, file(["vrrp_gna_interval 0.06"], text));
  await until(() => wire.announcements6().length >= 6, "three rounds");
  const sent = wire.announcements6().slice(0, 6);
  assert.ok(gapUs(sent) > 30_000, `gaps of ${gapUs(sent)} us`);
});

labTest("a master that steps down announces nothing more", async (lab) => {
  const [a, b] = lab.pair();
  const addresses = Array.from({ length: 40 }, (_, at) => `198.51.100.${at + 1}/24`);
  const globals = ["vrrp_garp_interval 0.05"];
  const low = await lab.vigie(a, file(globals, router({ priority: 100, addresses })));
  const wire = lab.listen(a);
  await low.saw(/Entering MASTER STATE/);
  await lab.vigie(b, file([], router({ priority: 200, addresses })));
  await low.saw(/Entering BACKUP STATE: Master received/);
  await until(() => !holds(a, "198.51.100.1"), "the addresses to go");
  wire.forget();
  const own = () => wire.garps().filter(({ outgoing }) => outgoing);
  await never(() => own().length > 0, "an announcement of a backup", 1000);
});

labTest("a router joins its groups, and the wire says so", async (lab) => {
  const a = lab.host("a");
  const wire = lab.listen(a);
  const four = router({ name: "FOUR", vrid: 1 });
  const six = router({ name: "SIX", vrid: 1, addresses: VIPS6 });
  await lab.vigie(a, file([], four, six));
  const joined = (kind: string, group: string) => (frame: Frame) =>
    frame.outgoing && frame.kind === kind && "joined" in frame && frame.joined.includes(ip(group));
  await wire.saw(joined("igmp", "224.0.0.18"), "an IGMP report");
  await wire.saw(joined("mld", "ff02::12"), "an MLD report");
});

labTest("vrrp_mcast_group4 moves adverts to another group", async (lab) => {
  const [a, b] = lab.pair();
  const wire = lab.listen(b);
  const globals = ["vrrp_mcast_group4 224.0.0.99"];
  await lab.vigie(a, file(globals, router({ priority: 200 })));
  const backup = await lab.vigie(b, file(globals, router({ priority: 100 })));
  await backup.saw(/Master set to 192\.0\.2\.1|Master received advert from 192\.0\.2\.1/);
  assert.ok(wire.adverts().every(({ destination }) => destination === ip("224.0.0.99")));
});

labTest("a unicast router joins no group", async (lab) => {
  const a = lab.host("a");
  const wire = lab.listen(a);
  const lines = [block("unicast_peer", ["192.0.2.2"])];
  await lab.vigie(a, file([], router({ lines })));
  await until(() => holds(a, VIP), "the address");
  await never(
    () =>
      wire.frames.some((frame) => frame.kind === "igmp" && frame.joined.includes(ip("224.0.0.18"))),
    "an IGMP report for a unicast router",
    1500,
  );
  assert.deepEqual(wire.adverts(), [], "nobody answers ARP for the peer, so nothing can leave");
});
