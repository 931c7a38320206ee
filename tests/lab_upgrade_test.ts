/** Hand-overs in namespaces: nobody may notice that the daemon is another one. */

import assert from "node:assert/strict";
import { ip } from "../lib/core/address.ts";
import { heldBy, holders, holds } from "./lab/addresses.ts";
import { block, file, router, VIP } from "./lab/config.ts";
import { except, GENUINE, Images } from "./lab/image.ts";
import { KEEPALIVED, startKeepalived } from "./lab/keepalived.ts";
import { labTest, peerTest } from "./lab/lab.ts";
import { Pinging } from "./lab/pinging.ts";
import { never, sleep, until } from "./lab/until.ts";
import { endSuccessor, packed } from "./lab/upgrading.ts";
import { runVigie, Vigie } from "./lab/vigie.ts";
import type { Place } from "./lab/addresses.ts";

/** Hand-overs in a row. */
const ROUNDS = Number(Deno.env.get("VIGIE_UPGRADES") ?? 10);

const A = ip("192.0.2.1");

/** The rehearsal is the last that is seen of it. */
const GONE_WHEN_NEEDED = `[ "$1" = handover-rehearse ] && rm "$0"\n${GENUINE}`;

/** Restarts it, and expects it to be itself. */
async function restart(host: Place, vigie: Vigie): Promise<void> {
  const { code, text } = await runVigie(host, ["restart"]);
  assert.equal(code, 0, text);
  assert.match(text, new RegExp(`process ${vigie.pid}\\b`));
}

peerTest(
  KEEPALIVED,
  `${ROUNDS} restarts in a row: no answer lost, no transition, no counter forgotten`,
  async (lab) => {
    const [a, b] = lab.pair(), client = lab.host("c");
    const vigie = await lab.vigie(a, file([], router({ priority: 150, advertInt: 1 })));
    const peer = lab.keep(await startKeepalived(b, router({ priority: 100, advertInt: 1 })));
    await heldBy(a, [a, b], VIP);
    await vigie.saw(/Entering MASTER STATE/);
    const wire = lab.listen(b), entered = peer.said(/Entering/).length;
    using pinging = new Pinging(client, ip("192.0.2.3"), VIP);
    for (let round = 0; round < ROUNDS; round++) await restart(a, vigie);
    await sleep(1500);
    const { sent, lost } = pinging.count();
    assert.ok(sent > ROUNDS * 10, `${sent} pings`);
    console.log(`${sent} pings, ${lost} lost`);
    assert.equal(lost, 0, `of ${sent} pings`);
    assert.equal(peer.said(/Entering/).length, entered, "the peer is what it was");
    assert.deepEqual(holders([a, b], VIP), [a.name]);
    assert.ok(wire.garps(VIP).length <= 5, "announced when it became master, and not again");
    const adverts = wire.adverts({ source: A });
    assert.ok(adverts.every(({ advert }) => advert.priority === 150), "nobody resigned");
    const gaps = adverts.slice(1).map(({ at }, index) => (at - adverts[index]!.at) / 1000);
    const late = gaps.map((gap) => gap - 1000).toSorted((x, y) => x - y);
    console.log(`adverts late by ms: median ${late[late.length >> 1]}, worst ${late.at(-1)}`);
    assert.ok(late.at(-1)! < 1000, `an advert missed: ${gaps}`);
    assert.equal(vigie.said(/Entering MASTER STATE/).length, 1);
    assert.equal(await vigie.counter("masterTransitions"), 1);
    const away = vigie.said(/was away for/).map((line) => Number(/for (\d+) ms/.exec(line)![1]));
    assert.equal(away.length, ROUNDS);
    away.sort((x, y) => x - y);
    console.log(`engine away ms: median ${away[away.length >> 1]}, worst ${away.at(-1)}`);
    assert.ok(await vigie.counter("sentAdvertisements") >= adverts.length, "counted on");
    assert.equal(await vigie.stop(), 0);
    await heldBy(b, [a, b], VIP);
  },
);

