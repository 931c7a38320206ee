/** `vigie plan`, `vigie reload` and what else may happen to a daemon at the same time. */

import assert from "node:assert/strict";
import { addressesOn, holds } from "./lab/addresses.ts";
import { block, file, router, VIP } from "./lab/config.ts";
import { KEEPALIVED, Keepalived } from "./lab/keepalived.ts";
import { labTest, peerTest } from "./lab/lab.ts";
import { startReloading } from "./lab/reloads.ts";
import { Manager } from "./lab/service_manager.ts";
import { sleep, until } from "./lab/until.ts";
import { runVigie } from "./lab/vigie.ts";

const SECOND = "192.0.2.101";

labTest("vigie plan says what vigie reload then does, and changes nothing itself", async (lab) => {
  const [a] = lab.pair();
  const before = file([], router({ priority: 150 }));
  const after = file(
    [],
    router({ priority: 150, addresses: [`${VIP}/24`, `${SECOND}/24`] }),
    router({ name: "VI_2", vrid: 52, addresses: ["192.0.2.102/24"] }),
  );
  const node = await startReloading(lab, a, before);
  await until(() => holds(a, VIP), "the master");
  assert.deepEqual(await runVigie(a, ["plan"]), {
    code: 0,
    text: "Nothing changes\nVIP moves: none\n",
  });
  const other = Deno.makeTempFileSync({ prefix: "vigie-lab-reload-", suffix: ".conf" });
  Deno.writeTextFileSync(other, after);
  const said = node.lines.length;
  const { code, text } = await runVigie(a, ["plan", "-f", other]);
  assert.equal(code, 0, text);
  assert.deepEqual(text.trimEnd().split("\n"), [
    "+ instance VI_2 (VRID 52 on eth0, priority 100)",
    "~ instance VI_1",
    `    virtual_ipaddress: none -> ${SECOND}/24`,
    "VIP moves: none",
  ]);
  assert.equal(node.lines.length, said, "nothing is logged");
  assert.ok(!holds(a, SECOND));
  assert.match(await node.reload(after), /1 instance added, 1 instance changed/);
  await until(() => holds(a, SECOND), "what was planned");
  const json = JSON.parse((await runVigie(a, ["plan", "-f", other, "--json"])).text);
  assert.deepEqual([json.ok, json.plan.instances.unchanged, json.plan.moves], [true, 2, []]);
  const bad = Deno.makeTempFileSync({ prefix: "vigie-lab-reload-", suffix: ".conf" });
  Deno.writeTextFileSync(bad, "vrrp_instance X {\n");
  const refused = await runVigie(a, ["plan", "-f", bad]);
  assert.equal(refused.code, 1);
  assert.match(refused.text, /cannot be run/);
  const both = await runVigie(a, ["plan", "--from", other, "-f", node.file]);
  assert.equal(both.text, "Nothing changes\nVIP moves: none\n");
  for (const path of [other, bad]) Deno.removeSync(path);
});

labTest("who asks where no daemon runs is told so", async (lab) => {
  const [a] = lab.pair();
  for (const command of ["reload", "plan"]) {
    const { code, text } = await runVigie(a, [command]);
    assert.equal(code, 1);
    assert.match(text, /No vigie runs in this network namespace/);
  }
});

labTest("reloads in quick succession: the last file wins, whoever asked", async (lab) => {
  const [a] = lab.pair();
  const text = (priority: number) => file([], router({ priority }));
  const node = await startReloading(lab, a, text(150));
  await node.saw(/Entering MASTER/);
  const before = node.said(/Entering/).length, answers: Promise<{ code: number }>[] = [];
  for (let round = 0; round < 8; round++) {
    node.write(text(151 + round));
    node.signal("SIGHUP");
    if (round % 3 === 0) answers.push(runVigie(a, ["reload"]));
  }
  assert.deepEqual((await Promise.all(answers)).map(({ code }) => code), [0, 0, 0]);
  await until(() => node.said(/priority from \d+ to 158/).length > 0, "the last priority");
  assert.equal(node.said(/Entering/).length, before);
});

labTest("a stop in the middle of reloads gives everything back", async (lab) => {
  const [a] = lab.pair();
  const text = (round: number) =>
    file([], router({ priority: 150, addresses: [`${VIP}/24`, `192.0.2.${110 + round}/24`] }));
  const node = await startReloading(lab, a, text(0));
  await until(() => holds(a, VIP), "the master");
  for (let round = 1; round < 5; round++) {
    node.write(text(round));
    node.signal("SIGHUP");
    await sleep(60);
  }
  assert.equal(await node.stop(), 0);
  const left = addressesOn(a).filter(({ text }) => /^192\.0\.2\.1\d\d$/.test(text));
  assert.deepEqual(left, []);
});

labTest("a hand-over after a reload goes on with what the reload made", async (lab) => {
  const [a, b] = lab.pair();
  const node = await startReloading(lab, a, file([], router({ priority: 150 })));
  await until(() => holds(a, VIP), "the master");
  await sleep(1300);
  const addresses = [`${VIP}/24`, `${SECOND}/24`];
  await node.reload(file([], router({ name: "NEW", priority: 160, addresses })));
  await until(() => holds(a, SECOND), "the reload");
  const wire = lab.listen(b), before = node.said(/Entering/).length;
  const { code, text } = await runVigie(a, ["restart"]);
  assert.equal(code, 0, text);
  await sleep(500);
  assert.equal(node.said(/Entering/).length, before);
  assert.ok(wire.adverts().every(({ advert }) => advert.priority === 160));
  await node.hup(file([], router({ name: "NEWER", priority: 160 })));
  await until(() => !holds(a, SECOND), "the address of before to go");
  assert.ok(holds(a, VIP));
  assert.equal(node.said(/Entering/).length, before);
});

