/** Version 3 with keepalived as the other router: multicast, unicast, IPv6, owner, checksums. */

import assert from "node:assert/strict";
import { addressesOn, giveAddress, heldBy, holds } from "./lab/addresses.ts";
import { file, router, VIP, VIP6, VIPS6 } from "./lab/config.ts";
import { KEEPALIVED } from "./lab/keepalived.ts";
import { peerTest } from "./lab/lab.ts";
import { type Rivalry, rivalry, start } from "./lab/rivalry.ts";
import { never, until } from "./lab/until.ts";

const FORMS: readonly (readonly [string, Omit<Rivalry, "master" | "backup">])[] = [
  ["version 3 over IPv4", {}],
  ["version 3 at one second", { text: { advertInt: 1 } }],
  ["version 3 over IPv6", { text: { addresses: VIPS6 }, vip: VIP6.global }],
  ["version 3 by unicast", { unicast: true }],
];

for (const [form, story] of FORMS) {
  peerTest(KEEPALIVED, `vigie as master hands over to keepalived in ${form}`, async (lab) => {
    await rivalry(lab, { master: "vigie", backup: "keepalived", ...story });
  });
  peerTest(KEEPALIVED, `keepalived as master hands over to vigie in ${form}`, async (lab) => {
    await rivalry(lab, { master: "keepalived", backup: "vigie", ...story });
  });
}

peerTest(KEEPALIVED, "vigie as owner takes its address at once from keepalived", async (lab) => {
  const [a, b] = lab.pair();
  giveAddress(a, `${VIP}/24`);
  const peer = await start(lab, "keepalived", b, file([], router({ priority: 254 })));
  await peer.saw(/Entering MASTER STATE/);
  const owner = await lab.vigie(a, file([], router({ priority: 255 })));
  await peer.saw(/Master received advert from 192\.0\.2\.1 with higher priority 255, ours 254/);
  await peer.saw(/Entering BACKUP STATE/);
  await heldBy(a, [a, b], VIP);
  assert.equal(await owner.stop(), 0);
  await peer.saw(/Entering MASTER STATE/);
  assert.equal(holds(a, VIP), true, "the owner's own address stays");
});

peerTest(KEEPALIVED, "keepalived as owner takes the address from vigie", async (lab) => {
  const [a, b] = lab.pair();
  const node = await lab.vigie(a, file([], router({ priority: 254 })));
  await heldBy(a, [a, b], VIP);
  const owner = await start(lab, "keepalived", b, file([], router({ priority: 255 })));
  await node.saw(/Entering BACKUP STATE: .*higher priority 255, ours 254/);
  await heldBy(b, [a, b], VIP);
  assert.equal(await owner.stop(), 0);
  await node.saw(/Entering MASTER STATE: master 192\.0\.2\.2 resigned/);
  await heldBy(a, [a, b], VIP);
});

peerTest(KEEPALIVED, "vigie with nopreempt leaves a lower keepalived alone", async (lab) => {
  const [a, b] = lab.pair();
  const peer = await start(lab, "keepalived", b, file([], router({ priority: 100 })));
  await peer.saw(/Entering MASTER STATE/);
  const node = await lab.vigie(a, file([], router({ priority: 200, lines: ["nopreempt"] })));
  await node.saw(/Master set to 192\.0\.2\.2/);
  await never(() => holds(a, VIP), "preemption", 1500);
});

peerTest(KEEPALIVED, "keepalived with nopreempt leaves a lower vigie alone", async (lab) => {
  const [a, b] = lab.pair();
  await lab.vigie(a, file([], router({ priority: 100 })));
  await heldBy(a, [a, b], VIP);
  await start(lab, "keepalived", b, file([], router({ priority: 200, lines: ["nopreempt"] })));
  await never(() => holds(b, VIP), "preemption", 1500);
});

peerTest(
  KEEPALIVED,
  "keepalived 2.2.7 refuses the checksum that v3_checksum_as_v2 sends",
  async (lab) => {
    const [a, b] = lab.pair();
    await lab.vigie(a, file(["v3_checksum_as_v2"], router({ priority: 200 })));
    await heldBy(a, [a, b], VIP);
    const peer = await start(lab, "keepalived", b, file([], router({ priority: 100 })));
    await peer.saw(/[Ii]nvalid VRRPv3 checksum/);
    await until(() => holds(a, VIP) && holds(b, VIP), "two masters that do not believe each other");
  },
);

peerTest(KEEPALIVED, "vigie with v3_checksum_as_v2 takes keepalived's checksum", async (lab) => {
  const [a, b] = lab.pair();
  const peer = await start(lab, "keepalived", b, file([], router({ priority: 200 })));
  await peer.saw(/Entering MASTER STATE/);
  const node = await lab.vigie(a, file(["v3_checksum_as_v2"], router({ priority: 100 })));
  await node.saw(/192\.0\.2\.2 sends pseudo-header checksums, we send message-only/);
  await never(() => holds(a, VIP), "a second master", 1000);
  assert.equal(await node.counter("routerChecksumErrors"), 0);
});

peerTest(KEEPALIVED, "vigie takes over what keepalived's crash left to others", async (lab) => {
  const [a, b] = lab.pair();
  const peer = await start(lab, "keepalived", a, file([], router({ priority: 200 })));
  await heldBy(a, [a, b], VIP);
  const node = await lab.vigie(b, file([], router({ priority: 100 })));
  await node.saw(/Master set to 192\.0\.2\.1/);
  await peer.crash();
  await node.saw(/Entering MASTER STATE: no advert from master 192\.0\.2\.1/);
  await until(() => holds(b, VIP), "the address");
  assert.equal(addressesOn(b).filter(({ text }) => text === VIP).length, 1);
});
