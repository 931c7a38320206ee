/**
 * Prepares for a probe in a process that has loaded nothing yet, and prints how long that took, and
 * then how long it takes to load the modules that looking needs, as JSON. Arguments: a probe as JSON,
 * names of modules.
 */

import type { PolledProbe } from "../../lib/core/probe_spec.ts";
import { prepareProbe } from "../../lib/track/checkers.ts";

const [probe, ...modules] = Deno.args;
const beganMs = performance.now();
await prepareProbe(JSON.parse(probe!) as PolledProbe);
const readyMs = performance.now();
for (const module of modules) await import(module);
console.log(JSON.stringify({
  preparedMs: readyMs - beganMs,
  loadedMs: performance.now() - readyMs,
}));
