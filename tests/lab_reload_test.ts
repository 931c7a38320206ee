/** Reloads in namespaces: what is the same does not notice, what is not changes as little as it can. */

import assert from "node:assert/strict";
import { ip } from "../lib/core/address.ts";
import { addressesOn, giveAddress, heldBy, holds, type Place } from "./lab/addresses.ts";
import { block, file, router, VIP } from "./lab/config.ts";
import { KEEPALIVED, startKeepalived } from "./lab/keepalived.ts";
import { labTest, peerTest } from "./lab/lab.ts";
import { type Reloading, startReloading } from "./lab/reloads.ts";
import { routesOf, rulesOf } from "./lab/routing.ts";
import { sleep, until } from "./lab/until.ts";
import { runVigie } from "./lab/vigie.ts";

const A = ip("192.0.2.1");
const SECOND = "192.0.2.101", THIRD = "192.0.2.102";

const vip = (address: string) => `${address}/24`;

/** How many changes of state an instance, or all, have said. */
function transitions(node: Reloading, name = ""): number {
  return node.said(new RegExp(`${name}.*Entering \\w+ STATE`)).length;
}

async function masterOf(node: Reloading, host: Place, address = VIP): Promise<void> {
  await until(() => holds(host, address), `${host.name} to hold ${address}`);
  // Announced twice, the second time after garp_master_delay.
  await sleep(1300);
  assert.ok(node.running);
}

labTest(
  "an address comes and another goes: announced, taken away, and nothing else happens",
  async (lab) => {
    const [a, b] = lab.pair();
    const with2 = (...addresses: string[]) =>
      file([], router({ priority: 150, advertInt: 1, addresses: addresses.map(vip) }));
    const node = await startReloading(lab, a, with2(VIP, SECOND));
    await lab.vigie(b, file([], router({ advertInt: 1, addresses: [vip(VIP)] })));
    await masterOf(node, a);
    const wire = lab.listen(b), before = transitions(node);
    assert.match(await node.reload(with2(VIP, THIRD)), /1 instance changed/);
    await until(() => holds(a, THIRD) && !holds(a, SECOND), "the addresses");
    await sleep(1500);
    assert.ok(holds(a, VIP));
    assert.equal(transitions(node), before);
    assert.ok(wire.garps(THIRD).length >= 1, "the new one is announced");
    assert.equal(wire.garps(VIP).length, 0, "the other one is not");
    assert.ok(wire.adverts({ source: A }).every(({ advert }) => advert.priority === 150));
    assert.deepEqual(
      wire.adverts({ source: A }).at(-1)!.advert.addresses,
      [VIP, THIRD],
      "adverts have the new list",
    );
  },
);

labTest("a file that cannot be run changes nothing, and is told of", async (lab) => {
  const [a] = lab.pair();
  const good = file([], router({ priority: 150 }));
  const node = await startReloading(lab, a, good);
  await masterOf(node, a);
  const before = transitions(node);
  node.write("vrrp_instance VI_1 {\n  interface eth0\n");
  const answer = await runVigie(a, ["reload"]);
  assert.equal(answer.code, 1, answer.text);
  assert.match(answer.text, /all goes on as before/);
  assert.match(answer.text, /:1:/, "with its place");
  assert.ok(node.said(/all goes on as before/).length > 0, "logged too");
  assert.ok(holds(a, VIP));
  assert.match(await node.reload(good), /nothing has changed/);
  Deno.removeSync(node.file);
  const missing = await runVigie(a, ["reload"]);
  assert.equal(missing.code, 1);
  assert.match(missing.text, /cannot be read/);
  node.write(good);
  assert.equal(transitions(node), before);
});

labTest("an instance that gets another name stays master, and is called so", async (lab) => {
  const [a, b] = lab.pair();
  const text = (name: string, other = "VI_2") =>
    file(
      [],
      router({ name, priority: 150 }),
      router({ name: other, vrid: 52, priority: 150, addresses: [vip(SECOND)] }),
    );
  const node = await startReloading(lab, a, text("VI_1"));
  await masterOf(node, a);
  await masterOf(node, a, SECOND);
  const wire = lab.listen(b), before = transitions(node);
  await node.hup(text("NEW"));
  // Names that change places: whoever owns what is not mixed up.
  await node.hup(text("VI_2", "NEW"));
  await sleep(500);
  assert.equal(transitions(node), before);
  assert.ok(holds(a, VIP) && holds(a, SECOND));
  assert.equal(wire.garps().length, 0);
  assert.ok(wire.adverts().every(({ advert }) => advert.priority === 150));
  const removed = router({ name: "NEW", vrid: 52, priority: 150, addresses: [vip(SECOND)] });
  await node.hup(file([], removed));
  assert.ok(!holds(a, VIP) && holds(a, SECOND), "the right one is gone");
});

