/** `auth_hmac` between routers in namespaces: who is believed, and how keys are changed. */

import assert from "node:assert/strict";
import { ip } from "../lib/core/address.ts";
import { heldBy, holds } from "./lab/addresses.ts";
import { block, file, router, type RouterText, VIP, VIP6, VIPS6 } from "./lab/config.ts";
import { type Lab, labTest } from "./lab/lab.ts";
import type { Place } from "./lab/addresses.ts";
import { never, until } from "./lab/until.ts";
import { runVigie, startVigie, Vigie } from "./lab/vigie.ts";

const A = ip("192.0.2.1"), B = ip("192.0.2.2");

const OLD = `hex:${"0123456789abcdef".repeat(4)}`, NEW = `hex:${"fedcba9876543210".repeat(4)}`;

function hmac(...lines: readonly string[]): string {
  return block("auth_hmac", lines);
}

const USUAL = hmac(`key 1 ${OLD}`, "active_key 1");

function text(priority: number, authentication: string, more: RouterText = {}): string {
  const lines = [authentication, ...more.lines ?? []];
  return file([], router({ advertInt: 0.2, ...more, priority, lines }));
}

/** A vigie whose configuration can be written anew. */
function editable(lab: Lab, host: Place, config: string) {
  const path = Deno.makeTempFileSync({ prefix: "vigie-lab-", suffix: ".conf" });
  Deno.writeTextFileSync(path, config);
  const vigie = lab.keep(new Vigie(host, path));
  return Object.assign(vigie, { rewrite: (text: string) => Deno.writeTextFileSync(path, text) });
}

async function restart(host: Place, vigie: Vigie): Promise<void> {
  const { code, text } = await runVigie(host, ["restart"]);
  assert.equal(code, 0, text + vigie.lines.join("\n"));
}

const unicast = (own: string, peer: string): RouterText => ({
  lines: [`unicast_src_ip ${own}`, block("unicast_peer", [peer])],
});

const FORMS: readonly (readonly [string, RouterText, RouterText, string])[] = [
  ["version 2", { version: 2, advertInt: 1 }, { version: 2, advertInt: 1 }, VIP],
  ["version 3", {}, {}, VIP],
  ["version 3 by unicast", unicast(A, B), unicast(B, A), VIP],
  ["version 3 over IPv6", { addresses: VIPS6 }, { addresses: VIPS6 }, VIP6.global],
];

for (const [form, textA, textB, vip] of FORMS) {
  labTest(`auth_hmac: a master is elected, hands over and dies in ${form}`, async (lab) => {
    const [a, b] = lab.pair(), wire = lab.listen(b);
    const backup = await lab.vigie(b, text(100, USUAL, textB));
    const master = await lab.vigie(a, text(200, USUAL, textA));
    await heldBy(a, [a, b], vip);
    await backup.saw(/Entering (BACKUP|MASTER) STATE/);
    const { signed } = await wire.sawAdvert(({ outgoing }) => !outgoing, "an advert of the master");
    assert.equal(signed?.keyId, 1);
    assert.equal(await master.stop(), 0);
    await heldBy(b, [a, b], vip);
    const again = await lab.vigie(a, text(200, USUAL, textA));
    await heldBy(a, [a, b], vip);
    await again.crash();
    await heldByAlone(b, vip);
    assert.deepEqual(backup.said(/Dropped/), []);
    assert.deepEqual(master.said(/Dropped/), []);
  });
}

async function heldByAlone(host: Place, vip: string): Promise<void> {
  await until(() => holds(host, vip), `${host.name} to hold ${vip}`);
}

labTest("auth_hmac: an advert without or with a wrong signature is nobody's", async (lab) => {
  const [a, b] = lab.pair(), c = lab.host("c");
  const node = await lab.vigie(a, text(100, USUAL));
  await heldBy(a, [a], VIP);
  const bare = await lab.vigie(b, text(200, ""));
  await node.saw(/Dropped advert from 192\.0\.2\.2: received an advert without authentication/);
  const wrong = await lab.vigie(c, text(201, hmac(`key 1 ${NEW}`, "active_key 1")));
  await node.saw(/Dropped advert from 192\.0\.2\.3: invalid HMAC with key 1/);
  await bare.saw(/Dropped advert from .*too long.*: signed by auth_hmac, perhaps/);
  await wrong.saw(/Entering MASTER STATE/);
  await never(() => !holds(a, VIP), "a master that obeys strangers", 500);
  assert.ok(await node.counter("authExtMissing") > 0);
  assert.ok(await node.counter("authExtInvalidHmac") > 0);
});

