/** `vigie upgrade` of the packed executable, again and again, under a master that is being used. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { ip } from "../lib/core/address.ts";
import { concatBytes } from "../lib/core/bytes.ts";
import { builtVigie, run, Scratch } from "./build_shared.ts";
import { heldBy, holders } from "./lab/addresses.ts";
import { file, router, VIP } from "./lab/config.ts";
import { KEEPALIVED, startKeepalived } from "./lab/keepalived.ts";
import { peerTest } from "./lab/lab.ts";
import { Pinging } from "./lab/pinging.ts";
import { sleep } from "./lab/until.ts";
import { Vigie } from "./lab/vigie.ts";

/** Upgrades in a row; one takes a second on an idle machine. */
const ROUNDS = Number(Deno.env.get("VIGIE_PACKED_UPGRADES") ?? 100);

const A = ip("192.0.2.1");

/** Two executables that do the same and are not the same. */
async function twoFiles(scratch: Scratch): Promise<readonly [string, string]> {
  const first = await Deno.readFile(await builtVigie());
  const second = concatBytes(first, new TextEncoder().encode("another\n"));
  return [scratch.file("first", first), scratch.file("second", second)];
}

function middle(values: readonly number[]): string {
  const sorted = values.toSorted((x, y) => x - y);
  const [median = 0, worst = 0] = [sorted[sorted.length >> 1], sorted.at(-1)];
  return `median ${Math.round(median * 10) / 10}, worst ${Math.round(worst * 10) / 10}`;
}

peerTest(
  KEEPALIVED,
  `${ROUNDS} upgrades in a row of the executable: no answer lost, no transition`,
  async (lab) => {
    using scratch = new Scratch();
    const files = await twoFiles(scratch);
    const [a, b] = lab.pair(), client = lab.host("c");
    const config = Deno.makeTempFileSync({ prefix: "vigie-lab-", suffix: ".conf" });
    Deno.writeTextFileSync(config, file([], router({ priority: 150, advertInt: 1 })));
    const executable = join(scratch.path, "vigie");
    Deno.copyFileSync(files[0], executable);
    Deno.chmodSync(executable, 0o755);
    const vigie = lab.keep(new Vigie(a, config, { command: executable, args: [] }));
    const peer = lab.keep(await startKeepalived(b, router({ priority: 100, advertInt: 1 })));
    await heldBy(a, [a, b], VIP);
    await vigie.saw(/Entering MASTER STATE/);
    const wire = lab.listen(b), entered = peer.said(/Entering/).length, tookMs: number[] = [];
    using pinging = new Pinging(client, ip("192.0.2.3"), VIP);
    for (let round = 0; round < ROUNDS; round++) {
      const next = files[(round + 1) % 2]!, began = performance.now();
      // By the executable itself, as an operator does it.
      const { code, stdout, stderr } = await a.namespace.run(() => ({
        ended: run([executable, "upgrade", next], {
          env: { NO_COLOR: "1", PATH: "/usr/bin:/bin" },
        }),
      })).ended;
      tookMs.push(performance.now() - began);
      assert.equal(code, 0, stdout + stderr);
      assert.match(stdout, new RegExp(`\\(process ${vigie.pid}\\)`));
      assert.equal(Deno.statSync(executable).size, Deno.statSync(next).size, "another file");
    }
    await sleep(1500);
    const { sent, lost } = pinging.count();
    console.log(`${sent} pings, ${lost} lost; an upgrade takes ms: ${middle(tookMs)}`);
    assert.ok(sent > ROUNDS * 10, `${sent} pings`);
    assert.equal(lost, 0, `of ${sent} pings`);
    assert.equal(peer.said(/Entering/).length, entered, "the peer is what it was");
    assert.deepEqual(holders([a, b], VIP), [a.name]);
    const adverts = wire.adverts({ source: A });
    assert.ok(adverts.every(({ advert }) => advert.priority === 150), "nobody resigned");
    const late = adverts.slice(1).map(({ at }, index) => (at - adverts[index]!.at) / 1000 - 1000);
    console.log(`${adverts.length} adverts, late by ms: ${middle(late)}`);
    assert.ok(Math.max(...late) < 1000, "no advert is missing");
    assert.equal(vigie.said(/Entering MASTER STATE/).length, 1);
    const away = vigie.said(/was away for/).map((line) => Number(/for (\d+) ms/.exec(line)![1]));
    assert.equal(away.length, ROUNDS);
    console.log(`engine away ms: ${middle(away)}`);
    assert.equal(await vigie.stop(), 0);
    await heldBy(b, [a, b], VIP);
  },
);