labTest(
  "adverts 25 times a second go on in time while the daemon is between images",
  async (lab) => {
    const [a, b] = lab.pair();
    // A backup waits for 144 ms (RFC 9568 6.1), which is less than any image takes to start.
    const vigie = await lab.vigie(a, router({ priority: 150, advertInt: 0.04 }));
    const peer = await lab.vigie(b, router({ priority: 100, advertInt: 0.04 }));
    await heldBy(a, [a, b], VIP);
    await vigie.saw(/Entering MASTER STATE/);
    const wire = lab.listen(b), entered = peer.said(/Entering/).length;
    for (let round = 0; round < 3; round++) await restart(a, vigie);
    await sleep(500);
    assert.equal(peer.said(/Entering/).length, entered, "the peer is what it was");
    const adverts = wire.adverts({ source: A }), before = vigie.lines.length;
    assert.ok(adverts.length > 10);
    assert.ok(!vigie.lines.slice(0, before).some((line) => /put back|removing/.test(line)));
  },
);

labTest(
  "a restarted backup takes over when the master is gone, and no later for it",
  async (lab) => {
    const [a, b] = lab.pair();
    const master = await lab.vigie(a, router({ priority: 150, advertInt: 1 }));
    const backup = await lab.vigie(b, router({ priority: 100, advertInt: 1 }));
    await heldBy(a, [a, b], VIP);
    const wire = lab.listen(b);
    await wire.sawAdvert(({ advert }) => advert.priority === 150, "an advert of the master");
    await master.crash();
    const last = wire.adverts({ source: A }).at(-1)!.at;
    await sleep(1500);
    await restart(b, backup);
    const first = await wire.sawAdvert(
      ({ source }) => source === "192.0.2.2",
      "the backup's advert",
    );
    const waited = (first.at - last) / 1000;
    // 3 intervals and a skew of 156/256 (RFC 9568 6.1); anew from the restart it would be 5.2 s.
    assert.ok(waited > 3400 && waited < 4600, `${waited} ms`);
  },
);

labTest("a check that is bad stays bad over a restart, and its priority with it", async (lab) => {
  const a = lab.host("a"), b = lab.host("b");
  const check = block("vrrp_check web", [
    block("tcp", ["connect 127.0.0.1 1"]),
    "interval 0.3",
    "timeout 0.2",
    "fall 1",
    "weight -60",
  ]);
  const track = block("track_check", ["web"]);
  const vigie = await lab.vigie(
    a,
    file([], check, router({ priority: 150, advertInt: 0.1, lines: [track] })),
  );
  await vigie.saw(/Changing effective priority from 150 to 90/);
  await vigie.saw(/Entering MASTER STATE/);
  const wire = lab.listen(b);
  for (let round = 0; round < 3; round++) await restart(a, vigie);
  await sleep(800);
  const priorities = new Set(wire.adverts().map(({ advert }) => advert.priority));
  assert.deepEqual([...priorities], [90]);
  assert.equal(vigie.said(/Changing effective priority/).length, 1);
});

labTest("a sync group goes on as one", async (lab) => {
  const [a, b] = lab.pair();
  const text = (priority: number) =>
    file(
      [],
      block("vrrp_sync_group G", [block("group", ["VI_1", "VI_2"])]),
      router({ priority }),
      router({ name: "VI_2", vrid: 52, priority, addresses: ["192.0.2.102/24"] }),
    );
  const vigie = await lab.vigie(a, text(150)), peer = await lab.vigie(b, text(100));
  await heldBy(a, [a, b], VIP);
  await heldBy(a, [a, b], "192.0.2.102");
  await until(() => vigie.said(/Entering MASTER STATE/).length === 2, "both to say so");
  const entered = peer.said(/Entering/).length, own = vigie.said(/Entering|Syncing/).length;
  await restart(a, vigie);
  await restart(b, peer);
  await never(() => !holds(a, VIP) || !holds(a, "192.0.2.102"), "an address to go", 500);
  assert.equal(peer.said(/Entering/).length, entered);
  assert.equal(vigie.said(/Entering|Syncing/).length, own);
  await vigie.stop();
  await heldBy(b, [a, b], VIP);
  await heldBy(b, [a, b], "192.0.2.102");
});

