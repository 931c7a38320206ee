/** Each route and rule that keepalived makes of a line, vigie makes of the same line. */

import assert from "node:assert/strict";
import { block, file, router } from "./lab/config.ts";
import { KEEPALIVED, startKeepalived } from "./lab/keepalived.ts";
import { type Lab, peerTest } from "./lab/lab.ts";
import { routesOf, rulesOf } from "./lab/routing.ts";
import { until } from "./lab/until.ts";
import { RARE_ROUTE_LINES, ROUTE_LINES, RULE_LINES } from "./tools/route_lines.ts";

/** The owner of the addresses is master at once, and holds 192.0.2.100. */
function config(vrid: number, name: "virtual_routes" | "virtual_rules", lines: readonly string[]) {
  return file([], router({ vrid, priority: 255, version: 2, lines: [block(name, lines)] }));
}

/** The same host twice: what keepalived makes there, and what vigie does after it. */
async function both(
  lab: Lab,
  name: "virtual_routes" | "virtual_rules",
  lines: readonly string[],
  read: typeof routesOf,
): Promise<{ keepalived: string[]; vigie: string[] }> {
  const host = lab.host("a");
  const before = read(host);
  assert.deepEqual(before, []);
  const keepalived = await startKeepalived(host, config(51, name, lines));
  await keepalived.saw(/Entering MASTER STATE/);
  // It says so before it makes them; the last line's is the last to come.
  await until(() => read(host).length > 0, "keepalived's entries");
  let made = read(host);
  await until(() => {
    const now = read(host), isSame = now.join() === made.join();
    made = now;
    return isSame;
  }, "keepalived to have made them all");
  assert.equal(await keepalived.stop(), 0);
  await keepalived[Symbol.asyncDispose]();
  await until(() => read(host).length === 0, "keepalived to take them away");
  const vigie = await lab.vigie(host, config(51, name, lines));
  await vigie.saw(/Entering MASTER STATE/);
  await vigie.saw(/Startup complete/);
  const ours = read(host);
  assert.equal(await vigie.stop(), 0);
  assert.deepEqual(read(host), [], "vigie leaves nothing");
  return { keepalived: made, vigie: ours };
}

peerTest(
  KEEPALIVED,
  "vigie makes of every line of a route what keepalived makes of it",
  async (lab) => {
    const { keepalived, vigie } = await both(lab, "virtual_routes", ROUTE_LINES, routesOf);
    assert.ok(keepalived.length >= ROUTE_LINES.length, keepalived.join("\n"));
    assert.deepEqual(vigie, keepalived);
  },
);

peerTest(KEEPALIVED, "vigie makes of rare routes what keepalived makes of them", async (lab) => {
  // A kernel without a kind of tunnel, or without source prefixes, refuses both alike.
  const { keepalived, vigie } = await both(lab, "virtual_routes", [
    "198.18.0.0/24 via 192.0.2.2",
    ...RARE_ROUTE_LINES,
  ], routesOf);
  assert.deepEqual(vigie, keepalived);
});

peerTest(
  KEEPALIVED,
  "vigie makes of every line of a rule what keepalived makes of it",
  async (lab) => {
    const { keepalived, vigie } = await both(lab, "virtual_rules", RULE_LINES, rulesOf);
    assert.equal(keepalived.length, RULE_LINES.length, keepalived.join("\n"));
    assert.deepEqual(vigie, keepalived);
  },
);
