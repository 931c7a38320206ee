/** interface_up_down_delays and disable_local_igmp in namespaces. */

import assert from "node:assert/strict";
import { heldBy, holds, setUp } from "./lab/addresses.ts";
import { block, file, router, VIP } from "./lab/config.ts";
import { labTest } from "./lab/lab.ts";
import { startReloading } from "./lab/reloads.ts";
import { never, sleep, until } from "./lab/until.ts";
import { runVigie, type Vigie } from "./lab/vigie.ts";

/** A peer that waits long enough for the delays: 10 s. */
const PATIENT = ["down_timer_adverts 100"];

/** The file of the better router: down after 3 s, up after 2. */
function delayed(
  lines: readonly string[] = [],
  down = 3,
  { priority = 150, advertInt = 0.1 } = {},
): string {
  const delays = block("interface_up_down_delays", [`eth0 ${down} 2`, "eth1 3 2"]);
  return file([], delays, router({ priority, advertInt, lines: [...PATIENT, ...lines] }));
}

const PEER = file([], router({ priority: 100, lines: PATIENT }));

const entered = (node: Vigie, state: string) => node.said(new RegExp(`Entering ${state} STATE`));

async function since(start: number, what: Promise<unknown>): Promise<number> {
  await what;
  return performance.now() - start;
}

labTest("a loss of carrier that is shorter than the delay is nobody's business", async (lab) => {
  const [a, b] = lab.pair();
  const master = await lab.vigie(a, delayed());
  await heldBy(a, [a, b], VIP);
  const backup = await lab.vigie(b, PEER);
  await backup.saw(/Entering BACKUP STATE/);
  lab.segment.plug(a, false);
  await sleep(300);
  lab.segment.plug(a, true);
  await never(() => entered(master, "FAULT").length > 0, "a fault", 4000);
  assert.equal(entered(master, "MASTER").length, 1);
  assert.equal(entered(backup, "MASTER").length, 0);
});

labTest(
  "a longer loss of carrier is a fault after the down delay, until after the up delay",
  async (lab) => {
    const [a, b] = lab.pair();
    const master = await lab.vigie(a, delayed());
    await heldBy(a, [a, b], VIP);
    const backup = await lab.vigie(b, PEER);
    await backup.saw(/Entering BACKUP STATE/);
    const pulled = performance.now();
    lab.segment.plug(a, false);
    const down = await since(pulled, master.saw(/FAULT STATE: interface eth0 has no carrier/));
    assert.ok(down >= 3000, `${down} ms`);
    await heldBy(b, [a, b], VIP);
    const plugged = performance.now();
    lab.segment.plug(a, true);
    const up = await since(plugged, master.saw(/Entering BACKUP STATE: recovered/));
    assert.ok(up >= 2000, `${up} ms`);
    await heldBy(a, [a, b], VIP);
  },
);

labTest("a tracked interface moves the priority after its delays", async (lab) => {
  const [a, far] = lab.pair();
  const [eth1] = lab.cable(a, far, "eth1", ["198.51.100.1/24", "198.51.100.2/24"]);
  const tracked = [block("track_interface", ["eth1 weight -30"])];
  const node = await lab.vigie(a, delayed(tracked));
  await node.saw(/Entering MASTER STATE/);
  const start = performance.now();
  setUp(eth1, false);
  const down = await since(start, node.saw(/from 150 to 120/));
  assert.ok(down >= 3000, `${down} ms`);
  const again = performance.now();
  setUp(eth1, true);
  const up = await since(again, node.saw(/from 120 to 150/));
  assert.ok(up >= 2000, `${up} ms`);
});

labTest("a restart and a reload go on with what is being waited for", async (lab) => {
  const [a] = lab.pair();
  // An advert a second: a delay of a minute is not too long. An owner does not wait to be master.
  const slow = (down: number) => delayed([], down, { priority: 255, advertInt: 1 });
  const node = await startReloading(lab, a, slow(60));
  await node.saw(/Entering MASTER STATE/);
  const start = performance.now();
  lab.segment.plug(a, false);
  await sleep(300);
  const { code, text } = await runVigie(a, ["restart"]);
  assert.equal(code, 0, text);
  await node.saw(/Going on in MASTER STATE/);
  // What the first look of the new image would have taken for what is.
  await never(() => entered(node, "FAULT").length > 0, "a fault", 500);
  await node.reload(slow(20));
  const down = await since(start, node.saw(/FAULT STATE: interface eth0 has no carrier/));
  assert.ok(down >= 20_000, `${down} ms`);
});

labTest("disable_local_igmp lasts as long as the daemon, and over a restart", async (lab) => {
  const [a] = lab.pair();
  const setting = () =>
    a.namespace.run(() =>
      Deno.readTextFileSync("/proc/sys/net/ipv4/igmp_link_local_mcast_reports").trim()
    );
  assert.equal(setting(), "1");
  const node = await startReloading(lab, a, file(["disable_local_igmp"], router()));
  await until(() => holds(a, VIP), "the address");
  assert.equal(setting(), "0");
  assert.equal((await runVigie(a, ["restart"])).code, 0);
  await node.saw(/Going on in MASTER STATE/);
  assert.equal(setting(), "0");
  await node.reload(file([], router()));
  assert.equal(setting(), "1");
  await node.reload(file(["disable_local_igmp"], router()));
  assert.equal(setting(), "0");
  await node.stop();
  assert.equal(setting(), "1");
});
