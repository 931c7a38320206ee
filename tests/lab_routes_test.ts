/** Routes and rules of a master: they move with it, are put back, and leave with it. */

import assert from "node:assert/strict";
import { block, file, router, type RouterText } from "./lab/config.ts";
import { heldBy, holds, takeAddress } from "./lab/addresses.ts";
import { GENUINE, Images } from "./lab/image.ts";
import { type Lab, labTest } from "./lab/lab.ts";
import { ipCommand, routesOf, rulesOf } from "./lab/routing.ts";
import { Process } from "./lab/process.ts";
import { startReloading } from "./lab/reloads.ts";
import { promotion, setPromotion } from "./lab/sysctl.ts";
import { never, until } from "./lab/until.ts";
import { packed } from "./lab/upgrading.ts";
import { runVigie } from "./lab/vigie.ts";
import { VIP } from "./lab/config.ts";

const ROUTES = [
  "default via 192.0.2.3 dev eth0 metric 5",
  `198.18.0.0/16 via 192.0.2.3 src ${VIP} table 100`,
  "2001:db8:18::/48 via 2001:db8::3 dev eth0",
];
const RULES = [`from ${VIP}/32 table 100 preference 500`, "fwmark 7 table 100 preference 501"];
const LINES = [block("virtual_routes", ROUTES), block("virtual_rules", RULES)];

function config(text: RouterText = {}): string {
  return file([], router({ lines: LINES, ...text }));
}

/** Whether a host has all of the routes and rules. */
function hasAll(host: Parameters<typeof routesOf>[0]): boolean {
  return routesOf(host).length === ROUTES.length && rulesOf(host).length === RULES.length;
}

function hasNone(host: Parameters<typeof routesOf>[0]): boolean {
  return routesOf(host).length === 0 && rulesOf(host).length === 0;
}

async function alone(lab: Lab, text: RouterText = {}) {
  const host = lab.host("a");
  const vigie = await lab.vigie(host, config({ priority: 255, ...text }));
  await vigie.saw(/Entering MASTER STATE/);
  return { host, vigie };
}

labTest("routes and rules move with the addresses, and a stop leaves nothing", async (lab) => {
  const [a, b] = lab.pair();
  const master = await lab.vigie(a, config({ priority: 200 }));
  await master.saw(/Entering MASTER STATE/);
  const backup = await lab.vigie(b, config({ priority: 100 }));
  await backup.saw(/Master set to/);
  await heldBy(a, [a, b], VIP);
  await until(() => hasAll(a), "the master's routes and rules");
  assert.ok(hasNone(b), "a backup has none");
  assert.equal(await master.stop(), 0);
  assert.ok(hasNone(a), "a stop leaves nothing");
  await until(() => hasAll(b), "the routes and rules of who took over");
  const again = await lab.vigie(a, config({ priority: 200 }));
  await again.saw(/Entering MASTER STATE/);
  await until(() => hasAll(a) && hasNone(b), "routes and rules to move back");
  assert.deepEqual([...again.said(/cannot be made/), ...backup.said(/cannot be made/)], []);
});

labTest("a route and a rule that somebody deletes are put back, again and again", async (lab) => {
  const { host, vigie } = await alone(lab);
  for (const time of ["first", "second", "third"]) {
    ipCommand(host, "route", "del", "default", "metric", "5");
    ipCommand(host, "-6", "route", "del", "2001:db8:18::/48");
    ipCommand(host, "rule", "del", "preference", "500");
    await until(() => hasAll(host), `them to be back for the ${time} time`);
  }
  assert.equal(vigie.said(/route "default .*" was taken away, not by vigie: put back/).length, 1);
  assert.equal(vigie.said(/rule "from .*" was taken away, not by vigie: put back/).length, 1);
  assert.equal(vigie.said(/Entering MASTER STATE/).length, 1);
  assert.equal(await vigie.stop(), 0);
  assert.ok(hasNone(host), "what was put back is removed at the end");
});

labTest(
  "routes are back after the link went down, and after the address that they need",
  async (lab) => {
    const { host, vigie } = await alone(lab, { lines: [...LINES, "dont_track_primary"] });
    ipCommand(host, "link", "set", "eth0", "down");
    await until(() => routesOf(host).length === 0, "the kernel to drop the routes");
    ipCommand(host, "link", "set", "eth0", "up");
    ipCommand(host, "-6", "address", "replace", "2001:db8::1/64", "dev", "eth0", "nodad");
    await until(() => hasAll(host), "the routes to be back");
    // The kernel takes the route along whose source it is.
    takeAddress(host, `${VIP}/24`);
    await until(() => hasAll(host), "the route to be back behind its address");
    assert.equal(vigie.said(/Entering MASTER STATE/).length, 1);
  },
);

