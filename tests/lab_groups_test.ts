/** Sync groups in namespaces: ten instances that move as one, beside keepalived and beside vigie. */

import assert from "node:assert/strict";
import { heldBy, holders, holds, type Place, setUp } from "./lab/addresses.ts";
import { ip } from "../lib/core/address.ts";
import { block, file, router } from "./lab/config.ts";
import { KEEPALIVED, startKeepalived } from "./lab/keepalived.ts";
import { type Lab, labTest, peerTest } from "./lab/lab.ts";
import { never, until } from "./lab/until.ts";
import type { Vigie } from "./lab/vigie.ts";

const TEN = Array.from({ length: 10 }, (_, at) => at + 1);
const vip = (n: number) => `192.0.2.${100 + n}`;

/** Ten instances in one group. @param last Lines of the tenth. */
function group(priority: number, groupLines: readonly string[] = [], last: readonly string[] = []) {
  return [
    block("vrrp_sync_group G", [block("group", TEN.map((n) => `VI_${n}`)), ...groupLines]),
    ...TEN.map((n) =>
      router({
        name: `VI_${n}`,
        vrid: n,
        priority,
        addresses: [`${vip(n)}/24`],
        lines: n === 10 ? last : [],
      })
    ),
  ];
}

const TRACK_EXTRA = [block("track_interface", ["eth2"])];

/** Two hosts, and an interface of the first one that can fail without the other's caring. */
function withExtra(lab: Lab) {
  const [a, b] = lab.pair();
  const [extra] = lab.cable(a, b, "eth2", ["203.0.113.1/24", "203.0.113.2/24"]);
  return { a, b, extra, hosts: [a, b] };
}

/** Waits until one host has all ten addresses, and no other has any. */
async function allHeldBy(holder: Place, hosts: readonly Place[]): Promise<void> {
  for (const n of TEN) await heldBy(holder, hosts, vip(n));
}

/** Waits until so many lines say something: the kernel knows earlier than the log. */
async function told(vigie: Vigie, what: RegExp, times: number): Promise<string[]> {
  await until(() => vigie.said(what).length >= times, `${times} times ${what}`);
  assert.equal(vigie.said(what).length, times);
  return vigie.said(what);
}

peerTest(KEEPALIVED, "a group of ten moves as one to keepalived, and comes back", async (lab) => {
  const { a, b, extra, hosts } = withExtra(lab);
  const vigie = await lab.vigie(a, file([], ...group(150, [], TRACK_EXTRA)));
  lab.keep(await startKeepalived(b, file([], ...group(100))));
  await allHeldBy(a, hosts);
  setUp(extra, false);
  await allHeldBy(b, hosts);
  const fault = await told(vigie, /Entering FAULT STATE/, 10);
  const borrowed = /sync group G is held in fault by VI_10 \(interface eth2: is down\)/;
  assert.equal(fault.filter((line) => borrowed.test(line)).length, 9);
  setUp(extra, true);
  await allHeldBy(a, hosts);
});

labTest("a group yields as one to a better group, without saying that it resigns", async (lab) => {
  const [a, b] = lab.pair(), hosts = [a, b];
  const worse = await lab.vigie(a, file([], ...group(100)));
  await allHeldBy(a, hosts);
  const wire = lab.listen(a);
  await lab.vigie(b, file([], ...group(150)));
  await allHeldBy(b, hosts);
  await told(worse, /Entering BACKUP STATE/, 10 + 10);
  const priorities = wire.adverts({ source: ip("192.0.2.1") }).map(({ advert }) => advert.priority);
  assert.ok(priorities.length > 0);
  assert.ok(priorities.every((priority) => priority === 100), `${priorities}`);
});

labTest(
  "a group that loses a link is given up in one turn, and never split after it",
  async (lab) => {
    const { a, b, extra, hosts } = withExtra(lab);
    await lab.vigie(a, file([], ...group(150, [], TRACK_EXTRA)));
    await lab.vigie(b, file([], ...group(100)));
    await allHeldBy(a, hosts);
    setUp(extra, false);
    await until(() => !holds(a, vip(1)), "the first address to be given up");
    await until(() => TEN.every((n) => !holds(a, vip(n))), "the others");
    await allHeldBy(b, hosts);
    await never(() => TEN.some((n) => holders(hosts, vip(n)).length !== 1), "a split", 500);
  },
);

labTest("sync_group_tracking_weight moves the priorities of all members", async (lab) => {
  const { a, b, extra, hosts } = withExtra(lab);
  const weighted = ["sync_group_tracking_weight", block("track_interface", ["eth2 weight -60"])];
  const vigie = await lab.vigie(a, file([], ...group(150, weighted)));
  await lab.vigie(b, file([], ...group(100)));
  await allHeldBy(a, hosts);
  setUp(extra, false);
  await allHeldBy(b, hosts);
  await told(vigie, /Changing effective priority from 150 to 90: interface eth2/, 10);
  assert.deepEqual(vigie.said(/Entering FAULT STATE/), []);
  setUp(extra, true);
  await allHeldBy(a, hosts);
});

/** Two instances in a group; `own` are lines of the first, priorities of both. */
function two(priorities: readonly [number, number], own: readonly string[] = []) {
  return [
    block("vrrp_sync_group G", [block("group", ["VI_1", "VI_2"])]),
    ...priorities.map((priority, at) =>
      router({
        name: `VI_${at + 1}`,
        vrid: at + 1,
        priority,
        addresses: [`${vip(at + 1)}/24`],
        lines: at === 0 ? own : [],
      })
    ),
  ];
}

labTest("groups whose members disagree about who is better stay where they are", async (lab) => {
  const [a, b] = lab.pair();
  const first = await lab.vigie(b, file([], ...two([100, 100])));
  await first.saw(/VI_2\) Entering MASTER/);
  const other = await lab.vigie(a, file([], ...two([90, 150])));
  await never(() => other.said(/Entering MASTER/).length > 0, "a group that goes to and fro", 3000);
  assert.equal(first.said(/Entering MASTER/).length, 2);
});

labTest("nopreempt of one member keeps the whole group from preempting", async (lab) => {
  const [a, b] = lab.pair(), hosts = [a, b];
  const lower = await lab.vigie(b, file([], ...two([100, 100])));
  await lower.saw(/VI_2\) Entering MASTER/);
  const higher = await lab.vigie(a, file([], ...two([150, 150], ["nopreempt"])));
  await never(() => higher.said(/Entering MASTER/).length > 0, "preemption", 2000);
  await lower.stop();
  await heldBy(a, hosts, vip(1));
  await heldBy(a, hosts, vip(2));
});
