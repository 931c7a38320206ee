/** Sync groups in namespaces: ten instances that move as one, beside keepalived and beside vigie. */

import assert from "node:assert/strict";
import { heldBy, holders, holds, type Place, setUp } from "./lab/addresses.ts";
import { ip } from "../lib/core/address.ts";
import { block, file, router } from "./lab/config.ts";
import { KEEPALIVED, startKeepalived } from "./lab/keepalived.ts";
import { type Lab, labTest, peerTest } from "./lab/lab.ts";
import { never, until } from "./lab/until.ts";

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

peerTest(KEEPALIVED, "a group of ten moves as one to keepalived, and comes back", async (lab) => {
  const { a, b, extra, hosts } = withExtra(lab);
  const vigie = await lab.vigie(a, file([], ...group(150, [], TRACK_EXTRA)));
  lab.keep(await startKeepalived(b, file([], ...group(100))));
  await allHeldBy(a, hosts);
  setUp(extra, false);
  await allHeldBy(b, hosts);
  const fault = vigie.said(/Entering FAULT STATE/);
  assert.equal(fault.length, 10);
  const borrowed = /VI_10 of sync group G is in fault \(interface eth2: is down\)/;
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
  assert.equal(worse.said(/Entering BACKUP STATE/).length, 10 + 10, "at the start, and now");
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
    await until(() => TEN.every((n) => !holds(a, vip(n))), "the others", 1000);
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
  assert.equal(vigie.said(/Changing effective priority from 150 to 90: interface eth2/).length, 10);
  assert.deepEqual(vigie.said(/Entering FAULT STATE/), []);
  setUp(extra, true);
  await allHeldBy(a, hosts);
});
