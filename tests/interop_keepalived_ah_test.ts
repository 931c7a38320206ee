/** `auth_type AH` with keepalived as the other router: multicast and unicast, each in both roles. */

import assert from "node:assert/strict";
import { ip } from "../lib/core/address.ts";
import { heldBy, holds } from "./lab/addresses.ts";
import { block, file, router, type RouterText, VIP } from "./lab/config.ts";
import { KEEPALIVED } from "./lab/keepalived.ts";
import { peerTest } from "./lab/lab.ts";
import { rivalry, start } from "./lab/rivalry.ts";
import { never, until } from "./lab/until.ts";
import { runVigie } from "./lab/vigie.ts";

const A = ip("192.0.2.1"), B = ip("192.0.2.2");

function ah(password = "secret-8"): string {
  return block("authentication", ["auth_type AH", `auth_pass ${password}`]);
}

const TEXT: RouterText = { version: 2, lines: [ah()] };

for (const unicast of [false, true]) {
  const way = unicast ? "unicast" : "multicast";
  peerTest(KEEPALIVED, `vigie as master hands over to keepalived with AH, ${way}`, async (lab) => {
    await rivalry(lab, { master: "vigie", backup: "keepalived", text: TEXT, unicast });
  });
  peerTest(KEEPALIVED, `keepalived as master hands over to vigie with AH, ${way}`, async (lab) => {
    await rivalry(lab, { master: "keepalived", backup: "vigie", text: TEXT, unicast });
  });
}

peerTest(
  KEEPALIVED,
  "the sequence of AH rises over takeovers and a restart of vigie",
  async (lab) => {
    const [a, b] = lab.pair(), text = (priority: number) => file([], router({ ...TEXT, priority }));
    const vigie = await lab.vigie(a, text(200));
    const peer = await start(lab, "keepalived", b, text(100));
    await vigie.saw(/Entering MASTER STATE/);
    const wire = lab.listen(b);
    await wire.sawAdvert(({ sequence }) => sequence === 3, "the third advert");
    const entered = peer.said(/Entering/).length;
    for (let round = 0; round < 2; round++) {
      const { code, text } = await runVigie(a, ["restart"]);
      assert.equal(code, 0, text);
    }
    const highest = () => Math.max(...wire.adverts().map(({ sequence }) => sequence ?? 0));
    const before = highest();
    await until(() => highest() > before + 2, "adverts after the restarts");
    assert.equal(peer.said(/Entering/).length, entered, "the peer has believed every advert");
    assert.deepEqual(peer.said(/already (proc|rec)|[Ii]nvalid|IPSEC/), []);
    await vigie.stop();
    await heldBy(b, [a, b], VIP);
    await wire.sawAdvert(({ source }) => source === B, "an advert of keepalived");
    const again = await lab.vigie(a, text(200));
    await again.saw(/Entering MASTER STATE/);
    await heldBy(a, [a, b], VIP);
    const sequences = wire.adverts().map(({ sequence }) => sequence!);
    assert.ok(sequences.every((one, at) => at === 0 || one > sequences[at - 1]!), `${sequences}`);
    assert.equal(again.said(/already processed|invalid/).length, 0);
  },
);

peerTest(
  KEEPALIVED,
  "with another password for AH each goes its own way, and says why",
  async (lab) => {
    const [a, b] = lab.pair();
    const text = (priority: number, password: string) =>
      file([], router({ version: 2, priority, lines: [ah(password)] }));
    const peer = await start(lab, "keepalived", b, text(200, "theirs"));
    await peer.saw(/Entering MASTER STATE/);
    const node = await lab.vigie(a, text(100, "ours"));
    await node.saw(/Dropped advert from 192\.0\.2\.2: received an invalid ICV/);
    await node.saw(/Entering MASTER STATE/);
    await until(() => holds(a, VIP) && holds(b, VIP), "two masters");
    assert.ok(await node.counter("authFailures") > 0);
  },
);

peerTest(KEEPALIVED, "a captured AH advert is not believed a second time", async (lab) => {
  const [a, b] = lab.pair();
  const peer = await start(lab, "keepalived", b, file([], router({ ...TEXT, priority: 200 })));
  await peer.saw(/Entering MASTER STATE/);
  const node = await lab.vigie(a, file([], router({ ...TEXT, priority: 100 })));
  await node.saw(/Master set to 192\.0\.2\.2/);
  const wire = lab.listen(b);
  const old = await wire.sawAdvert(({ source, outgoing }) => source === B && outgoing, "an advert");
  await wire.sawAdvert(({ sequence }) => sequence! > old.sequence!, "the next one");
  await peer.crash();
  await node.saw(/Entering MASTER STATE/);
  wire.inject(Uint8Array.from(old.bytes));
  await node.saw(/Dropped advert from 192\.0\.2\.2: AH sequence number \d+ already processed/);
  await never(() => !holds(a, VIP), "a master that obeys an old advert", 500);
  assert.equal(wire.adverts({ source: A }).length > 0, true);
});