labTest("auth_hmac: what was captured is not believed again, soon or late", async (lab) => {
  const [a, b] = lab.pair(), wire = lab.listen(b);
  const usual = hmac(`key 1 ${OLD}`, "active_key 1", "time_window 2");
  const peer = await lab.vigie(b, text(200, usual));
  await peer.saw(/Entering MASTER STATE/);
  const node = await lab.vigie(a, text(100, usual));
  await node.saw(/Master set to 192\.0\.2\.2/);
  wire.forget();
  const sent = await wire.sawAdvert(
    ({ source, outgoing }) => source === B && outgoing,
    "an advert",
  );
  const { at } = sent;
  await wire.sawAdvert((later) => later.source === B && later.at > at, "a later one");
  await node.counter("rcvdAdvertisements");
  await peer.crash();
  await node.saw(/Entering MASTER STATE/);
  const old = Uint8Array.from(sent.bytes);
  wire.inject(old);
  const refused = /Dropped advert from 192\.0\.2\.2: (received .* a second time|its time is)/;
  await node.saw(refused);
  await until(() => Date.now() * 1000 - at > 3_000_000, "the window to pass");
  wire.inject(old);
  await node.saw(/Dropped advert from 192\.0\.2\.2: its time is .* behind ours/);
  await never(() => !holds(a, VIP), "a master that obeys an old advert", 300);
});

labTest("auth_hmac: a key is rotated by restarts, and nobody moves", async (lab) => {
  const [a, b] = lab.pair();
  const keys = [`key 1 ${OLD}`, `key 2 ${NEW}`];
  const steps = [
    hmac(keys[0]!, "active_key 1"),
    hmac(...keys, "active_key 1"),
    hmac(...keys, "active_key 2"),
    hmac(keys[1]!, "active_key 2"),
  ];
  const [first, ...rest] = steps;
  const master = editable(lab, a, text(200, first!));
  await master.saw(/Entering MASTER STATE/);
  const backup = editable(lab, b, text(100, first!));
  await backup.saw(/Master set to 192\.0\.2\.1/);
  const wire = lab.listen(b), entered = backup.said(/Entering/).length;
  for (const step of rest) {
    for (const [host, node, priority] of [[b, backup, 100], [a, master, 200]] as const) {
      node.rewrite(text(priority, step));
      await restart(host, node);
    }
  }
  await until(() => wire.adverts({ source: A }).at(-1)?.signed?.keyId === 2, "the new key");
  assert.equal(backup.said(/Entering/).length, entered, backup.lines.join("\n"));
  assert.equal(master.said(/Entering MASTER STATE/).length, 1);
  assert.deepEqual([...backup.said(/Dropped/), ...master.said(/Dropped/)], []);
  assert.ok(wire.adverts({ source: A }).every(({ advert }) => advert.priority === 200));
  assert.ok(wire.adverts({ source: A }).every(({ signed }) => signed !== null));
});

labTest("auth_hmac: a reload changes the key under a running master", async (lab) => {
  const [a, b] = lab.pair(), both = [`key 1 ${OLD}`, `key 2 ${NEW}`];
  const old = hmac(...both, "active_key 1"), fresh = hmac(...both, "active_key 2");
  const master = editable(lab, a, text(200, old));
  await master.saw(/Entering MASTER STATE/);
  const backup = await lab.vigie(b, text(100, old));
  await backup.saw(/Master set to 192\.0\.2\.1/);
  const wire = lab.listen(b), entered = backup.said(/Entering/).length;
  await wire.sawAdvert(({ signed }) => signed?.keyId === 1, "an advert with the old key");
  master.rewrite(text(200, fresh));
  master.signal("SIGHUP");
  await wire.sawAdvert(({ signed }) => signed?.keyId === 2, "an advert with the new key");
  assert.equal(backup.said(/Entering/).length, entered);
  assert.deepEqual([...backup.said(/Dropped/), ...master.said(/Dropped/)], []);
  assert.equal(master.said(/Entering MASTER STATE/).length, 1);
});

