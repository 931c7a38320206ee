import { deepEqual, equal } from "node:assert/strict";
import { LogLimiter } from "../lib/engine/log_limiter.ts";
import type { EngineEvent } from "../lib/engine/messages.ts";
import { type Claim, clearRouting, type Routing, type RoutingTools } from "../lib/engine/routes.ts";
import { parseConfig } from "../config/mod.ts";

const TEXT = `vrrp_instance V {
 interface eth0
 virtual_router_id 51
 virtual_routes {
  198.18.0.0/16 dev eth0
 }
}
`;

Deno.test("clearRouting() asks for the kernel's list once for all, which may be long", () => {
  const { routes, rules } = parseConfig(TEXT, "f").config.instances[0]!;
  const claims = Array.from({ length: 9 }, (_, at): Claim => ({
    speaker: { name: `V${at}`, limiters: { packets: new LogLimiter(), host: new LogLimiter() } },
    wanted: { routes: routes.map((entry) => ({ ...entry, metric: at })), rules },
  }));
  let lists = 0;
  const said: string[] = [], none = { remove: () => [], leftovers: () => [] };
  const routing = {
    rules: none,
    routes: { ...none, leftovers: (all: readonly unknown[]) => lists++ === 0 ? all.slice(3) : [] },
    restore: () => {},
    note: () => {},
  };
  const tools: RoutingTools = {
    table: { byName: () => undefined },
    routing: routing as unknown as Routing,
    emit: (event: EngineEvent) => {
      if (event.kind === "log") said.push(event.log.instance ?? "");
    },
  };
  clearRouting(tools, claims);
  equal(lists, 2, "once, and once more for what was appended");
  deepEqual(said, ["V3", "V4", "V5", "V6", "V7", "V8"]);
});
