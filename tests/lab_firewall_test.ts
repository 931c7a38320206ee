/** no_accept: the master holds its addresses, is found at them, and takes no packet to them. */

import assert from "node:assert/strict";
import { NETLINK } from "../ffi/netlink.ts";
import { NetlinkSocket } from "../ffi/netlink_socket.ts";
import { batchMessages, deleteTable, NFPROTO } from "../ffi/nftables.ts";
import { deleteLink } from "../ffi/rtnetlink.ts";
import type { PlacedAddress } from "../lib/net/addresses.ts";
import { Firewall } from "../lib/net/firewall.ts";
import { within } from "../lib/net/topology.ts";
import { heldBy, holds, type Place } from "./lab/addresses.ts";
import { file, router, VIP, VIP6, VIPS6 } from "./lab/config.ts";
import { KEEPALIVED } from "./lab/keepalived.ts";
import { labTest, peerTest } from "./lab/lab.ts";
import { answered, Pings, SILENCE_MS } from "./lab/pings.ts";
import { startReloading } from "./lab/reloads.ts";
import { start } from "./lab/rivalry.ts";
import { until } from "./lab/until.ts";
import { runVigie } from "./lab/vigie.ts";
import { macvlans } from "./lab/vmacs.ts";

const REFUSING = file([], router({ priority: 200, lines: ["no_accept"] }));

/** Deletes vigie's table of a family. @returns Whether there was one. */
function deletedTable(
  { namespace }: Pick<Place, "namespace">,
  family: number = NFPROTO.IPV4,
  name = "keepalived",
): boolean {
  return namespace.run(() => {
    using socket = new NetlinkSocket(NETLINK.NETFILTER, "look at the rules");
    try {
      socket.transaction([deleteTable({ family, name })], batchMessages());
      return true;
    } catch {
      return false;
    }
  });
}

/** Pings an address that must not answer, and finds out that it is there all the same. */
function silent(pings: Pings, destination: string, device?: string): void {
  const pong = pings.ask(destination, device === undefined ? {} : { device }, SILENCE_MS);
  assert.equal(pong, null, `${destination} answered`);
}

labTest(
  "a master with no_accept does not answer at its address, a backup's neighbour does",
  async (lab) => {
    const [a, b] = lab.pair();
    const wire = lab.listen(b);
    using pings = new Pings(b);
    answered(pings, "192.0.2.1");
    const node = await lab.vigie(a, REFUSING);
    await heldBy(a, [a, b], VIP);
    silent(pings, VIP);
    answered(pings, "192.0.2.1");
    // It is the holder that was silent: it announced the address, and answers for it by ARP.
    assert.ok(wire.garps(VIP).length > 0);
    const { code, text } = await runVigie(a, ["restart"]);
    assert.equal(code, 0, text);
    await node.saw(/Startup complete/);
    silent(pings, VIP);
    assert.equal(await node.stop(), 0);
    assert.equal(deletedTable(a), false, "nothing is left behind");
  },
);

labTest("a restart with another table leaves no rule behind in the one before", async (lab) => {
  const [a, b] = lab.pair();
  using pings = new Pings(b);
  const node = await startReloading(lab, a, REFUSING);
  await heldBy(a, [a, b], VIP);
  silent(pings, VIP);
  node.write(file(["nftables other"], router({ priority: 200, lines: ["no_accept"] })));
  const { code, text } = await runVigie(a, ["restart"]);
  assert.equal(code, 0, text);
  assert.equal(deletedTable(a), false, "the table before is gone");
  silent(pings, VIP);
  assert.equal(await node.stop(), 0);
  assert.equal(deletedTable(a, NFPROTO.IPV4, "other"), false, "nothing is left behind");
});

labTest("a master with no_accept is silent over IPv6 but for neighbour discovery", async (lab) => {
  const [a, b] = lab.pair();
  using pings = new Pings(b);
  answered(pings, "2001:db8::1");
  await lab.vigie(a, file([], router({ priority: 200, addresses: VIPS6, lines: ["no_accept"] })));
  await heldBy(a, [a, b], VIP6.global);
  silent(pings, VIP6.global);
  silent(pings, VIP6.linkLocal, b.device);
  answered(pings, "2001:db8::1");
  answered(pings, "fe80::1", { device: b.device });
  const isFound = () => {
    silent(pings, VIP6.global);
    const { stdout } = b.namespace.run(() =>
      new Deno.Command("ip", { args: ["-6", "neigh", "show", VIP6.global] }).outputSync()
    );
    return /lladdr/.test(new TextDecoder().decode(stdout));
  };
  // A solicitation may be lost: the neighbour asks again.
  await until(isFound, "the address to be found");
});