labTest(
  "a restart applies the configuration: what is the same goes on, the rest does not",
  async (lab) => {
    const a = lab.host("a"), b = lab.host("b");
    const second = (vrid: number) =>
      router({ name: "VI_2", vrid, priority: 150, addresses: ["192.0.2.102/24"] });
    const third = router({ name: "VI_3", vrid: 53, addresses: ["192.0.2.103/24"] });
    const config = Deno.makeTempFileSync({ prefix: "vigie-lab-", suffix: ".conf" });
    Deno.writeTextFileSync(config, file([], router({ priority: 150 }), second(52)));
    const vigie = lab.keep(new Vigie(a, config));
    await heldBy(a, [a], VIP);
    await heldBy(a, [a], "192.0.2.102");
    await vigie.saw(/\(VI_2\) Entering MASTER STATE/);
    const wire = lab.listen(b);
    Deno.writeTextFileSync(config, file([], router({ priority: 150 }), second(62), third));
    await restart(a, vigie);
    await wire.sawAdvert(
      ({ advert }) => advert.vrid === 52 && advert.priority === 0,
      "its resignation",
    );
    await wire.sawAdvert(({ advert }) => advert.vrid === 62, "its advert under another number");
    await wire.sawAdvert(({ advert }) => advert.vrid === 53, "the new one's advert");
    await heldBy(a, [a], "192.0.2.102");
    assert.ok(wire.adverts({ vrid: 51 }).every(({ advert }) => advert.priority === 150));
    assert.equal(vigie.said(/\(VI_1\) Entering MASTER STATE/).length, 1);
    Deno.writeTextFileSync(config, router({ interface: "nope0" }));
    const refused = await runVigie(a, ["restart"]);
    assert.equal(refused.code, 1);
    assert.match(refused.text, /could not go on/);
    assert.match(refused.text, /nope0/);
    await never(() => !holds(a, VIP), "the address to go", 300);
  },
);

labTest("an instance that was to leave comes back when there is no hand-over", async (lab) => {
  const a = lab.host("a");
  using images = new Images();
  const second = (vrid: number) =>
    router({ name: "VI_2", vrid, priority: 150, addresses: ["192.0.2.102/24"] });
  const vigie = packed(lab, a, images, file([], router({ priority: 150 }), second(52)));
  await heldBy(a, [a], "192.0.2.102");
  await vigie.saw(/\(VI_2\) Entering MASTER STATE/);
  vigie.rewrite(file([], router({ priority: 150 }), second(62)));
  const next = images.write("next", GONE_WHEN_NEEDED);
  const { code, text } = await runVigie(a, ["upgrade", next, "--executable", images.path("vigie")]);
  assert.equal(code, 1, text);
  await vigie.saw(/\(VI_2\) Entering STOP STATE/);
  await vigie.saw(/\(VI_2\) Entering MASTER STATE/);
  await heldBy(a, [a], "192.0.2.102");
  assert.equal(vigie.said(/\(VI_1\) Entering MASTER STATE/).length, 1);
});

labTest("notifications are neither repeated nor lost by a restart", async (lab) => {
  const a = lab.host("a");
  const folder = Deno.makeTempDirSync({ prefix: "vigie-lab-notify-" });
  const told = `${folder}/told`, script = `${folder}/tell`;
  Deno.writeTextFileSync(script, `#!/bin/sh\necho "$3" >> ${told}\n`);
  Deno.chmodSync(script, 0o755);
  const lines = [`notify ${script}`];
  const vigie = await lab.vigie(a, file(["script_user root"], router({ priority: 150, lines })));
  await vigie.saw(/Entering MASTER STATE/);
  for (let round = 0; round < 3; round++) await restart(a, vigie);
  assert.equal(await vigie.stop(), 0);
  assert.deepEqual(Deno.readTextFileSync(told).trim().split("\n"), ["BACKUP", "MASTER", "STOP"]);
  Deno.removeSync(folder, { recursive: true });
});

