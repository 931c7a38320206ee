/** Who is master, and how the role changes hands: vigie against vigie. */

import assert from "node:assert/strict";
import { ip } from "../lib/core/address.ts";
import { ADDRESS_PROTOCOL } from "../lib/net/links.ts";
import { addressOn, heldBy, holds } from "./lab/addresses.ts";
import { file, router, VIP } from "./lab/config.ts";
import { labTest } from "./lab/lab.ts";
import { never, until } from "./lab/until.ts";

const A = ip("192.0.2.1"), B = ip("192.0.2.2");

labTest("the router with the higher priority becomes master when both start", async (lab) => {
  const [a, b] = lab.pair();
  const low = await lab.vigie(a, file([], router({ priority: 100 })));
  const high = await lab.vigie(b, file([], router({ priority: 200 })));
  await high.saw(/\(VI_1\) Entering MASTER STATE/);
  await heldBy(b, [a, b], VIP);
  await low.saw(/Master set to 192\.0\.2\.2|Master received advert from 192\.0\.2\.2/);
  await never(() => holds(a, VIP), "the lower router to take the address", 500);
});

labTest("a stopped master resigns before it gives its address back", async (lab) => {
  const [a, b] = lab.pair();
  const wire = lab.listen(b);
  const master = await lab.vigie(a, file([], router({ priority: 200, advertInt: 1 })));
  const backup = await lab.vigie(b, file([], router({ priority: 100, advertInt: 1 })));
  await heldBy(a, [a, b], VIP);
  await backup.saw(/Master set to 192\.0\.2\.1/);
  assert.equal(await master.stop(), 0);
  assert.equal(holds(a, VIP), false);
  await master.saw(/sent 0 priority/);
  await master.saw(/removing VIPs/);
  await heldBy(b, [a, b], VIP);
  const sent = wire.adverts({ source: A });
  const resignations = sent.filter(({ advert }) => advert.priority === 0);
  assert.equal(resignations.length, 1);
  assert.equal(sent.at(-1), resignations[0], "the resignation is the last advert");
  const first = await wire.sawAdvert(({ source }) => source === B, "the new master's advert");
  // Priority 100 at 1 s: the skew is 0.609 s, the down interval 3.609 s.
  const takeoverUs = first.at - resignations[0]!.at;
  assert.ok(takeoverUs > 600_000 && takeoverUs < 3_000_000, `took over after ${takeoverUs} us`);
  await backup.saw(/Entering MASTER STATE: master 192\.0\.2\.1 resigned/);
});

labTest("a backup says nothing on the wire when it stops", async (lab) => {
  const [a, b] = lab.pair();
  await lab.vigie(a, file([], router({ priority: 200 })));
  await heldBy(a, [a, b], VIP);
  const wire = lab.listen(a);
  const backup = await lab.vigie(b, file([], router({ priority: 100 })));
  await backup.saw(/Master set to 192\.0\.2\.1/);
  assert.equal(await backup.stop(), 0);
  assert.deepEqual(wire.adverts({ source: B }), []);
});

labTest(
  "a killed master leaves its address, and takes it away when it starts again",
  async (lab) => {
    const [a, b] = lab.pair();
    const first = await lab.vigie(a, file([], router({ priority: 200 })));
    const backup = await lab.vigie(b, file([], router({ priority: 100 })));
    await heldBy(a, [a, b], VIP);
    await backup.saw(/Master set to/);
    await first.crash();
    await backup.saw(/Entering MASTER STATE: no advert from master 192\.0\.2\.1/);
    await until(() => holds(b, VIP), "the backup to take the address");
    assert.equal(addressOn(a, VIP)?.protocol, ADDRESS_PROTOCOL, "the dead one's address is tagged");
    const second = await lab.vigie(a, file([], router({ priority: 200, lines: ["nopreempt"] })));
    await heldBy(b, [a, b], VIP);
    const lines = second.lines.join("\n");
    assert.match(
      lines,
      /removing VIPs left by a predecessor: 192\.0\.2\.100[^]*Entering BACKUP STATE/,
    );
  },
);

labTest("a router that comes back preempts when its priority is higher", async (lab) => {
  const [a, b] = lab.pair();
  const low = await lab.vigie(b, file([], router({ priority: 100 })));
  await heldBy(b, [a, b], VIP);
  const high = await lab.vigie(a, file([], router({ priority: 200 })));
  await high.saw(/Entering MASTER STATE: preempting 192\.0\.2\.2, whose priority is 100, ours 200/);
  await low.saw(/Entering BACKUP STATE: Master received advert from 192\.0\.2\.1 with higher/);
  await heldBy(a, [a, b], VIP);
});