labTest("one address moves between two masters and never leaves the interface", async (lab) => {
  const [a] = lab.pair();
  const text = (one: string[], two: string[]) =>
    file(
      [],
      router({ priority: 150, addresses: one.map(vip) }),
      router({ name: "VI_2", vrid: 52, priority: 150, addresses: two.map(vip) }),
    );
  const node = await startReloading(lab, a, text([VIP, SECOND], [THIRD]));
  await masterOf(node, a, THIRD);
  await masterOf(node, a, SECOND);
  const created = () => addressesOn(a).find(({ text }) => text === SECOND);
  assert.ok(created());
  using watching = watchRemovals(a, SECOND);
  await node.hup(text([VIP], [THIRD, SECOND]));
  await node.hup(text([VIP, SECOND], [THIRD]));
  await node.hup(text([VIP], [THIRD, SECOND]));
  await sleep(300);
  assert.ok(holds(a, SECOND));
  assert.equal(watching.removed(), 0);
  // It is the second's now: the first may go without it.
  await node.hup(
    file([], router({ name: "VI_2", vrid: 52, priority: 150, addresses: [vip(SECOND)] })),
  );
  assert.ok(holds(a, SECOND) && !holds(a, VIP) && !holds(a, THIRD));
  await node.stop();
  assert.ok(!holds(a, SECOND));
});

labTest(
  "another VRID is another instance: the old one resigns, the new one begins",
  async (lab) => {
    const [a, b] = lab.pair();
    const log = Deno.makeTempFileSync({ prefix: "vigie-lab-" });
    const script = Deno.makeTempFileSync({ prefix: "vigie-lab-", suffix: ".sh" });
    Deno.writeTextFileSync(script, `#!/bin/sh\necho "$*" >> ${log}\n`, { mode: 0o755 });
    Deno.chmodSync(script, 0o755);
    const text = (vrid: number) =>
      file(
        ["script_user root"],
        router({ vrid, priority: 150, lines: [`notify ${script}`, "notify_deleted"] }),
        router({ name: "VI_2", vrid: 99, priority: 150, addresses: [vip(SECOND)] }),
      );
    const node = await startReloading(lab, a, text(51));
    await masterOf(node, a);
    await masterOf(node, a, SECOND);
    const wire = lab.listen(b), others = transitions(node, "VI_2");
    await node.hup(text(53));
    await wire.sawAdvert(({ advert }) => advert.vrid === 51 && advert.priority === 0, "priority 0");
    await wire.sawAdvert(({ advert }) => advert.vrid === 53, "the new VRID");
    await until(() => holds(a, VIP), "the address to come back");
    await until(() => Deno.readTextFileSync(log).trim().split("\n").length >= 5, "notifications");
    assert.deepEqual(Deno.readTextFileSync(log).trim().split("\n"), [
      "INSTANCE VI_1 BACKUP 150",
      "INSTANCE VI_1 MASTER 150",
      "INSTANCE VI_1 DELETED 150",
      "INSTANCE VI_1 BACKUP 150",
      "INSTANCE VI_1 MASTER 150",
    ]);
    assert.equal(transitions(node, "VI_2"), others);
    for (const path of [log, script]) Deno.removeSync(path);
  },
);

labTest(
  "another interface is another instance; what is added starts, what is removed resigns",
  async (lab) => {
    const [a, b] = lab.pair();
    const [second] = lab.cable(a, b, "eth1", ["198.51.100.1/24", "198.51.100.2/24"]);
    giveAddress(second, "198.51.100.9/24");
    const text = (device: string, ...more: string[]) =>
      file([], router({ interface: device, priority: 150 }), ...more);
    const node = await startReloading(lab, a, text("eth0"));
    await masterOf(node, a);
    await node.hup(text(second.device));
    await until(
      () => addressesOn(a).some(({ text, device }) => text === VIP && device === "eth1"),
      "the address on the other interface",
    );
    assert.ok(!addressesOn(a).some(({ text, device }) => text === VIP && device === "eth0"));
    const owner = router({
      name: "VI_9",
      vrid: 9,
      interface: "eth1",
      priority: 255,
      addresses: ["198.51.100.9/24"],
    });
    // The address is there before the line that tells of it has come.
    await until(() => node.said(/\(VI_1\) Entering MASTER STATE/).length === 2, "its second line");
    const before = transitions(node, "VI_1");
    await node.hup(text(second.device, owner));
    await until(() => node.said(/VI_9.*Entering MASTER/).length > 0, "the owner");
    await node.hup(text(second.device));
    assert.ok(
      addressesOn(a).some(({ text }) => text === "198.51.100.9"),
      "which is the operator's",
    );
    assert.equal(transitions(node, "VI_1"), before);
  },
);

peerTest(
  KEEPALIVED,
  "a lower priority is told at once, and a better router takes over without a gap",
  async (lab) => {
    const [a, b] = lab.pair();
    const text = (priority: number) => file([], router({ priority, advertInt: 1 }));
    const node = await startReloading(lab, a, text(150));
    const peer = lab.keep(await startKeepalived(b, router({ priority: 100, advertInt: 1 })));
    await masterOf(node, a);
    const wire = lab.listen(b);
    await node.hup(text(50));
    await wire.sawAdvert(({ advert }) => advert.priority === 50, "the new priority");
    await peer.saw(/Entering MASTER STATE/);
    await heldBy(b, [a, b], VIP);
    await node.hup(text(160));
    await heldBy(a, [a, b], VIP);
    assert.equal(node.said(/FAULT/).length, 0);
  },
);