labTest("a link-local address is refused on a link that is made again, too", async (lab) => {
  const [a, b] = lab.pair();
  using pings = new Pings(b);
  const lines = ["use_vmac", "no_accept"];
  await lab.vigie(a, file([], router({ priority: 200, addresses: VIPS6, lines })));
  await heldBy(a, [a, b], VIP6.linkLocal);
  const { index } = macvlans(a)[0]!;
  within(a.namespace, (socket) => deleteLink(socket, index));
  await until(
    () => holds(a, VIP6.linkLocal) && macvlans(a)[0]?.index !== index,
    "the address on a new link",
  );
  answered(pings, "fe80::1", { device: b.device });
  silent(pings, VIP6.linkLocal, b.device);
});

labTest("a firewall that the kernel refuses to make says so once, not on the way out", (lab) => {
  const a = lab.host("a"), entry = { address: VIP } as PlacedAddress["entry"];
  a.namespace.run(() => {
    // NFT_NAME_MAXLEN is 256, the final zero included.
    const firewall = new Firewall({ table: "x".repeat(300), priority: -1, counters: false });
    assert.throws(() => firewall.drop("VI_1", [{ ifindex: 1, entry }]), /nftables table/);
    firewall.release("VI_1");
    firewall.close();
  });
  return Promise.resolve();
});

labTest(
  "an address that is given up may be spoken to, where it is taken and where it was",
  async (lab) => {
    const [a, b] = lab.pair();
    using pings = new Pings(a);
    const node = await lab.vigie(a, REFUSING);
    await heldBy(a, [a, b], VIP);
    // The rules of the loser must not keep it from speaking to the winner.
    const winner = await lab.vigie(b, file([], router({ priority: 250 })));
    await node.saw(/Entering BACKUP STATE/);
    await heldBy(b, [a, b], VIP);
    answered(pings, VIP);
    assert.equal(await winner.stop(), 0);
    await heldBy(a, [a, b], VIP);
    using others = new Pings(b);
    answered(others, "192.0.2.1");
    silent(others, VIP);
  },
);

labTest("what a killed daemon dropped is not dropped for ever", async (lab) => {
  const [a, b] = lab.pair();
  using pings = new Pings(b);
  const first = await lab.vigie(a, REFUSING);
  await heldBy(a, [a, b], VIP);
  silent(pings, VIP);
  await first.crash();
  await lab.vigie(a, file([], router({ priority: 200 })));
  await heldBy(a, [a, b], VIP);
  answered(pings, VIP);
});

labTest("rules that somebody flushed are made anew at the next takeover", async (lab) => {
  const [a, b] = lab.pair();
  const node = await lab.vigie(a, REFUSING);
  await heldBy(a, [a, b], VIP);
  assert.equal(deletedTable(a), true);
  const winner = await lab.vigie(b, file([], router({ priority: 250 })));
  await node.saw(/Entering BACKUP STATE/);
  await heldBy(b, [a, b], VIP);
  assert.equal(await winner.stop(), 0);
  await heldBy(a, [a, b], VIP);
  using pings = new Pings(b);
  answered(pings, "192.0.2.1");
  silent(pings, VIP);
});

labTest("strict mode refuses packets for who is no owner, and an owner takes them", async (lab) => {
  const [a, b] = lab.pair();
  using pings = new Pings(b);
  const node = await lab.vigie(a, file(["vrrp_strict"], router({ priority: 200 })));
  await heldBy(a, [a, b], VIP);
  answered(pings, "192.0.2.1");
  silent(pings, VIP);
  assert.equal(await node.stop(), 0);
  await lab.vigie(a, file(["vrrp_strict"], router({ priority: 255 })));
  await heldBy(a, [a, b], VIP);
  answered(pings, VIP);
});

peerTest(
  KEEPALIVED,
  "vigie with no_accept takes over what keepalived's rules left",
  async (lab) => {
    const [a, b] = lab.pair();
    using pings = new Pings(b);
    const peer = await start(lab, "keepalived", a, REFUSING);
    await peer.saw(/Entering MASTER STATE/);
    await peer.crash();
    const node = await lab.vigie(a, REFUSING);
    // keepalived left the address too, so that only silence tells that vigie is master.
    await until(() => pings.ask(VIP, {}, SILENCE_MS) === null, "the address to be silent");
    answered(pings, "192.0.2.1");
    assert.equal(await node.stop(), 0);
    assert.equal(deletedTable(a), false);
  },
);
