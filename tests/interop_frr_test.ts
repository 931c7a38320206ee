/** Version 3 with FRR's vrrpd as the other router. */

import assert from "node:assert/strict";
import { addressOn, holds } from "./lab/addresses.ts";
import { file, router, VIP, VIP6 } from "./lab/config.ts";
import { FRR, FRR_LINK_LOCAL, startFrr } from "./lab/frr.ts";
import { type Lab, peerTest } from "./lab/lab.ts";
import { never, until } from "./lab/until.ts";
import type { Host } from "../lib/net/topology.ts";

interface Family {
  readonly name: string;
  readonly vip: string;
  readonly entry: string;
  /** Where each router's adverts come from: vigie's, FRR's. */
  readonly sources: readonly [string, string];
}

const FAMILIES: readonly Family[] = [
  { name: "IPv4", vip: VIP, entry: `${VIP}/24`, sources: ["192.0.2.1", "192.0.2.2"] },
  {
    name: "IPv6",
    vip: VIP6.global,
    entry: `${VIP6.global}/64`,
    sources: ["fe80::1", FRR_LINK_LOCAL],
  },
];

/** FRR's address is always on its device, whose carrier it switches. */
function usable(host: Host, vip: string): boolean {
  return addressOn(host, vip)?.device === host.device;
}

async function frr(lab: Lab, host: Host, vip: string, priority: number) {
  return lab.keep(
    await startFrr(host, { vrid: 51, priority, intervalMs: 100, addresses: [vip] }),
  );
}

for (const { name, vip, entry, sources: [ours, theirs] } of FAMILIES) {
  peerTest(
    FRR,
    `FRR follows vigie and takes over when vigie resigns, over ${name}`,
    async (lab) => {
      const [a, b] = lab.pair();
      const wire = lab.listen(a);
      const node = await lab.vigie(a, file([], router({ priority: 200, addresses: [entry] })));
      await until(() => usable(a, vip), "vigie to be master");
      const peer = await frr(lab, b, vip, 100);
      await peer.saw(/Initialize -> Backup/);
      await never(() => peer.said(/Backup -> Master/).length > 0, "FRR to be master too", 1500);
      assert.equal(await node.stop(), 0);
      await peer.saw(/Backup -> Master/);
      await wire.sawAdvert(({ source }) => source === theirs, "an advert of FRR");
      const again = await lab.vigie(a, file([], router({ priority: 200, addresses: [entry] })));
      await again.saw(new RegExp(`Entering MASTER STATE: preempting ${theirs}`));
      await peer.saw(/Master -> Backup/);
    },
  );

  peerTest(FRR, `vigie follows FRR and takes over when FRR dies, over ${name}`, async (lab) => {
    const [a, b] = lab.pair();
    const peer = await frr(lab, b, vip, 200);
    await peer.saw(/Backup -> Master/);
    const node = await lab.vigie(a, file([], router({ priority: 100, addresses: [entry] })));
    await node.saw(new RegExp(`Master set to ${theirs}`));
    await never(() => holds(a, vip), "vigie to be master too", 1500);
    await peer.crash();
    await node.saw(new RegExp(`Entering MASTER STATE: no advert from master ${theirs}`));
    await until(() => usable(a, vip), "vigie to be master");
    assert.equal(await node.counter("routerChecksumErrors"), 0);
    assert.deepEqual(node.said(/Dropped/), []);
  });

  peerTest(FRR, `vigie is preempted by FRR and preempts it, over ${name}`, async (lab) => {
    const [a, b] = lab.pair();
    const node = await lab.vigie(a, file([], router({ priority: 100, addresses: [entry] })));
    await until(() => usable(a, vip), "vigie to be master");
    await frr(lab, b, vip, 200);
    await node.saw(new RegExp(`Entering BACKUP STATE: .*advert from ${theirs} with higher`));
    await until(() => !usable(a, vip), "vigie to give the address back");
    await node.stop();
    const higher = await lab.vigie(a, file([], router({ priority: 250, addresses: [entry] })));
    const wire = lab.listen(a);
    await higher.saw(new RegExp(`Entering MASTER STATE: preempting ${theirs}`));
    await wire.sawAdvert(({ source }) => source === ours, "an advert of vigie");
  });
}
