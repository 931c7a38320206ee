/** Reload after reload under a master that works: nobody on the wire may notice. */

import assert from "node:assert/strict";
import { ip } from "../lib/core/address.ts";
import { heldBy, holds } from "./lab/addresses.ts";
import { block, file, router, VIP } from "./lab/config.ts";
import { KEEPALIVED, startKeepalived } from "./lab/keepalived.ts";
import { peerTest } from "./lab/lab.ts";
import { startReloading } from "./lab/reloads.ts";
import { sleep, until } from "./lab/until.ts";

/** Reloads in a row; a thousand for the measure. */
const ROUNDS = Number(Deno.env.get("VIGIE_RELOADS") ?? 100);

/** Ten a second. */
const APART_MS = 100;

/** The rounds before memory is first looked at: code is compiled, and caches fill. */
const WARM = Math.ceil(ROUNDS / 2);

/** What the heaps of two threads take for themselves while they warm up; a leak shows in many rounds. */
const GROWTH_KB = 16_384;

const A = ip("192.0.2.1"), INTERVAL_S = 0.5;

const CHECKED = [
  block("vrrp_check self", [block("file", ["path /etc/passwd"]), "interval 0.3"]),
  router({
    priority: 150,
    advertInt: INTERVAL_S,
    lines: [block("track_check", ["self weight 10"])],
  }),
];

function residentKb(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmRSS:\s*(\d+)/.exec(status)![1]);
}

function descriptors(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

for (
  const [what, text] of [
    [
      "that change a comment",
      (round: number) => file([], ...CHECKED) + `# round ${round % 2}\n`,
    ],
    [
      "that change another instance",
      (round: number) => {
        const priority = 100 + round % 2 * 20;
        const addresses = [`203.0.113.${1 + round % 3}/24`, "203.0.113.9/24"];
        return file([], ...CHECKED, router({ name: "VI_2", vrid: 52, priority, addresses }));
      },
    ],
  ] as const
) {
  peerTest(KEEPALIVED, `${ROUNDS} reloads ${what}: no transition, no late advert`, async (lab) => {
    const [a, b] = lab.pair();
    const node = await startReloading(lab, a, text(0));
    const peer = lab.keep(
      await startKeepalived(b, router({ priority: 100, advertInt: INTERVAL_S })),
    );
    await heldBy(a, [a, b], VIP);
    await until(() => node.said(/VI_1.*priority from 150 to 160/).length > 0, "the first result");
    await sleep(2500);
    const wire = lab.listen(b), entered = peer.said(/Entering/).length;
    const before = node.said(/Entering|Removed|Not reloaded|added|removed$/).length;
    let warm = { kb: 0, fds: 0 };
    const begun = performance.now();
    for (let round = 1; round <= ROUNDS; round++) {
      node.write(text(round));
      node.signal("SIGHUP");
      await sleep(Math.max(0, begun + round * APART_MS - performance.now()));
      if (round === WARM) warm = { kb: residentKb(node.pid), fds: descriptors(node.pid) };
    }
    const done = () => node.said(/Reload complete/).length;
    await sleep(1000);
    const complete = done(), kb = residentKb(node.pid) - warm.kb;
    assert.ok(node.running && holds(a, VIP));
    const turns = node.said(/Entering|Removed|Not reloaded|added|removed$/).slice(before);
    assert.deepEqual(turns, [], "no instance has changed its state");
    assert.equal(peer.said(/Entering/).length, entered, "the peer is what it was");
    assert.equal(node.said(/VI_1.*Changing effective priority/).length, 1, "nor its priority");
    const adverts = wire.adverts({ source: A, vrid: 51 });
    assert.ok(adverts.every(({ advert }) => advert.priority === 160), "nobody resigned");
    const gaps = adverts.slice(1).map(({ at }, index) => (at - adverts[index]!.at) / 1000);
    const worst = Math.max(...gaps);
    console.log(
      `${complete} reloads of ${ROUNDS} signals, ${adverts.length} adverts, the longest gap ` +
        `${worst.toFixed(1)} ms of ${INTERVAL_S * 1000}, memory ${kb} kB, ` +
        `descriptors ${descriptors(node.pid) - warm.fds}`,
    );
    assert.ok(complete > ROUNDS / 4, `${complete} reloads`);
    assert.ok(worst < 3 * INTERVAL_S * 1000, `a gap of ${worst} ms: a backup would take over`);
    assert.equal(wire.garps(VIP).length, 0, "nothing is announced again");
    assert.ok(descriptors(node.pid) <= warm.fds + 2, "no descriptor is left open");
    assert.ok(kb < GROWTH_KB, `grew by ${kb} kB`);
  });
}
