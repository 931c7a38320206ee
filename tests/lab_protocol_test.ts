/** TTLs and senders of unicast, old checksums, how long a master may be silent. */

import assert from "node:assert/strict";
import { ip } from "../lib/core/address.ts";
import { heldBy, holds } from "./lab/addresses.ts";
import { block, file, router, VIP, VIPS6 } from "./lab/config.ts";
import { KEEPALIVED } from "./lab/keepalived.ts";
import { labTest, peerTest } from "./lab/lab.ts";
import { start } from "./lab/rivalry.ts";

const A = ip("192.0.2.1"), B = ip("192.0.2.2");

function unicast(priority: number, own: string, peer: string, ...lines: string[]): string {
  const text = [`unicast_src_ip ${own}`, block("unicast_peer", [peer]), ...lines];
  return file([], router({ priority, lines: text }));
}

peerTest(
  KEEPALIVED,
  "keepalived takes unicast adverts with the TTL that it allows",
  async (lab) => {
    const [a, b] = lab.pair();
    const wire = lab.listen(b);
    const node = await lab.vigie(a, unicast(200, A, B, "unicast_ttl 20"));
    const peer = await start(
      lab,
      "keepalived",
      b,
      unicast(100, B, `${A} min_ttl 10 max_ttl 30`, "check_unicast_src"),
    );
    await peer.saw(/Entering BACKUP STATE/);
    await heldBy(a, [a, b], VIP);
    const advert = await wire.sawAdvert(({ source }) => source === A, "an advert of the master");
    assert.equal(advert.hopLimit, 20);
    assert.equal(await node.stop(), 0);
    await heldBy(b, [a, b], VIP);
  },
);

labTest("unicast_ttl is the hop limit of IPv6 adverts", async (lab) => {
  const [a, b] = lab.pair();
  const wire = lab.listen(b);
  const lines = ["unicast_src_ip 2001:db8::1", block("unicast_peer", ["2001:db8::2"])];
  const router6 = router({ addresses: VIPS6, lines: [...lines, "unicast_ttl 33"] });
  await lab.vigie(a, file([], router6));
  const advert = await wire.sawAdvert(() => true, "an advert");
  assert.deepEqual([advert.source, advert.hopLimit], ["2001:db8::1", 33]);
});

labTest("adverts of a unicast peer that comes from too far away are dropped", async (lab) => {
  const [a, b] = lab.pair();
  await lab.vigie(a, unicast(200, A, B, "unicast_ttl 20"));
  await heldBy(a, [a, b], VIP);
  const second = await lab.vigie(b, unicast(100, B, `${A} min_ttl 21`));
  await second.saw(/Dropped advert from 192\.0\.2\.1: invalid TTL\/HL. Received 20 and expect 21/);
  await second.saw(/Entering MASTER STATE/);
});

labTest("with check_unicast_src only peers are heard", async (lab) => {
  const [a, b] = lab.pair();
  await lab.vigie(a, unicast(200, A, B));
  await heldBy(a, [a, b], VIP);
  const stranger = await lab.vigie(b, unicast(100, B, "192.0.2.7", "check_unicast_src"));
  await stranger.saw(/unicast source address 192\.0\.2\.1 not a unicast peer/);
  await stranger.saw(/Entering MASTER STATE/);
});

labTest("with unicast_fault_no_peer and no peer an instance is in fault", async (lab) => {
  const [a] = lab.pair();
  const text = ["unicast_fault_no_peer", block("unicast_peer", [])];
  const node = await lab.vigie(a, file([], router({ lines: text })));
  await node.saw(/Entering FAULT STATE \(init\): no unicast peer is configured/);
  assert.equal(holds(a, VIP), false);
});

peerTest(
  KEEPALIVED,
  "keepalived with old_unicast_checksum and vigie understand each other",
  async (lab) => {
    const [a, b] = lab.pair();
    const peer = await start(lab, "keepalived", b, unicast(100, B, A, "old_unicast_checksum"));
    await peer.saw(/Entering MASTER STATE/);
    const node = await lab.vigie(a, unicast(200, A, B, "old_unicast_checksum"));
    await node.saw(/Entering MASTER STATE: preempting 192\.0\.2\.2/);
    await peer.saw(/Entering BACKUP STATE/);
    await heldBy(a, [a, b], VIP);
  },
);