labTest(
  "checks that stay keep their results; a new one is waited for without a fault",
  async (lab) => {
    const [a] = lab.pair();
    const flag = Deno.makeTempFileSync({ prefix: "vigie-lab-flag-" });
    const check = (name: string, path: string, interval: number) =>
      block(`vrrp_check ${name}`, [block("file", [`path ${path}`]), `interval ${interval}`]);
    const text = (names: readonly string[], ...checks: string[]) =>
      file(
        [],
        ...checks,
        router({ priority: 150, lines: [block("track_check", names.map((name) => name))] }),
      );
    const node = await startReloading(lab, a, text(["one"], check("one", flag, 1)));
    await masterOf(node, a);
    const before = transitions(node);
    await node.hup(text(["one", "two"], check("one", flag, 1), check("two", flag, 1)));
    await sleep(1500);
    assert.equal(
      transitions(node),
      before,
      "a check that is not known yet is no fault of a master",
    );
    // Another interval is another check: its result holds until there is a new one.
    await node.hup(text(["one", "two"], check("one", flag, 1), check("two", flag, 0.3)));
    await sleep(1000);
    assert.equal(transitions(node), before);
    Deno.removeSync(flag);
    await node.saw(/Entering FAULT STATE/);
    await node.hup(file([], router({ priority: 150 })));
    await until(() => holds(a, VIP), "it to recover: nothing is tracked any more");
  },
);

labTest("a sync group gets a member and loses one, and its master stays master", async (lab) => {
  const [a, b] = lab.pair();
  const one = router({ priority: 150 });
  const two = router({ name: "VI_2", vrid: 52, priority: 150, addresses: [vip(SECOND)] });
  const group = (...names: string[]) => block("vrrp_sync_group G", [block("group", names)]);
  const node = await startReloading(lab, a, file([], one));
  await masterOf(node, a);
  const wire = lab.listen(b), before = transitions(node, "VI_1");
  await node.hup(file([], group("VI_1", "VI_2"), one, two));
  await until(() => holds(a, SECOND), "the new member to become master with it");
  await node.hup(file([], group("VI_1"), one));
  await until(() => !holds(a, SECOND), "the member to go");
  await node.hup(file([], one));
  await sleep(500);
  assert.ok(holds(a, VIP));
  assert.equal(transitions(node, "VI_1"), before);
  assert.ok(wire.adverts({ vrid: 51 }).every(({ advert }) => advert.priority === 150));
  assert.equal(wire.garps(VIP).length, 0);
});

/** Counts the times that an address was seen missing by the kernel's own events. */
function watchRemovals({ namespace }: Place, address: string) {
  const child = namespace.run(() =>
    new Deno.Command("ip", { args: ["monitor", "address"], stdout: "piped", stderr: "null" })
      .spawn()
  );
  let text = "";
  const read = (async () => {
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) text += part;
  })();
  return {
    removed: () =>
      text.split("\n").filter((line) => line.includes("Deleted") && line.includes(`${address}/`))
        .length,
    [Symbol.dispose]: () => {
      child.kill("SIGKILL");
      void read;
    },
  };
}

labTest(
  "what a running master has is no predecessor's, whoever is added with the same",
  async (lab) => {
    const [a] = lab.pair();
    const lines = [
      block("virtual_routes", ["198.51.100.0/24 via 192.0.2.9"]),
      block("virtual_rules", ["from 198.51.100.0/24 table 77 preference 500"]),
    ];
    const first = router({ priority: 150, lines });
    const node = await startReloading(lab, a, file([], first));
    await masterOf(node, a);
    const before = [routesOf(a), rulesOf(a)];
    assert.ok(before.flat().some((line) => line.includes("198.51.100.0/24 via")), "its route");
    const said = node.lines.length;
    const second = router({ name: "VI_2", vrid: 52, addresses: [vip(SECOND), vip(VIP)], lines });
    await node.reload(file([], first, second));
    assert.deepEqual([routesOf(a), rulesOf(a)], before);
    await until(() => holds(a, SECOND), "the second one to be master");
    const wrong = /left by a predecessor|was taken away/;
    assert.deepEqual(node.lines.slice(said).filter((line) => wrong.test(line)), []);
  },
);

labTest("an address whose interface is named now, and is the same, is not touched", async (lab) => {
  const [a] = lab.pair();
  const text = (address: string) => file([], router({ priority: 150, addresses: [address] }));
  const node = await startReloading(lab, a, text(vip(VIP)));
  await masterOf(node, a);
  const before = node.said(/setting VIPs/).length;
  assert.match(await node.reload(text(`${vip(VIP)} dev eth0`)), /1 instance changed/);
  assert.ok(holds(a, VIP));
  assert.equal(node.said(/setting VIPs/).length, before);
});