labTest(
  "the service manager sees a reload begin and end, and process options follow",
  async (lab) => {
    const [a] = lab.pair(), manager = lab.use(new Manager("path"));
    const text = (name: string, priority = 150) =>
      file([`process_name ${name}`], router({ priority }));
    const node = await startReloading(lab, a, text("vigie-test"), { NOTIFY_SOCKET: manager.name });
    await manager.heard("STATUS=VI_1 MASTER");
    const before = manager.read().length;
    await node.hup(text("vigie-other"));
    const told = () => manager.read().slice(before);
    await until(() => told().includes("READY=1"), "the end of the reload");
    const [begin, time, end] = told();
    assert.deepEqual([begin, end], ["RELOADING=1", "READY=1"]);
    assert.match(time!, /^MONOTONIC_USEC=\d+$/);
    const name = Deno.readTextFileSync(`/proc/${node.pid}/comm`).trim();
    assert.equal(name, "vigie-other", "process options follow");
    node.write("vrrp_instance VI_1 {\n");
    const refused = await runVigie(a, ["reload"]);
    assert.equal(refused.code, 1);
    await until(() => manager.count("READY=1") === 3, "the end of the reload that was refused");
    assert.equal(manager.count("RELOADING=1"), 2);
  },
);

labTest(
  "a process that is tracked from a reload on counts, and one that is not any more does not",
  async (lab) => {
    const [a] = lab.pair();
    const sleeper = new Deno.Command("sleep", { args: ["7654"] }).spawn();
    const tracking = (...names: string[]) =>
      file(
        [],
        ...names.map((name) =>
          block(`vrrp_track_process ${name}`, [
            `process "/bin/sleep" 7654`,
            "quorum 1",
            "full_command",
          ])
        ),
        router({
          priority: 150,
          lines: names.length === 0
            ? []
            : [block("track_process", names.map((name) => `${name} weight 20`))],
        }),
      );
    const node = await startReloading(lab, a, tracking());
    await node.saw(/Entering MASTER/);
    await until(() => holds(a, VIP), "the master");
    const before = node.said(/Entering/).length;
    const process = (word: string) =>
      file(
        [],
        block("vrrp_track_process nap", [`process ${word}`, "quorum 1"]),
        router({ priority: 150, lines: [block("track_process", ["nap weight 20"])] }),
      );
    await node.hup(process("sleep"));
    await until(() => node.said(/priority from 150 to 170/).length > 0, "it to count");
    await node.hup(process("no-such-program"));
    await until(() => node.said(/priority from 170 to 150/).length > 0, "the other one");
    await node.hup(tracking());
    sleeper.kill("SIGKILL");
    await sleeper.status;
    assert.equal(node.said(/Entering/).length, before);
  },
);

peerTest(
  KEEPALIVED,
  "a reload with a new address: no more announcements and no fewer adverts than keepalived's",
  async (lab) => {
    const counts: Record<string, { vip: number; fresh: number; longestMs: number }> = {};
    const text = (...addresses: string[]) =>
      router({ priority: 150, advertInt: 1, addresses: addresses.map((one) => `${one}/24`) });
    for (const daemon of ["keepalived", "vigie"]) {
      const [a, b] = lab.pair();
      const source = addressesOn(a).find(({ text }) => /^192\.0\.2\.\d+$/.test(text))!.text;
      const folder = Deno.makeTempDirSync({ prefix: "vigie-lab-keepalived-" });
      Deno.writeTextFileSync(`${folder}/keepalived.conf`, text(VIP));
      const node = daemon === "vigie"
        ? await startReloading(lab, a, text(VIP))
        : lab.keep(new Keepalived(a, folder));
      await until(() => holds(a, VIP), `${daemon} to be master`);
      await sleep(2500);
      const wire = lab.listen(b);
      if ("hup" in node) await node.hup(text(VIP, SECOND));
      else {
        Deno.writeTextFileSync(`${folder}/keepalived.conf`, text(VIP, SECOND));
        node.signal("SIGHUP");
      }
      await until(() => holds(a, SECOND), `${daemon} to have the new address`);
      await sleep(3000);
      const at = wire.adverts({ source }).map((frame) => frame.at);
      const gaps = at.slice(1).map((one, index) => (one - at[index]!) / 1000);
      counts[daemon] = {
        vip: wire.garps(VIP).length,
        fresh: wire.garps(SECOND).length,
        longestMs: Math.max(...gaps),
      };
      await node.stop();
      if (daemon === "vigie") Deno.removeSync(folder, { recursive: true });
    }
    console.log(counts);
    assert.equal(counts.vigie!.vip, 0);
    assert.ok(counts.vigie!.fresh > 0);
    assert.ok(counts.vigie!.vip <= counts.keepalived!.vip);
    assert.ok(counts.vigie!.longestMs < 3000, "no backup would have taken over");
  },
);
