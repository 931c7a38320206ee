/** Which address adverts leave from, and which senders count as somebody else. */

import assert from "node:assert/strict";
import { type Ip, ip } from "../lib/core/address.ts";
import { ADDRESS_PROTOCOL } from "../lib/net/links.ts";
import {
  addressesOn,
  giveAddress,
  heldBy,
  holds,
  type Place,
  takeAddress,
} from "./lab/addresses.ts";
import { file, router, VIP6, VIPS6 } from "./lab/config.ts";
import { labTest } from "./lab/lab.ts";
import { never, until } from "./lab/until.ts";
import type { Vigie } from "./lab/vigie.ts";

/** Where each instance sends from, by SIGUSR1. */
async function sourcesOf(node: Vigie, names: readonly string[]): Promise<(string | undefined)[]> {
  const from = node.lines.length;
  const found = () =>
    names.map((name) => {
      const said = new RegExp(`\\(${name}\\) \\w+, priority \\d+, source (\\S+),`);
      return node.lines.slice(from).map((line) => said.exec(line)?.[1]).find(Boolean);
    });
  node.signal("SIGUSR1");
  await until(() => !found().includes(undefined), "the state of every instance");
  return found();
}

/** The host's own link-local addresses: not those that vigie put there. */
function linkLocalsOf(place: Place): ReadonlySet<string> {
  const own = addressesOn(place).filter(({ protocol }) => protocol !== ADDRESS_PROTOCOL);
  return new Set(own.map(({ text }) => text).filter((text) => text.startsWith("fe80:")));
}

labTest("link-local virtual addresses are no source, whoever adds or takes one", async (lab) => {
  const [a, b] = lab.pair();
  const observed = lab.listen(b), names = ["A", "B", "C"];
  giveAddress(a, "2001:db8::77/64");
  const text = (priorities: readonly number[]) => {
    const lists = [["fe80::100/64"], ["fe80::200/64"], ["fe80::300/64", "2001:db8::77/64"]];
    const routers = names.map((name, at) =>
      router({ name, vrid: at + 1, priority: priorities[at]!, addresses: lists[at]! })
    );
    return file([], ...routers);
  };
  const own = linkLocalsOf(a);
  const assertOwn = async (node: Vigie, when: string) => {
    const wrong = (await sourcesOf(node, names)).filter((source) => !own.has(source!));
    assert.deepEqual(wrong, [], `sources ${when}`);
  };
  const first = await lab.vigie(a, text([200, 200, 200]));
  for (const last of ["100", "200", "300"]) {
    await until(() => holds(a, `fe80::${last}`), "every virtual address");
  }
  await assertOwn(first, "of three masters");
  giveAddress(a, "198.51.100.1/24");
  await assertOwn(first, "after an address came");
  const second = await lab.vigie(b, text([250, 100, 100]));
  await second.saw(/\(A\) Entering MASTER STATE/);
  await heldBy(b, [a, b], "fe80::100");
  takeAddress(a, "198.51.100.1/24");
  await until(() => second.said(/Master set to/).length >= 2, "b to follow the other two");
  await assertOwn(first, "after one instance moved");
  for (const address of ["fe80::200", "fe80::300"]) await heldBy(a, [a, b], address);
  const senders = new Set(observed.adverts().map(({ source }) => source as string));
  assert.deepEqual([...senders.difference(own.union(linkLocalsOf(b)))], []);
});

labTest("without a real address nobody sends from another instance's virtual one", async (lab) => {
  const [a, b] = lab.pair();
  const text = (priority: number) =>
    file(
      [],
      ...["A", "B"].map((name, at) => {
        const addresses = [`10.${at + 1}.0.1/24`];
        return router({ name, vrid: at + 1, priority, addresses });
      }),
    );
  const wire = lab.listen(b);
  const node = await lab.vigie(a, text(200));
  await until(() => holds(a, "10.1.0.1") && holds(a, "10.2.0.1"), "both virtual addresses");
  await lab.vigie(b, text(100));
  takeAddress(a, "192.0.2.1/24");
  for (const name of ["A", "B"]) {
    const fault = new RegExp(`\\(${name}\\) Entering FAULT STATE: no IPv4 address`);
    await until(() => node.said(fault).length > 0, `${name} to be in FAULT`);
  }
  for (const address of ["10.1.0.1", "10.2.0.1"]) await heldBy(b, [a, b], address);
  const real: readonly Ip[] = [ip("192.0.2.1"), ip("192.0.2.2")];
  assert.deepEqual(wire.adverts().filter(({ source }) => !real.includes(source)), []);
});

labTest("a peer's link-local address may be ours on another interface", async (lab) => {
  const [a, b] = lab.pair();
  lab.cable(a, b, "eth1", ["fe80::2/64", "fe80::3/64"]);
  const backup = await lab.vigie(a, file([], router({ priority: 100, addresses: VIPS6 })));
  const master = await lab.vigie(b, file([], router({ priority: 200, addresses: VIPS6 })));
  await master.saw(/Entering MASTER STATE/);
  await heldBy(b, [a, b], VIP6.global);
  await heldBy(b, [a, b], VIP6.linkLocal);
  await never(() => holds(a, VIP6.global), "a second master", 500);
  assert.deepEqual(backup.said(/our own address/), []);
});

labTest("an owner that sends from its virtual address is told who cannot hear it", async (lab) => {
  const a = lab.host("a", { addresses: ["192.0.2.1/24"] }), b = lab.host("b");
  const text = (name: string) =>
    file([], router({ priority: 255, addresses: [`192.0.2.${name === "a" ? 1 : 2}/24`] }));
  const wire = lab.listen(a);
  const owner = await lab.vigie(a, text("a"));
  await owner.saw(/only address of eth0 is 192\.0\.2\.1, which is virtual: .*cannot hear adverts/);
  await wire.sawAdvert(({ source }) => source === ip("192.0.2.1"), "its advert all the same");
  giveAddress(b, "192.0.2.9/24");
  const other = await lab.vigie(b, text("b"));
  await other.saw(/Entering MASTER STATE/);
  assert.deepEqual(other.said(/which is virtual/), [], "it has a real address");
});