labTest("what no_track is written behind is not put back", async (lab) => {
  const lines = [
    block("virtual_routes", ["198.18.0.0/16 dev eth0 no_track", "198.19.0.0/16 dev eth0"]),
  ];
  const { host } = await alone(lab, { lines });
  ipCommand(host, "route", "del", "198.18.0.0/16");
  ipCommand(host, "route", "del", "198.19.0.0/16");
  await until(() => routesOf(host).length > 0, "the other route to be back");
  assert.match(routesOf(host).join(), /^unicast 198\.19\.0\.0\/16 dev eth0/);
  assert.equal(routesOf(host).length, 1);
});

labTest("an operator's own route and rule stay as they are, also at the end", async (lab) => {
  const host = lab.host("a");
  ipCommand(host, "route", "add", "default", "via", "192.0.2.9", "metric", "5");
  ipCommand(host, "rule", "add", "from", VIP, "table", "100", "preference", "500");
  const vigie = await lab.vigie(host, config({ priority: 255 }));
  await vigie.saw(/route "default .*" is there already and not by vigie, which will not remove it/);
  assert.equal(await vigie.stop(), 0);
  assert.match(routesOf(host).join(), /^unicast default via 192\.0\.2\.9 .*proto boot.*metric 5$/);
  assert.deepEqual(rulesOf(host), [`-4 500: from ${VIP} lookup 100`], "with or without a twin");
});

labTest("when an operator's route goes, the configured one takes its place", async (lab) => {
  const host = lab.host("a");
  ipCommand(host, "route", "add", "default", "via", "192.0.2.9", "metric", "5");
  const vigie = await lab.vigie(host, config({ priority: 255 }));
  await vigie.saw(/is there already and not by vigie/);
  ipCommand(host, "route", "del", "default", "metric", "5");
  await until(() => hasAll(host), "the configured route");
});

labTest("a route that the kernel refuses is told with its words, and tried again", async (lab) => {
  const lines = [
    block("virtual_routes", ["198.18.0.0/16 via 203.0.113.1", "198.19.0.0/16 dev eth0"]),
  ];
  const { host, vigie } = await alone(lab, { lines });
  await vigie.saw(
    /route "198\.18\.0\.0\/16 via 203\.0\.113\.1" cannot be made: .*ENETUNREACH.*gateway/,
  );
  assert.equal(routesOf(host).length, 1, "the rest is made");
  ipCommand(host, "address", "add", "203.0.113.2/24", "dev", "eth0");
  await until(() => routesOf(host).length === 2, "the route whose gateway can be reached now");
  ipCommand(host, "address", "del", "203.0.113.2/24", "dev", "eth0");
  assert.equal(await vigie.stop(), 0);
  assert.ok(hasNone(host));
});

labTest(
  "what a killed daemon left is removed by the next one, appended routes too",
  async (lab) => {
    const more = ["append 198.19.0.0/16 via 192.0.2.4", "append 198.19.0.0/16 via 192.0.2.5"];
    const lines = [block("virtual_routes", [...ROUTES, ...more]), block("virtual_rules", RULES)];
    const { host, vigie } = await alone(lab, { lines });
    await until(() => routesOf(host).length === ROUTES.length + 2, "all routes");
    await vigie.crash();
    assert.equal(routesOf(host).length, ROUTES.length + 2, "they are left");
    // Another gateway than before: it is the same place in the table.
    const other = lines.map((text) => text.replaceAll("192.0.2.5", "192.0.2.6"));
    // A fault: it does not become master and make them anew.
    const text = router({ priority: 100, lines: [...other, "track_interface {\n lo1\n }"] });
    const next = await lab.vigie(host, file(["dynamic_interfaces"], text));
    await next.saw(/removing routes and rules left by a predecessor/);
    assert.ok(hasNone(host), routesOf(host).join("\n"));
  },
);

