/** Much, little and nothing: address lists, packets that do not fit, queues, logs that nobody reads. */

import assert from "node:assert/strict";
import { setLink } from "../ffi/rtnetlink.ts";
import { ip } from "../lib/core/address.ts";
import { indexOf, within } from "../lib/net/topology.ts";
import { addressesOn, heldBy, holds, type Place } from "./lab/addresses.ts";
import { block, file, router, VIP } from "./lab/config.ts";
import { forge } from "./lab/forge.ts";
import { type Lab, labTest } from "./lab/lab.ts";
import { sleep, until } from "./lab/until.ts";
import { VIGIE } from "./lab/vigie.ts";

labTest("version 2 routers with nothing but excluded addresses elect one master", async (lab) => {
  const [a, b] = lab.pair();
  const lines = [block("virtual_ipaddress_excluded", [`${VIP}/24`])];
  const text = (priority: number) =>
    file([], router({ version: 2, priority, addresses: [], lines }));
  const master = await lab.vigie(b, text(200));
  await master.saw(/Entering MASTER STATE/);
  const backup = await lab.vigie(a, text(100));
  await backup.saw(/Master set to 192\.0\.2\.2/);
  await heldBy(b, [a, b], VIP);
  assert.deepEqual(backup.said(/Dropped/), []);
});

labTest("a master whose adverts no longer fit the MTU is in FAULT until they do", async (lab) => {
  const [a, b] = lab.pair();
  const addresses = Array.from({ length: 250 }, (_, at) => `10.9.0.${at + 1}/32`);
  const text = (priority: number) => file([], router({ priority, addresses }));
  const master = await lab.vigie(a, text(200));
  await master.saw(/Entering MASTER STATE/);
  const backup = await lab.vigie(b, text(100));
  await backup.saw(/Master set to/);
  const ends = ["10.9.0.1", "10.9.0.250"];
  for (const end of ends) await heldBy(a, [a, b], end);
  setMtu(a, 1000);
  await master.saw(
    /Entering FAULT STATE: an advert of 250 addresses takes 1028 bytes, the MTU of eth0 is 1000/,
  );
  await backup.saw(/Entering MASTER STATE/);
  for (const end of ends) await heldBy(b, [a, b], end);
  setMtu(a, 1500);
  await master.saw(/Entering BACKUP STATE: recovered from: an advert of 250 addresses/);
  await master.saw(/Entering MASTER STATE: preempting/);
  for (const end of ends) await heldBy(a, [a, b], end);
});

labTest("two thousand addresses of one instance come and go", async (lab) => {
  const a = lab.host("a");
  const excluded = Array.from({ length: 2000 }, (_, at) => `10.1.${at >> 8}.${at & 255}/32`);
  const lines = [block("virtual_ipaddress_excluded", excluded)];
  const held = () => addressesOn(a).filter(({ text }) => text.startsWith("10.1.")).length;
  const node = await lab.vigie(a, file([], router({ lines })));
  await node.saw(/Entering MASTER STATE/);
  await until(() => held() === excluded.length, "every address");
  assert.equal(await node.stop(), 0);
  assert.deepEqual([held(), holds(a, VIP)], [0, false]);
  assert.deepEqual(node.said(/Cannot (?!take real-time)|error/), []);
});

/** Enough instances that few answers to SIGUSR1 fill a pipe. */
const CROWD = Array.from({ length: 30 }, (_, at) => {
  const address = `198.51.100.${at + 1}`;
  return { address, text: router({ name: `I${at}`, vrid: at + 1, addresses: [`${address}/24`] }) };
});

for (const how of ["is closed", "has lost its reader", "is full, then loses its reader"]) {
  labTest(`vigie stops in order when standard error ${how}`, async (lab) => {
    const a = lab.host("a");
    const held = () => CROWD.filter(({ address }) => holds(a, address)).length;
    const child = startUnheard(lab, a, how === "is closed" ? "2>&-" : "");
    if (how === "has lost its reader") await child.stderr.cancel();
    await until(() => held() === CROWD.length, "every address");
    for (let count = 0; count < 100; count++) {
      child.kill("SIGUSR1");
      await sleep(5);
    }
    assert.equal(held(), CROWD.length, "nobody lets go of an address for want of a reader");
    child.kill("SIGUSR1");
    child.kill("SIGTERM");
    await until(() => held() === 0, "the addresses to go, whether or not the log can be written");
    if (how !== "has lost its reader") await child.stderr.cancel();
    assert.equal((await child.status).code, 0);
  });
}

labTest("announcements that wait for their turn do not pile up", async (lab) => {
  const a = lab.host("a"), observer = lab.host("observer");
  const wire = lab.listen(observer);
  const addresses = [VIP, "192.0.2.101"], rounds = 5;
  const lines = ["garp_master_delay 0", `garp_master_repeat ${rounds}`];
  const text = router({ priority: 200, addresses: addresses.map((one) => `${one}/24`), lines });
  const node = await lab.vigie(a, file(["vrrp_garp_interval 0.1"], text));
  await node.saw(/Entering MASTER STATE/);
  const count = 150, lower = forge({ advert: { priority: 50, addresses: addresses.map(ip) } });
  for (let sent = 0; sent < count; sent++) {
    wire.inject(lower);
    await sleep(20);
  }
  await until(() => node.said(/lower priority 50/).length > 0, "the losing adverts to be heard");
  assert.ok(await node.counter("rcvdAdvertisements") >= count, "every one is heard");
  wire.forget();
  await sleep(3000);
  assert.ok(
    wire.garps().length <= rounds * addresses.length,
    `${wire.garps().length} announcements after the last reason for one`,
  );
});

function setMtu({ namespace, device }: Place, mtu: number): void {
  within(namespace, (socket) => setLink(socket, indexOf(socket, device), { mtu }));
}

/** A vigie whose log is not read. @param redirect For its shell. */
function startUnheard(lab: Lab, host: Place, redirect: string): Deno.ChildProcess {
  const conf = Deno.makeTempFileSync({ prefix: "vigie-lab-", suffix: ".conf" });
  Deno.writeTextFileSync(conf, file([], ...CROWD.map(({ text }) => text)));
  const words = [VIGIE.command, ...VIGIE.args, "run", "-f", conf];
  const child = host.namespace.run(() =>
    new Deno.Command("sh", {
      args: ["-c", `exec "$0" "$@" ${redirect}`, ...words],
      env: { DENO_NO_UPDATE_CHECK: "1" },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn()
  );
  let running = true;
  const ended = child.status.then(() => running = false);
  lab.use({
    async [Symbol.asyncDispose]() {
      if (running) child.kill("SIGKILL");
      await ended;
      Deno.removeSync(conf);
    },
  });
  return child;
}