labTest("a router with nopreempt stays backup until the lower master goes", async (lab) => {
  const [a, b] = lab.pair();
  const low = await lab.vigie(b, file([], router({ priority: 100 })));
  await heldBy(b, [a, b], VIP);
  const high = await lab.vigie(a, file([], router({ priority: 200, lines: ["nopreempt"] })));
  await high.saw(/Master set to 192\.0\.2\.2/);
  await never(() => holds(a, VIP), "a router with nopreempt to preempt", 1500);
  await low.stop();
  await high.saw(/Entering MASTER STATE/);
  await heldBy(a, [a, b], VIP);
});

labTest("a router with preempt_delay leaves a lower master alone that long", async (lab) => {
  const [a, b] = lab.pair();
  await lab.vigie(b, file([], router({ priority: 100 })));
  await heldBy(b, [a, b], VIP);
  const started = performance.now();
  const high = await lab.vigie(a, file([], router({ priority: 200, lines: ["preempt_delay 2"] })));
  await high.saw(/Start preempt delay \(2 s\)/);
  await high.saw(/Entering MASTER STATE: preempting/);
  assert.ok(performance.now() - started >= 2000);
  await heldBy(a, [a, b], VIP);
});

labTest("a router that hears nobody does not wait for its preempt_delay", async (lab) => {
  const a = lab.host("a");
  const node = await lab.vigie(a, file([], router({ lines: ["preempt_delay 600"] })));
  await node.saw(/Entering MASTER STATE: no master was heard/);
});

labTest("vrrp_startup_delay keeps even an owner quiet that long", async (lab) => {
  const a = lab.host("a");
  const wire = lab.listen(a);
  const started = performance.now();
  const globals = ["vrrp_startup_delay 1.5"];
  const node = await lab.vigie(a, file(globals, router({ priority: 255 })));
  await node.saw(/Entering MASTER STATE/);
  assert.ok(performance.now() - started >= 1500);
  assert.match(node.lines.join("\n"), /Delaying startup for 1\.5 s/);
  await wire.sawAdvert(({ advert }) => advert.priority === 255, "the owner's advert");
});

labTest("an owner is master at once and preempts a master with nopreempt", async (lab) => {
  const [a, b] = lab.pair();
  await lab.vigie(b, file([], router({ priority: 254, lines: ["nopreempt"] })));
  await heldBy(b, [a, b], VIP);
  const owner = await lab.vigie(a, file([], router({ priority: 255 })));
  await owner.saw(/Entering MASTER STATE: started, owner of the addresses/);
  await heldBy(a, [a, b], VIP);
  assert.equal(owner.said(/BACKUP/).length, 0, "an owner is never backup");
});

labTest("routers at 10 ms adverts elect and fail over", async (lab) => {
  const [a, b] = lab.pair();
  const wire = lab.listen(b);
  const globals = ["vrrp_rt_priority 50"];
  const master = await lab.vigie(a, file(globals, router({ priority: 200, advertInt: 0.01 })));
  const backup = await lab.vigie(b, file(globals, router({ priority: 100, advertInt: 0.01 })));
  await heldBy(a, [a, b], VIP);
  await until(() => wire.adverts({ source: A }).length > 100, "a hundred adverts");
  assert.ok(wire.adverts({ source: A }).every(({ advert }) => advert.advertIntervalUs === 10_000));
  await master.crash();
  await backup.saw(/Entering MASTER STATE: no advert from master 192\.0\.2\.1/);
  await until(() => holds(b, VIP), "the backup to take the address");
});

labTest("a backup learns the master's interval in version 3", async (lab) => {
  const [a, b] = lab.pair();
  await lab.vigie(a, file([], router({ priority: 200, advertInt: 0.2 })));
  await heldBy(a, [a, b], VIP);
  const backup = await lab.vigie(b, file([], router({ priority: 100, advertInt: 1 })));
  await backup.saw(/Advertisement interval updated from 1 s to 200 ms by master/);
  assert.equal(backup.said(/advertises every 200 ms, we are configured for 1 s/).length, 1);
});

labTest("version 2 routers elect and fail over", async (lab) => {
  const [a, b] = lab.pair();
  const wire = lab.listen(b);
  const master = await lab.vigie(a, file([], router({ version: 2, priority: 200 })));
  const backup = await lab.vigie(b, file([], router({ version: 2, priority: 100 })));
  await heldBy(a, [a, b], VIP);
  assert.ok(wire.adverts({ source: A }).every(({ advert }) => advert.version === 2));
  await backup.saw(/Master set to/);
  await master.stop();
  await backup.saw(/Entering MASTER STATE/);
  await heldBy(b, [a, b], VIP);
});