labTest("SIGTERM in the middle of a restart is obeyed, and nothing is left behind", async (lab) => {
  const a = lab.host("a"), b = lab.host("b");
  const wire = lab.listen(b);
  for (const afterMs of [0, 30, 80]) {
    const vigie = await lab.vigie(a, router({ priority: 150 }));
    await heldBy(a, [a], VIP);
    wire.forget();
    const restarted = runVigie(a, ["restart"]);
    await vigie.saw(/Handing over to/);
    const exec = /Starting vigie/;
    if (afterMs > 0) {
      await until(() => vigie.said(exec).length > 1 || !vigie.running, "the new image");
      await sleep(afterMs);
    }
    vigie.signal("SIGTERM");
    assert.equal(await vigie.ended(), 0, vigie.lines.join("\n"));
    assert.equal(holds(a, VIP), false);
    await wire.sawAdvert(({ advert }) => advert.priority === 0, "the resignation");
    await restarted;
  }
});

labTest("an upgrade that is good runs, and keeps what it has replaced", async (lab) => {
  const a = lab.host("a");
  using images = new Images();
  const vigie = packed(lab, a, images, router({ priority: 150 }));
  await heldBy(a, [a], VIP);
  const next = images.write("next", `# another\n${GENUINE}`);
  const { code, text } = await runVigie(a, ["upgrade", next, "--executable", images.path("vigie")]);
  assert.equal(code, 0, text);
  assert.match(text, new RegExp(`gone on where .* stopped \\(process ${vigie.pid}\\)`));
  assert.match(images.text("vigie"), /# another/);
  assert.doesNotMatch(images.text("vigie.old"), /# another/);
  assert.equal(vigie.said(/Entering MASTER STATE/).length, 1);
});

/** What is tried, how it must be refused, and whether the process stays the same one. */
const BAD_IMAGES = [
  { of: "does not run", script: "exit 1", says: /does not run here as vigie/, keepsPid: true },
  {
    of: "does not know how to go on",
    script: except("handover-rehearse", "echo mischief >&2; exit 1"),
    says: /could not go on: it ended with status 1:\s+mischief/,
    keepsPid: true,
  },
  {
    of: "is gone when it is needed",
    script: GONE_WHEN_NEEDED,
    says: /Cannot replace this process/,
    keepsPid: true,
  },
  {
    of: "finds out late that it cannot run",
    script: except("run", `set -- run -f /nonexistent.conf`),
    says: /rolled back to/,
    keepsPid: true,
  },
  {
    of: "crashes",
    script: except("run", "exit 1"),
    says: /rolled back to .* as process \d+: it ended/,
    keepsPid: false,
  },
  {
    of: "hangs",
    script: except("run", "exec sleep 60"),
    says: /rolled back to .* as process \d+: it was not healthy within 10 s/,
    keepsPid: false,
  },
];

for (const { of, script, says, keepsPid } of BAD_IMAGES) {
  peerTest(KEEPALIVED, `an upgrade that ${of} leaves the old image in charge`, async (lab) => {
    const [a, b] = lab.pair(), client = lab.host("c");
    using images = new Images();
    const vigie = packed(lab, a, images, router({ priority: 150, advertInt: 1 }));
    await heldBy(a, [a, b], VIP);
    const peer = lab.keep(await startKeepalived(b, router({ priority: 100, advertInt: 1 })));
    const before = images.text("vigie");
    using pinging = new Pinging(client, ip("192.0.2.3"), VIP);
    const next = images.write("next", script);
    const { code, text } = await runVigie(
      a,
      ["upgrade", next, "--executable", images.path("vigie")],
    );
    using _ = { [Symbol.dispose]: () => endSuccessor(vigie) };
    assert.equal(code, 1, text);
    assert.match(text, says);
    assert.equal(images.text("vigie"), before, "the executable is the old one");
    assert.equal(vigie.running, keepsPid);
    await sleep(2500);
    assert.equal(pinging.count().lost, 0);
    assert.deepEqual(peer.said(/Entering MASTER/), [], "the peer is what it was");
    const again = await runVigie(a, ["restart"]);
    assert.equal(again.code, 0, again.text);
    const pid: number = Number(/process (\d+)\)/.exec(again.text)![1]);
    assert.equal(pid === vigie.pid, keepsPid);
    if (keepsPid) return;
    Deno.kill(pid, "SIGTERM");
    await heldBy(b, [a, b], VIP);
  });
}
