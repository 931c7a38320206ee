/** Static addresses, routes and rules: from the start to the end, whoever is master. */

import assert from "node:assert/strict";
import { holds, takeAddress } from "./lab/addresses.ts";
import { block, file, router } from "./lab/config.ts";
import { labTest } from "./lab/lab.ts";
import { ipCommand, routesOf, rulesOf } from "./lab/routing.ts";
import { until } from "./lab/until.ts";
import { runVigie } from "./lab/vigie.ts";

const STATIC = [
  block("static_ipaddress", ["198.51.100.1/24", "198.51.100.2/24 dev eth0 label eth0:s"]),
  block("static_routes", ["198.18.0.0/16 via 198.51.100.9", "blackhole 198.19.0.0/16"]),
  block("static_rules", ["from 198.51.100.1 table 100 preference 600"]),
];

function hasAll(host: Parameters<typeof routesOf>[0]): boolean {
  return holds(host, "198.51.100.1") && holds(host, "198.51.100.2") &&
    routesOf(host).length === 2 && rulesOf(host).length === 1;
}

labTest("static entries are there while the daemon runs, on a backup too", async (lab) => {
  const host = lab.host("a");
  // Without an address that it could send from, it stays in fault.
  const vigie = await lab.vigie(
    host,
    file(["dynamic_interfaces"], ...STATIC, router({ interface: "eth9" })),
  );
  assert.ok(hasAll(host), routesOf(host).join("\n"));
  const { code, text } = await runVigie(host, ["restart"]);
  assert.equal(code, 0, text);
  assert.ok(hasAll(host));
  assert.equal(await vigie.stop(), 0);
  assert.deepEqual([routesOf(host), rulesOf(host)], [[], []]);
  assert.ok(!holds(host, "198.51.100.1") && !holds(host, "198.51.100.2"));
});

labTest("static entries that somebody deletes are put back", async (lab) => {
  const host = lab.host("a");
  const vigie = await lab.vigie(host, file([], ...STATIC, router({ priority: 255 })));
  ipCommand(host, "route", "del", "blackhole", "198.19.0.0/16");
  ipCommand(host, "rule", "del", "preference", "600");
  takeAddress(host, "198.51.100.2/24");
  await until(() => hasAll(host), "them to be back");
  // The kernel takes the route along whose gateway it leads to.
  takeAddress(host, "198.51.100.1/24");
  await until(() => hasAll(host), "the address and its route to be back");
  await vigie.saw(/static rule ".*" was taken away, not by vigie: put back/);
  assert.equal(await vigie.stop(), 0);
  assert.deepEqual([routesOf(host), rulesOf(host)], [[], []]);
});

labTest(
  "static entries that a killed daemon left are taken over, and removed at the end",
  async (lab) => {
    const host = lab.host("a"), text = file([], ...STATIC, router({ priority: 255 }));
    const first = await lab.vigie(host, text);
    await first.saw(/Entering MASTER STATE/);
    await first.crash();
    assert.ok(hasAll(host));
    const vigie = await lab.vigie(host, text);
    assert.ok(hasAll(host));
    assert.equal(await vigie.stop(), 0);
    assert.deepEqual([routesOf(host), rulesOf(host)], [[], []]);
    assert.ok(!holds(host, "198.51.100.1"));
  },
);

labTest(
  "an instance may send from a static address that is its interface's only one",
  async (lab) => {
    const host = lab.host("a", { addresses: [] });
    const text = file([], block("static_ipaddress", ["192.0.2.1/24"]), router({ priority: 100 }));
    const vigie = await lab.vigie(host, text);
    await vigie.saw(/Entering MASTER STATE/);
    assert.deepEqual(vigie.said(/FAULT/), []);
  },
);

labTest(
  "the instances of a track_group are in fault while an entry of it cannot be had",
  async (lab) => {
    const host = lab.host("a"), other = lab.host("b");
    const [far] = lab.cable(host, other, "eth1", ["203.0.113.1/24", "203.0.113.2/24"]);
    const vigie = await lab.vigie(
      host,
      file(
        [],
        block("static_routes", ["198.18.0.0/16 via 203.0.113.2 dev eth1 track_group G"]),
        block("track_group G", [block("group", ["VI_1"])]),
        router({ priority: 255 }),
        router({ name: "VI_2", vrid: 52, priority: 255, addresses: ["192.0.2.101/24"] }),
      ),
    );
    await vigie.saw(/\(VI_1\) Entering MASTER STATE/);
    await vigie.saw(/\(VI_2\) Entering MASTER STATE/);
    ipCommand(far, "link", "set", "eth1", "down");
    await vigie.saw(
      /\(VI_1\) Entering FAULT STATE: static route ".*" is missing \(track_group G\)/,
    );
    ipCommand(far, "link", "set", "eth1", "up");
    await until(() => vigie.said(/\(VI_1\) Entering MASTER STATE/).length === 2, "it to be back");
    assert.deepEqual(vigie.said(/\(VI_2\) Entering FAULT/), []);
  },
);