labTest(
  "a restart in place does not touch routes and rules, and the next stop removes them",
  async (lab) => {
    const { host, vigie } = await alone(lab);
    const monitor = lab.keep(
      new Process({
        name: "ip monitor",
        namespace: host.namespace,
        command: "ip",
        args: ["monitor", "route", "rule"],
      }),
    );
    const mark = "198.18.99.0/24";
    await until(() => {
      ipCommand(host, "route", "replace", mark, "dev", "eth0");
      return monitor.said(/198\.18\.99\.0/).length > 0;
    }, "the monitor to listen");
    const from = monitor.lines.length;
    for (let round = 0; round < 2; round++) {
      const { code, text } = await runVigie(host, ["restart"]);
      assert.equal(code, 0, text);
    }
    ipCommand(host, "route", "del", mark, "dev", "eth0");
    await until(() => monitor.said(/^Deleted 198\.18\.99\.0/).length > 0, "the mark at the end");
    const touched = monitor.lines.slice(from).filter((line) => line.includes("keepalived"));
    assert.deepEqual(touched, [], "neither added nor deleted");
    assert.ok(hasAll(host));
    assert.equal(await vigie.stop(), 0);
    assert.ok(hasNone(host));
  },
);

labTest(
  "who is gone when a new image reads the file leaves no route, rule or setting",
  async (lab) => {
    const host = lab.host("a");
    using images = new Images();
    const second = router({ name: "VI_2", vrid: 52, addresses: ["192.0.2.102/24"] });
    const lines = ["promote_secondaries", ...LINES];
    setPromotion(host, "0");
    const vigie = packed(lab, host, images, file([], router({ priority: 255, lines }), second));
    await until(() => hasAll(host), "routes and rules");
    assert.equal(promotion(host), "1");
    // The file loses the first instance after the rehearsal, which has found nobody to resign.
    const only = images.write("second.conf", "");
    Deno.writeTextFileSync(only, file([], second));
    const script = `[ "$1" = run ] && cp ${only} "$3"\n${GENUINE}`;
    const next = images.write("next", script);
    const { code, text } = await runVigie(
      host,
      ["upgrade", next, "--executable", images.path("vigie")],
    );
    assert.equal(code, 0, text);
    assert.ok(hasNone(host), [...routesOf(host), ...rulesOf(host)].join("\n"));
    assert.equal(promotion(host), "0", "put back");
    assert.equal(await vigie.stop(), 0);
  },
);

labTest("a reload exchanges the routes and rules that are other ones", async (lab) => {
  const host = lab.host("a");
  const vigie = await startReloading(lab, host, config({ priority: 255 }));
  await vigie.saw(/Entering MASTER STATE/);
  const lines = [
    block("virtual_routes", [ROUTES[0]!, "198.20.0.0/16 dev eth0"]),
    block("virtual_rules", [RULES[1]!]),
  ];
  await vigie.hup(config({ priority: 255, lines }));
  await until(() => rulesOf(host).length === 1, "the rules of the new configuration");
  await until(() => routesOf(host).join().includes("198.20.0.0/16"), "the new route");
  assert.equal(routesOf(host).length, 2);
  assert.equal(vigie.said(/Entering MASTER STATE/).length, 1);
});

labTest("an operator's route that goes makes room, also where all else is quiet", async (lab) => {
  const host = lab.host("a");
  ipCommand(host, "route", "add", "198.18.0.0/16", "via", "192.0.2.9");
  const lines = [block("virtual_routes", ["198.18.0.0/16 via 192.0.2.3 dev eth0"])];
  const vigie = await lab.vigie(host, config({ priority: 255, lines }));
  await vigie.saw(/is there already and not by vigie/);
  await until(() => holds(host, VIP), "its own address, after which nothing changes any more");
  await never(() => routesOf(host).join().includes("via 192.0.2.3"), "both at once", 1500);
  ipCommand(host, "route", "del", "198.18.0.0/16");
  await until(() => routesOf(host).join().includes("via 192.0.2.3"), "the configured route");
});

labTest("a reload leaves alone the route of a master that a new instance has too", async (lab) => {
  const host = lab.host("a");
  const lines = [block("virtual_routes", ["198.18.0.0/16 via 192.0.2.3 dev eth0"])];
  const one = router({ priority: 255, lines });
  const two = router({ name: "VI_2", vrid: 52, addresses: ["192.0.2.102/24"], lines });
  const node = await startReloading(lab, host, one);
  await until(() => routesOf(host).length === 1, "the route");
  await node.reload(`${one}\n${two}`);
  await until(() => holds(host, "192.0.2.102"), "the new one to be master");
  assert.deepEqual(node.said(/put back|left by a predecessor/), []);
  await node.reload(two);
  await until(() => !holds(host, VIP), "the old one to be gone");
  assert.equal(routesOf(host).length, 1, "the other still has it");
  assert.equal(await node.stop(), 0);
  assert.ok(hasNone(host));
});