labTest("auth_hmac: receive-only, then permissive, then enforce, and nobody moves", async (lab) => {
  const [a, b] = lab.pair();
  const steps = [
    "",
    ...["receive-only", "permissive", "enforce"].map((mode) =>
      hmac(`key 1 ${OLD}`, "active_key 1", `mode ${mode}`)
    ),
  ];
  const master = editable(lab, a, text(200, steps[0]!));
  await master.saw(/Entering MASTER STATE/);
  const backup = editable(lab, b, text(100, steps[0]!));
  await backup.saw(/Master set to 192\.0\.2\.1/);
  const entered = backup.said(/Entering/).length, wire = lab.listen(b);
  const signs: boolean[] = [];
  for (const step of steps.slice(1)) {
    for (const [host, node, priority] of [[b, backup, 100], [a, master, 200]] as const) {
      node.rewrite(text(priority, step));
      await restart(host, node);
    }
    wire.forget();
    const { signed } = await wire.sawAdvert(
      ({ source }) => source === A,
      "an advert of the master",
    );
    signs.push(signed !== null);
  }
  assert.deepEqual(signs, [false, true, true]);
  assert.equal(backup.said(/Entering/).length, entered, backup.lines.join("\n"));
  assert.equal(master.said(/Entering MASTER STATE/).length, 1);
  assert.deepEqual([...backup.said(/Dropped/), ...master.said(/Dropped/)], []);
});

labTest(
  "auth_hmac: without its key a router stays in FAULT rather than speak unsigned",
  async (lab) => {
    const [a, b] = lab.pair(), folder = Deno.makeTempDirSync({ prefix: "vigie-lab-keys-" });
    try {
      const path = `${folder}/key`, filed = hmac(`key 1 file:${path}`, "active_key 1");
      const wire = lab.listen(b);
      const node = lab.keep(startVigie(a, text(200, filed)));
      await node.saw(/Entering FAULT STATE.*: auth_hmac has no key to sign with: Cannot read/);
      await node.stop();
      Deno.writeTextFileSync(path, `${"k3y-".repeat(8)}\n`, { mode: 0o600 });
      assert.deepEqual(wire.adverts(), []);
      const again = lab.keep(startVigie(a, text(200, filed)));
      await again.saw(/Entering MASTER STATE/);
      const peer = await lab.vigie(b, text(100, hmac(`key 1 ${"k3y-".repeat(8)}`, "active_key 1")));
      await peer.saw(/Master set to 192\.0\.2\.1/);
      const said = [...node.lines, ...again.lines, ...peer.lines].join("\n");
      assert.ok(!said.includes("k3y-k3y-"), "no secret is in a log");
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
);

labTest("auth_hmac: adverts go on signed while the daemon is between two images", async (lab) => {
  const [a, b] = lab.pair(), fast: RouterText = { advertInt: 0.04 };
  // A backup waits for 144 ms (RFC 9568 6.1), which is less than any image takes to start.
  const master = await lab.vigie(a, text(200, USUAL, fast));
  await master.saw(/Entering MASTER STATE/);
  const backup = await lab.vigie(b, text(100, USUAL, fast));
  await backup.saw(/Master set to 192\.0\.2\.1/);
  await heldBy(a, [a, b], VIP);
  const wire = lab.listen(b), entered = backup.said(/Entering/).length;
  await restart(a, master);
  await restart(a, master);
  const { length } = wire.adverts({ source: A });
  await until(() => wire.adverts({ source: A }).length > length + 10, "adverts after the restarts");
  assert.equal(backup.said(/Entering/).length, entered, backup.lines.join("\n"));
  assert.deepEqual(backup.said(/Dropped/), []);
  const stamps = wire.adverts({ source: A }).map(({ signed }) => signed!.stamp);
  assert.ok(stamps.every((one, at) => at === 0 || one > stamps[at - 1]!));
});
