/** Whose an address is when others touch it too: labels, names and owners that change. */

import assert from "node:assert/strict";
import { addAddress, setLink } from "../ffi/rtnetlink.ts";
import { ip, ipBytes } from "../lib/core/address.ts";
import { indexOf, within } from "../lib/net/topology.ts";
import { addressOn, giveAddress, holds, type Place, takeAddress } from "./lab/addresses.ts";
import { file, router, VIP } from "./lab/config.ts";
import { labTest } from "./lab/lab.ts";
import { never, until } from "./lab/until.ts";

const LABELLED = { addresses: [`${VIP}/24 label eth0:v`] };

labTest("what a crash left under another label is removed at the next start", async (lab) => {
  const a = lab.host("a");
  const first = await lab.vigie(a, file([], router(LABELLED)));
  await until(() => holds(a, VIP), "the address");
  await first.crash();
  assert.equal(addressOn(a, VIP)?.label, "eth0:v");
  const relabelled = { addresses: [`${VIP}/24 label eth0:w`], advertInt: 5 };
  const second = await lab.vigie(a, file([], router(relabelled)));
  await second.saw(/removing VIPs left by a predecessor/);
  await until(() => !holds(a, VIP), "the removal");
});

labTest(
  "a labelled address goes with the master's office when the interface is renamed",
  async (lab) => {
    const a = lab.host("a");
    const node = await lab.vigie(a, file([], router(LABELLED)));
    await until(() => holds(a, VIP), "the address");
    within(a.namespace, (socket) => setLink(socket, indexOf(socket, "eth0"), { name: "lan0" }));
    await node.saw(/Entering FAULT STATE: interface eth0 does not exist/);
    await until(() => !holds({ ...a, device: "lan0" }, VIP), "the removal");
  },
);

labTest("an address that the operator has made his own is not removed at the end", async (lab) => {
  const a = lab.host("a");
  const node = await lab.vigie(a, file([], router({ addresses: [`${VIP}/24`] })));
  await until(() => holds(a, VIP), "the address");
  replaceAddress(a);
  await until(() => addressOn(a, VIP)?.protocol !== 18, "the operator's tag");
  assert.equal(await node.stop(), 0);
  assert.equal(holds(a, VIP), true);
});

labTest("an owner's own address is his to take away", async (lab) => {
  const a = lab.host("a");
  giveAddress(a, `${VIP}/24`);
  const node = await lab.vigie(a, file([], router({ priority: 255 })));
  await node.saw(/Entering MASTER STATE/);
  takeAddress(a, `${VIP}/24`);
  await never(() => holds(a, VIP), "an address that vigie put in its place", 500);
});

labTest("an address that is taken away again and again is put back once a second", async (lab) => {
  const a = lab.host("a");
  const node = await lab.vigie(a, file([], router({ addresses: [`${VIP}/24`] })));
  await until(() => holds(a, VIP), "the address");
  const began = performance.now(), times = 4;
  for (let taken = 0; taken < times; taken++) {
    await until(() => holds(a, VIP), "the address to be put back");
    takeAddress(a, `${VIP}/24`);
  }
  // Put back after the first time, then a second apart; half of that for clocks and timers.
  const tookMs = performance.now() - began;
  assert.ok(tookMs > (times - 2) * 1000 / 2, `it was put back ${times - 1} times in ${tookMs} ms`);
  await until(() => holds(a, VIP), "the address, once it is left alone");
  assert.equal(node.lines.filter((line) => /was taken off/.test(line)).length, 1, "said once");
});

/** Same as `ip address replace` by an operator: the address is no longer tagged as vigie's. */
function replaceAddress(place: Place): void {
  within(place.namespace, (socket) => {
    const index = indexOf(socket, place.device);
    const local = ipBytes(ip(VIP));
    addAddress(socket, { index, local, prefixLength: 24, protocol: 3 }, { replace: true });
  });
}
